"""The film and the prior film in one small table: two readings of one model, and no verdict."""

from collections.abc import Callable
from html import escape

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.evaluation.render.table import Column, Row, Table
from cxr_core.export.record import NO_CLAIM, flag_word
from cxr_core.findings import KEYS, LABELS
from cxr_core.imaging.dicom.identity import StatedIdentity
from cxr_core.reading.analyzer import Analysis
from cxr_core.reading.perturbations import Probes
from cxr_core.ui import prior, state
from cxr_core.ui.identity import identity_of, is_identity_printed, is_identity_shown
from cxr_core.ui.prevalence import at_site_prevalence, site_sentence
from cxr_core.ui.read.stability import cached_probes, run_probes
from cxr_core.ui.shell import caption, show_error, show_table
from cxr_core.ui.words import percent, percent_range

NOT_READ, NOT_MEASURED = "not read", "not measured"
SAME_FILE = "Both are the same file."
OTHER_PATIENT = "The two files state different patient IDs."
UNKNOWN_PATIENT = "Not both files state a patient ID: whether it is one patient is not known."
PRIOR_IS_LATER = "By the files' study dates the prior film is the later of the two."


def comparison_panel(analysis: Analysis | None, second: Analysis | None) -> None:
    """The table with what belongs to it, and the button that measures both films' stability.

    Args:
        analysis: of the film; None while the gate's stop stands.
        second: of the prior film; None likewise.
    """
    st.html('<h2 class="headline">This film and the prior</h2>')
    _dates_line()
    readings = tuple(one for one in (analysis, second) if one is not None)
    if not readings:
        return
    show_table(comparison_table(analysis, second, cached_probes, at_site_prevalence))
    caption(" ".join(filter(None, [NO_CLAIM, site_sentence()])))
    if any(cached_probes(one) is None for one in readings) and st.button(
        "Check stability of both films", key="check_both"
    ):
        _measure(analysis, second)


def _measure(analysis: Analysis | None, second: Analysis | None) -> None:
    """Run the small changes of each film; what was run before is kept."""
    data, opened = state.current_film(), prior.current_prior()
    try:
        with st.spinner("Reading each film with ten small changes …"):
            if analysis is not None and data is not None:
                run_probes(data, analysis)
            if second is not None and opened is not None:
                run_probes(opened.data, second)
    except CXRError as error:
        show_error(error)
        return
    st.rerun()


def comparison_table(
    first: Analysis | None,
    second: Analysis | None,
    probes_of: Callable[[Analysis], Probes | None],
    shown: Callable[[str, float], float],
) -> Table:
    """A line a finding: probability, band and stability range of each film.

    Args:
        first, second: the film's and the prior film's reading; None for one that was not read.
        probes_of: a reading's stability, where it was measured.
        shown: (finding key, probability) -> the probability as the page shows it.
    """
    columns = [Column("Finding", is_text=True)]
    names = (("This film", "Stability range"), ("Prior film", "Prior's stability range"))
    for (name, moved), analysis in zip(names, (first, second), strict=True):
        stopped = analysis is not None and not analysis.gate.passed
        heading = f"{name} (not reliable)" if stopped else name
        columns += [Column(heading, is_text=True), Column(moved, is_text=True)]
    rows = []
    for key in KEYS:
        cells = [LABELS[key]]
        for analysis in (first, second):
            cells += _cells(analysis, key, probes_of, shown)
        rows.append(Row(cells, finding=key))
    return Table("two_readings", "Calibrated probabilities of the same model.", columns, rows)


def _cells(
    analysis: Analysis | None,
    key: str,
    probes_of: Callable[[Analysis], Probes | None],
    shown: Callable[[str, float], float],
) -> list[str]:
    if analysis is None:
        return [NOT_READ, "–"]
    flagged = flag_word(key, flagged=analysis.above[key])
    band = analysis.bands[key] if analysis.has_bands else flagged
    probes = probes_of(analysis)
    moved = (
        NOT_MEASURED
        if probes is None
        else percent_range(shown(key, probes.low[key]), shown(key, probes.high[key]))
    )
    return [f"{percent(shown(key, analysis.probabilities[key]))}, {band}", moved]


# What the two files say of themselves and of each other.


def _dates_line() -> None:
    """Study dates where the files have them, and what in them does not belong together."""
    first, opened = state.current_analysis(), prior.current_prior()
    second, data = prior.prior_analysis(), state.current_film()
    if first is None or second is None or opened is None or data is None:
        return
    identities = identity_of(first, data), identity_of(second, opened.data)
    dates = dates_sentence(*identities)
    if dates and is_identity_shown():
        unprinted = "" if is_identity_printed() else " unprinted"
        st.html(f'<p class="quiet{unprinted}">{escape(dates)}</p>')
    same = first.image_sha256 == second.image_sha256
    for sentence in [SAME_FILE] if same else mismatch_sentences(*identities):
        caption(sentence)


def dates_sentence(first: StatedIdentity, second: StatedIdentity) -> str:
    """Both films' study dates; empty where neither file has one."""
    if not (first.study_date or second.study_date):
        return ""
    this, other = first.study_date or "not stated", second.study_date or "not stated"
    return f"Study dates: this film {this}, prior film {other}."


def mismatch_sentences(first: StatedIdentity, second: StatedIdentity) -> list[str]:
    """What speaks against a film and its prior, in neutral sentences without any of its values."""
    found = []
    if not (first.patient_id and second.patient_id):
        found.append(UNKNOWN_PATIENT)
    elif first.patient_id != second.patient_id:
        found.append(OTHER_PATIENT)
    if first.study_day and second.study_day and second.study_day > first.study_day:
        found.append(PRIOR_IS_LATER)
    return found
