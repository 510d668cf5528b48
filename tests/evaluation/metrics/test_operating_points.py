"""Cut-offs by hand, with ties, and against a plain search on repeated rows."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.operating_points import (
    _resampled_cutoffs,
    count_confusion,
    fit_cutoffs,
    fit_operating_points,
)
from cxr_core.findings import KEYS


def four(column: Sequence[float]) -> np.ndarray:
    """The same column for each finding."""
    return np.repeat(np.array(column)[:, None], 4, axis=1)


def test_confusion_by_hand_with_a_film_on_the_cut_off() -> None:
    counts = count_confusion([1, 1, 1, 0, 0, 0, 0], [0.9, 0.5, 0.4, 0.5, 0.1, 0.2, 0.3], 0.5)
    assert (counts.tp, counts.fn, counts.fp, counts.tn) == (2, 1, 1, 3)
    assert counts.sensitivity == 2 / 3
    assert counts.specificity == 3 / 4
    assert counts.ppv == 2 / 3


def test_confusion_equals_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, 100), rng.random(100)
    expected = confusion_matrix(labels, probabilities >= 0.3).tolist()
    counts = count_confusion(labels, probabilities, 0.3)
    assert [[counts.tn, counts.fp], [counts.fn, counts.tp]] == expected


def test_rates_without_films_are_nan() -> None:
    counts = count_confusion([1, 1], [0.9, 0.8], 0.5)
    assert math.isnan(counts.specificity)
    assert math.isnan(count_confusion([1, 1], [0.2, 0.1], 0.5).ppv)


def test_highest_cut_off_that_keeps_the_sensitivity() -> None:
    # Ten positives, 0.10 to 1.00. Eight of them are at or above 0.30: sensitivity 0.80.
    positives = [round(0.1 * i, 1) for i in range(1, 11)]
    points = fit_operating_points(
        four([*positives, 0.05, 0.35]),
        four([1] * 10 + [0, 0]),
        np.arange(12),
        n_resamples=50,
        criterion="sensitivity",
        target=0.8,
    )
    point = points["effusion"]
    assert (point.threshold, point.criterion, point.target) == (0.3, "sensitivity", 0.8)
    assert (point.sensitivity, point.specificity) == (0.8, 0.5)
    assert 0.1 <= point.low <= 0.3 <= point.high <= 1.0
    assert points["atelectasis"] == points["no_finding"] == point


def test_lowest_cut_off_that_keeps_no_findings_specificity() -> None:
    # Ten negatives, 0.05 to 0.95: one may be above. The cut-off must pass 0.85, so the lowest
    # probability that occurs above it is a positive's 0.87; at 0.85 two negatives were above.
    negatives = [0.05 + 0.1 * i for i in range(10)]
    points = fit_operating_points(
        four([*negatives, 0.2, 0.87, 0.9, 0.99]),
        four([0] * 10 + [1] * 4),
        np.arange(14),
        n_resamples=50,
        criterion="specificity",
    )
    point = points["no_finding"]
    assert (point.threshold, point.criterion, point.target) == (0.87, "specificity", 0.9)
    assert (point.sensitivity, point.specificity) == (0.75, 0.9)


def test_tied_probabilities_are_above_together() -> None:
    # Sensitivity: the eighth positive is tied with the ninth; both are above. Specificity: the
    # two highest negatives are tied, both would be above, so the cut-off passes them.
    films = (
        four([0.9] * 7 + [0.4] * 2 + [0.1] + [0.6] * 2 + [0.2] * 8),
        four([1] * 10 + [0] * 10),
        np.arange(20),
    )
    sensitive = fit_operating_points(*films, criterion="sensitivity", target=0.8, n_resamples=20)
    assert (sensitive["effusion"].threshold, sensitive["effusion"].sensitivity) == (0.4, 0.9)
    specific = fit_operating_points(*films, criterion="specificity", n_resamples=20)
    assert (specific["effusion"].threshold, specific["effusion"].specificity) == (0.9, 1.0)


def test_where_the_highest_films_are_normal_the_cut_off_passes_them() -> None:
    points = fit_operating_points(
        four([0.7, 0.7, 0.2, 0.1]),
        four([0, 0, 1, 1]),
        np.arange(4),
        n_resamples=20,
        criterion="specificity",
    )
    assert points["no_finding"].threshold == math.nextafter(0.7, 1.0)
    assert points["no_finding"].specificity == 1.0
    assert points["no_finding"].sensitivity == 0.0


def naive_cutoff(y, p, criterion: str, target: float) -> float:
    """Try every probability that occurs, and one above all of them."""
    candidates = [*sorted(set(p)), math.nextafter(max(p), math.inf)]
    if criterion == "sensitivity":
        good = [t for t in candidates if count_confusion(y, p, t).sensitivity >= target - 1e-9]
        return max(good)
    return min(t for t in candidates if count_confusion(y, p, t).specificity >= target - 1e-9)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 9), st.integers(0, 6)), min_size=2, max_size=30
    ),
    st.sampled_from([("sensitivity", 0.8), ("specificity", 0.9), ("specificity", 0.5)]),
)
def test_cut_offs_of_resamples_equal_a_plain_search_on_repeated_rows(films, aim) -> None:
    criterion, target = aim
    y = np.array([film[0] for film in films])
    p = np.array([film[1] / 10 for film in films])
    resamples = resample_units([film[2] for film in films], n_resamples=8)
    if not (y if criterion == "sensitivity" else ~y).any():
        return
    found = _resampled_cutoffs(y, p, resamples, criterion, target)
    for r, counts in enumerate(resamples.counts):
        rows = np.repeat(np.arange(len(y)), counts[resamples.patient_index])
        if not (y[rows] if criterion == "sensitivity" else ~y[rows]).any():
            assert math.isnan(found[r])
            continue
        expected = naive_cutoff(y[rows], p[rows], criterion, target)
        if criterion == "specificity" and expected > p[rows].max():
            # Above every film drawn: anything above the last negative says the same.
            assert count_confusion(y[rows], p[rows], found[r]).specificity >= target
            assert found[r] > p[rows][~y[rows]].max()
        else:
            assert found[r] == expected


def test_interval_narrows_with_more_patients_and_follows_the_seed() -> None:
    rng = np.random.default_rng(0)

    def points(n: int, seed: int = 0):
        labels = np.random.default_rng(7).integers(0, 2, (n, 4))
        probabilities = 1 / (1 + np.exp(-(labels + rng.normal(size=(n, 4)))))
        return fit_operating_points(
            probabilities, labels, np.arange(n), n_resamples=200, seed=seed, criterion="sensitivity"
        )

    few, many = points(60)["effusion"], points(3000)["effusion"]
    assert many.high - many.low < (few.high - few.low) / 2
    rng = np.random.default_rng(0)
    assert points(60)["effusion"] == few


@pytest.mark.parametrize(("label", "words"), [(0, "with it"), (1, "without it")])
def test_a_finding_of_one_class_says_so(label: int, words: str) -> None:
    labels = four([0, 1, 0, 1]).astype(int)
    labels[:, 1] = label
    with pytest.raises(DataError) as raised:
        fit_cutoffs(four([0.1, 0.2, 0.3, 0.4]), labels, np.arange(4))
    assert "Atelectasis" in raised.value.problem
    assert words in raised.value.problem
    assert raised.value.value == "0 of 4 films"
    assert "validation set" in raised.value.remedy


def test_probabilities_of_one_leave_no_cut_off() -> None:
    with pytest.raises(DataError) as raised:
        fit_cutoffs(four([1.0, 1.0, 1.0]), four([0, 0, 1]), np.arange(3))
    assert raised.value.problem == "No cut-off for Effusion reaches a specificity of 0.90"
    assert "probability of 1" in str(raised.value.value)
    assert "again" in raised.value.remedy


def test_every_finding_has_a_point() -> None:
    points = fit_operating_points(
        four([0.1, 0.2, 0.3, 0.4]),
        four([0, 1, 0, 1]),
        np.arange(4),
        n_resamples=5,
        criterion="sensitivity",
    )
    assert tuple(points) == KEYS


def test_both_cut_offs_hold_their_targets() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, (300, 4))
    probabilities = (rng.random((300, 4)) + 0.4 * labels) / 1.4
    cutoffs = fit_cutoffs(probabilities, labels, np.arange(300), n_resamples=5)
    lower = cutoffs.sensitive or {}
    for key in KEYS:
        specific, sensitive = cutoffs.specific[key], lower[key]
        assert sensitive.threshold < specific.threshold
        assert (specific.criterion, specific.target) == ("specificity", 0.9)
        assert (sensitive.criterion, sensitive.target) == ("sensitivity", 0.9)
        assert specific.specificity >= 0.9
        assert sensitive.sensitivity >= 0.9


def test_where_the_two_would_cross_one_cut_off_holds_both_targets() -> None:
    # Ten films without it at 0.1 to 0.19, ten with it at 0.8 to 0.89: a perfect model. The lowest
    # cut-off of specificity 0.9 is the highest of those without it, 0.19; the highest of
    # sensitivity 0.9 is 0.81, the second lowest of those with it.
    probabilities = four([0.1 + 0.01 * i for i in range(10)] + [0.8 + 0.01 * i for i in range(10)])
    cutoffs = fit_cutoffs(probabilities, four([0] * 10 + [1] * 10), np.arange(20), n_resamples=20)
    lower = cutoffs.sensitive or {}
    for key in KEYS:
        specific, sensitive = cutoffs.specific[key], lower[key]
        assert specific.threshold == sensitive.threshold == pytest.approx(0.19)
        assert (sensitive.criterion, sensitive.sensitivity, sensitive.specificity) == (
            "sensitivity", 1.0, 0.9,
        )  # fmt: skip
        assert cutoffs.band(key, 0.185) == "unlikely"
        assert cutoffs.band(key, 0.195) == "likely"
