"""Tabs that say that they are not measured yet, for as long as they are not."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxr_core.ui.shell import caption

_COMPUTED_KEY = "waiting_shown"
PENDING = "Not computed yet: this tab follows the ones before it."


@contextmanager
def lazy_tabs(names: Sequence[str], cache_key: str) -> Iterator[list[AbstractContextManager[None]]]:
    """Tabs to be filled one after the other; before it is its turn, each says that it waits.

    Only the first time that something is shown: later its caches answer, and a word that comes and
    goes at every click would only flicker.

    Args:
        cache_key: what is measured, e.g. the hash of its table.

    Yields:
        A context for each tab, to be entered once; what is written in it stands in that tab.
    """
    tabs = st.tabs(names)
    # There on every run, mostly empty, so that what follows keeps its place and is not drawn anew.
    placeholders = [tab.empty() for tab in tabs]
    if st.session_state.get(_COMPUTED_KEY) != cache_key:
        for word in placeholders:
            with word:
                caption(PENDING)
    try:
        yield [_lazy_tab(tab, word) for tab, word in zip(tabs, placeholders, strict=True)]
        st.session_state[_COMPUTED_KEY] = cache_key
    finally:
        for word in placeholders:  # an error has said so elsewhere: nothing waits any more
            word.empty()


@contextmanager
def _lazy_tab(tab: DeltaGenerator, word: DeltaGenerator) -> Iterator[None]:
    with tab:
        word.empty()
        yield
