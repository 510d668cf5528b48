"""Corrections on a film whose pixels are known."""

import io

import numpy as np
import pytest
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import Radiograph, apply_correction, read_radiograph


@pytest.fixture(scope="module")
def film() -> Radiograph:
    """64 x 96 pixels, black, with a white upper left corner."""
    pixels = np.zeros((64, 96), np.uint8)
    pixels[:8, :8] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return read_radiograph(stream.getvalue())


def test_invert_is_a_negative_and_twice_the_film(film: Radiograph) -> None:
    negative = apply_correction(film, "invert")
    np.testing.assert_array_equal(negative.pixels, 255 - film.pixels)
    assert negative.inverted is True
    again = apply_correction(negative, "invert")
    np.testing.assert_array_equal(again.pixels, film.pixels)
    assert again.inverted is False


@pytest.mark.parametrize(
    ("correction", "shape", "corner"),
    [
        ("rotate_ccw", (96, 64), (-1, 0)),
        ("rotate_cw", (96, 64), (0, -1)),
        ("rotate_180", (64, 96), (-1, -1)),
    ],
)
def test_turns_move_the_marked_corner(
    film: Radiograph, correction: str, shape: tuple[int, int], corner: tuple[int, int]
) -> None:
    turned = apply_correction(film, correction)
    assert turned.pixels.shape == shape
    assert turned.pixels[corner] == 255
    assert turned.stored[corner] == 255
    assert turned.orientation is None
    assert turned.sha256 == film.sha256
    assert "on request" in turned.processing_log[-1]


def test_unknown_correction_is_refused(film: Radiograph) -> None:
    with pytest.raises(ImageError, match=r"no such correction: flip\. Choose one of invert"):
        apply_correction(film, "flip")
