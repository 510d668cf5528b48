"""The films of one session's worklist: what is held of them, and the reading of them.

The bytes stay in the session's memory, a zip's once for all its films. Of a reading only a small
row is kept; a film that is opened is read again. No thread of its own drives the reading: the page
asks for a few films, draws them, and asks again. So it pauses on another page, and ends with the
session, which Streamlit closes some two minutes after its browser has gone.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxr_core.reading.analyzer import Analysis, Analyzer
from cxr_core.reading.batch import Outcome, read_films
from cxr_core.reading.sources import Source, sources_of, without_names
from cxr_core.ui import state
from cxr_core.ui.worklist.rows import ALL, FilmRow, film_row, in_order, row_of, without_name

MAX_HELD_BYTES = 600 * 2**20
PAUSE = 3.0  # seconds; a longer gap between two slices of reading was spent elsewhere
_WORKLIST = "worklist"
_OPEN = "worklist_open_film"


@dataclass
class Worklist:
    """Attributes:
    sources: the films by number.
    rows: those that were read or refused, by number.
    opened: numbers of the films that were opened in Read.
    left_out: files in zips that can be no films.
    not_taken: files that found no room.
    running: whether the page goes on reading.
    shown: the filter, one of ``worklist_rows.FILTERS``.
    page: which page of the list is shown, from 0.
    return_to: number of the film to come back to, once.
    leaving: whether a film was just opened, so that Read is to be shown.
    """

    sources: dict[int, Source] = field(default_factory=dict)
    rows: dict[int, FilmRow] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    left_out: int = 0
    not_taken: int = 0
    running: bool = False
    shown: str = ALL
    page: int = 0
    return_to: int | None = None
    leaving: bool = False
    _held: int = 0
    _model: str = ""
    _reading: Iterator[Outcome] | None = None
    _spent: float = 0.0
    _timed: int = 0
    _last: float = 0.0
    _asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, data: bytes, *, keep_name: bool) -> None:
        """Take a film or a zip of films, and read on."""
        if self._held + len(data) > MAX_HELD_BYTES:
            self.not_taken += 1
            return
        self._held += len(data)
        films, left_out = sources_of(name, data, first=len(self.sources) + 1)
        kept = films if keep_name else without_names(films)
        self.sources |= {source.number: source for source in kept}
        self.left_out += left_out
        self.go_on()

    def forget_names(self) -> None:
        """Keep no file's name."""
        self._stop()
        self.sources = {film.number: film for film in without_names(self.sources.values())}
        self.rows = {number: without_name(row) for number, row in self.rows.items()}

    def cancel(self) -> None:
        """Stop reading; what was read stays."""
        self._stop()
        self.running = False

    def go_on(self) -> None:
        """Read what is not read yet."""
        self._stop()
        self.running = True
        self._spent, self._timed = 0.0, 0

    def read_with(self, analyzer: Analyzer) -> None:
        """Rows belong to one model: those of another are dropped and read again."""
        model = analyzer.metadata.model_sha256
        if self._model not in ("", model):
            self.rows.clear()
            self.go_on()
        self._model = model

    def advance(self, analyzer: Analyzer, *, seconds: float) -> None:
        """Read at least one more film, and others while ``seconds`` last."""
        with self._lock:
            asked, began = self._asked, time.monotonic()
            self._spent += gap if (gap := began - self._last) < PAUSE else 0.0
            if self._reading is None:
                waiting = [film for n, film in self.sources.items() if n not in self.rows]
                self._reading = read_films(analyzer, waiting)
            for outcome in self._reading:
                self.rows[outcome.source.number] = film_row(outcome, model_sha256=self._model)
                self._timed += 1
                if self._asked != asked or time.monotonic() - began >= seconds:
                    break
            self._last = time.monotonic()
            self._spent += self._last - began
            if len(self.rows) == len(self.sources):
                self._reading, self.running = None, False

    def seconds_left(self) -> float | None:
        """How long the films that wait will take, by those just read; None when too few were."""
        if self._timed < 3:
            return None
        return self._spent / self._timed * (len(self.sources) - len(self.rows))

    def listed(self) -> list[FilmRow]:
        """The rows that the filter shows, in order."""
        return in_order(list(self.rows.values()), self.shown)

    def close(self) -> None:
        """End the reading; the worklist is not used any more."""
        self._stop()

    def _stop(self) -> None:
        """End the reading under way, after the film in hand.

        A click starts the page anew in another thread, while the last one may still be reading.
        """
        self._asked += 1
        with self._lock:
            if self._reading is not None:
                self._reading.close()  # type: ignore[attr-defined]  # a generator
            self._reading = None


def current() -> Worklist:
    """The session's worklist."""
    if _WORKLIST not in st.session_state:
        st.session_state[_WORKLIST] = Worklist()
    worklist: Worklist = st.session_state[_WORKLIST]
    return worklist


def clear() -> None:
    """Drop all films and results, the one that is open in Read too."""
    current().close()
    if open_number() is not None:
        state.keep_film(None)
    st.session_state.pop(_OPEN, None)
    st.session_state.pop(_WORKLIST, None)


def take_uploads(uploads: list[object], *, keep_names: bool) -> None:
    """Keep the bytes of uploaded files; Streamlit's own copies are removed."""
    for upload in uploads:
        if not isinstance(upload, UploadedFile):
            continue  # an uploader that has been emptied, named once more by a late click
        current().add(upload.name, upload.getvalue(), keep_name=keep_names)
        state.forget_file(upload.file_id)


def open_film(number: int) -> None:
    """Make a film of the worklist the session's film.

    Raises:
        ImageError: a member of a zip that cannot be unpacked.
    """
    worklist = current()
    data = worklist.sources[number].load()
    state.keep_film(data)
    if (row := worklist.rows.get(number)) is not None:  # as the reader left it
        if row.correction is not None:
            state.correct_film(row.correction)
        if row.anyway:
            state.accept_stop()
    st.session_state[_OPEN] = (number, data)
    worklist.opened.add(number)
    worklist.return_to = number
    worklist.leaving = True


def open_number() -> int | None:
    """Number of the session's film in the worklist; None when it came from elsewhere."""
    number, data = st.session_state.get(_OPEN, (None, None))
    return number if data is not None and data is state.film() else None


def take_reading(analysis: Analysis) -> None:
    """The row of a film that is open in Read becomes what Read says of it: corrected, or read
    although it was stopped."""
    number = open_number()
    if number is not None:
        films = current()
        name, anyway = films.sources[number].name, state.read_anyway()
        films.rows[number] = row_of(analysis, number, name, anyway=anyway)
