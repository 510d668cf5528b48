"""The words that every export shares."""

import pytest

from cxr_core.export.overlay import MapStyle
from cxr_core.export.record import correction_sentence, flag_word, map_legend, map_title
from cxr_core.imaging.radiograph import CORRECTIONS


def test_every_correction_has_its_own_sentence():
    sentences = {correction_sentence(correction) for correction in CORRECTIONS}
    assert len(sentences) == len(CORRECTIONS) == 4
    assert all("at the reader's request" in sentence for sentence in sentences)
    assert correction_sentence(None) == ""


def test_the_map_of_no_finding_shows_what_lowers_it():
    assert map_title("no_finding") == "Regions that lower No Finding"
    assert map_title("effusion") == "Map of Effusion"


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (MapStyle(), "Marked: regions that raise the model's score; the stronger the mark"),
        (MapStyle(signed=True), "Warm with a solid line: regions that raise the model's score."),
        (MapStyle("contour"), "Solid lines ring regions that raise the model's score."),
        (MapStyle("contour", signed=True), "; dashed lines ring regions that lower it."),
    ],
)
def test_marks_are_told_in_a_form_that_grey_print_keeps(style, words):
    assert words in map_legend("effusion", style)
    turned = map_legend("no_finding", style)
    assert turned.index("lower") < (turned.find("raise") if style.signed else len(turned))


@pytest.mark.parametrize(
    ("probability", "above", "side"),
    [(0.5, True, "above"), (0.312, True, "just above"), (0.306, False, "just below")],
)
def test_a_near_miss_is_called_so(probability, above, side):
    assert flag_word(probability, 0.31, above=above) == side
