"""The films of one session's worklist: what is held of them, and the reading of them.

The bytes stay in the session's memory, a zip's once for all its films. Of a reading only a small
row is kept; a film that is opened is read again. No thread of its own drives the reading: a page
asks for a few films, draws, and asks again. So it goes on while a film is open in Read, pauses on
other pages, and ends with the session, which Streamlit closes some two minutes after its browser
has gone.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxr_core.errors import AuditError, BudgetError, CXRError
from cxr_core.evaluation.cutoffs import SETTINGS
from cxr_core.export.results_csv import STATUS_FAILED
from cxr_core.imaging.workers.pool import default_workers
from cxr_core.node.dicomweb_query import Instance
from cxr_core.reading.analyzer import Analysis, Analyzer
from cxr_core.reading.batch import Outcome, read_films
from cxr_core.reading.sources import FilmSource, film_sources
from cxr_core.reading.turns import OnWait
from cxr_core.ui import prior, state
from cxr_core.ui.audit_trail import record_read
from cxr_core.ui.holdings import Held, hold, let_go, take_dropped
from cxr_core.ui.turns import reading_turn
from cxr_core.ui.uploads import remove_upload
from cxr_core.ui.worklist.rows import (
    ALL,
    FilmRow,
    analysis_film_row,
    film_row,
    filter_and_sort,
)

PLACE = "worklist"  # where its films are counted (``ui/holdings.py``)
MAX_GAP_SECONDS = 3.0  # seconds; a longer gap between two slices of reading was spent elsewhere
# Films that one session has decoded while another's are read: few, since they all lie in memory.
READ_AHEAD = max(1, default_workers() // 2)
_WORKLIST = "worklist"
_OPEN_FILM = "worklist_open_film"


class _Interrupted(Exception):
    """A click came while a film waited for its turn."""


@dataclass
class Worklist:
    """Attributes:
    sources: the films by number.
    rows: those that were read or refused, by number.
    opened: numbers of the films that were opened in Read.
    n_skipped: files in zips that can be no films.
    n_rejected: files that found no room.
    rejected_because: the sentence that belongs to the last of them.
    places: by number, the row by which each film is sorted; one that is corrected in Read keeps
        its place until ``sort_again``.
    show_names: whether files' names stand in the list.
    running: whether the page goes on reading.
    filter_name: the filter, one of ``worklist_rows.FILTERS``.
    page: which page of the list is shown, from 0.
    scroll_to: number of the film to come back to, once.
    open_read_page: whether a film was just opened, so that Read is to be shown.
    not_opened: why a film could not be opened; shown once.
    clock_runs: whether Read, with one of the films, was drawn once and reads on by its clock.
    archived: the films of the site's archive, by number: what they are there.
    sent: by number, the reading of it whose report the archive has (``archive.py``).
    """

    sources: dict[int, FilmSource] = field(default_factory=dict)
    rows: dict[int, FilmRow] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    n_skipped: int = 0
    n_rejected: int = 0
    rejected_because: str = ""
    places: dict[int, FilmRow] = field(default_factory=dict)
    show_names: bool = True
    running: bool = False
    filter_name: str = ALL
    page: int = 0
    scroll_to: int | None = None
    open_read_page: bool = False
    not_opened: str = ""
    clock_runs: bool = False
    archived: dict[int, Instance] = field(default_factory=dict)
    sent: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _total_bytes: int = 0
    _model: str = ""
    _reading: Generator[Outcome, None, None] | None = None
    _reading_seconds: float = 0.0
    _n_timed: int = 0
    _last_slice_end: float = 0.0
    _interrupts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, data: bytes) -> None:
        """Take a film or a zip of films, and read on; what finds no room is counted."""
        films, left_out = film_sources(name, data, first_number=len(self.sources) + 1)
        wanted = self.held + Held(len(films), len(data))
        try:
            hold(PLACE, wanted)
        except BudgetError as error:
            self.reject(1, str(error))
            return
        self._total_bytes = wanted.n_bytes
        self.sources |= {source.number: source for source in films}
        self.n_skipped += left_out
        self.resume()

    def add_archived(self, films: Mapping[Instance, tuple[str, Callable[[], bytes]]]) -> None:
        """Take films of the site's archive, of which nothing is held here, and read on.

        Args:
            films: of each the name in the list, and what fetches it.

        Raises:
            BudgetError: there is no room for so many.
        """
        hold(PLACE, self.held + Held(len(films)))
        for number, (film, (name, load)) in enumerate(films.items(), len(self.sources) + 1):
            self.sources[number] = FilmSource(number, name, load)
            self.archived[number] = film
        self.resume()

    @property
    def held(self) -> Held:
        """What is counted against the session's limits."""
        return Held(len(self.sources), self._total_bytes)

    def reject(self, count: int, because: str) -> None:
        """Files that found no room, and the sentence that says why."""
        self.n_rejected += count
        self.rejected_because = because

    def cancel(self) -> None:
        """Stop reading; what was read stays."""
        self._stop()
        self.running = False

    def resume(self) -> None:
        """Read what is not read yet."""
        self._stop()
        self.running = True
        self._reading_seconds, self._n_timed = 0.0, 0

    def set_model(self, analyzer: Analyzer) -> None:
        """Rows belong to one model: those of another are dropped and read again."""
        model = analyzer.metadata.model_sha256
        if self._model not in ("", model):
            self.rows.clear()
            self.places.clear()
            self.resume()
        self._model = model

    def advance(self, analyzer: Analyzer, *, seconds: float, on_wait: OnWait | None = None) -> None:
        """Read at least one more film, and others while ``seconds`` last, each in its turn.

        Args:
            on_wait: told how many films of other sessions are ahead, while there are any.
        """
        with self._lock:
            asked, began = self._interrupts, time.monotonic()
            self._reading_seconds += (
                gap if (gap := began - self._last_slice_end) < MAX_GAP_SECONDS else 0.0
            )
            if self._reading is None:
                waiting = [film for n, film in self.sources.items() if n not in self.rows]
                self._reading = read_films(analyzer, waiting, workers=READ_AHEAD)
            while (outcome := self._next_outcome(self._reading, asked, on_wait)) is not None:
                try:
                    record_read(filter(None, [outcome.analysis]), "worklist")
                except AuditError:
                    # The film waits on, with the others, until the reader goes on.
                    self._reading.close()
                    self._reading, self.running = None, False
                    raise
                row = film_row(outcome, model_sha256=self._model)
                self.rows[row.number] = self.places[row.number] = row
                self._n_timed += 1
                if self._interrupts != asked or time.monotonic() - began >= seconds:
                    break
            self._last_slice_end = time.monotonic()
            self._reading_seconds += self._last_slice_end - began
            if len(self.rows) == len(self.sources):
                self._reading, self.running = None, False

    def _next_outcome(
        self, reading: Iterator[Outcome], asked: int, on_wait: OnWait | None
    ) -> Outcome | None:
        """One more film, when its turn has come; None at the end, or when a click came first."""

        def tell(ahead: int) -> None:
            if self._interrupts != asked:
                raise _Interrupted
            if on_wait is not None:
                on_wait(ahead)

        try:
            with reading_turn(tell):
                return next(reading, None)
        except _Interrupted:
            return None

    def seconds_left(self) -> float | None:
        """How long the films that wait will take, by those just read; None when too few were."""
        if self._n_timed < 3:
            return None
        return self._reading_seconds / self._n_timed * (len(self.sources) - len(self.rows))

    def visible_rows(self) -> list[FilmRow]:
        """The rows that the filter shows, in order, as the reader's setting flags them."""
        setting = state.setting()
        places = {number: row.at(setting).sort_key for number, row in self.places.items()}
        rows = [row.at(setting) for row in self.rows.values()]
        return filter_and_sort(rows, self.filter_name, places)

    def shown_name(self, number: int) -> str:
        """A film's file name; empty while names are hidden."""
        return self.sources[number].name if self.show_names else ""

    @property
    def is_sorted(self) -> bool:
        """Whether every row stands where its result puts it."""
        return self.places.keys() == self.rows.keys() and all(
            self.places[number].at(setting).sort_key == row.at(setting).sort_key
            for number, row in self.rows.items()
            for setting in SETTINGS
        )

    def sort_again(self) -> None:
        """Put corrected films where their new results belong."""
        self.places = dict(self.rows)

    def close(self) -> None:
        """End the reading; the worklist is not used any more."""
        self._stop()

    def _stop(self) -> None:
        """End the reading under way, after the film in hand.

        A click starts the page anew in another thread, while the last one may still be reading.
        """
        self._interrupts += 1
        with self._lock:
            if self._reading is not None:
                self._reading.close()
            self._reading = None


