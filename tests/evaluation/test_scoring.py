"""Calibration: a known scale and offsets come back, a ranking is never changed."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cxr_core.config import Calibration
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.calibration import expected_calibration_error
from cxr_core.evaluation.scoring import (
    apply_calibration,
    fit_calibration,
    sigmoid,
    to_probabilities,
)


def simulated(n: int, *, scale: float, offsets: tuple[float, ...], seed: int = 0):
    """Raw logits, and labels drawn with the probability sigmoid(scale * logit + offset)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.0, 2.0, size=(n, 4))
    truth = 1.0 / (1.0 + np.exp(-(scale * logits + np.array(offsets))))
    return logits, (rng.random((n, 4)) < truth).astype(int)


def test_calibrated_logit_is_scale_times_logit_plus_offset() -> None:
    calibration = Calibration(0.5, (0.0, 1.0, -1.0, 2.0))
    assert apply_calibration([[2.0, 2.0, 2.0, 0.0]], calibration).tolist() == [[1.0, 2.0, 0.0, 2.0]]
    logits = np.array([[2.0, 0.0, 2.0, -4.0]], dtype=np.float32)
    probabilities = to_probabilities(logits, calibration)
    assert probabilities[0].tolist() == pytest.approx(
        [1 / (1 + math.exp(-1)), 0.7310585786, 0.5, 0.5]
    )
    assert probabilities.dtype == np.float64


def test_sigmoid_neither_overflows_nor_vanishes() -> None:
    assert sigmoid([-800.0, 0.0, 800.0]).tolist() == [0.0, 0.5, 1.0]
    assert sigmoid(-700.0) == pytest.approx(math.exp(-700.0))


def test_fit_recovers_the_scale_and_offsets_that_made_the_labels() -> None:
    logits, labels = simulated(40_000, scale=0.6, offsets=(0.5, -0.5, 0.0, 1.0))
    fitted = fit_calibration(logits, labels)
    assert fitted.scale == pytest.approx(0.6, abs=0.01)
    assert fitted.offsets == pytest.approx((0.5, -0.5, 0.0, 1.0), abs=0.04)


def test_fit_equals_scikit_learns_logistic_regression_on_stacked_findings() -> None:
    logits, labels = simulated(300, scale=1.3, offsets=(0.0, -1.0, 0.3, 0.7), seed=3)
    # One row a film and finding: the logit, then one indicator a finding.
    rows = np.column_stack([logits.reshape(-1), np.tile(np.eye(4), (300, 1))])
    reference = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    reference.fit(rows, labels.reshape(-1))
    fitted = fit_calibration(logits, labels)
    # The ridge that guards against separable films moves nothing that could be seen.
    assert (fitted.scale, *fitted.offsets) == pytest.approx(reference.coef_[0], abs=2e-3)


def test_fit_keeps_every_ranking() -> None:
    logits, labels = simulated(400, scale=0.2, offsets=(3.0, -3.0, 0.0, 1.0))
    probabilities = to_probabilities(logits, fit_calibration(logits, labels))
    assert (np.argsort(probabilities, axis=0) == np.argsort(logits, axis=0)).all()


def test_fit_lowers_the_calibration_error() -> None:
    logits, labels = simulated(5_000, scale=0.3, offsets=(1.0, 1.0, 1.0, 1.0))
    fitted = fit_calibration(logits, labels)
    for k in range(4):
        before = expected_calibration_error(sigmoid(logits[:, k]), labels[:, k])
        after = expected_calibration_error(to_probabilities(logits, fitted)[:, k], labels[:, k])
        assert after < before / 3


def test_separable_films_give_a_finite_scale() -> None:
    logits = np.repeat(np.array([[-1.0], [1.0]]), 50, axis=0) * np.ones(4)
    fitted = fit_calibration(logits, logits > 0)
    assert 1.0 < fitted.scale < 20.0
    # Ridge and cross-entropy balance: 0.01 a = 400 sigmoid(-a), solved for a.
    assert 0.01 * fitted.scale == pytest.approx(400.0 / (1.0 + math.exp(fitted.scale)), rel=1e-3)


def test_logits_of_any_size_are_fitted_alike() -> None:
    logits, labels = simulated(300, scale=1.0, offsets=(0.0, 0.0, 0.0, 0.0))
    plain, large = fit_calibration(logits, labels), fit_calibration(logits * 1e4, labels)
    assert large.scale * 1e4 == pytest.approx(plain.scale, rel=1e-6)
    assert large.offsets == pytest.approx(plain.offsets, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "problem", "value", "remedy"),
    [
        (
            lambda z, y: (-z, y),
            "do not rise with the labels",
            "best scale -0.952 on 200 films",
            "train longer",
        ),
        (lambda z, y: (z * 0, y), "the same for every film", "200 films", "Train the model"),
        (lambda z, y: (z[:, :3], y), "same shape", "(200, 3) and (200, 4)", "(films, 4)"),
        (lambda z, y: (z[:0], y[:0]), "no film", "0 films", "validation films"),
        (lambda z, y: (np.where(z > 0, z, np.nan), y), "finite logits", "of 800", "learning rate"),
        (lambda z, y: (z, y * 2), "labels of 0 and 1", "2.0", "Write 1"),
        (lambda z, y: (z, y * [1, 1, 0, 1]), "one class only", ", 0, ", "validation set"),
    ],
)
def test_what_cannot_be_fitted_says_why(change, problem: str, value: str, remedy: str) -> None:
    logits, labels = change(*simulated(200, scale=1.0, offsets=(0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(DataError) as raised:
        fit_calibration(logits, labels)
    assert problem in raised.value.problem
    assert value in str(raised.value.value)
    assert remedy in raised.value.remedy
