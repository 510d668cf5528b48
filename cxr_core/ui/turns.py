"""A session's turn to have a film read, and what its page says while it waits."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.reading.turns import OnWait, Turns
from cxr_core.ui.limits import Limits


@functools.cache
def shared_turns() -> Turns:
    """Those of all sessions of this server.

    Raises:
        ConfigError: a limit cannot be read.
    """
    limits = Limits.from_environment()
    return Turns(limits.slots, max_waiting=limits.waiting_films)


def ahead_sentence(ahead: int) -> str:
    """How many films are read first."""
    return f"{ahead} {'film' if ahead == 1 else 'films'} ahead of yours."


@contextmanager
def reading_turn(tell: OnWait | None = None) -> Iterator[None]:
    """Read a film of this session when its turn has come.

    Args:
        tell: told how many films are ahead, as ``Turns.turn`` does; None for a line of print where
            the page stands. A session that is closed meanwhile ends its waiting with that.

    Raises:
        BudgetError: too many films wait already.
    """
    context = get_script_run_ctx()
    session = "" if context is None else context.session_id
    if tell is not None:
        with shared_turns().turn(session, tell):
            yield
        return
    place = st.empty()
    with shared_turns().turn(session, lambda ahead: place.caption(ahead_sentence(ahead))):
        place.empty()
        yield
