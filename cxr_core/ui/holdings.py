"""What each session holds of films, counted against the limits of the session and of the server.

A session's count lives in its own state, and goes with it: there is nothing to book out when a
session ends. The server's count is the sum over the sessions that live.
"""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.errors import BudgetError
from cxr_core.ui.limits import PREFIX, Limits

_KEY = "holdings"
_FREE_YOURS = "Close a film or clear the worklist, then open this one again."


@dataclass(frozen=True)
class Held:
    """What is held in one place: films, bytes as they came, and pixels that are decoded."""

    films: int = 0
    n_bytes: int = 0
    pixels: int = 0

    def __add__(self, other: "Held") -> "Held":
        return Held(
            self.films + other.films, self.n_bytes + other.n_bytes, self.pixels + other.pixels
        )


@dataclass(eq=False)
class Holdings:
    """One session's.

    Attributes:
        session: Streamlit's name for it.
        places: by place (the open film, the prior, the worklist) what is held there.
        uploader_page: the page, by Streamlit's hash, that drew an uploader last; empty for none.
        n_dropped: uploads that found no room since ``take_dropped`` was asked last.
        dropped_because: the sentence that belongs to them.
    """

    session: str = ""
    places: dict[str, Held] = field(default_factory=dict)
    uploader_page: str = ""
    n_dropped: int = 0
    dropped_because: str = ""

    @property
    def total(self) -> Held:
        """All places together."""
        return sum(self.places.copy().values(), Held())


class Ledger:
    """The holdings of all sessions that live."""

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Holdings] = weakref.WeakSet()
        self._lock = threading.Lock()

    def new(self, session: str = "") -> Holdings:
        """A session's holdings; they count until nothing refers to them."""
        holdings = Holdings(session)
        with self._lock:
            self._all.add(holdings)
        return holdings

    def of(self, session: str) -> Holdings | None:
        """What is known of a session; None where it has drawn no page yet, or is closed."""
        with self._lock:
            return next((one for one in self._all if one.session == session), None)

    @property
    def total(self) -> Held:
        """What all sessions hold."""
        with self._lock:
            return sum((one.total for one in self._all), Held())

    def set(self, holdings: Holdings, place: str, held: Held, limits: Limits) -> None:
        """Say what a session now holds in one place, if there is room for it.

        Less than it held there is always let pass.

        Raises:
            BudgetError: the session or the server is full; the place is as it was.
        """
        with self._lock:
            before = holdings.places.get(place, Held())
            mine = holdings.total
            everyone = sum((one.total for one in self._all), Held())
            for measure in MEASURES:
                more = measure.of(held) - measure.of(before)
                if more > 0:
                    measure.require("session", measure.of(mine) + more, limits)
                    measure.require("server", measure.of(everyone) + more, limits)
            holdings.places[place] = held


@dataclass(frozen=True)
class Measure:
    """One of the three things that are limited.

    Attributes:
        name: as the limits are called.
        words: what is counted, on a page.
        size: how much one of the limit's units is.
        of: how much of it is held.
    """

    name: str
    words: str
    size: int
    of: Callable[[Held], int]

    def require(self, whose: Literal["session", "server"], wanted: int, limits: Limits) -> None:
        """Let pass what is within the limit.

        Raises:
            BudgetError: a sentence that says what is full and what to do.
        """
        limit: int = getattr(limits, f"{whose}_{self.name}")
        if wanted <= limit * self.size:
            return
        full = whose == "session"
        raise BudgetError(
            "This session is full" if full else "The server is full",
            value=f"it holds at most {limit:,} {self.words}",
            remedy=_FREE_YOURS if full else _server_full(f"{PREFIX}SERVER_{self.name.upper()}"),
        )


def _server_full(variable: str) -> str:
    return (
        "Other readers hold the rest: try again in a few minutes, or ask whoever runs the server "
        f"to raise {variable}."
    )


FILMS = Measure("films", "films", 1, lambda held: held.films)
BYTES = Measure("megabytes", "MB of files", 2**20, lambda held: held.n_bytes)
PIXELS = Measure("megapixels", "megapixels of open films", 10**6, lambda held: held.pixels)
MEASURES = (FILMS, BYTES, PIXELS)
LEDGER = Ledger()


def hold(place: str, held: Held) -> None:
    """Count what this session holds in one place; nothing is held before this is let pass.

    Raises:
        BudgetError: the session or the server is full; what was counted before stays.
        ConfigError: a limit cannot be read.
    """
    LEDGER.set(own_holdings(), place, held, Limits.from_environment())


def let_go(*places: str) -> None:
    """This session holds nothing there any more."""
    for place in places:
        own_holdings().places.pop(place, None)


def own_holdings() -> Holdings:
    """This session's."""
    if _KEY not in st.session_state:
        context = get_script_run_ctx()
        st.session_state[_KEY] = LEDGER.new("" if context is None else context.session_id)
    own: Holdings = st.session_state[_KEY]
    return own


def take_dropped() -> tuple[int, str]:
    """How many uploads were dropped for want of room since this was asked last, and why."""
    own = own_holdings()
    dropped = own.n_dropped, own.dropped_because
    own.n_dropped, own.dropped_because = 0, ""
    return dropped
