"""The reader's own choice of gray levels: another window of the file, or the pixels' own range."""

import re

import numpy as np
import pytest
from PIL import Image

from cxr_core.export.record import correction_sentence
from cxr_core.imaging.correction import GRAY_LEVELS, correction_words
from cxr_core.imaging.radiograph import apply_correction, read_radiograph, window_corrections
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.dicom_files import film_dataset, lut_sequence, to_bytes
from tests.helpers.errors import image_error
from tests.helpers.films import encode

PHANTOM = draw_phantom(8, size=128).pixels
TWELVE = np.rint(PHANTOM * (4095 / 255)).astype(np.uint16)


def film(**tags: object) -> bytes:
    return to_bytes(film_dataset(TWELVE, BitsStored=12, HighBit=11, **tags))


def test_another_window_of_the_file_is_applied_to_the_stored_values() -> None:
    data = film(WindowCenter=[2048, 1024], WindowWidth=[4096, 2048])
    read = read_radiograph(data)
    assert window_corrections(read) == ("window_2",)
    other = apply_correction(read, "window_2")
    expected = np.rint((TWELVE / 2047.0 * 255).clip(0, 255))
    assert np.abs(other.pixels - expected).max() <= 1
    assert other.window == (1024, 2048)
    assert other.processing_log[-1] == "Windowed by the file's window 2 on request"
    back = apply_correction(other, "window_1")
    np.testing.assert_array_equal(back.pixels, read.pixels)


def test_a_table_of_the_file_can_be_chosen_too() -> None:
    falling = lut_sequence(list(range(4095, -1, -1)), 0, 12)
    data = film(VOILUTSequence=falling, WindowCenter=2048, WindowWidth=4096)
    read = read_radiograph(data)
    assert window_corrections(read) == ("window_1",)
    np.testing.assert_array_equal(apply_correction(read, "window_1").pixels, PHANTOM)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_gray_levels_from_the_pixels(photometric: str) -> None:
    faint = (1000 + PHANTOM * 2.0).astype(np.uint16)
    data = to_bytes(
        film_dataset(
            faint, BitsStored=12, HighBit=11, WindowCenter=1200, WindowWidth=800,
            PhotometricInterpretation=photometric,
        )
    )  # fmt: skip
    corrected = apply_correction(read_radiograph(data), GRAY_LEVELS)
    assert (corrected.pixels == 0).mean() < 0.5
    assert corrected.pixels.max() >= 250
    bright = corrected.pixels.astype(float)
    sign = -1 if photometric == "MONOCHROME1" else 1
    assert sign * np.corrcoef(bright.ravel(), PHANTOM.ravel())[0, 1] > 0.99


def test_a_flat_png_gets_its_own_range() -> None:
    flat = (100 + PHANTOM / 6).astype(np.uint8)
    read = read_radiograph(encode(Image.fromarray(flat)))
    np.testing.assert_array_equal(read.pixels, flat)
    (told,) = read.warnings
    assert re.fullmatch(
        r"The film is flat: it uses 3\d of 256 gray levels\. They can be derived from the pixels\.",
        told,
    )
    stretched = apply_correction(read, GRAY_LEVELS).pixels
    assert stretched.min() == 0
    assert stretched.max() == 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "DICOM"])
@pytest.mark.parametrize("dark", [True, False])
def test_a_film_in_one_half_of_its_8_bits_is_shown_in_all_of_them(kind: str, dark: bool) -> None:
    half = (PHANTOM // 4 if dark else 160 + PHANTOM // 3).astype(np.uint8)
    image = Image.fromarray(half)
    options = {"quality": 95} if kind == "JPEG" else {}
    data = to_bytes(film_dataset(half)) if kind == "DICOM" else encode(image, kind, **options)
    read = read_radiograph(data)
    assert np.corrcoef(read.pixels.ravel(), PHANTOM.ravel())[0, 1] > 0.99
    assert read.pixels.min() <= 2
    assert read.pixels.max() >= 250
    (told,) = read.warnings
    assert re.search(r"uses \d+ of 256 gray levels; the film's own range of values was used", told)
    if kind != "JPEG":
        np.testing.assert_array_equal(read.stored, half)


def test_a_nearly_uniform_picture_is_left_for_the_input_check() -> None:
    flat = (100 + PHANTOM // 20).astype(np.uint8)
    read = read_radiograph(encode(Image.fromarray(flat)))
    np.testing.assert_array_equal(read.pixels, flat)


def test_a_window_that_the_file_has_not_is_refused() -> None:
    read = read_radiograph(film(WindowCenter=2048, WindowWidth=4096))
    error = image_error(apply_correction, read, "window_2")
    assert error.problem == "There is no such correction"
    assert "window_1" in error.remedy
    assert image_error(correction_words, "window_two").value == "window_two"


def test_exports_say_what_was_chosen() -> None:
    assert correction_sentence("window_2") == (
        "The film was windowed by the file's window 2 at the reader's request before it was read."
    )
    assert correction_sentence(GRAY_LEVELS) == (
        "The film was stretched to its own gray range at the reader's request before it was read."
    )
