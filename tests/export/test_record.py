"""What a record refuses, and what it says beside every picture."""

from datetime import datetime

import pytest

from cxr_core.errors import ExportError
from cxr_core.export.record import MAX_NOTE_LENGTH, MAX_REFERENCE_LENGTH
from cxr_core.version import VERSION
from tests.helpers.analyses import STOPPED
from tests.helpers.records import export_analysis, make_record


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reference": "x" * 121}, "reference line is too long for an export: 121 characters"),
        ({"note": "x" * 1001}, "note is too long for an export: 1,001 characters"),
        ({"shown_finding": "fracture"}, "no such finding: fracture"),
        ({"assessments": {"fracture": "present"}}, "no such finding: fracture"),
        ({"assessments": {"effusion": "maybe"}}, "no such answer for a finding: maybe"),
        ({"created": datetime(2026, 1, 2, 3, 4)}, "has no time zone: 2026-01-02T03:04:00"),
        ({"site_prevalence": {"effusion": 5.0}}, "is not between 0 and 1: 5.0"),
        ({"at_site_prevalence": {"effusion": (0.5, float("nan"))}}, "is not between 0 and 1: nan"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(changes, words):
    with pytest.raises(ExportError, match=words):
        make_record(**changes)


def test_the_longest_texts_and_an_unknown_prevalence_are_taken():
    record = make_record(
        reference="x" * MAX_REFERENCE_LENGTH,
        note="y" * MAX_NOTE_LENGTH,
        site_prevalence={"effusion": None},
    )
    assert record.version == VERSION


def test_a_film_in_order_has_no_banner():
    assert make_record().banner == ()


@pytest.mark.parametrize(
    ("read_anyway", "opening"),
    [
        (True, ("Not reliable: read at the reader's request.",)),
        (False, ()),
    ],
)
def test_the_banner_names_the_stop_the_correction_and_the_phantom(read_anyway, opening):
    analysis = export_analysis(gate=STOPPED, correction="invert")
    record = make_record(analysis, read_anyway=read_anyway, film_note="A phantom.")
    assert record.banner == (
        *opening,
        "The input check stopped this film.",
        "Too dark.",
        "Too small.",
        "The film was inverted at the reader's request before it was read.",
        "A phantom.",
    )


def test_cautions_are_told_once():
    record = make_record(cautions=("Mirrored.", "16 bit.", "A phantom."), film_note="A phantom.")
    assert record.all_cautions == ("16 bit.", "Mirrored.")
