"""The map whose zero is the operating point."""

import numpy as np
import pytest

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.evaluation.scoring import cutoff_logits, margin_maps, margins, to_probabilities
from cxr_core.findings import KEYS

CALIBRATION = Calibration(0.5, (0.4, -0.3, 0.2, 0.0))
POINTS = {
    key: OperatingPoint(t, 0.0, 1.0, "sensitivity", 0.8, 0.8, 0.5)
    for key, t in zip(KEYS, (0.5, 0.2, 0.8, 0.31), strict=True)
}
LOGITS = np.array([0.2, -1.0, 3.0, -0.4])


def test_cut_offs_are_log_odds() -> None:
    assert cutoff_logits(POINTS) == pytest.approx([0, np.log(0.25), np.log(4), np.log(0.31 / 0.69)])


def test_a_margin_is_zero_or_more_exactly_where_the_probability_reaches_the_point() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (500, 4))
    thresholds = [POINTS[key].threshold for key in KEYS]
    above = to_probabilities(logits, CALIBRATION) >= thresholds
    assert (margins(logits, CALIBRATION, POINTS) >= 0).tolist() == above.tolist()


def test_a_maps_mean_is_the_margin_and_its_differences_are_scaled_evidence() -> None:
    evidence = np.random.default_rng(1).normal(0, 2, (4, 7, 7))
    maps = margin_maps(evidence, LOGITS, CALIBRATION, POINTS)
    assert maps.mean(axis=(1, 2)) == pytest.approx(margins(LOGITS, CALIBRATION, POINTS))
    assert maps[0, 0, 0] - maps[0, 3, 4] == pytest.approx(
        0.5 * (evidence[0, 0, 0] - evidence[0, 3, 4])
    )
    # By hand for one cell: scale * (map + bias) + offset - cut-off, bias = logit - mean(map).
    bias = LOGITS[1] - evidence[1].mean()
    by_hand = 0.5 * (evidence[1, 2, 2] + bias) - 0.3 - np.log(0.25)
    assert maps[1, 2, 2] == pytest.approx(by_hand)


def test_films_may_be_many() -> None:
    evidence = np.random.default_rng(2).normal(size=(3, 4, 7, 7))
    maps = margin_maps(evidence, np.stack([LOGITS] * 3), CALIBRATION, POINTS)
    one = margin_maps(evidence[2], LOGITS, CALIBRATION, POINTS)
    assert maps.shape == (3, 4, 7, 7)
    np.testing.assert_allclose(maps[2], one)


def test_a_cut_off_of_nought_is_far_but_finite() -> None:
    point = OperatingPoint(0.0, 0.0, 1.0, "sensitivity", 0.8, 0.8, 0.5)
    assert np.isfinite(cutoff_logits(dict.fromkeys(KEYS, point))).all()
