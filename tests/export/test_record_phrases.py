"""The words that every export shares."""

import pytest

from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.overlay import MapStyle
from cxr_core.export.record import (
    correction_sentence,
    flag_word,
    map_legend,
    map_title,
    result_headline,
    result_words,
    worth_words,
)
from cxr_core.findings import KEYS
from cxr_core.imaging.correction import CORRECTIONS
from tests.helpers.analyses import STOPPED, make_analysis


def test_every_correction_has_its_own_sentence():
    sentences = {correction_sentence(correction) for correction in CORRECTIONS}
    assert len(sentences) == len(CORRECTIONS) == 6
    assert all("at the reader's request" in sentence for sentence in sentences)
    assert correction_sentence(None) == ""
    assert correction_sentence("invert+rotate_cw") == (
        "The film was inverted and rotated 90° clockwise at the reader's request before it was "
        "read."
    )


def test_of_a_stopped_film_no_word_reassures_or_tells_what_it_is_worth():
    stopped = make_analysis((0.1, 0.05, 0.1, 0.9), gate=STOPPED)
    assert result_headline(stopped) == "Not reliable: read at the reader's request"
    assert result_words(stopped, "no_finding") == "Not reliable (called normal)"
    assert "not known" in worth_words(stopped, "effusion", ModelFacts())


def test_the_map_of_no_finding_is_named_for_what_it_shows():
    assert map_title("no_finding") == "What argues against a normal film"
    assert map_title("effusion") == "Map of Effusion"


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (MapStyle(), "Colour: what pushed the score up. Coarse, not an outline."),
        (MapStyle(signed=True), "Warm, solid line: what pushed the score up."),
        (MapStyle("contour"), "Solid lines: what pushed the score up."),
        (MapStyle("contour", signed=True), "; dashed lines: what pushed it down."),
    ],
)
def test_marks_are_told_in_a_form_that_grey_print_keeps(style, words):
    assert words in map_legend("effusion", style)
    negated = map_legend("no_finding", style)
    assert "what argues against a normal film" in negated
    assert ("what speaks for one" in negated) == style.signed


@pytest.mark.parametrize(
    ("key", "flagged", "word"),
    [
        ("effusion", True, "flagged"),
        ("effusion", False, "not flagged"),
        ("no_finding", True, "called normal"),
        ("no_finding", False, "not called normal"),
    ],
)
def test_a_finding_is_flagged_and_a_normal_film_called_normal(key, flagged, word):
    assert flag_word(key, flagged=flagged) == word


@pytest.mark.parametrize(
    ("probabilities", "above", "headline"),
    [
        ((0.9, 0.1, 0.8, 0.05), (True, False, True, False), "Flagged: Effusion, Infiltration"),
        ((0.1, 0.1, 0.1, 0.9), (False, False, False, True), "Nothing flagged"),
        ((0.1, 0.1, 0.1, 0.1), (False, False, False, False), "Nothing flagged"),
        ((0.6, 0.1, 0.1, 0.6), (True, False, False, True), "Unclear: contradictory"),
        ((0.6, 0.1, 0.1, 0.6), (False, False, False, False), "Unclear: contradictory"),
    ],
)
def test_the_headline_says_what_is_flagged(probabilities, above, headline):
    analysis = make_analysis(probabilities, above=dict(zip(KEYS, above, strict=True)))
    assert result_headline(analysis) == headline
