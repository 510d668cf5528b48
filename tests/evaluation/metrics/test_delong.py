"""DeLong's variance, clustered by patient, against its formula written out and a jackknife."""

import numpy as np
import pytest
from scipy.stats import norm

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.delong import area_parts, interval_width, mean_parts
from cxr_core.evaluation.metrics.differences import (
    direction_of,
    holm,
    make_difference,
    no_difference,
    resampled_difference,
)
from cxr_core.evaluation.metrics.ranking import auroc, auroc_interval, resampled_auroc


def drawn(seed: int = 0, n: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.35).astype(int)
    a = (rng.normal(size=n) + 1.2 * y).round(1)  # with ties
    return y, a, (a + rng.normal(scale=0.8, size=n)).round(1)


def delong_covariance(y: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    """As DeLong et al. write it: every pair of films, then the covariances of the means."""
    rows, columns = [], []
    for s in scores:
        pairs = np.sign(s[y == 1][:, None] - s[y == 0][None]) / 2 + 0.5
        rows.append(pairs.mean(axis=1))
        columns.append(pairs.mean(axis=0))
    return np.cov(rows) / (y == 1).sum() + np.cov(columns) / (y == 0).sum()


def test_independent_films_have_delongs_own_variance() -> None:
    y, a, b = drawn()
    of = [area_parts(y, s, np.arange(90), n_patients=90) for s in (a, b)]
    covariance = delong_covariance(y, [a, b])
    assert of[0].estimate == pytest.approx(auroc(y, a), abs=1e-12)
    assert of[0].se == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-12)
    both = np.array([-1, 1]) @ covariance @ np.array([-1, 1])
    assert (of[1] - of[0]).se == pytest.approx(np.sqrt(both), rel=1e-12)


def test_patients_with_several_films_equal_a_jackknife_of_patients() -> None:
    y, a, _ = drawn(3, 600)
    patients = np.random.default_rng(1).integers(0, 150, 600)
    found = area_parts(y, a, patients, n_patients=150).se
    known = np.unique(patients)
    without = np.array([auroc(y[patients != p], a[patients != p]) for p in known])
    jackknife = np.sqrt((len(known) - 1) * without.var())
    assert found == pytest.approx(jackknife, rel=0.02)


def test_the_interval_is_as_wide_as_the_resampled_one() -> None:
    y, a, _ = drawn(3, 600)
    patients = np.random.default_rng(1).integers(0, 150, 600)
    resampled = auroc_interval(y, a, resample_units(patients, n_resamples=4000))
    found = interval_width(
        area_parts(y, a, patients, n_patients=150),
        min(len(np.unique(patients[y == label])) for label in (0, 1)),
    )
    assert found == pytest.approx(resampled.high - resampled.low, rel=0.05)
    without_error = area_parts(y, y, patients, n_patients=150)
    assert interval_width(without_error, 100) == 0


def test_the_film_that_speaks_most_for_a_difference() -> None:
    y, a, b = drawn(5)
    difference = area_parts(y, b, np.arange(90), n_patients=90) - area_parts(
        y, a, np.arange(90), n_patients=90
    )
    each = [auroc(np.delete(y, i), np.delete(b, i)) - auroc(np.delete(y, i), np.delete(a, i))
            for i in range(90)]  # fmt: skip
    assert difference.estimate < 0
    assert difference.without_one_film() == pytest.approx(max(each), abs=1e-12)


def test_a_mean_of_areas() -> None:
    y, a, b = drawn(2)
    parts = [area_parts(y, s, np.arange(90), n_patients=90) for s in (a, b)]
    covariance = delong_covariance(y, [a, b])
    assert mean_parts(parts).se == pytest.approx(np.sqrt(covariance.sum()) / 2, rel=1e-12)


def test_a_class_of_one_patient_has_no_variance() -> None:
    found = area_parts([1, 1, 0, 0], [1.0, 2.0, 0.0, 1.0], [0, 0, 1, 2], n_patients=3)
    assert np.isnan([found.estimate, found.se]).all()


def test_no_seed_turns_a_verdict() -> None:
    """Differences around the edge: 20 seeds each, and none of them flips."""
    y, a, _ = drawn(7, 200)
    noise = np.random.default_rng(8).normal(size=200)
    seen = set()
    for scale in np.linspace(0.3, 1.6, 9):
        b = a + scale * noise
        sides = [area_parts(y, s, np.arange(200), n_patients=200) for s in (a, b)]
        difference = sides[1] - sides[0]
        told = set()
        for seed in range(20):
            resamples = resample_units(np.arange(200), n_resamples=1000, seed=seed)
            values = resampled_auroc(y, b, resamples) - resampled_auroc(y, a, resamples)
            told.add(
                resampled_difference(
                    difference.estimate, values, se=difference.se,
                    without_one_film=difference.without_one_film(),
                ).direction
            )  # fmt: skip
        assert len(told) == 1, scale
        seen |= told
    assert seen == {"lower", "not shown"}  # both occur, so the edge was crossed


def test_the_cross_check_is_delongs_interval() -> None:
    values = np.random.default_rng(0).normal(0.05, 0.02, 2000)
    found = resampled_difference(0.05, values, se=0.02, without_one_film=0.049)
    assert found.cross_check_low == pytest.approx(0.05 - 1.959964 * 0.02, abs=1e-7)
    assert found.p_value == pytest.approx(2 * norm.sf(2.5))
    assert found.direction == "higher"
    # 2.1 standard errors: beyond 1.96, but not beyond what 2,000 resamples may err.
    near = resampled_difference(0.042, values - 0.008, se=0.02, without_one_film=0.042)
    assert near.p_value < 0.05
    assert near.direction == "not shown"
    assert resampled_difference(0.0, 0 * values, se=0.0, without_one_film=0.0).p_value == 1.0


def test_an_end_printed_as_zero_leaves_nothing_out() -> None:

    def direction(estimate: float, low: float, high: float) -> str:
        return make_difference(
            estimate, low, high, p_value=0.001, p_without_one_film=0.002
        ).direction

    assert direction(0.1, 0.0004, 0.2) == "not shown"
    assert direction(0.1, 0.0006, 0.2) == "higher"
    assert direction(-0.1, -0.2, -0.01) == "lower"
    assert direction(0.1, float("nan"), 0.2) == "not estimable"
    assert direction_of(no_difference("not labelled")) == "not labelled"


def test_holm_by_hand() -> None:
    # Sorted .005, .01, .03, .04 times 4, 3, 2, 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0
