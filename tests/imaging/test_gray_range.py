"""The range of a film by its pixels: no defect, marker or border sets it."""

import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.gray_range import (
    film_range,
    gray_range,
    nominal_range,
    sample_film,
    window_fit,
)
from cxr_core.imaging.raster import decode_raster
from cxr_core.imaging.tiff import decode_tiff
from cxr_core.imaging.windowing import Window
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.films import encode

PHANTOM = draw_phantom(3, size=192).pixels


def widened(bits: int) -> np.ndarray:
    """The phantom on the full range of so many bits."""
    return np.rint(PHANTOM * ((2**bits - 1) / 255)).astype(np.uint16)


def spoilt(values: np.ndarray, defect: str) -> np.ndarray:
    """The same film with something at full scale that is none of it."""
    film = values.copy()
    if defect == "hot pixel":
        film[70, 90] = 65535
    elif defect == "dead line":
        film[:, 40] = 65535
    elif defect == "marker":
        film[8:28, 8:20] = 65535
    elif defect == "soft marker":
        film[8:28, 8:20] = np.linspace(5000, 65535, 12).astype(np.uint16)
    elif defect == "border":
        film[:20] = 65535
    return film


DEFECTS = ("hot pixel", "dead line", "marker", "soft marker", "border")


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_defect_at_full_scale_leaves_the_picture_as_it_is(kind: str, defect: str) -> None:
    decode = decode_raster if kind == "PNG" else decode_tiff
    film = spoilt(widened(12), defect)
    untouched = film == widened(12)
    read = decode(encode(Image.fromarray(film), kind))
    np.testing.assert_array_equal(read.pixels[untouched], PHANTOM[untouched])
    if defect == "hot pixel":  # a single pixel is mended, all else is only left out of the range
        around = PHANTOM[69:72, 89:92]
        assert around.min() <= read.pixels[70, 90] <= around.max()
        assert read.warnings[0].startswith("1 single pixel far outside the film's gray range")
    else:
        assert (read.pixels[~untouched] == 255).mean() > 0.9
        assert read.warnings[0].startswith("Left out of the gray range: ")
    assert decode(encode(Image.fromarray(widened(12)), kind)).warnings == ()


def test_a_border_at_zero_is_no_part_of_the_range() -> None:
    film = (1800 + PHANTOM * 3.0).astype(np.uint16)  # too little of any number of bits
    film[:, :60] = 0
    found = film_range(sample_film(film))
    assert 1795 <= found.low <= 1830
    assert 2300 <= found.high <= 2560


def test_the_bits_that_a_film_fills() -> None:
    assert nominal_range(0, 4000) == (0, 4095, 12)
    assert nominal_range(0, 2300) == (0, 4095, 12)
    assert nominal_range(100, 255) == (0, 255, 8)
    assert nominal_range(-1000, 900) == (-1024, 1023, 11)
    assert nominal_range(0, 2100) is None  # 0.51 of 12 bits: another range is as likely
    assert nominal_range(3000, 4000) is None
    assert nominal_range(0, 70_000) is None


def test_bits_are_told_from_before_the_rescale() -> None:
    film = film_range(sample_film(2.0 * widened(12) - 1000))
    shown = gray_range(film, integer=True, slope=2, intercept=-1000)
    assert (shown.low, shown.high, shown.name) == (-1000, 7190, "the full range of 12 bits")


@pytest.mark.parametrize(
    ("center", "width", "fits"),
    [
        (2048, 4096, True),
        (1800, 3000, True),
        (8192, 16384, False),  # four times too wide
        (60000, 300, False),
        (40, 400, False),  # a window of CT
        (6144, 4096, False),
        (2**20, 2**21, False),
    ],
)
def test_a_window_is_judged_by_the_film(center: float, width: float, fits: bool) -> None:
    sample = sample_film(widened(12))
    fit = window_fit(Window("", center, width), film_range(sample), sample)
    assert (fit >= 0.45) == fits
    assert (fit < 0.2) != fits


def test_a_shuffled_table_fits_no_film() -> None:
    sample = sample_film(widened(12))
    table = np.random.default_rng(0).integers(0, 256, 4096).astype(np.uint8)
    table[0], table[-1] = 0, 255
    window = Window("", 2048, 4096, lut=table)
    assert window_fit(window, film_range(sample), sample) == 0
    window = Window("", 2048, 4096, lut=np.sort(table))
    assert window_fit(window, film_range(sample), sample) > 0.5


@pytest.mark.parametrize("noise", [1, 8, 60])
def test_a_table_of_the_black_around_a_film_does_not_fit_it(noise: int) -> None:
    """Though it shows most of the picture's pixels: here the film is a ninth of them."""
    film = widened(12)
    picture = np.pad(film, film.shape[0])
    picture += np.random.default_rng(0).integers(0, noise, picture.shape, dtype=picture.dtype)
    sample = sample_film(picture)
    table = Window("", noise / 2, noise + 1, lut=np.linspace(0, 255, noise + 2).astype(np.uint8))
    assert window_fit(table, film_range(sample), sample) == 0
    assert window_fit(Window("", 2048, 4096), film_range(sample), sample) > 0.45


def test_a_film_of_one_value_has_no_range() -> None:
    found = film_range(sample_film(np.full((64, 64), 7, np.uint16)))
    assert (found.low, found.high) == (7, 7)
