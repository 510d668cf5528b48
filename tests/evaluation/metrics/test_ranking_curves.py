"""Curves and areas against hand-computed values and against scikit-learn."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from cxr_core.evaluation.metrics.ranking import auroc, average_precision, precision_recall, roc

# Scores on a coarse grid, so that ties within and between the classes are common.
films = st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=50)
both_classes = films.filter(lambda rows: len({label for label, _ in rows}) == 2)


def test_auroc_by_hand() -> None:
    # Pairs (with, without): 0.8 beats 0.1 and 0.6; 0.4 beats 0.1 and loses to 0.6: 3 of 4.
    assert auroc([1, 0, 1, 0], [0.8, 0.1, 0.4, 0.6]) == 0.75
    # One pair is tied and counts half: 3.5 of 4.
    assert auroc([1, 0, 1, 0], [0.8, 0.1, 0.6, 0.6]) == 0.875
    assert auroc([0, 1], [3.0, 3.0]) == 0.5
    assert auroc([0, 0, 1, 1], [4, 3, 2, 1]) == 0.0


def test_average_precision_by_hand() -> None:
    # Falling scores: hit, miss, hit. Recall rises by 1/2 at precision 1 and at precision 2/3.
    assert average_precision([1, 0, 1], [3, 2, 1]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # A score that tells nothing has the prevalence.
    assert average_precision([1, 0, 0, 0], [0, 0, 0, 0]) == 0.25


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_is_nan_never_a_half(labels: list[int]) -> None:
    scores = [0.1, 0.5, 0.9][: len(labels)]
    assert math.isnan(auroc(labels, scores))
    assert math.isnan(average_precision(labels, scores))
    assert len(roc(labels, scores).fpr) == 0


def test_roc_by_hand() -> None:
    curve = roc([1, 0, 1, 0], [0.8, 0.1, 0.4, 0.6])
    assert curve.fpr.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert curve.tpr.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert curve.thresholds.tolist() == [math.nextafter(0.8, 1.0), 0.8, 0.6, 0.4, 0.1]


def test_thresholds_are_json_where_scikit_learns_are_not() -> None:
    labels, scores = [1, 0, 1], [0.2, 0.3, 1.0]
    assert math.isinf(roc_curve(labels, scores)[2][0])
    curve = roc(labels, scores)
    assert json.loads(json.dumps(curve.thresholds.tolist(), allow_nan=False)) == list(
        curve.thresholds
    )
    # No film is positive at the first one.
    assert curve.thresholds[0] > max(scores)


@given(both_classes, st.booleans())
def test_roc_equals_scikit_learns(rows: list[tuple[int, int]], drop: bool) -> None:
    labels, scores = np.array(rows).T
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=drop)
    curve = roc(labels, scores, drop_collinear=drop)
    np.testing.assert_allclose(curve.fpr, fpr, atol=1e-12)
    np.testing.assert_allclose(curve.tpr, tpr, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds[1:], thresholds[1:])


@given(both_classes)
def test_areas_and_precision_recall_equal_scikit_learns(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array(rows).T
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(
        average_precision_score(labels, scores), abs=1e-12
    )
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    curve = precision_recall(labels, scores)
    np.testing.assert_allclose(curve.precision, precision[::-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[::-1], atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds[1:], thresholds[::-1])


@given(both_classes)
def test_the_area_under_the_drawn_curve_is_the_auroc(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array(rows).T
    curve = roc(labels, scores)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auroc(labels, scores), abs=1e-12)
