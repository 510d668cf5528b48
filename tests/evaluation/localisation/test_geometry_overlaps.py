"""Areas shared by boxes: by hand, and against torchvision's boxes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.evaluation.localisation.geometry import (
    best_fixed_box,
    centre_box,
    intersection_area,
    iobb,
    iou,
    sliding_boxes,
)

FRACTIONS = st.floats(0.01, 1)
BOX = st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS).map(
    lambda b: [b[0] * (1 - b[2]), b[1] * (1 - b[3]), b[2], b[3]]
)


def test_by_hand() -> None:
    left, right = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 0.5, 1.0]
    quarter = [0.25, 0.0, 0.5, 0.5]  # half of it in each
    assert intersection_area([quarter, left], [left]) == pytest.approx([0.125, 0.5])
    assert iobb([quarter], [left]) == pytest.approx([0.5])
    assert iou([quarter], [left]) == pytest.approx([0.125 / 0.625])
    assert iobb([left], [right]) == iou([left], [right]) == [0.0]
    assert iobb([quarter], [left, right]) == pytest.approx([1.0])
    assert iou([quarter], [left, right]) == pytest.approx([0.25])


def test_boxes_over_each_other_count_once() -> None:
    box = [0.1, 0.1, 0.4, 0.4]
    assert iou([box], [box, box, [0.2, 0.2, 0.1, 0.1]]) == pytest.approx([1.0])


@given(st.lists(BOX, min_size=1, max_size=4), BOX)
def test_the_ratios_are_those_of_another_library(candidates, box) -> None:
    from torch import tensor
    from torchvision.ops import box_iou

    def corners(rows):
        array = np.array(rows)
        return tensor(np.concatenate([array[:, :2], array[:, :2] + array[:, 2:]], axis=1))

    expected = box_iou(corners(candidates), corners([box])).numpy()[:, 0]
    assert iou(candidates, [box]) == pytest.approx(expected, abs=1e-9)
    assert (iou(candidates, [box]) <= iobb(candidates, [box]) + 1e-12).all()


def test_centre_and_everywhere() -> None:
    assert centre_box(0.2, 0.4) == pytest.approx([0.4, 0.3, 0.2, 0.4])
    places = sliding_boxes(0.25, 0.5, places=2)
    assert places.tolist() == [[0, 0, 0.25, 0.5], [0.75, 0, 0.25, 0.5],
                               [0, 0.5, 0.25, 0.5], [0.75, 0.5, 0.25, 0.5]]  # fmt: skip


def test_the_fixed_box_has_the_mean_size_and_the_best_place() -> None:
    rows = [("a", 0.1, 0.6, 0.2, 0.3), ("b", 0.1, 0.6, 0.2, 0.3), ("c", 0.7, 0.6, 0.2, 0.3)]
    boxes = pd.DataFrame(rows, columns=["image", "x", "y", "width", "height"])
    # Not between the lungs, where the mean of the places is, but where most of the boxes are.
    assert best_fixed_box(boxes) == pytest.approx([0.1, 0.6, 0.2, 0.3], abs=0.01)
    assert best_fixed_box(boxes.iloc[:0]) is None
    uneven = best_fixed_box(boxes.assign(width=[0.1, 0.2, 0.6]))
    assert uneven is not None
    assert uneven[2] == pytest.approx(0.3)
