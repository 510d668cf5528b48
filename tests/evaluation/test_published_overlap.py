"""The published overlaps, as the paper's tables state them."""

import pytest

from cxr_core.evaluation.localisation.overlap import THRESHOLDS
from cxr_core.evaluation.published import OVERLAP_CAUTION, read_published_overlap

BOXES = {"effusion": 153, "atelectasis": 180, "infiltration": 123}  # in NIH's list of 984


def test_each_threshold_that_is_shown_has_its_line():
    lines = read_published_overlap()
    shown = [(measure, t) for measure, found in THRESHOLDS.items() for t in found]
    assert [(line.measure, line.threshold) for line in lines] == shown
    iobb = {line.threshold: line.accuracy for line in lines if line.measure == "iobb"}
    # As ../shared/reference gives them, to three digits.
    assert [round(iobb[t]["effusion"], 3) for t in iobb] == [0.797, 0.634, 0.418]
    assert [round(iobb[t]["atelectasis"], 3) for t in iobb] == [0.622, 0.394, 0.194]
    assert [round(iobb[t]["infiltration"], 3) for t in iobb] == [0.911, 0.797, 0.650]
    assert "the region is defined differently" in OVERLAP_CAUTION


def test_each_accuracy_is_a_whole_number_of_nihs_boxes():
    # A figure that was copied wrongly would not be.
    for line in read_published_overlap():
        for key, accuracy in line.accuracy.items():
            found = accuracy * BOXES[key]
            assert found == pytest.approx(round(found), abs=0.02)
