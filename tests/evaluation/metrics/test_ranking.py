"""Weighted areas equal scikit-learn's on rows that are really repeated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from cxr_core.evaluation.metrics.bootstrap import Resamples, resample_units
from cxr_core.evaluation.metrics.ranking import (
    auroc_interval,
    average_precision_interval,
    resampled_auroc,
    resampled_average_precision,
)
from tests.helpers.intervals import logit_interval

rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(0, 9)), min_size=2, max_size=40
).filter(lambda films: len({label for label, _, _ in films}) == 2)


@settings(max_examples=40)
@given(rows, st.integers(0, 99))
def test_resampled_areas_equal_scikit_learns_on_repeated_rows(films, seed: int) -> None:
    labels, scores, patients = np.array(films).T
    resamples = resample_units(patients, n_resamples=8, seed=seed)
    areas = resampled_auroc(labels, scores, resamples)
    precisions = resampled_average_precision(labels, scores, resamples)
    for r, counts in enumerate(resamples.counts):
        repeated = np.repeat(np.arange(len(labels)), counts[resamples.patient_index])
        y, s = labels[repeated], scores[repeated]
        if len(set(y)) < 2:
            assert math.isnan(areas[r])
            assert math.isnan(precisions[r])
        else:
            assert areas[r] == pytest.approx(roc_auc_score(y, s), abs=1e-12)
            assert precisions[r] == pytest.approx(average_precision_score(y, s), abs=1e-12)


def test_resampled_auroc_by_hand() -> None:
    labels, scores = [0, 1, 0, 1], [1.0, 2.0, 3.0, 4.0]
    counts = np.array([[1, 1, 1, 1], [2, 1, 1, 0], [0, 0, 2, 2], [2, 0, 2, 0]], np.uint8)
    resamples = Resamples(counts, np.arange(4))
    # All films: 3 of 4 pairs. Then 2 below and 1 not, of 3. Then all. Then no positive.
    expected = [0.75, 2 / 3, 1.0, math.nan]
    assert resampled_auroc(labels, scores, resamples) == pytest.approx(expected, nan_ok=True)


def test_interval_of_a_tiny_example_whose_draws_can_be_counted() -> None:
    # Two patients: one has 10 positives, 9 of them above all negatives and 1 below; the other
    # has 10 negatives. A resample has both patients (probability 1/2: area 0.9) or one class.
    labels, scores = [1] * 10 + [0] * 10, [2.0] * 9 + [0.0] + [1.0] * 10
    resamples = resample_units(["p"] * 10 + ["n"] * 10, n_resamples=400)
    areas = resampled_auroc(labels, scores, resamples)
    assert set(areas[np.isfinite(areas)]) == {0.9}
    assert np.isnan(areas).mean() == pytest.approx(0.5, abs=0.08)
    # Two patients cannot carry an interval.
    assert auroc_interval(labels, scores, resamples).text() == "not estimable"


def test_interval_is_of_the_spread_of_scikit_learns_areas() -> None:
    rng = np.random.default_rng(0)
    patients, labels = rng.integers(0, 60, 150), rng.integers(0, 2, 150)
    scores = labels + rng.normal(size=150)
    resamples = resample_units(patients, n_resamples=200)
    naive = []
    for counts in resamples.counts:
        repeated = np.repeat(np.arange(150), counts[resamples.patient_index])
        naive.append(roc_auc_score(labels[repeated], scores[repeated]))
    found = auroc_interval(labels, scores, resamples)
    assert found.estimate == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    units = min(len(set(patients[labels == side])) for side in (0, 1))
    expected = logit_interval(found.estimate, np.array(naive), units)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.verdict == "wide"
    assert found.left_out == 0


@pytest.mark.parametrize(("positives", "estimable"), [(9, False), (10, True), (91, False)])
def test_under_ten_of_a_class_is_not_estimable(positives: int, estimable: bool) -> None:
    labels = np.arange(100) < positives
    resamples = resample_units(np.arange(100), n_resamples=50)
    for found in (
        auroc_interval(labels, np.arange(100), resamples),
        average_precision_interval(labels, np.arange(100), resamples),
    ):
        assert found.estimable is estimable
        assert math.isnan(found.estimate) is not estimable
        assert (found.verdict == "too few") is not estimable


def test_films_of_one_patient_make_the_interval_wider_than_films_of_many() -> None:
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(100), 8)
    score = np.repeat(rng.normal(size=100), 8)  # a patient's films score alike
    labels = np.repeat(rng.integers(0, 2, 100), 8)
    by_patient = auroc_interval(labels, score, resample_units(patient, n_resamples=300))
    by_film = auroc_interval(labels, score, resample_units(np.arange(800), n_resamples=300))
    assert by_patient.high - by_patient.low > 2 * (by_film.high - by_film.low)
