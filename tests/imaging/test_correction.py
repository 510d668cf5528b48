"""One correction, however it was come by: its parts, its one spelling, its words."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cxr_core.errors import ImageError
from cxr_core.imaging.correction import (
    CORRECTIONS,
    Correction,
    Crop,
    correction_key,
    correction_words,
)
from cxr_core.imaging.radiograph import apply_correction
from tests.helpers.analyses import make_radiograph
from tests.helpers.errors import image_error

# A film that looks different under every turn, mirror and inversion.
FILM = make_radiograph(
    np.random.default_rng(3).integers(0, 256, (80, 96)).astype(np.uint8), orientation=("L", "F")
)
MOVES: dict[str, Callable[[Any], Any]] = {
    "invert": lambda film: 255 - film,
    "mirror": np.fliplr,
    "rotate_ccw": np.rot90,
    "rotate_cw": lambda film: np.rot90(film, -1),
    "rotate_180": lambda film: np.rot90(film, 2),
    "crop_1_2_3_4": lambda film: film[2:-4, 1:-3],
}


# Large enough to be cropped three times.
LARGE = make_radiograph(np.kron(FILM.pixels, np.ones((2, 2), np.uint8)))


@pytest.mark.parametrize("steps", list(itertools.product(MOVES, repeat=3)))
def test_steps_in_any_order_do_to_the_film_what_each_says(steps: tuple[str, ...]) -> None:
    expected = LARGE.pixels
    for step in steps:
        expected = MOVES[step](expected)
    done = Correction.parse("+".join(steps))
    assert np.array_equal(apply_correction(LARGE, done).pixels, expected)
    assert Correction.parse(done.key) == done  # the one spelling means the same


def test_two_ways_to_the_same_film_are_one_correction() -> None:
    assert correction_key("rotate_cw+invert") == correction_key("invert+rotate_cw")
    assert correction_key("rotate_cw+invert") == "invert+rotate_cw"
    assert correction_key("mirror+rotate_cw") == correction_key("rotate_ccw+mirror")
    assert correction_key("rotate_cw+rotate_cw") == "rotate_180"
    assert correction_key("window_1+window_2") == "window_2"  # the last one holds
    for nothing in (None, "", "invert+invert", "mirror+mirror", "rotate_cw+rotate_ccw"):
        assert correction_key(nothing) is None


def test_all_of_it_is_told_in_words() -> None:
    words = correction_words("rotate_cw+mirror+invert+crop_0_0_8_0+gray_levels")
    assert words.done == (
        "stretched to its own gray range, cropped by its bars (8 px bottom), inverted, mirrored "
        "and rotated 90° counter-clockwise"
    )
    both = correction_words("invert+rotate_cw")
    assert both.action == "Invert and rotate 90° clockwise"
    assert both.doing == "Inverting it and rotating it 90° clockwise"
    assert correction_words("crop_60_0_50_0").action == "Crop the bars (60 px left and 50 px right)"


@pytest.mark.parametrize("key", ["flip", "invert+", "crop_1_2_3", "invert+flip", "window_two"])
def test_what_is_no_correction_is_refused(key: str) -> None:
    error = image_error(correction_key, key)
    assert error.problem == "There is no such correction"
    assert all(name in error.remedy for name in CORRECTIONS)


def test_sides_that_the_file_states_end_with_a_turn_or_a_mirror() -> None:
    for kept in ("invert", "crop_1_0_0_0"):
        assert apply_correction(FILM, kept).orientation == ("L", "F")
    for gone in ("mirror", "rotate_180", "invert+rotate_cw"):
        assert apply_correction(FILM, gone).orientation is None


def test_the_viewers_values_and_the_models_are_cut_and_turned_alike() -> None:
    done = apply_correction(FILM, "crop_4_8_2_6+invert+rotate_cw+mirror")
    assert done.stored.shape == done.pixels.shape == (90, 66)
    assert done.inverted  # the viewer inverts the stored values, which stay as they are
    np.testing.assert_array_equal(255 - done.stored, done.pixels)


def test_a_crop_must_leave_a_film() -> None:
    assert apply_correction(FILM, "crop_16_0_16_16").pixels.shape == (64, 64)
    with pytest.raises(ImageError, match="leaves too little of the film: 33 px left of 96 x 80"):
        apply_correction(FILM, "crop_33_0_0_0")


def test_a_crop_of_nothing_is_none() -> None:
    assert not Crop()
    assert correction_key("crop_0_0_0_0") is None
