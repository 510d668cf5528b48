"""Thumbnails and the little networks behind the input gate."""

import numpy as np
import pytest
from scipy.special import log_softmax

from cxr_core.imaging.gate import film_thumbnail, log_probabilities, thumbnails
from tests.helpers.gate import SIDE, brightness_gate


def test_a_thumbnail_has_mean_0_and_spread_1_whatever_the_exposure() -> None:
    square = np.random.default_rng(0).integers(60, 120, (224, 224)).astype(np.uint8)
    square[100:] += 60
    thumbs = thumbnails(np.stack([square, square // 2 + 20]))
    assert thumbs.shape == (2, 32 * 32)
    assert thumbs.mean(axis=1) == pytest.approx([0, 0], abs=1e-5)
    assert thumbs.std(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert np.abs(thumbs[0] - thumbs[1]).max() < 0.1


def test_a_blank_square_is_nought() -> None:
    assert not thumbnails(np.full((1, 224, 224), 77, np.uint8)).any()


def test_to_invert_is_to_change_the_sign() -> None:
    square = np.random.default_rng(1).integers(0, 255, (224, 224)).astype(np.uint8)
    square[:112] //= 2
    thumb, inverted = thumbnails(np.stack([square, 255 - square]))
    assert np.abs(thumb + inverted).max() < 0.02


def test_a_film_of_any_size_has_the_thumbnail_of_its_square() -> None:
    film = np.tile(np.repeat([[0], [255]], 300, axis=0), (1, 400)).astype(np.uint8)  # (600, 400)
    thumb = film_thumbnail(film, brightness_gate())
    assert thumb.shape == (SIDE, SIDE)
    assert thumb[0] == pytest.approx(-1, abs=0.02)
    assert thumb[-1] == pytest.approx(1, abs=0.02)


def test_log_probabilities_by_hand() -> None:
    halves = np.repeat([-1.0, 1.0], SIDE * SIDE // 2)
    found = log_probabilities(np.stack([halves, -halves]).astype(np.float32), brightness_gate())
    # The hidden unit is 1 and 0, so the logits are (20 - 5, 5) and (-5, 5).
    np.testing.assert_allclose(found, log_softmax([[15, 5], [-5, 5]], axis=1), atol=1e-5)


def test_two_networks_give_the_mean_of_their_log_probabilities() -> None:
    one = brightness_gate()
    both = brightness_gate()
    arrays = both.arrays
    for name in ("hidden", "hidden_bias", "output", "output_bias"):
        arrays[name] = np.concatenate([arrays[name], arrays[name]])
    arrays["output_bias"][1] = (0.0, 0.0)
    thumb = np.zeros((1, SIDE * SIDE), np.float32)
    expected = (log_probabilities(thumb, one) + np.log(0.5)) / 2
    np.testing.assert_allclose(log_probabilities(thumb, both), expected, atol=1e-6)
