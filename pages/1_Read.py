"""Read one film: upload, four probabilities, and where they come from."""

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.components import film_view, finding_rows, map_caption
from cxr_core.ui.details import cautions, details, download
from cxr_core.ui.film_source import film_controls, welcome
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.page import begin_page, guard, quiet, show_error
from cxr_core.ui.words import RESEARCH_TOOL
from cxr_core.ui.worklist_list import worklist_link


def read(data: bytes) -> None:
    """The whole reading of one film, or why it cannot be read and where to open another."""
    analyzer = shared_analyzer()
    analysis = state.kept_analysis(data, analyzer)
    if analysis is not None:
        with st.container(key="reading"):
            show(analysis)
        return
    # An empty place takes the last film off the screen at once, not when this one is ready.
    place = st.empty()
    try:
        with place, st.spinner("Reading the film …"):
            analysis = state.keep_analysis(analyzer.analyze(data))
    except CXRError as error:
        with place.container():
            show_error(error)
            welcome()
        return
    with place.container(key="reading"):
        show(analysis)


def show(analysis: Analysis) -> None:
    """A film's result."""
    key = state.shown_finding(analysis)
    cautions(analysis)
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        opacity, signed = view_controls()
        film_view(analysis, key, opacity=opacity, signed=signed)
    with right:
        finding_rows(analysis, shown=key, signed=signed)
        map_caption(analysis, key, signed=signed)
        download(analysis)
    details(analysis)


def view_controls() -> tuple[float, bool]:
    """The line over the film; returns the map's opacity 0 to 1 and whether it is signed."""
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium"):
        film_controls()
        opacity = st.slider(
            "Map opacity", 0, 100, 60, 5, format="%d %%", key="opacity", persist_state="session",
            width=300,
        )  # fmt: skip
        signed = st.toggle("Signed map", key="signed", persist_state="session")
    return opacity / 100, signed


begin_page("Read")
worklist_link()
with guard():
    film = state.film()
    if film is None:
        welcome()
    else:
        read(film)
quiet(RESEARCH_TOOL)
