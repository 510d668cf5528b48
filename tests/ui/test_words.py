"""The Read page's sentences, word by word."""

import pytest

from cxr_core.export.record import flag_sentence
from cxr_core.findings import KEYS
from cxr_core.ui.words import (
    CHECK_MARKER,
    default_finding,
    map_description,
    map_limits,
    percent,
    side_markers,
    sides_sentence,
    zero_sentence,
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
    assert flag_sentence(probability, 0.312, above=above) == text


@pytest.mark.parametrize(
    ("margins", "opens"),
    [
        ((0.4, 0.9, -0.6, 3.0), "atelectasis"),  # the highest above its point
        ((-1.4, -0.9, -0.6, 3.0), "infiltration"),  # none above: the nearest
        ((0.4, 0.4, -0.6, -3.0), "effusion"),
    ],
)
def test_the_page_opens_on_the_highest_finding_above_its_point(margins, opens):
    assert default_finding(dict(zip(KEYS, margins, strict=True))) == opens


@pytest.mark.parametrize(
    ("orientation", "marks"),
    [(("L", "F"), ("R", "L")), (("R", "F"), ("L", "R")), (("LF", "F"), ("R", "L")),
     (("A", "F"), None), (("", ""), None), (None, None)],
)  # fmt: skip
def test_sides_are_marked_only_where_the_file_states_them(orientation, marks):
    assert side_markers(orientation) == marks


def test_what_is_said_of_the_sides():
    assert sides_sentence(None) == CHECK_MARKER
    assert "patient's left is on the right" in sides_sentence(("L", "F"))


def test_what_colour_and_lines_mean():
    said = map_description("effusion", peak=0.148, mode="colour", signed=False)
    assert said == (
        "Colour marks the regions that raise Effusion; the strongest reaches 15 % of the scale."
    )
    lines = map_description("effusion", peak=0.148, mode="contour", signed=False)
    assert lines.startswith("Lines at 25, 50 and 75 % of the scale ring the regions that raise")
    signed = map_description("effusion", peak=0.0, mode="colour", signed=True)
    assert "Warm with solid lines: regions that raise Effusion." in signed
    assert "Cool with dashed lines: regions that lower it." in signed


def test_the_map_of_no_finding_is_named_for_what_it_is():
    said = map_description("no_finding", peak=0.5, mode="colour", signed=False)
    assert "regions that lower No Finding" in said
    signed = map_description("no_finding", peak=0.5, mode="colour", signed=True)
    assert signed.index("lower No Finding") < signed.index("raise it")


def test_a_map_with_nothing_to_show_says_so():
    said = map_description("effusion", peak=0.0, mode="colour", signed=False)
    assert said == "Nothing to show: no region of this film raises Effusion."


def test_the_zero_of_a_map_is_the_operating_point():
    assert "operating point: the mean of the whole map is −1.2 logits" in zero_sentence(-1.24)
    assert "is +0.3 logits" in zero_sentence(0.31)


def test_how_coarse_a_map_is():
    assert "7 x 7 cells covers a seventh" in map_limits(7)
    assert "1/8" in map_limits(8)
