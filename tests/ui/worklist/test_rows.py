"""A film of the worklist as a row: its words, its place, its line of the CSV."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cxr_core.evaluation.cutoffs import BANDS
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.flag_worth import BandShare
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.results_csv import COLUMNS, analysis_row
from cxr_core.imaging.gate import GateResult
from cxr_core.reading.batch import Outcome
from cxr_core.reading.sources import FilmSource
from cxr_core.ui.words import time_left
from cxr_core.ui.worklist.rows import (
    ALL,
    ANY_FLAGGED,
    FILTERS,
    NONE_FLAGGED,
    STOPPED_OR_FAILED,
    FilmRow,
    analysis_film_row,
    film_row,
    filter_and_sort,
    row_html,
    thumbnail,
)
from tests.helpers.analyses import analysis_with_margins


def gate_of(stopped: str) -> GateResult:
    return GateResult(passed=not stopped, reasons=(stopped,) if stopped else ())


def row(number: int, *margins: float, name: str = "", stopped: str = "") -> FilmRow:
    """A row by its margins; without any, of a film that cannot be read."""
    source = FilmSource(number, name, bytes)
    if not margins:
        outcome = Outcome(source, "f" * 64, reason="It is <b>text</b>.")
    else:
        outcome = Outcome(source, "a" * 64, analysis_with_margins(margins, gate=gate_of(stopped)))
    return film_row(outcome, model_sha256="b" * 64)


ROWS = [
    row(1, -0.5, -1.0, -2.0, 3.0),
    row(2, 0.5, -1.0, 0.1, -3.0),
    row(3),
    row(4, -1.0, 2.0, -1.0, -1.0),
    row(5, 9.0, 9.0, 9.0, 9.0, stopped="The film is blank."),
]


@pytest.mark.parametrize(
    ("shown", "numbers"),
    [
        (ALL, [3, 5, 4, 2, 1]),
        (STOPPED_OR_FAILED, [3, 5]),
        (ANY_FLAGGED, [4, 2]),
        ("Effusion flagged", [2]),
        ("Atelectasis flagged", [4]),
        ("Infiltration flagged", [2]),
        (NONE_FLAGGED, [1]),
    ],
)
def test_each_filter_in_the_order(shown: str, numbers: list[int]) -> None:
    assert shown in FILTERS
    assert [film.number for film in filter_and_sort(reversed(ROWS), shown)] == numbers


def test_a_row_says_what_is_above_by_margin_and_no_finding_in_plain_words() -> None:
    said = row_html(row(2, 0.0, -1.0, 2.0, -3.0, name="<i>.png"), place=7, opened=True)
    assert said.index("▲ Infiltration 88&nbsp;%") < said.index("▲ Effusion 50&nbsp;%")
    assert "<small>cut-off 50&nbsp;%</small>" in said
    assert "Atelectasis" not in said
    assert '<span class="plain">No Finding 5 %</span>' in said
    assert "✓ opened" in said
    assert "&lt;i&gt;.png" in said
    assert '<span class="place">7</span>' in said


def test_a_row_says_what_its_results_are_worth_unless_they_are_not_reliable() -> None:
    share = BandShare(20, 5, Interval(0.25, 0.1, 0.4, "enough"))
    facts = ModelFacts(bands={"effusion": dict.fromkeys(BANDS, share)})
    told = "<small>cut-off 50&nbsp;%: 25&nbsp;% of such test films had the label</small>"
    assert told in row_html(ROWS[1], place=1, opened=False, facts=facts)
    assert told not in row_html(ROWS[1], place=1, opened=False)
    anyway = replace(ROWS[1], read_anyway=True, reason="It is a strip.")
    assert "test films" not in row_html(anyway, place=1, opened=False, facts=facts)


def test_a_row_with_none_above_names_the_nearest() -> None:
    said = row_html(ROWS[0], place=1, opened=False)
    assert "▽ None flagged. Nearest: Effusion 38&nbsp;% <small>cut-off 50&nbsp;%</small>" in said
    assert '<span class="plain">No Finding 95 %, called normal</span>' in said
    anyway = replace(ROWS[0], read_anyway=True, reason="It is a strip.")
    assert "called normal" not in row_html(anyway, place=1, opened=False)
    assert "opened" not in said


def test_a_probability_beside_a_cut_off_that_it_just_misses_has_more_digits() -> None:
    film = row(1, -0.01, -1.0, -2.0, 3.0)
    said = row_html(film, place=1, opened=False)
    assert "Nearest: Effusion 49.8&nbsp;% <small>cut-off 50.0&nbsp;%</small>" in said


def test_a_caution_about_the_film_stands_in_its_row() -> None:
    film = row(1, -0.5, -1.0, -2.0, 3.0)
    doubtful = replace(film, csv_row=film.csv_row | {"warnings": "It shows <LEG>, not the chest."})
    assert "⚠ It shows &lt;LEG&gt;, not the chest." in row_html(doubtful, place=1, opened=False)
    assert "⚠" not in row_html(film, place=1, opened=False)


def test_what_was_not_read_says_why_as_plain_text() -> None:
    unreadable = row_html(ROWS[2], place=1, opened=False)
    assert "✕ Cannot be read.</strong> It is &lt;b&gt;text&lt;/b&gt;." in unreadable
    assert "Open" not in unreadable
    stopped = row_html(ROWS[4], place=1, opened=False)
    assert "■ Stopped.</strong> The film is blank." in stopped
    assert "Effusion" not in stopped
    assert "Open" in stopped


def test_the_csv_line_has_number_or_name_and_every_column() -> None:
    named, bad = row(2, 0.5, -1.0, 0.1, -3.0, name="DOE.png"), row(3)
    assert named.csv_row["file"] == "DOE.png"
    assert "DOE.png" in row_html(named, place=1, opened=False)
    assert "DOE" not in row_html(named, place=1, opened=False, show_name=False)
    expected = analysis_row(
        analysis_with_margins((0.5, -1.0, 0.1, -3.0)), file="DOE.png", row_number=2
    )
    assert named.csv_row == expected
    assert set(bad.csv_row) == set(COLUMNS)
    found = {
        name: bad.csv_row[name] for name in ("row", "file", "status", "reason", "model_sha256")
    }
    assert found == {
        "row": "3",
        "file": "",
        "status": "failed",
        "reason": "It is <b>text</b>.",
        "model_sha256": "b" * 64,
    }


def test_a_thumbnail_is_small_and_keeps_its_shape() -> None:
    uri = thumbnail(np.full((2000, 1000), 200, np.uint8))
    kind, _, data = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert picture.shape == (112, 56)
    assert abs(int(picture[50, 20]) - 200) <= 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (4.0, "a few seconds left"),
        (14.0, "about 10 seconds left"),
        (94.0, "about 90 seconds left"),
        (96.0, "about 2 minutes left"),
        (3000.0, "about 50 minutes left"),
    ],
)
def test_time_left(seconds: float | None, words: str) -> None:
    assert time_left(seconds) == words


def test_the_numbers_of_a_stopped_film_are_told_only_when_it_was_read_anyway() -> None:
    stopped = analysis_with_margins((9.0, 9.0, 9.0, 9.0), gate=gate_of("The film is blank."))
    hidden, asked = (
        analysis_film_row(stopped, 5, ""),
        analysis_film_row(stopped, 5, "", read_anyway=True),
    )
    assert (hidden.status, hidden.csv_row["status"]) == ("stopped", "stopped")
    assert hidden.csv_row["probability_effusion"] == ""
    assert hidden.csv_row["gate_reasons"] == "The film is blank."
    assert (asked.status, asked.csv_row["status"], asked.csv_row["read_anyway"]) == (
        "read",
        "read",
        "1",
    )
    assert asked.csv_row["probability_effusion"].startswith("0.99")
    said = row_html(asked, place=1, opened=True)
    assert "⚠ The film is blank." in said
    assert "▲ Effusion" in said
    assert 'class="film-row seen doubtful"' in said
    assert "Not reliable: read at the reader's request." in said
    assert asked.csv_row["cautions"] == "Not reliable: read at the reader's request."


def test_a_corrected_film_says_so() -> None:
    turned = replace(analysis_with_margins((1.0, -1.0, -1.0, -1.0)), correction="invert")
    row = analysis_film_row(turned, 2, "")
    assert row.csv_row["correction"] == row.correction == "invert"
    assert row.csv_row["correction_words"].startswith("The film was inverted at the reader's")
    assert "doubtful" not in row_html(row, place=1, opened=True)
    assert "⚠ The film was inverted" in row_html(row, place=1, opened=True)
