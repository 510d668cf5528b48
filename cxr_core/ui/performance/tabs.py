"""Tabs that say that they are not measured yet, for as long as they are not."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxr_core.ui.shell import quiet

_SHOWN = "waiting_shown"
WAITING = "Still being measured: this tab fills when the ones before it are done."


@contextmanager
def filling_tabs(names: Sequence[str], shown: str) -> Iterator[list[AbstractContextManager[None]]]:
    """Tabs to be filled one after the other; before it is its turn, each says that it waits.

    Only the first time that something is shown: later its caches answer, and a word that comes and
    goes at every click would only flicker.

    Args:
        shown: what is measured, e.g. the hash of its table.

    Yields:
        A context for each tab, to be entered once; what is written in it stands in that tab.
    """
    tabs = st.tabs(names)
    # There on every run, mostly empty, so that what follows keeps its place and is not drawn anew.
    words = [tab.empty() for tab in tabs]
    if st.session_state.get(_SHOWN) != shown:
        for word in words:
            with word:
                quiet(WAITING)
    try:
        yield [_filled(tab, word) for tab, word in zip(tabs, words, strict=True)]
        st.session_state[_SHOWN] = shown
    finally:
        for word in words:  # an error has said so elsewhere: nothing waits any more
            word.empty()


@contextmanager
def _filled(tab: DeltaGenerator, word: DeltaGenerator) -> Iterator[None]:
    with tab:
        word.empty()
        yield
