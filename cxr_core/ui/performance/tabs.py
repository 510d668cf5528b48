"""Tabs that say that they are not measured yet, and the choice of a finding in them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxr_core.findings import KEYS, in_words, label_of
from cxr_core.ui.shell import caption

ALL = "all"  # findings
_MAX_BUTTONS = 8  # findings; more are chosen from a list
_COMPUTED_KEY = "waiting_shown"
FIRST_TAB = "performance_first_tab"  # of the session's state: the tab that a link opens
PENDING = "Not computed yet: this tab follows the ones before it."


def choose_finding(keys: Sequence[str], widget_key: str, *, with_all: bool = False) -> str:
    """The control that chooses one of a table's findings, by key, or ``ALL`` of them.

    Args:
        widget_key: of the control; another label set than ours has its own.
    """
    options = [*keys, *([ALL] if with_all and len(keys) > 1 else [])]
    widget_key = finding_widget(keys, widget_key)

    def name(key: str) -> str:
        return f"All {in_words(len(keys))}" if key == ALL else label_of(key)

    st.session_state.setdefault(widget_key, options[0])
    if len(options) <= _MAX_BUTTONS:
        chosen = st.segmented_control(
            "Finding", options, format_func=name, required=True, key=widget_key
        )
        return chosen or options[0]
    return st.selectbox("Finding", options, format_func=name, key=widget_key)


def finding_widget(keys: Sequence[str], widget_key: str) -> str:
    """The key of that control for these findings."""
    return widget_key if tuple(keys) == KEYS else f"{widget_key} {' '.join(keys)}"


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
    first = st.session_state.get(FIRST_TAB)
    tabs = st.tabs(names, default=first if first in names else None)
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
