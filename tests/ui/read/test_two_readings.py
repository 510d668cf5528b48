"""The film and the prior film in one table, and what their files say of each other."""

from datetime import date

import pytest

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.render.table import to_text
from cxr_core.findings import KEYS
from cxr_core.imaging.dicom.identity import StatedIdentity
from cxr_core.reading.analyzer import Analysis
from cxr_core.reading.perturbations import Probes
from cxr_core.ui.read.two_readings import (
    NOT_MEASURED,
    NOT_READ,
    OTHER_PATIENT,
    PRIOR_IS_LATER,
    UNKNOWN_PATIENT,
    comparison_table,
    dates_sentence,
    mismatch_sentences,
)
from tests.helpers.analyses import STOPPED, make_analysis
from tests.helpers.models import SENSITIVE_CUTOFFS, make_points

PAIR = Cutoffs(make_points(), make_points(SENSITIVE_CUTOFFS))
FIRST = make_analysis((0.38, 0.1, 0.3, 0.2), cutoffs=(0.31, 0.28, 0.35, 0.62), pair=PAIR)
SECOND = make_analysis((0.2, 0.05, 0.4, 0.7), cutoffs=(0.31, 0.28, 0.35, 0.62), pair=PAIR)


def as_shown(key: str, probability: float) -> float:
    return probability


def rows(
    first: Analysis | None, second: Analysis | None, *measured: Analysis
) -> dict[str, list[object]]:
    low, high = dict.fromkeys(KEYS, 0.12), dict.fromkeys(KEYS, 0.31)
    probes = Probes({}, low, high, "", "", None)
    table = comparison_table(
        first, second, lambda one: probes if one in measured else None, as_shown
    )
    return {row.finding: list(row.cells) for row in table.rows}


def test_a_line_has_both_probabilities_with_their_bands():
    found = rows(FIRST, SECOND)
    assert list(found) == list(KEYS)
    assert found["effusion"] == [
        "Effusion", "38 %, likely", NOT_MEASURED, "20 %, uncertain", NOT_MEASURED,
    ]  # fmt: skip
    assert found["no_finding"][1:4:2] == ["20 %, unlikely", "70 %, likely"]


def test_a_stability_range_stands_where_it_was_measured():
    found = rows(FIRST, SECOND, SECOND)
    assert all(cells[2] == NOT_MEASURED for cells in found.values())
    assert all(cells[4] == "12 to 31 %" for cells in found.values())


def test_numbers_of_a_film_that_was_not_read_are_told_to_nobody():
    found = rows(FIRST, None, FIRST)
    assert all(cells[3:] == [NOT_READ, "–"] for cells in found.values())
    table = comparison_table(None, SECOND, lambda one: None, as_shown)
    assert "38" not in to_text(table)


def test_a_film_read_although_stopped_is_called_so():
    stopped = make_analysis((0.38, 0.1, 0.3, 0.2), gate=STOPPED)
    table = comparison_table(FIRST, stopped, lambda one: None, as_shown)
    assert [column.title for column in table.columns][1:4:2] == [
        "This film",
        "Prior film (not reliable)",
    ]


def test_a_model_with_one_cut_off_has_no_bands():
    single = make_analysis((0.38, 0.1, 0.3, 0.2))
    found = rows(single, single)
    assert found["effusion"][1] == "38 %, flagged"
    assert found["no_finding"][1] == "20 %, not called normal"


def identity(patient_id: str, day: date | None) -> StatedIdentity:
    return StatedIdentity(
        patient_id=patient_id, study_day=day, study_date=day.isoformat() if day else ""
    )


EARLY, LATE = date(2023, 2, 11), date(2024, 5, 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (identity("4711", LATE), identity("4711", EARLY), []),
        (identity("4711", EARLY), identity("4711", EARLY), []),
        (identity("4711", EARLY), identity("4711", LATE), [PRIOR_IS_LATER]),
        (identity("4711", LATE), identity("4712", EARLY), [OTHER_PATIENT]),
        (identity("4711", EARLY), identity("4712", LATE), [OTHER_PATIENT, PRIOR_IS_LATER]),
        (identity("", None), identity("4712", LATE), [UNKNOWN_PATIENT]),
    ],
)
def test_what_speaks_against_the_pair_is_said_without_its_values(first, second, expected):
    found = mismatch_sentences(first, second)
    assert found == expected
    assert not any(value in " ".join(found) for value in ("471", "2023", "2024"))


def test_dates_are_told_where_a_file_has_one():
    assert dates_sentence(identity("", LATE), identity("", EARLY)) == (
        "Study dates: this film 2024-05-01, prior film 2023-02-11."
    )
    assert "this film not stated" in dates_sentence(identity("", None), identity("", EARLY))
    assert dates_sentence(identity("", None), identity("", None)) == ""
