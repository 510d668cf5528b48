"""Calibration measures: scikit-learn's Brier score, repeated rows, and what chance leaves."""

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.calibration import (
    calibration_metrics,
    expected_calibration_error,
    expected_ece,
)
from cxr_core.evaluation.scoring import sigmoid
from tests.evaluation.metrics.test_calibration_slope import simulated


def test_figures_equal_scikit_learns_and_those_of_repeated_rows() -> None:
    y, z, patients = simulated(500)
    p, resamples = sigmoid(z), resample_units(patients, n_resamples=30)
    found = calibration_metrics(y, p, resamples)
    assert found.brier.estimate == pytest.approx(brier_score_loss(y, p), abs=1e-9)
    assert found.ece == expected_calibration_error(p, y)
    share = np.full(500, y.mean())
    assert found.brier_of_prevalence.estimate == pytest.approx(brier_score_loss(y, share), abs=1e-9)
    assert found.brier_skill_score.estimate == pytest.approx(
        1 - brier_score_loss(y, p) / brier_score_loss(y, share), abs=1e-9
    )
    assert found.mean_calibration_error.estimate == pytest.approx(p.mean() - y.mean(), abs=1e-12)
    drawn = []
    for counts in resamples.counts:
        rows = np.repeat(np.arange(500), counts[resamples.patient_index])
        a, b = y[rows], p[rows]
        brier, plain = brier_score_loss(a, b), a.mean() * (1 - a.mean())
        drawn.append([brier, plain, 1 - brier / plain, b.mean() - a.mean()])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    percentile = (
        found.brier,
        found.brier_of_prevalence,
        found.brier_skill_score,
        found.mean_calibration_error,
    )
    assert [one.low for one in percentile] == pytest.approx(low.tolist(), abs=1e-9)
    assert [one.high for one in percentile] == pytest.approx(high.tolist(), abs=1e-9)


def test_logits_are_used_where_they_are_given() -> None:
    y, z, patients = simulated(300)
    resamples = resample_units(patients, n_resamples=20)
    rounded = calibration_metrics(y, sigmoid(z + 40), resamples)
    given = calibration_metrics(y, sigmoid(z + 40), resamples, logits=z + 40)
    assert not rounded.slope.estimable  # some of these probabilities are 1
    assert given.slope.estimate == pytest.approx(
        calibration_metrics(y, sigmoid(z), resamples, logits=z).slope.estimate, rel=1e-9
    )


def test_what_chance_leaves_a_perfect_model() -> None:
    # Labels drawn from the probabilities themselves, many times over.
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, 600)
    drawn = [expected_calibration_error(p, rng.random(600) < p) for _ in range(400)]
    assert expected_ece(p) == pytest.approx(np.mean(drawn), rel=0.05)
    # One bin of n films at p: sqrt(2 / pi) of the standard error.
    assert expected_ece(np.full(100, 0.25)) == pytest.approx(
        math.sqrt(2 / math.pi * 0.25 * 0.75 / 100), rel=1e-12
    )


def test_a_calibrated_model_is_told_from_one_that_says_too_much() -> None:
    y, z, patients = simulated(3000, slope=1.0, intercept=0.0, seed=6)
    resamples = resample_units(patients, n_resamples=300)
    right = calibration_metrics(y, sigmoid(z), resamples)
    assert right.slope.low < 1 < right.slope.high
    assert right.intercept.low < 0 < right.intercept.high
    assert right.mean_calibration_error.low < 0 < right.mean_calibration_error.high
    assert right.brier_skill_score.low > 0
    loud = calibration_metrics(y, sigmoid(2 * z + 1), resamples)
    assert loud.slope.estimate == pytest.approx(right.slope.estimate / 2, rel=1e-6)
    assert loud.mean_calibration_error.low > 0
    assert loud.intercept.high < 0
    assert loud.ece > 5 * loud.expected_ece


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_measure(label: int) -> None:
    found = calibration_metrics(
        np.full(50, label), np.linspace(0.1, 0.9, 50), resample_units(np.arange(50))
    )
    assert math.isnan(found.ece)
    assert math.isnan(found.expected_ece)
    for one in (
        found.brier,
        found.brier_of_prevalence,
        found.brier_skill_score,
        found.mean_calibration_error,
        found.slope,
        found.intercept,
    ):
        assert one.text() == "not estimable"