def current_worklist() -> Worklist:
    """The session's worklist."""
    if _WORKLIST not in st.session_state:
        st.session_state[_WORKLIST] = Worklist()
    worklist: Worklist = st.session_state[_WORKLIST]
    return worklist


def set_worklist(films: Worklist) -> None:
    """Make the list of a session that has ended this one's, and read on where it did.

    Raises:
        BudgetError: there is no room for it any more.
    """
    hold(PLACE, films.held)
    current_worklist().close()
    if films.running:
        films.resume()
    st.session_state[_WORKLIST] = films


def clear_worklist() -> None:
    """Drop all films and results, the one that is open in Read too."""
    current_worklist().close()
    if (beside := prior.current_prior()) is not None and beside.number is not None:
        prior.close_prior()
    is_open = open_film_number() is not None
    state.unlist_films()
    if is_open:
        state.set_film(None)
    st.session_state.pop(_OPEN_FILM, None)
    st.session_state.pop(_WORKLIST, None)
    let_go(PLACE)


def add_uploads(uploads: list[object]) -> None:
    """Keep the bytes of uploaded files; Streamlit's own copies are removed."""
    for upload in uploads:
        if not isinstance(upload, UploadedFile):
            continue  # an uploader that has been emptied, named once more by a late click
        current_worklist().add(upload.name, upload.getvalue())
        remove_upload(upload.file_id)
    if (dropped := take_dropped())[0]:
        current_worklist().reject(*dropped)


