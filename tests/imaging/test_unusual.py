"""Noise and lost gray levels are told; films are not told of them."""

from collections.abc import Callable

import numpy as np
import pytest

from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.unusual import EQUALISED, NOISY, TWO_LEVELS, unusual_notes
from cxr_core.phantom.draw import draw_phantom

FILM = draw_phantom(3, size=384).pixels


def noisy(film: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 20, film.shape)
    return (film + noise).clip(0, 255).astype(np.uint8)


def equalised(film: np.ndarray) -> np.ndarray:
    ranks = film.ravel().argsort(kind="stable").argsort()
    return (ranks * 256 // film.size).astype(np.uint8).reshape(film.shape)


def stretched(film: np.ndarray, low: float, high: float) -> np.ndarray:
    black, white = np.percentile(film, (low, high))
    return ((film - black) * (255 / (white - black))).clip(0, 255).astype(np.uint8)


def boxed(film: np.ndarray) -> np.ndarray:
    spoilt = np.array(film)
    spoilt[100:260, 100:280] = 0
    return spoilt


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (noisy, NOISY),
        (equalised, EQUALISED),
        (lambda film: ((film > 128) * 255).astype(np.uint8), TWO_LEVELS),
        (lambda film: stretched(film, 0.1, 60), "of the film is plain white"),
        (boxed, "of the film, inside it, is plain black"),
    ],
    ids=["noisy", "equalised", "two levels", "white", "black inside"],
)
def test_what_makes_a_film_unlike_others_is_told(
    change: Callable[[np.ndarray], np.ndarray], told: str
) -> None:
    assert any(told in note for note in unusual_notes(to_square(change(FILM), 224)))


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_told_of_films(seed: int) -> None:
    film = draw_phantom(seed, size=384).pixels
    bordered = np.pad(film, 40)  # black that reaches the edge is a border
    for shown in (film, bordered):
        assert unusual_notes(to_square(shown, 224)) == ()
