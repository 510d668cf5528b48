"""Windows that do not fit their film, and what the model reads in their place."""

import re

import numpy as np
import pytest
from pydicom import Dataset

from cxr_core.imaging.decoded import DecodedFilm
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import decode, has_warning, lut_sequence

PHANTOM = draw_phantom(5, size=128).pixels


def widened(bits: int) -> np.ndarray:
    return np.rint(PHANTOM * ((2**bits - 1) / 255)).astype(np.uint16)


def read(bits: int = 12, values: np.ndarray | None = None, **tags: object) -> DecodedFilm:
    film = widened(bits) if values is None else values
    return decode(film, **{"BitsStored": bits, "HighBit": bits - 1, **tags})


def broken_tables() -> dict[str, list[Dataset]]:
    short = lut_sequence([0, 20, 40, 60], 0, 16)
    missing = lut_sequence([0, 1], 0, 12)
    del missing[0].LUTData
    far = lut_sequence(list(range(0, 4096, 64)), 30000, 12)
    flat = lut_sequence([9] * 4096, 0, 12)
    order = np.random.default_rng(0).permutation(4096).tolist()
    return {"short": short, "missing": missing, "far": far, "flat": flat,
            "shuffled": lut_sequence(order, 0, 12)}  # fmt: skip


@pytest.mark.parametrize("bits", [12, 14, 16])
@pytest.mark.parametrize("times", [4, 16, 1000])
def test_a_window_far_too_wide_is_not_taken(bits: int, times: int) -> None:
    film = read(bits, WindowCenter=times * 2 ** (bits - 1), WindowWidth=times * 2**bits)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == (
        f"The file's window does not fit the film; the full range of {bits} bits was used.",
    )
    assert film.window is None


@pytest.mark.parametrize("slope", [0.25, 1, 2, -1])
@pytest.mark.parametrize("intercept", [-1024, 500])
def test_a_window_for_values_before_the_rescale(slope: float, intercept: float) -> None:
    film = read(RescaleSlope=slope, RescaleIntercept=intercept, WindowCenter=2048, WindowWidth=4096)
    expected = 255 - PHANTOM if slope < 0 else PHANTOM
    np.testing.assert_array_equal(film.pixels, expected)
    assert has_warning(film, "is one for the values before the rescale")


def test_a_window_for_values_after_the_rescale_is_taken_as_it_is() -> None:
    film = read(RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=3072, WindowWidth=8192)
    assert np.abs(film.pixels.astype(int) - PHANTOM).max() <= 1
    assert film.warnings == ()


@pytest.mark.parametrize(
    ("center", "width"), [(60000, 300), (40, 400), (8192, 16384), (2048, 0), (-9000, 100)]
)
def test_a_useless_first_window_beside_a_good_second_one(center: float, width: float) -> None:
    film = read(WindowCenter=[center, 2048], WindowWidth=[width, 4096])
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.window == (2048, 4096)
    assert film.warnings == (
        "The file's first window does not fit the film; the file's window 2 was used.",
    )


@pytest.mark.parametrize("kind", list(broken_tables()))
def test_a_broken_table_beside_a_good_window(kind: str) -> None:
    film = read(VOILUTSequence=broken_tables()[kind], WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == (
        "The file's VOI table does not fit the film; the file's window 1 was used.",
    )


def test_a_good_table_comes_before_a_good_window() -> None:
    rising = lut_sequence(list(range(4096)), 0, 12)
    film = read(VOILUTSequence=rising, WindowCenter=1500, WindowWidth=2500)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == ()


@pytest.mark.parametrize("depth", [12, 14, 16])
def test_a_hot_pixel_sets_no_range(depth: int) -> None:
    values = widened(11) if depth == 12 else widened(12)
    values[40, 50] = 2**depth - 1
    film = read(depth, values)
    assert film.stored[40, 50] < 4096  # mended for the viewer, too
    expected = PHANTOM.copy()
    expected[40, 50] = film.pixels[40, 50]
    np.testing.assert_array_equal(film.pixels, expected)
    around = PHANTOM[39:42, 49:52]
    assert around.min() <= film.pixels[40, 50] <= around.max()
    assert film.warnings[1] == (
        "1 single pixel far outside the film's gray range was given its neighbours' value "
        "(a defect)."
    )


def test_the_bright_end_of_monochrome1_is_kept() -> None:
    film = read(PhotometricInterpretation="MONOCHROME1", WindowCenter=8192, WindowWidth=16384)
    np.testing.assert_array_equal(film.pixels, 255 - PHANTOM)


@pytest.mark.parametrize(
    ("center", "width", "told"),
    [
        (1024, 2048, r"The file's window 1 shows \d\d% of the film as plain black or white\."),
        (2048, 1365, r"The file's window 1 shows \d\d% of the film as plain black or white\."),
        (2867, 5734, r"The file's window 1 leaves the film only \d\d% of the gray levels\."),
        (2048, 4096, ""),
        (1900, 3600, ""),
    ],
)
def test_what_a_window_that_is_taken_leaves_out_is_told(
    center: float, width: float, told: str
) -> None:
    film = read(WindowCenter=center, WindowWidth=width)
    assert film.window == (center, width)
    assert [bool(re.fullmatch(told, warning)) for warning in film.warnings] == [True] * bool(told)


def test_a_pale_film_in_a_window_of_all_its_bits_is_no_reason_to_tell() -> None:
    film = read(values=(widened(12) * 0.7).astype(np.uint16), WindowCenter=2048, WindowWidth=4096)
    assert film.window == (2048, 4096)
    assert film.warnings == ()


def test_8_bit_values_with_a_window_that_does_not_fit_are_kept() -> None:
    film = decode(PHANTOM, WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(film.pixels, PHANTOM)
    assert film.warnings == (
        "The file's window does not fit the film; the 8-bit values were kept.",
    )


def test_a_small_intercept_beside_many_bits_is_told_too() -> None:
    film = read(
        16, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=2**15, WindowWidth=2**16
    )  # fmt: skip
    np.testing.assert_array_equal(film.pixels, PHANTOM)
