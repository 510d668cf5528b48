"""The session's worklist without a page: names, limits, cancelling, and one model at a time."""

import csv
import io
import threading
import time
from dataclasses import replace

import pytest
import streamlit as st

from cxr_core.export.results_csv import STATUS_STOPPED
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.worklist.page import assessments_of, worklist_csv
from cxr_core.ui.worklist.session import Worklist
from tests.helpers.analyses import FakeAnalyzer
from tests.helpers.zips import zip_bytes

FILM = phantom_png(1, size=96)


def filled(count: int) -> Worklist:
    films = Worklist()
    films.add("DOE.zip", zip_bytes({f"JANE_{n}.png": FILM for n in range(count)}))
    return films


def table(films: Worklist) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(worklist_csv(films).decode())))


def test_an_export_has_names_only_when_asked_for() -> None:
    films, analyzer = filled(3), FakeAnalyzer()
    films.set_model(analyzer)
    films.advance(analyzer, seconds=0)
    assert [(row["row"], row["file"]) for row in table(films)] == [("1", ""), ("2", ""), ("3", "")]
    named = csv.DictReader(io.StringIO(worklist_csv(films, with_names=True).decode()))
    assert [row["file"] for row in named] == [f"DOE.zip/JANE_{n}.png" for n in range(3)]


def test_a_corrected_film_keeps_its_place_until_the_list_is_sorted_again() -> None:
    films, analyzer = filled(3), FakeAnalyzer()
    films.set_model(analyzer)
    films.advance(analyzer, seconds=60)
    before = [row.number for row in films.visible_rows()]
    assert films.is_sorted
    last = before[-1]
    films.rows[last] = replace(films.rows[last], status=STATUS_STOPPED)
    assert not films.is_sorted
    assert [row.number for row in films.visible_rows()] == before
    films.sort_again()
    assert films.is_sorted
    assert [row.number for row in films.visible_rows()] == [last, *before[:-1]]


def test_the_readers_word_stands_in_the_row_of_its_film(monkeypatch: pytest.MonkeyPatch) -> None:
    films, analyzer = filled(2), FakeAnalyzer()
    films.set_model(analyzer)
    films.advance(analyzer, seconds=60)
    film, model = (films.rows[1].csv_row[name][:24] for name in ("image_sha256", "model_sha256"))
    said = {
        f"of_film_{film}_{model}_as-it-came_word_effusion": "absent",
        f"of_film_{film}_{model}_as-it-came_note": " Seen. ",
        f"of_film_{film}_{model}_invert_word_effusion": "present",  # of another reading
        f"of_film_{'0' * 24}_{model}_as-it-came_word_effusion": "unsure",  # of another film
    }
    monkeypatch.setattr(st, "session_state", said)
    rows = csv.DictReader(io.StringIO(worklist_csv(films, assessments_of(films)).decode()))
    first = next(rows)
    assert (first["assessment_effusion"], first["note"]) == ("absent", "Seen.")
    assert first["assessment_atelectasis"] == ""
    assert {row["assessment_effusion"] for row in table(films)} == {""}  # none without words


def test_reading_is_cancelled_and_goes_on_with_the_rest() -> None:
    films, analyzer = filled(5), FakeAnalyzer()
    films.set_model(analyzer)
    assert films.running
    films.advance(analyzer, seconds=0)  # one film, however little time there is
    films.advance(analyzer, seconds=0)
    films.cancel()
    assert not films.running
    assert sorted(films.rows) == [1, 2]
    assert [row["status"] for row in table(films)] == ["read"] * 2 + [""] * 3
    films.resume()
    films.advance(analyzer, seconds=60)
    assert sorted(films.rows) == [1, 2, 3, 4, 5]
    assert analyzer.films == 5  # none was read twice
    assert not films.running


def test_films_added_meanwhile_are_numbered_on_and_read() -> None:
    films, analyzer = filled(2), FakeAnalyzer()
    films.advance(analyzer, seconds=0)
    films.add("c.png", b"no film")
    films.advance(analyzer, seconds=60)
    assert sorted(films.rows) == [1, 2, 3]
    assert films.visible_rows()[0].number == 3  # it cannot be read, so it comes first
    assert films.visible_rows()[0].reason.startswith("This file cannot be read")


def test_rows_belong_to_one_model() -> None:
    films, first = filled(1), FakeAnalyzer("1" * 64)
    films.set_model(first)
    films.advance(first, seconds=60)
    films.set_model(first)
    assert len(films.rows) == 1
    second = FakeAnalyzer("2" * 64)
    films.set_model(second)
    assert not films.rows
    assert films.running
    films.advance(second, seconds=60)
    assert table(films)[0]["model_sha256"] == "2" * 64


def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_SESSION_FILMS", "1")
    films = Worklist()
    for _ in range(3):
        films.add("a.png", FILM)
    assert (len(films.sources), films.n_rejected) == (1, 2)
    assert films.rejected_because.startswith("This session is full: it holds at most 1 films.")


def test_time_left_follows_the_films_just_read() -> None:
    films, analyzer = filled(6), FakeAnalyzer()
    films.advance(analyzer, seconds=0)
    assert films.seconds_left() is None  # too few to say
    for _ in range(3):
        films.advance(analyzer, seconds=0)
    left = films.seconds_left()
    assert left is not None
    films.advance(analyzer, seconds=60)
    assert films.seconds_left() == 0


def test_a_cancel_from_another_thread_waits_for_the_film_in_hand_only() -> None:
    """As when a click starts the page anew while its last run still reads."""
    films, entered, release = filled(20), threading.Event(), threading.Event()

    class Slow(FakeAnalyzer):
        def analyze_radiograph(
            self, radiograph: Radiograph, *, correction: str | None = None
        ) -> Analysis:
            entered.set()
            assert release.wait(60)
            return super().analyze_radiograph(radiograph, correction=correction)

    analyzer = Slow()
    reading = threading.Thread(target=films.advance, args=(analyzer,), kwargs={"seconds": 60})
    reading.start()
    assert entered.wait(60)
    click = threading.Thread(target=films.cancel)
    click.start()
    while films._interrupts == 1:  # the films that were added asked once
        time.sleep(0.001)
    release.set()
    for thread in (click, reading):
        thread.join(60)
        assert not thread.is_alive()
    assert not films.running
    assert analyzer.films == len(films.rows) == 1
