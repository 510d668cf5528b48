"""Shares with intervals: repeated rows, and Wilson's where resampling shows no spread."""

import math

import numpy as np
import pytest

from cxr_core.evaluation.metrics.bootstrap import (
    Resamples,
    proportion_intervals,
    resample_units,
    resampled_ratios,
    wilson_interval,
)


def test_resampled_ratios_by_hand() -> None:
    # Patients a, a, b: two films of a, one of b; hits 1, 0, 1.
    resamples = Resamples(np.array([[1, 1], [2, 0], [0, 2]], np.uint8), np.array([0, 0, 1]))
    assert resampled_ratios([1, 0, 1], [1, 1, 1], resamples)[:, 0].tolist() == [2 / 3, 0.5, 1.0]
    only_b = resampled_ratios([0, 0, 1], [0, 0, 1], resamples)[:, 0]
    assert only_b == pytest.approx([1.0, math.nan, 1.0], nan_ok=True)


def test_ratios_equal_those_of_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    hits, counts = rng.integers(0, 2, (200, 3)), rng.integers(0, 2, (200, 3))
    resamples = resample_units(rng.integers(0, 40, 200), n_resamples=30)
    drawn = resampled_ratios(hits * counts, counts, resamples)
    for r, times in enumerate(resamples.counts):
        rows = np.repeat(np.arange(200), times[resamples.patient_index])
        expected = (hits * counts)[rows].sum(axis=0) / counts[rows].sum(axis=0)
        np.testing.assert_allclose(drawn[r], expected, rtol=1e-12)


def test_wilson_against_published_values() -> None:
    # Newcombe, Stat Med 1998, table I: 81 of 263, and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_all_hits_get_wilsons_interval_on_patients() -> None:
    # 20 patients with two films each: the patients are independent, not the 40 films.
    resamples = resample_units(np.repeat(np.arange(20), 2), n_resamples=100)
    (found,) = proportion_intervals(np.ones(40), np.ones(40), resamples)
    assert found.estimate == 1.0
    assert (found.low, found.high) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)


def test_under_ten_films_or_patients_are_too_few() -> None:
    many = resample_units(np.arange(40), n_resamples=20)
    some = np.arange(40) < 9
    assert proportion_intervals(some, some, many)[0].verdict == "too few"
    few = resample_units(np.arange(40) % 9, n_resamples=20)
    assert proportion_intervals(np.arange(40) % 2, np.ones(40), few)[0].verdict == "too few"
