"""Test films with the nearest scores: which they are, how many, and scipy's interval."""

import numpy as np
import pytest
from scipy.stats import binomtest

from cxr_core.evaluation.metrics.errors import similar_films


def test_the_nearest_films_are_counted() -> None:
    scores = np.arange(100.0)
    labels = (scores >= 50).astype(int)
    found = similar_films(49.6, scores, labels, np.arange(100), n=20)
    assert found is not None
    # 40 to 59 are nearest: ten of them carry the label.
    assert (found.n, found.n_positive, found.min_score, found.max_score) == (20, 10, 40.0, 59.0)
    assert found.prevalence == 0.5
    expected = binomtest(10, 20).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_patient_counts_once_with_the_film_that_is_nearest() -> None:
    scores = np.array([*np.arange(12.0), 5.1, 5.2, 5.3])
    labels = np.array([0] * 12 + [1] * 3)
    patients = np.array([*"abcdefghijkl", "z", "z", "z"])
    found = similar_films(5.1, scores, labels, patients, n=10)
    assert found is not None
    # z's three films carry the label, and one of them counts.
    assert (found.n, found.n_positive) == (10, 1)


def test_equally_near_films_keep_the_order_of_the_table() -> None:
    scores, labels = np.zeros(40), np.array([1] * 10 + [0] * 30)
    found = similar_films(3.0, scores, labels, np.arange(40), n=10)
    assert found is not None
    assert found.n_positive == 10


def test_a_small_table_gives_all_and_a_tiny_one_nothing() -> None:
    found = similar_films(0.0, np.arange(12.0), np.ones(12, int), np.arange(12))
    assert found is not None
    assert (found.n, found.n_positive, found.high) == (12, 12, 1.0)
    assert similar_films(0.0, np.arange(9.0), np.ones(9, int), np.arange(9)) is None
