"""Single pixels far outside a film are mended; what belongs to the film or to a marker is not."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.gray_range import FilmRange
from cxr_core.imaging.hot_pixels import mend_hot_pixels
from cxr_core.imaging.raster import decode_raster
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.films import encode, png16

FILM = FilmRange(0.0, 400.0)


def slope() -> np.ndarray:
    """(20, 20), 0 to 399 in even steps."""
    return np.arange(400).reshape(20, 20).astype(np.int32)


@pytest.mark.parametrize("place", [(7, 9), (0, 0), (19, 19), (0, 12), (11, 19)])
@pytest.mark.parametrize("value", [-4000, 60_000])
def test_a_single_pixel_gets_a_value_of_its_neighbours(place: tuple[int, int], value: int) -> None:
    values = slope()
    values[place] = value
    before = values.copy()
    mended, note = mend_hot_pixels(values, FILM)
    row, column = place
    around = slope()[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    assert around.min() <= mended[place] <= around.max()
    expected = slope()
    expected[place] = mended[place]
    np.testing.assert_array_equal(mended, expected)
    np.testing.assert_array_equal(values, before)  # the caller's own stays
    assert note is not None
    assert note.startswith("1 single pixel far outside the film's gray range was given its")


def test_several_pixels_that_stand_alone() -> None:
    values = slope()
    values[3, 3], values[3, 5], values[10, 10] = 5000, 6000, -5000
    mended, note = mend_hot_pixels(values, FILM)
    assert mended.min() >= 0
    assert mended.max() < 400
    assert note is not None
    assert note.startswith("3 single pixels")


@pytest.mark.parametrize(
    "where", [np.s_[4, 4:9], np.s_[4:9, 4], np.s_[4:6, 4:6], np.s_[:, 3], np.s_[:3], np.s_[0:2, 0]]
)
def test_a_line_a_letter_and_a_border_stay(where: Any) -> None:
    values = slope()
    values[where] = 60_000
    mended, note = mend_hot_pixels(values, FILM)
    assert mended is values
    assert note is None


def test_a_bright_pixel_within_reach_of_the_film_stays() -> None:
    values = slope()
    values[7, 7] = 500  # a quarter of its range above it
    assert mend_hot_pixels(values, FILM) == (values, None)


@pytest.mark.parametrize(("beside", "value"), [(370, 430), (0, 560)])
def test_a_point_of_a_letter_stays(beside: int, value: int) -> None:
    values = slope()
    values[6:9, 6:9] = 200
    values[6, 6] = beside  # a paler point of the stroke, or the ground behind the letter
    values[7, 7] = value
    assert mend_hot_pixels(values, FilmRange(0.0, 300.0)) == (values, None)


def test_padding_is_no_defect() -> None:
    values = slope()
    values[7, 7] = 60_000
    mask = np.ones(values.shape, np.bool_)
    mask[7, 7] = False
    assert mend_hot_pixels(values, FILM, mask) == (values, None)


def test_8_bit_values_are_kept_whatever_stands_in_them() -> None:
    film = (60 + draw_phantom(4, size=96).pixels / 2).astype(np.uint8)
    film[40, 40] = 255
    read = decode_raster(encode(Image.fromarray(film)))
    np.testing.assert_array_equal(read.pixels, film)
    assert all("film is flat" in warning for warning in read.warnings)


def test_a_hot_pixel_does_not_darken_a_16_bit_film_with_alpha() -> None:
    film = draw_phantom(4, size=96).pixels
    values = np.repeat((film.astype(np.uint16) * 257)[..., None], 4, axis=2)
    values[..., 3] = 65535
    values[40, 40, :3] = 65535
    untouched = np.ones(film.shape, np.bool_)
    untouched[40, 40] = False
    read = decode_raster(png16(values, 6))
    np.testing.assert_array_equal(read.pixels[untouched], film[untouched])
