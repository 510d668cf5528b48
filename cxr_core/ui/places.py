"""How many sessions the server serves: each takes a place with its first page, and has it until it
is closed. A session without a place is told so, and holds nothing.

A session that nobody has used for long, by its clicks, is closed (``server/sessions.py``): what
lies in a forgotten tab is freed.
"""

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.errors import BudgetError
from cxr_core.ui.holdings import LEDGER, Held, Ledger
from cxr_core.ui.limits import Limits

_KEY = "place"
# A session that holds no film keeps nobody out for longer: it may be a tab that was left open.
FRESH_SECONDS = 15 * 60.0
# Sessions whose browsers have gone wait for them for a moment; there may be as many again.
_WITH_WAITING = 2


@dataclass(eq=False)
class Place:
    """One session's.

    Attributes:
        session: Streamlit's name for it.
        used: when its reader did something last.
    """

    session: str
    used: float


class Places:
    """The places of all sessions that live; thread-safe."""

    def __init__(
        self,
        *,
        ledger: Ledger = LEDGER,
        is_connected: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """None is taken.

        Args:
            is_connected: whether a session's browser is there.
        """
        self._ledger, self._is_connected, self._clock = ledger, is_connected, clock
        self._all: weakref.WeakSet[Place] = weakref.WeakSet()
        self._lock = threading.Lock()

    def take(self, session: str, most: int) -> Place:
        """A place, which counts until nothing refers to it.

        Raises:
            BudgetError: all places are taken.
        """
        now = self._clock()
        with self._lock:
            counted = {one.session for one in self._all if self._counts(one, now)}
            connected = sum(map(self._is_connected, counted))
            if connected >= most or len(counted) >= _WITH_WAITING * most:
                raise BudgetError(
                    "The server has as many readers as it takes",
                    value=f"{most:,} sessions",
                    remedy="Try again in a few minutes, or ask whoever runs the server to raise "
                    "CXR_SESSIONS. Other tabs and readers go on.",
                )
            place = Place(session, now)
            self._all.add(place)
        return place

    def _counts(self, place: Place, now: float) -> bool:
        if now - place.used < FRESH_SECONDS:
            return True
        held = self._ledger.of(place.session)
        return held is not None and held.total != Held()

    def use(self, place: Place) -> None:
        """A session's reader has done something."""
        place.used = self._clock()

    def has(self, session: str) -> bool:
        """Whether a session has a place."""
        with self._lock:
            return any(one.session == session for one in self._all)

    def unused_for(self, seconds: float) -> tuple[str, ...]:
        """The sessions that nobody has used for so long."""
        now = self._clock()
        with self._lock:
            return tuple(one.session for one in self._all if now - one.used >= seconds)


def _is_connected(session: str) -> bool:
    return exists() and bool(get_instance().is_active_session(session))


PLACES = Places(is_connected=_is_connected)


def require_place() -> None:
    """This session has a place, or takes one; its reader has done something.

    Raises:
        BudgetError: all places are taken.
        ConfigError: the limit cannot be read.
    """
    if _KEY not in st.session_state:
        context = get_script_run_ctx()
        session = "" if context is None else context.session_id
        st.session_state[_KEY] = PLACES.take(session, Limits.from_environment().sessions)
    use_place()


def use_place() -> None:
    """This session's reader has done something, or watches something that goes on."""
    place: Place | None = st.session_state.get(_KEY)
    if place is not None:
        PLACES.use(place)
