"""Lines of the two charts: every point's figures are those of its threshold."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.operating_points import count_confusion
from cxr_core.evaluation.predictions import labels_of
from cxr_core.ui.evaluated import evaluate_bytes
from cxr_core.ui.performance.curves import precision_recall_curve_of, roc_curve_of
from tests.helpers.predictions import make_predictions


@pytest.fixture(scope="module")
def measured():
    return evaluate_bytes(make_predictions(200).to_csv(index=False).encode())


def test_each_points_figures_are_those_of_its_threshold(measured) -> None:
    labels, probabilities = labels_of(measured.table)[:, 1], measured.probabilities[:, 1]
    for line in (
        roc_curve_of(measured, "atelectasis", None),
        precision_recall_curve_of(measured, "atelectasis", None),
    ):
        for at in (0, len(line.x) // 3, len(line.x) - 1):
            counts = count_confusion(labels, probabilities, line.thresholds[at])
            assert line.sensitivity[at] == pytest.approx(counts.sensitivity)
            assert line.specificity[at] == pytest.approx(counts.specificity)


def test_the_operating_point_lies_on_both_curves(measured) -> None:
    roc, recall = (f(measured, "effusion", None) for f in (roc_curve_of, precision_recall_curve_of))
    assert roc.operating_point is not None
    assert recall.operating_point is not None
    assert roc.operating_point.y == pytest.approx(
        np.interp(roc.operating_point.x + 1e-12, roc.x, roc.y)
    )
    labels, probabilities = labels_of(measured.table)[:, 0], measured.probabilities[:, 0]
    counts = count_confusion(labels, probabilities, recall.operating_point.threshold)
    assert recall.operating_point.x == pytest.approx(counts.sensitivity)
    assert recall.operating_point.y == pytest.approx(counts.tp / (counts.tp + counts.fp))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_point_and_no_roc(label: int) -> None:
    measured = evaluate_bytes(
        make_predictions(60).assign(label_effusion=label).to_csv(index=False).encode()
    )
    line = roc_curve_of(measured, "effusion", None)
    assert len(line.x) == 0
    assert line.operating_point is None
    assert precision_recall_curve_of(measured, "effusion", None).operating_point is None
    assert line.area.text() == "not estimable"
