"""Bands: the curves of every resample equal scikit-learn's on rows that are really repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from cxr_core.evaluation.metrics.bootstrap import Resamples, resample_units
from cxr_core.evaluation.metrics.ranking import confidence_bands, resampled_curves

rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(0, 9)), min_size=2, max_size=40
).filter(lambda films: len({label for label, _, _ in films}) == 2)


def plain(labels, scores) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity at 0, 0.01, …, 1 and precision at recall 0.01, …, 1 of scikit-learn's curves."""
    places = np.arange(101) / 100
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(labels, scores)
    first = np.searchsorted(recall[::-1], places[1:])  # thresholds fall
    return np.interp(places, fpr, tpr), precision[::-1][first]


@settings(max_examples=40)
@given(rows, st.integers(0, 99))
def test_resampled_curves_equal_scikit_learns_on_repeated_rows(films, seed: int) -> None:
    labels, scores, patients = np.array(films).T
    resamples = resample_units(patients, n_resamples=8, seed=seed)
    sensitivity, precision = resampled_curves(labels, scores, resamples)
    for r, counts in enumerate(resamples.counts):
        repeated = np.repeat(np.arange(len(labels)), counts[resamples.patient_index])
        y, s = labels[repeated], scores[repeated]
        if len(set(y)) < 2:
            assert np.isnan(sensitivity[r]).all()
            assert np.isnan(precision[r]).all()
        else:
            expected = plain(y, s)
            np.testing.assert_allclose(sensitivity[r], expected[0], atol=1e-12)
            np.testing.assert_allclose(precision[r], expected[1], atol=1e-12)


def test_curves_by_hand() -> None:
    # Falling scores: with, without, with, without. Every film once, then the last one thrice.
    resamples = Resamples(np.array([[1, 1, 1, 1], [1, 1, 1, 3]], np.uint8), np.arange(4))
    sensitivity, precision = resampled_curves([1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0], resamples)
    # 1 - specificity of 0.24, 0.25, 0.49, 0.5: the second negative film comes at 1/2, or at 1/4.
    assert sensitivity[0, [0, 24, 49, 50, 100]].tolist() == [0.5, 0.5, 0.5, 1.0, 1.0]
    assert sensitivity[1, [0, 24, 25, 100]].tolist() == [0.5, 0.5, 1.0, 1.0]
    # A recall of 0.50 costs no false alarm, one of 0.51 costs one among three.
    assert precision[0, [0, 49, 50, 99]] == pytest.approx([1.0, 1.0, 2 / 3, 2 / 3])


def test_bands_are_the_percentiles_of_scikit_learns_curves() -> None:
    rng = np.random.default_rng(1)
    patients, labels = rng.integers(0, 60, 150), rng.integers(0, 2, 150)
    scores = labels + rng.normal(size=150)
    resamples = resample_units(patients, n_resamples=60)
    naive = []
    for counts in resamples.counts:
        repeated = np.repeat(np.arange(150), counts[resamples.patient_index])
        naive.append(plain(labels[repeated], scores[repeated]))
    found = confidence_bands(labels, scores, resamples)
    assert found is not None
    for place, band in enumerate((found.roc, found.precision_recall)):
        curves = [both[place] for both in naive]
        low, high = np.quantile(np.array(curves), [0.025, 0.975], axis=0)
        np.testing.assert_allclose(band.low, low, atol=1e-12)
        np.testing.assert_allclose(band.high, high, atol=1e-12)
    assert found.roc.x[[0, -1]].tolist() == [0.0, 1.0]
    assert found.precision_recall.x[[0, -1]].tolist() == [0.01, 1.0]


def test_too_few_films_or_patients_have_no_band() -> None:
    labels = np.arange(60) < 9
    assert confidence_bands(labels, np.arange(60), resample_units(np.arange(60))) is None
    few = resample_units(np.arange(60) % 9)
    assert confidence_bands(np.arange(60) % 2, np.arange(60), few) is None
