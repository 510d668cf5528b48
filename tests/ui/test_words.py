"""The Read page's sentences, word by word."""

import pytest

from cxr_core.export.overlay import MapStyle
from cxr_core.export.record import flag_sentence
from cxr_core.findings import KEYS
from cxr_core.ui.words import (
    CHECK_MARKER,
    default_finding,
    map_description,
    map_limits,
    percent,
    scale_sentence,
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
    ("key", "probability", "flagged", "text"),
    [
        ("effusion", 0.38, True, "flagged (cut-off 31 %)"),
        ("effusion", 0.12, False, "not flagged (cut-off 31 %)"),
        ("effusion", 0.309, False, "not flagged, at the cut-off (30.9 against 31.2 %)"),
        ("effusion", 0.314, True, "flagged, at the cut-off (31.4 against 31.2 %)"),
        ("effusion", 0.31196, False, "not flagged, at the cut-off (31.2 against 31.2 %)"),
        ("effusion", 0.3117, False, "not flagged, at the cut-off (31.17 against 31.20 %)"),
        ("no_finding", 0.38, True, "called normal (cut-off 31 %)"),
        ("no_finding", 0.12, False, "not called normal (cut-off 31 %)"),
    ],
)
def test_where_a_probability_stands(key, probability, flagged, text):
    assert flag_sentence(key, probability, 0.312, flagged=flagged) == text


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
    said = map_description("effusion", peak=0.148, style=MapStyle())
    assert said == "Colour: what pushed the score up. Coarse, not an outline."
    lines = map_description("effusion", peak=0.148, style=MapStyle("contour"))
    assert lines.startswith("Solid lines: what pushed the score up.")
    signed = map_description("effusion", peak=0.0, style=MapStyle(signed=True))
    assert "Warm, solid line: what pushed the score up." in signed
    assert "Cool, dashed line: what pushed it down." in signed


def test_the_map_of_no_finding_is_named_for_what_it_is():
    said = map_description("no_finding", peak=0.5, style=MapStyle())
    assert said.startswith("Colour: what argues against a normal film.")
    signed = map_description("no_finding", peak=0.5, style=MapStyle(signed=True))
    assert signed.index("argues against a normal film") < signed.index("speaks for one")


def test_how_strong_a_map_is():
    assert scale_sentence(0.148, 8.1, mode="colour") == (
        "All maps share one scale, up to 8.1 log-odds; the strongest point here reaches 15 % of it."
    )
    lines = scale_sentence(-0.2, 8.1, mode="contour")
    assert lines.endswith("reaches 0 % of it. Lines at 25, 50 and 75 % of it.")


def test_a_map_with_nothing_to_show_says_so():
    said = map_description("effusion", peak=0.0, style=MapStyle())
    assert said == "Nothing to show: no region of this film raises Effusion."


def test_the_zero_of_a_map_is_the_cut_off():
    assert zero_sentence(-1.24) == (
        "The scale's zero is the cut-off; the mean of the map is −1.2 log-odds."
    )
    assert "is +0.3 log-odds" in zero_sentence(0.31)


def test_how_coarse_a_map_is():
    assert map_limits(7).startswith("Grad-CAM, 7 x 7 cells over the whole film:")
