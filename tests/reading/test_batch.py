"""Many films: in their order, bounded ahead, cancelled cleanly, one bad file an outcome."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from cxr_core.errors import ImageError
from cxr_core.model.torch_engine import TorchEngine
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource, film_sources
from tests.helpers.analyses import FakeAnalyzer
from tests.helpers.models import make_metadata, random_network, served_by_torch
from tests.helpers.zips import zip_bytes

FILM = phantom_png(1, size=96)
SECONDS = 60  # patient; nothing is timed


def films(count: int, data: bytes = FILM) -> list[FilmSource]:
    return [FilmSource(number, f"{number}.png", lambda: data) for number in range(1, count + 1)]


def test_the_order_is_kept_though_the_first_is_slow() -> None:
    third_is_here = threading.Event()

    def slow() -> bytes:
        assert third_is_here.wait(SECONDS)
        return FILM

    def third() -> bytes:
        third_is_here.set()
        return FILM

    sources = [FilmSource(1, "", slow), FilmSource(2, "", lambda: FILM), FilmSource(3, "", third)]
    outcomes = list(read_films(FakeAnalyzer(), sources, workers=3))
    assert [outcome.source.number for outcome in outcomes] == [1, 2, 3]
    read = [outcome.analysis.image_sha256 for outcome in outcomes if outcome.analysis]
    assert read == [hashlib.sha256(FILM).hexdigest()] * 3


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_than_its_jobs_are_decoded_ahead(jobs: int) -> None:
    asked = 0

    def coming() -> Iterator[FilmSource]:
        nonlocal asked
        for source in films(20):
            asked += 1
            yield source

    for handed_out, _ in enumerate(read_films(FakeAnalyzer(), coming(), workers=jobs), start=1):
        assert asked <= handed_out + jobs
    assert asked == handed_out == 20


def test_films_read_together_are_read_as_each_alone() -> None:
    network = random_network().requires_grad_(False)
    model = served_by_torch(network, make_metadata())
    together = replace(model, engine=TorchEngine(network, batch_size=4))
    sources = [
        FilmSource(number, "", partial(phantom_png, number, size=96)) for number in range(1, 8)
    ]
    sources[2] = FilmSource(3, "", lambda: b"this is text")
    alone = list(read_films(Analyzer(model), sources, workers=3))
    found = list(read_films(Analyzer(together), sources, workers=3))
    assert [one.source.number for one in found] == list(range(1, 8))
    for one, other in zip(alone, found, strict=True):
        assert (one.sha256, one.reason) == (other.sha256, other.reason)
        if one.analysis is None:
            assert (one.source.number, other.analysis) == (3, None)
            continue
        assert other.analysis is not None
        assert other.analysis.logits == pytest.approx(one.analysis.logits, abs=1e-5)
        assert other.analysis.gate == one.analysis.gate


@pytest.mark.parametrize("together", [1, 8])
def test_closing_ends_the_reading(together: int) -> None:
    analyzer = FakeAnalyzer()
    analyzer.batch_size = together
    loaded: list[int] = []

    def note(number: int) -> bytes:
        loaded.append(number)
        return FILM

    sources = [FilmSource(n, "", partial(note, n)) for n in range(1, 101)]
    reading = read_films(analyzer, sources, workers=2)
    next(reading)
    next(reading)
    reading.close()
    for thread in threading.enumerate():
        if thread.name.startswith("decode"):
            thread.join(SECONDS)
            assert not thread.is_alive()
    assert len(loaded) <= 2 + (2 if together == 1 else 4)


def test_one_bad_file_is_an_outcome_with_its_reason() -> None:
    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file")

    def unforeseen() -> bytes:
        raise RuntimeError("DOE^JANE")

    sources = films(5)
    sources[1] = FilmSource(2, "b", lambda: b"this is text")
    sources[2] = FilmSource(3, "c", gone)
    sources[3] = FilmSource(4, "d", unforeseen)
    good, text, missing, odd, last = read_films(FakeAnalyzer(), sources, workers=2)
    assert (good.reason, last.reason) == ("", "")
    assert text.analysis is None
    assert text.sha256 == hashlib.sha256(b"this is text").hexdigest()
    assert text.reason.startswith("This file cannot be read")
    assert (missing.sha256, missing.reason) == (
        "",
        "The file cannot be opened: No such file. Check the path and its permissions.",
    )
    assert "RuntimeError" in odd.reason
    assert "DOE" not in odd.reason


def test_known_films_are_not_decoded() -> None:
    known = hashlib.sha256(b"not even a film").hexdigest()
    (outcome,) = read_films(FakeAnalyzer(), films(1, b"not even a film"), skip={known})
    assert (outcome.sha256, outcome.analysis, outcome.reason) == (known, None, "")


def test_a_zip_is_its_members_and_a_bad_zip_is_one_film() -> None:
    sources, left_out = film_sources(
        "all.zip", zip_bytes({"a": FILM, "DICOMDIR": b"x"}), first_number=7
    )
    assert [(source.number, source.name) for source in sources] == [(7, "all.zip/a")]
    assert left_out == 1
    assert sources[0].load() == FILM
    (bad,), left_out = film_sources("bad.zip", b"PK\x03\x04 and no more", first_number=1)
    assert left_out == 0
    with pytest.raises(ImageError, match="damaged or incomplete"):
        bad.load()
    (plain,), _ = film_sources("film.png", FILM, first_number=1)
    assert plain.load() is FILM
