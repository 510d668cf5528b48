"""Slope and intercept: scikit-learn's unpenalised regression, its resamples, and where none is."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.calibration import MAX_LOGIT_GROUPS, slope_and_intercept
from cxr_core.evaluation.scoring import sigmoid


def simulated(films: int, *, slope: float = 0.6, intercept: float = 0.4, seed: int = 0):
    """Labels, logits, and patients of about three films each."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.0, 1.5, films)
    y = rng.random(films) < sigmoid(slope * z + intercept)
    return y.astype(int), z, rng.integers(0, films // 3, films)


def reference(y, z) -> tuple[float, float]:
    """The slope by scikit-learn, and the intercept of slope 1 by scipy's root finder."""
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=200)
    slope = fitted.fit(z[:, None], y).coef_[0, 0]
    return slope, brentq(lambda a: sigmoid(a + z).mean() - y.mean(), -20, 20, xtol=1e-13)


def test_figures_equal_scikit_learns() -> None:
    y, z, patients = simulated(900)
    slope, intercept = slope_and_intercept(y, z, resample_units(patients, n_resamples=50))
    assert (slope.estimate, intercept.estimate) == pytest.approx(reference(y, z), abs=1e-9)
    assert slope.low < slope.estimate < slope.high
    assert intercept.low < intercept.estimate < intercept.high


@pytest.mark.parametrize(("films", "apart"), [(MAX_LOGIT_GROUPS, 1e-8), (3000, 2e-4)])
def test_intervals_are_those_of_regressions_on_repeated_rows(films: int, apart: float) -> None:
    y, z, patients = simulated(films, seed=2)
    resamples = resample_units(patients, n_resamples=20)
    found = slope_and_intercept(y, z, resamples)
    drawn = []
    for counts in resamples.counts:
        rows = np.repeat(np.arange(films), counts[resamples.patient_index])
        drawn.append(reference(y[rows], z[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert [one.low for one in found] == pytest.approx(low.tolist(), abs=apart)
    assert [one.high for one in found] == pytest.approx(high.tolist(), abs=apart)


def test_a_scaled_logit_has_the_slope_divided_and_the_same_interval() -> None:
    y, z, patients = simulated(400)
    resamples = resample_units(patients, n_resamples=50)
    slope, _ = slope_and_intercept(y, z, resamples)
    large, _ = slope_and_intercept(y, 1000 * z + 7, resamples)
    assert [1000 * large.estimate, 1000 * large.low, 1000 * large.high] == pytest.approx(
        [slope.estimate, slope.low, slope.high], rel=1e-6
    )


def test_separable_films_have_an_intercept_and_no_slope() -> None:
    z = np.concatenate([np.linspace(-3, -0.1, 40), np.linspace(0.1, 3, 40)])
    resamples = resample_units(np.arange(80), n_resamples=50)
    slope, intercept = slope_and_intercept(z > 0, z, resamples)
    assert not slope.estimable
    assert intercept.estimate == pytest.approx(0.0, abs=1e-9)
    nearly = (z > 0).astype(int)
    nearly[[39, 40]] = [1, 0]  # the two in the middle; many resamples lack both
    assert not slope_and_intercept(nearly, z, resamples)[0].estimable


def test_logits_of_one_value_have_no_slope() -> None:
    resamples = resample_units(np.arange(60), n_resamples=50)
    slope, intercept = slope_and_intercept(np.arange(60) % 3 == 0, np.zeros(60), resamples)
    assert not slope.estimable
    assert intercept.estimate == pytest.approx(np.log(1 / 2), abs=1e-9)  # logit of a third


@pytest.mark.parametrize(
    ("y", "z", "patients"),
    [
        (np.zeros(60), np.linspace(-1, 1, 60), np.arange(60)),
        (np.ones(60), np.linspace(-1, 1, 60), np.arange(60)),
        (np.arange(60) < 9, np.sin(np.arange(60)), np.arange(60)),
        (np.arange(60) % 2, np.sin(np.arange(60)), np.arange(60) % 3),
        (np.arange(60) % 2, np.append(np.sin(np.arange(59)), np.inf), np.arange(60)),
    ],
    ids=["no positive", "no negative", "nine positives", "three patients", "a probability of 1"],
)
def test_too_little_is_not_estimable(y, z, patients) -> None:
    found = slope_and_intercept(y, z, resample_units(patients, n_resamples=20))
    assert [one.text() for one in found] == ["not estimable"] * 2
