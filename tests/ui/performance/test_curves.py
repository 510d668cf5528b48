"""Lines of the two charts: every point's figures are those of its threshold."""

import numpy as np
import pytest

from cxr_core.evaluation.metrics.operating_points import confusion
from cxr_core.evaluation.predictions import labels_of
from cxr_core.ui.evaluated import measure
from cxr_core.ui.performance.curves import recall_line, roc_line
from tests.demo_model import predictions


@pytest.fixture(scope="module")
def measured():
    return measure(predictions(200).to_csv(index=False).encode())


def test_each_points_figures_are_those_of_its_threshold(measured) -> None:
    labels, probabilities = labels_of(measured.table)[:, 1], measured.probabilities[:, 1]
    for line in (
        roc_line(measured, "atelectasis", None),
        recall_line(measured, "atelectasis", None),
    ):
        for at in (0, len(line.x) // 3, len(line.x) - 1):
            counts = confusion(labels, probabilities, line.thresholds[at])
            assert line.sensitivity[at] == pytest.approx(counts.sensitivity)
            assert line.specificity[at] == pytest.approx(counts.specificity)


def test_the_operating_point_lies_on_both_curves(measured) -> None:
    roc, recall = (f(measured, "effusion", None) for f in (roc_line, recall_line))
    assert roc.mark.y == pytest.approx(np.interp(roc.mark.x + 1e-12, roc.x, roc.y))
    # Fitted on these films, the point is the threshold at which a recall is reached.
    at = np.flatnonzero(recall.thresholds == recall.mark.threshold)
    assert recall.y[at] == pytest.approx([recall.mark.y])
    assert recall.x[at] == pytest.approx([recall.mark.x])


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_point_and_no_roc(label: int) -> None:
    measured = measure(predictions(60).assign(label_effusion=label).to_csv(index=False).encode())
    line = roc_line(measured, "effusion", None)
    assert len(line.x) == 0
    assert line.mark is None
    assert recall_line(measured, "effusion", None).mark is None
    assert line.area.text() == "not estimable"
