"""Bars around a drawn film: found to the pixel, whatever their gray; and what is no bar."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.bars import find_bars
from cxr_core.imaging.correction import Crop
from cxr_core.phantom.draw import draw_phantom

FILM = draw_phantom(5, size=320).pixels


def between_bars(
    film: np.ndarray, crop: Crop, level: int, *, noise: float = 0.0, jpeg: int = 0
) -> np.ndarray:
    widths = ((crop.top, crop.bottom), (crop.left, crop.right))
    bars = np.pad(np.zeros(film.shape, bool), widths, constant_values=True)
    whole = np.pad(film.astype(float), widths, constant_values=level)
    whole += bars * np.random.default_rng(0).normal(0, noise, whole.shape)
    pixels = whole.round().clip(0, 255).astype(np.uint8)
    if jpeg:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=jpeg)
        pixels = np.asarray(Image.open(stream))
    return pixels


KINDS: dict[str, Any] = {
    "black": {"level": 0},
    "white": {"level": 255},
    "gray": {"level": 128},
    "dark gray": {"level": 40},
    "noisy": {"level": 128, "noise": 3.0},
    "noisy black": {"level": 2, "noise": 2.0},
    "JPEG": {"level": 255, "jpeg": 75},
    "noisy JPEG": {"level": 100, "noise": 2.0, "jpeg": 85},
}
PLACES = {
    "left and right": Crop(left=40, right=40),
    "top and bottom": Crop(top=64, bottom=56),
    "all sides": Crop(left=24, top=40, right=32, bottom=16),
    "wide": Crop(left=160, right=160),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_bars_are_found_where_they_end(kind: str, place: str) -> None:
    true = PLACES[place]
    found = find_bars(between_bars(FILM, true, **KINDS[kind]))
    assert found is not None
    for side in ("left", "top", "right", "bottom"):
        assert abs(getattr(found, side) - getattr(true, side)) <= 2 * bool(getattr(true, side))


def test_a_film_without_bars_has_none() -> None:
    assert find_bars(FILM) is None
    assert find_bars(FILM[:, 20:-60]) is None


@pytest.mark.parametrize("level", [0, 90, 255])
def test_one_gray_all_over_has_no_bars(level: int) -> None:
    assert find_bars(np.full((300, 300), level, np.uint8)) is None


def test_what_is_on_one_side_or_thin_or_of_two_grays_is_left_alone() -> None:
    assert find_bars(between_bars(FILM, Crop(left=40), 0)) is None
    assert find_bars(between_bars(FILM, Crop(left=6, right=6), 0)) is None
    two = between_bars(FILM, Crop(left=40, right=40), 0)
    two[:, -40:] = 200
    assert find_bars(two) is None


def test_a_collimated_border_is_no_bar() -> None:
    """Its shadow is not one gray, and its edge is soft and a little askew."""
    height, width = FILM.shape
    y, x = np.mgrid[:height, :width]
    into = np.minimum(x - 0.06 * y, width - 1 - x - 0.06 * (height - 1 - y)) - 30  # px
    light = 1 / (1 + np.exp(-into / 4))
    assert find_bars((FILM * light + 8).clip(0, 255).astype(np.uint8)) is None
