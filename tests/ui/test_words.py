"""The Read page's sentences, word by word."""

import pytest

from cxr_core.findings import KEYS
from cxr_core.ui.words import (
    CHECK_MARKER,
    against_point,
    map_limits,
    map_sentence,
    opening_finding,
    percent,
    side_marks,
    sides_sentence,
)


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "0 %"), (0.004, "< 1 %"), (0.006, "1 %"), (0.38, "38 %"), (0.994, "99 %"),
        (0.996, "> 99 %"), (1.0, "100 %"),
    ],
)  # fmt: skip
def test_percent_never_rounds_to_never_or_always(probability, text):
    assert percent(probability) == text


def test_percent_with_a_decimal():
    assert percent(0.3149, decimals=1) == "31.5 %"
    assert percent(0.0002, decimals=1) == "< 0.1 %"


@pytest.mark.parametrize(
    ("probability", "above", "text"),
    [
        (0.38, True, "above its operating point of 31 %"),
        (0.12, False, "below its operating point of 31 %"),
        (0.309, False, "just below its operating point of 31 %"),
        (0.314, True, "just above its operating point of 31 %"),
    ],
)
def test_where_a_probability_stands(probability, above, text):
    assert against_point(probability, 0.312, above=above) == text


def test_the_page_opens_on_the_highest_finding_above_its_point():
    probabilities = dict(zip(KEYS, (0.4, 0.3, 0.6, 0.9), strict=True))
    above = dict(zip(KEYS, (True, True, False, True), strict=True))
    assert opening_finding(probabilities, above) == "effusion"


def test_with_none_above_it_opens_on_the_highest_of_the_three():
    probabilities = dict(zip(KEYS, (0.1, 0.3, 0.2, 0.9), strict=True))
    above = dict(zip(KEYS, (False, False, False, True), strict=True))
    assert opening_finding(probabilities, above) == "atelectasis"


@pytest.mark.parametrize(
    ("orientation", "marks"),
    [(("L", "F"), ("R", "L")), (("R", "F"), ("L", "R")), (("LF", "F"), ("R", "L")),
     (("A", "F"), None), (("", ""), None), (None, None)],
)  # fmt: skip
def test_sides_are_marked_only_where_the_file_states_them(orientation, marks):
    assert side_marks(orientation) == marks


def test_what_is_said_of_the_sides():
    assert sides_sentence(None) == CHECK_MARKER
    assert "patient's left is on the right" in sides_sentence(("L", "F"))


def test_what_colour_means():
    said = map_sentence("effusion", strongest=0.148, above=True, signed=False)
    assert "raised the model's score for Effusion; the strongest reaches 15 % of the scale" in said
    signed = map_sentence("effusion", strongest=0.0, above=True, signed=True)
    assert "solid line raised" in signed
    assert "dashed line lowered" in signed


@pytest.mark.parametrize("above", [True, False])
def test_a_map_without_positive_evidence_says_so(above):
    said = map_sentence("no_finding", strongest=0.0, above=above, signed=False)
    assert said.startswith("No positive evidence: no region of this film raised the score")
    assert ("above its operating point all the same" in said) is above


def test_how_coarse_a_map_is():
    assert "7 x 7 cells covers a seventh" in map_limits(7)
    assert "1/8" in map_limits(8)
