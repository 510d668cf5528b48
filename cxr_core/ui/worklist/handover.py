"""A worklist that outlives a reload of its page: the tab's last session hands it to its new one.

Streamlit begins a new session at every reload. The last one waits a moment without a browser before
it is freed; a tab that asks for its list in that moment gets it. It asks with a ticket: a random
word of 256 bits, good for one list, one sign-in and one time, that only this tab was given. It lies
in the tab's sessionStorage, never in an address, a cookie or a log, and goes with the tab.

Nothing here keeps a list alive: with the session that holds it, the list and its ticket are gone.
"""

import secrets
import threading
import time
import weakref
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.ui.holdings import LEDGER
from cxr_core.ui.sign_in import require_visitor
from cxr_core.ui.worklist.session import PLACE, Worklist, current_worklist, set_worklist

WAIT_SECONDS = 3.0  # for the server to notice that the reloaded page's connection is closed
_TICKET, _ASKED = "worklist_ticket", "worklist_asked"


@dataclass(frozen=True)
class Owner:
    """Who holds a list: Streamlit's name of the session, and the sign-in that it belongs to."""

    session: str
    sign_in: str = ""


class Tickets:
    """Which ticket is good for which session's worklist, as long as that lives."""

    def __init__(self) -> None:
        self._lists: weakref.WeakValueDictionary[str, Worklist] = weakref.WeakValueDictionary()
        self._owners: dict[str, Owner] = {}
        self._lock = threading.Lock()

    def give(self, films: Worklist, owner: Owner) -> str:
        """A new ticket for a list, which ``owner`` holds."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._lists[ticket] = films
            self._owners[ticket] = owner
            for gone in self._owners.keys() - self._lists.keys():
                del self._owners[gone]
        return ticket

    def take(
        self, ticket: str, sign_in: str = "", *, seconds: float = WAIT_SECONDS
    ) -> tuple[Worklist, Owner] | None:
        """The list of a ticket, which is not good again, and who held it; None where there is no
        such list, where somebody else has signed in since, or where its session still has a
        browser (a tab that was duplicated asks with the same word).

        Args:
            sign_in: of whoever asks, as ``Visitor.sign_in``.
            seconds: how long to wait for that browser to go.
        """
        with self._lock:
            films, owner = self._lists.get(ticket), self._owners.get(ticket)
        if films is None or owner is None or owner.sign_in != sign_in:
            return None
        if not _is_left(owner.session, seconds):
            return None
        with self._lock:
            if self._lists.pop(ticket, None) is None:  # another was quicker
                return None
            del self._owners[ticket]
        return films, owner


def _is_left(session: str, seconds: float) -> bool:
    """Whether a session has no browser, now or before long."""
    until = time.monotonic() + seconds
    while runtime.exists() and runtime.get_instance().is_active_session(session):
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
    return True


@st.cache_resource(show_spinner=False)
def _tickets() -> Tickets:
    """The server's, all sessions' in one."""
    return Tickets()


def list_ticket() -> str:
    """The ticket of this session's worklist, for its tab to keep."""
    films = current_worklist()
    given: tuple[Worklist, str] | None = st.session_state.get(_TICKET)
    if given is None or given[0] is not films:
        context = get_script_run_ctx()
        owner = Owner(context.session_id if context else "", require_visitor().sign_in)
        given = films, _tickets().give(films, owner)
        st.session_state[_TICKET] = given
    return given[1]


def may_ask() -> bool:
    """Whether this session's tab has not shown its ticket yet."""
    return not st.session_state.get(_ASKED, False)


def take_over(ticket: str) -> bool:
    """Make the list of the tab's last session this one's, where it can still be had."""
    st.session_state[_ASKED] = True
    taken = _tickets().take(ticket, require_visitor().sign_in)
    if taken is None:
        return False
    films, owner = taken
    # Its last session is freed in a moment; until then nothing is to be counted twice.
    if (before := LEDGER.of(owner.session)) is not None:
        before.places.pop(PLACE, None)
    set_worklist(films)
    return True