def open_film(number: int) -> None:
    """Make a film of the worklist the session's film; where it cannot be had, the page says why."""
    worklist = current_worklist()
    try:
        data = worklist.sources[number].load()
    except CXRError as error:
        worklist.not_opened = str(error)
        return
    state.set_film(data, name=worklist.shown_name(number))
    state.list_film(data)
    if (row := worklist.rows.get(number)) is not None:  # as the reader left it
        if row.correction is not None:
            state.set_correction(row.correction)
        if row.read_anyway:
            state.override_gate()
    st.session_state[_OPEN_FILM] = (number, data)
    worklist.opened.add(number)
    worklist.scroll_to = number
    worklist.open_read_page = True


def open_beside(number: int) -> None:
    """Put a film of the worklist beside the session's film, as the reader left it.

    Raises:
        CXRError: it cannot be had: a zip that cannot be unpacked, an archive that does not answer.
    """
    worklist = current_worklist()
    row = worklist.rows.get(number)
    prior.open_prior(
        worklist.sources[number].load(),
        name=worklist.shown_name(number),
        number=number,
        correction=row.correction if row is not None else None,
        read_anyway=row is not None and row.read_anyway,
    )


def films_to_compare() -> dict[int, str]:
    """The films that can be put beside the open one, by number: number and, where shown, name."""
    worklist = current_worklist()
    return {
        number: f"Film {number} {worklist.shown_name(number)}".strip()
        for number, row in sorted(worklist.rows.items())
        if row.status != STATUS_FAILED and number != open_film_number()
    }


def update_names() -> None:
    """The names over the films in Read are hidden and shown as those in the list are."""
    worklist, number, beside = current_worklist(), open_film_number(), prior.current_prior()
    if number is not None:
        state.set_film_name(worklist.shown_name(number))
    if beside is not None and beside.number is not None:
        prior.set_prior_name(worklist.shown_name(beside.number))


def open_film_number() -> int | None:
    """Number of the session's film in the worklist; None when it came from elsewhere."""
    number, data = st.session_state.get(_OPEN_FILM, (None, None))
    return number if data is not None and data is state.current_film() else None


def update_row(analysis: Analysis) -> None:
    """The row of a film that is open in Read becomes what Read says of it: corrected, or read
    although it was stopped."""
    number = open_film_number()
    if number is not None:
        films = current_worklist()
        name, anyway = films.sources[number].name, state.read_anyway()
        films.rows[number] = analysis_film_row(analysis, number, name, read_anyway=anyway)
