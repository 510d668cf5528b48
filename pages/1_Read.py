"""Read one film: upload, four probabilities, and where they come from."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxr_core.errors import CXRError
from cxr_core.export.record import RESEARCH_TOOL
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.assessment import assessment_controls
from cxr_core.ui.audit_trail import record_read, record_shown
from cxr_core.ui.examples import example_labels
from cxr_core.ui.foreign import as_text
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.prior import is_prior_stopped, prior_analysis
from cxr_core.ui.read.cautions import show_cautions
from cxr_core.ui.read.details import details_panel
from cxr_core.ui.read.exports import build_record, export_panel
from cxr_core.ui.read.film import film_panel, welcome
from cxr_core.ui.read.findings import finding_notes, finding_rows, headline, map_caption
from cxr_core.ui.read.gate import corrected_banner, crop_offer, stop_panel
from cxr_core.ui.read.prior import FilmsToCompare, ensure_prior_is_read, prior_notes
from cxr_core.ui.read.two_readings import comparison_panel
from cxr_core.ui.shell import begin_page, caption, report_errors, show_error
from cxr_core.ui.turns import reading_turn
from cxr_core.ui.words import sides_sentence
from cxr_core.ui.worklist.page import read_on, worklist_link
from cxr_core.ui.worklist.session import films_to_compare, open_beside, update_row


def read(data: bytes) -> None:
    """The whole reading of one film, or why it cannot be read and where to open another."""
    analyzer = shared_analyzer()
    analysis = state.cached_analysis(data, analyzer)
    if analysis is None:
        state.begin_reading()
    opening, reading = st.empty(), place_of_reading()
    if analysis is not None:
        with reading:
            show(analysis, data)
        return
    try:
        with opening.container(key="opening"):
            with st.spinner("Reading the film …"), reading_turn():
                analysis = analyzer.analyze(data, correction=state.correction())
                record_read([analysis], "read")
                analysis = state.cache_analysis(analysis)  # as the reader's setting flags it
            caption("Opening the film …")  # until all of it has come, on a slow connection, too
    except CXRError as error:
        with opening.container():
            show_error(error)
            welcome()
        return
    try:
        with reading:
            show(analysis, data)
    finally:
        opening.empty()


def place_of_reading() -> DeltaGenerator:
    """Where the film and its numbers stand: on every run the same, so that nothing is built anew;
    another one for each reading, so that the last film leaves at once and its menus are closed."""
    number = state.reading_number() % 2
    places = [st.container(key="reading") if n == number else st.empty() for n in range(2)]
    return places[number]


def show(analysis: Analysis, data: bytes) -> None:
    """A film's result; without one, the film alone and what the reader may ask for."""
    stopped = not analysis.gate.passed and not state.read_anyway()
    hidden = stopped or state.results_hidden()
    anyway = not analysis.gate.passed and state.read_anyway()
    record_shown(analysis, "read", with_result=not hidden, read_anyway=anyway)
    update_row(analysis)
    corrected_banner(analysis)
    if not hidden:
        show_cautions(analysis, film_note=state.film_note())
        crop_offer(analysis)
    ensure_prior_is_read()
    second = prior_analysis()
    if second is not None:
        results = not state.results_hidden() and not is_prior_stopped()
        overridden = not second.gate.passed and not is_prior_stopped()
        record_shown(second, "prior", with_result=results, read_anyway=overridden)
    others = FilmsToCompare(films_to_compare(), open_beside)
    if second is None:
        left, right = st.columns([1.6, 1], gap="medium")
        with left:
            film_panel(with_map=not hidden, others=others)
    else:
        film_panel(with_map=not hidden, others=others)
        left, right = st.columns(2, gap="medium")
        with left:
            prior_notes(second, with_results=not state.results_hidden())
            if not state.results_hidden():
                comparison_panel(
                    None if stopped else analysis, None if is_prior_stopped() else second
                )
    with right:
        if stopped:
            stop_panel(analysis)
            caption(sides_sentence(analysis.radiograph.orientation))
        elif hidden:
            results_button()
            caption(sides_sentence(analysis.radiograph.orientation))
            assessment_controls(analysis, is_first=True)  # that is what hiding is for
        else:
            result(analysis)
    if not hidden:
        assessment_controls(analysis)
        with st.expander("Export"):
            export_panel(build_record(analysis), data)
        details_panel(analysis)


def result(analysis: Analysis) -> None:
    """The right side: what the model says of the film."""
    key = state.selected_finding(analysis)
    headline(analysis)
    finding_rows(analysis, shown_finding=key)
    finding_notes(analysis, shown_finding=key)
    map_caption(analysis, key)
    example_labels(analysis)


def results_button() -> None:
    """The right side of a reader who wants to look first."""
    st.header("Read first, then reveal", anchor=False)
    caption("The model has read the film. Read it yourself, then show the results.")
    st.button("Show results", key="show_results", on_click=state.reveal_results)


begin_page("Read")
worklist_link()
with report_errors():
    if refused := state.refusal():
        st.error(as_text(refused))
    film = state.current_film()
    if film is None:
        welcome()
    else:
        read(film)
caption(RESEARCH_TOOL)
with report_errors():
    read_on()
