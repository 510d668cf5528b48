"""Reliability: bins by hand and by scikit-learn, intervals only where films and patients allow."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from cxr_core.evaluation.metrics.bootstrap import Resamples, resample_units
from cxr_core.evaluation.metrics.calibration import (
    bin_indices,
    expected_calibration_error,
    reliability_bins,
    reliability_intervals,
)
from tests.helpers.intervals import logit_interval


def test_expected_calibration_error_by_hand() -> None:
    # Bin 0.0-0.1: two films, mean 0.05, none ill: |0.05 - 0|. Bin 0.7-0.8: two films, mean
    # 0.75, one ill: |0.75 - 0.5|. Weighted by films: (2 * 0.05 + 2 * 0.25) / 4 = 0.15.
    assert expected_calibration_error([0.02, 0.08, 0.72, 0.78], [0, 0, 1, 0]) == pytest.approx(0.15)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0.0
    assert expected_calibration_error([0.0, 1.0], [1, 0]) == 1.0
    assert math.isnan(expected_calibration_error([], []))


def test_reliability_bins_by_hand() -> None:
    low, high = reliability_bins([0.0, 0.5, 0.6, 1.0], [0, 1, 1, 0], n_bins=2)
    assert (low.low, low.high, low.n, low.predicted, low.observed) == (0.0, 0.5, 2, 0.25, 0.5)
    assert (high.low, high.high, high.n, high.predicted, high.observed) == (0.5, 1.0, 2, 0.8, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=60))
def test_reliability_equals_scikit_learns(films) -> None:
    probabilities, labels = map(list, zip(*films, strict=True))
    observed, predicted = calibration_curve(labels, probabilities, n_bins=10)
    ours = reliability_bins(probabilities, labels)
    assert [b.observed for b in ours] == pytest.approx(observed.tolist(), abs=1e-9)
    assert [b.predicted for b in ours] == pytest.approx(predicted.tolist(), abs=1e-9)
    assert sum(b.n for b in ours) == len(films)


def test_a_value_on_an_inner_edge_is_in_the_lower_bin() -> None:
    assert bin_indices([0.0, 0.1, 0.10001, 0.95, 1.0]).tolist() == [0, 0, 1, 9, 9]


def test_bin_intervals_are_of_the_shares_of_repeated_rows() -> None:
    rng = np.random.default_rng(1)
    p, y = rng.random(400), rng.integers(0, 2, 400)
    patients = rng.integers(0, 90, 400)
    resamples = resample_units(patients, n_resamples=40)
    found = reliability_intervals(p, y, resamples)
    shares = []
    for counts in resamples.counts:
        rows = np.repeat(np.arange(400), counts[resamples.patient_index])
        shares.append([b.observed for b in reliability_bins(p[rows], y[rows])])
    which = bin_indices(p)
    for place, (one, drawn) in enumerate(zip(found, np.array(shares).T, strict=True)):
        units = len(set(patients[which == place]))
        expected = logit_interval(one.estimate, drawn, units)
        assert (one.low, one.high) == pytest.approx(expected, abs=1e-9)
    assert [one.estimate for one in found] == [b.observed for b in reliability_bins(p, y)]


def test_a_bin_of_few_films_or_few_patients_has_no_interval() -> None:
    # 9 films of 9 patients, 20 films of 2 patients, 20 films of 20 patients.
    p = np.repeat([0.05, 0.45, 0.95], [9, 20, 20])
    patients = np.concatenate([np.arange(9), 100 + np.arange(20) % 2, 200 + np.arange(20)])
    y = np.arange(49) % 2
    found = reliability_intervals(p, y, resample_units(patients, n_resamples=50))
    assert [one.estimable for one in found] == [False, False, True]


def test_a_bin_whose_films_all_have_it_gets_wilsons_interval() -> None:
    resamples = Resamples(np.ones((5, 20), np.uint8), np.arange(20))
    (found,) = reliability_intervals(np.full(20, 0.97), np.ones(20), resamples)
    # Newcombe 1998, of 0 in 20, turned round.
    assert (found.low, found.high) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)
