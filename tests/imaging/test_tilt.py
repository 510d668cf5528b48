"""Drawn films turned by a known angle, and pictures of which no tilt can be told."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cxr_core.imaging.tilt import _turned, tilt_degrees
from cxr_core.phantom.draw import draw_phantom


def tilted(pixels: np.ndarray, clockwise: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).rotate(-clockwise, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("degrees", [-15, -12, 12, 15])
def test_a_tilt_is_told_with_its_direction(degrees: float) -> None:
    found = tilt_degrees(tilted(draw_phantom(4, size=256).pixels, degrees))
    assert found == pytest.approx(degrees, abs=3)


def test_a_film_that_lies_straight_or_nearly_has_none() -> None:
    film = draw_phantom(4, size=256).pixels
    assert tilt_degrees(film) is None
    assert tilt_degrees(tilted(film, 4)) is None


def test_of_noise_and_of_one_gray_no_tilt_is_told() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (256, 256)).astype(np.uint8)
    assert tilt_degrees(noise) is None
    assert tilt_degrees(np.full((256, 256), 77, np.uint8)) is None


def test_a_film_is_turned_as_scipy_does_it() -> None:
    film = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    angles = (-24.0, -3.0, 0.0, 18.0)
    expected = [ndimage.rotate(film, a, reshape=False, order=1, mode="nearest") for a in angles]
    np.testing.assert_allclose(_turned(film, angles), expected, atol=1e-5)
