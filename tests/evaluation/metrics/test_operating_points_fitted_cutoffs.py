"""Preset cut-offs: by hand, and the same as the operating points' own search."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.operating_points import (
    CUTOFF_RULES,
    count_confusion,
    cutoff_by_rule,
    fit_operating_points,
)


def test_presets_by_hand() -> None:
    # Falling: one with, one without, then nine with and nine without in turns of blocks.
    labels = [1, 0] + [1] * 9 + [0] * 9
    probabilities = np.linspace(0.99, 0.01, 20)
    # Sensitivity 1.0 and specificity 0.9 at the last film of the block: the largest sum.
    assert cutoff_by_rule(labels, probabilities, "youden") == probabilities[10]
    # Nine of ten are reached one film earlier.
    assert cutoff_by_rule(labels, probabilities, "sensitivity") == probabilities[9]
    # One false alarm of ten is allowed, and the next film below the block would be a second.
    assert cutoff_by_rule(labels, probabilities, "specificity") == probabilities[10]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_presets_hold_what_they_promise_and_no_better_cut_off_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 300)
    probabilities = (rng.random(300) + labels).round(2) / 2
    tried = {p: count_confusion(labels, probabilities, p) for p in np.unique(probabilities)}
    found = {preset: cutoff_by_rule(labels, probabilities, preset) for preset in CUTOFF_RULES}
    sums = {p: round(c.sensitivity + c.specificity, 9) for p, c in tried.items()}
    assert sums[found["youden"]] == max(sums.values())
    assert found["sensitivity"] == max(p for p, c in tried.items() if c.sensitivity >= 0.9)
    assert found["specificity"] == min(p for p, c in tried.items() if c.specificity >= 0.9)


def test_no_findings_point_is_the_operating_points_own() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, (400, 4))
    probabilities = (rng.random((400, 4)) + labels) / 2
    points = fit_operating_points(
        probabilities, labels, np.arange(400), criterion="specificity", n_resamples=5
    )
    cutoff = cutoff_by_rule(labels[:, 3], probabilities[:, 3], "specificity")
    assert cutoff == points["no_finding"].threshold


def test_where_there_is_no_cut_off_there_is_none() -> None:
    for preset in CUTOFF_RULES:
        assert cutoff_by_rule([1, 1, 1], [0.1, 0.2, 0.3], preset) is None
    # All films are tied: a cut-off would call every normal film ill.
    assert cutoff_by_rule([0, 1] * 5, [0.4] * 10, "specificity") is None
    assert cutoff_by_rule([0, 1] * 5, [0.4] * 10, "youden") is None
    assert cutoff_by_rule([0, 1] * 5, [0.4] * 10, "sensitivity") == 0.4
