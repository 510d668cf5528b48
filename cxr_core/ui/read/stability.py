"""How far a film's probabilities move under small changes of the picture; kept for the session."""

from html import escape

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.reading.perturbations import (
    CONTRAST_CHANGE,
    GAMMAS,
    ROTATION_DEGREES,
    SHIFT_FRACTION,
    Probes,
)
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.prevalence import at_site_prevalence, site_note
from cxr_core.ui.shell import caption, show_error
from cxr_core.ui.state import PROBES, get_value, set_value
from cxr_core.ui.turns import reading_turn
from cxr_core.ui.words import percent
from cxr_core.wording import listed


def cached_probes(analysis: Analysis) -> Probes | None:
    """This reading's probes, where they were run in this session."""
    probes: Probes | None = get_value(analysis, PROBES)
    return probes


def run_probes(data: bytes, analysis: Analysis) -> Probes:
    """Run the probes of a reading, or return those that were kept; a second of two cores.

    Raises:
        CXRError: data and analysis do not belong together.
    """
    probes = cached_probes(analysis)
    if probes is None:
        probes = shared_analyzer().probe(data, analysis)
        set_value(analysis, PROBES, probes)
    return probes


def borderline_findings(analysis: Analysis) -> tuple[str, ...]:
    """Keys of the findings that cross the cut-off at which they are flagged; none before the
    probes were run."""
    probes, points = cached_probes(analysis), analysis.operating_points
    if probes is None:
        return ()
    return tuple(key for key in KEYS if probes.is_borderline(key, points[key]))


def borderline_sentence(analysis: Analysis) -> str:
    """Which findings are borderline, or an empty text."""
    names = [LABELS[key] for key in borderline_findings(analysis)]
    if not names:
        return ""
    verb, points = ("cross", "their cut-offs") if names[1:] else ("crosses", "its cut-off")
    return f"Borderline: {listed(names)} {verb} {points} under small changes of the image."


def range_sentence(probes: Probes, key: str, *, borderline: bool) -> str:
    """How far a finding moves, e.g. "Effusion moves between 31 and 44 % under small changes …"."""
    low, high = (
        percent(at_site_prevalence(key, probes.low[key])),
        percent(at_site_prevalence(key, probes.high[key])),
    )
    moves = (
        f"stays at {high}" if low == high else f"moves between {low.removesuffix(' %')} and {high}"
    )
    mark = f", {site_note(key)}" if site_note(key) else ""
    crosses = " Borderline: it crosses its cut-off." if borderline else ""
    return f"{LABELS[key]} {moves} under small changes of the image{mark}.{crosses}"


def stability_panel(data: bytes, analysis: Analysis) -> None:
    """The answer where there is one, else a button that asks for it."""
    probes = cached_probes(analysis)
    if probes is None:
        if not st.button("Check stability", key="check_stability"):
            caption(_explanation())
            return
        try:
            with st.spinner("Reading the film with ten small changes …"), reading_turn():
                run_probes(data, analysis)
        except CXRError as error:
            show_error(error)
            return
        st.rerun()  # so that the rows above tell what is borderline too
    else:
        crossing = borderline_findings(analysis)
        lines = [range_sentence(probes, key, borderline=key in crossing) for key in KEYS]
        st.html(f'<p class="quiet">{"<br>".join(map(escape, lines))}</p>')
        caption(_explanation())


def _explanation() -> str:
    gammas = " and ".join(f"{gamma:g}" for gamma in GAMMAS)
    return (
        f"The same film, shifted by {100 * SHIFT_FRACTION:g} %, rotated by {ROTATION_DEGREES:g}°, "
        f"with {100 * CONTRAST_CHANGE:g} % more and less contrast and with gamma {gammas}, read "
        "again. A large change means that the answer is fragile. It is not an error bar: a steady "
        "number can be wrong."
    )
