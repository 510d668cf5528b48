"""How far a film's probabilities move under small changes of the picture; kept for the session."""

from html import escape

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.reading.perturbations import CONTRAST, GAMMAS, SHIFT, TURN, Probes
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.prevalence import shown, site_mark
from cxr_core.ui.shell import quiet, show_error
from cxr_core.ui.state import keep, kept
from cxr_core.ui.words import percent

_PROBES = "probes"


def kept_probes(analysis: Analysis) -> Probes | None:
    """This reading's probes, where they were run in this session."""
    probes: Probes | None = kept(analysis, _PROBES)
    return probes


def run_probes(data: bytes, analysis: Analysis) -> Probes:
    """Run the probes of a reading, or return those that were kept; a second of two cores.

    Raises:
        CXRError: data and analysis do not belong together.
    """
    probes = kept_probes(analysis)
    if probes is None:
        probes = shared_analyzer().probe(data, analysis)
        keep(analysis, _PROBES, probes)
    return probes


def borderline(analysis: Analysis) -> tuple[str, ...]:
    """Keys of the findings that cross their operating points; none before the probes were run."""
    probes = kept_probes(analysis)
    return () if probes is None else tuple(key for key in KEYS if probes.crosses[key])


def borderline_sentence(analysis: Analysis) -> str:
    """Which findings are borderline, or an empty text."""
    names = [LABELS[key] for key in borderline(analysis)]
    if not names:
        return ""
    verb, points = ("cross", "their operating points") if names[1:] else (
        "crosses", "its operating point"
    )  # fmt: skip
    return f"Borderline: {_listed(names)} {verb} {points} under small changes of the picture."


def range_sentence(probes: Probes, key: str) -> str:
    """How far a finding moves, e.g. "Effusion moves between 31 and 44 % under small changes …"."""
    low, high = percent(shown(key, probes.low[key])), percent(shown(key, probes.high[key]))
    moves = (
        f"stays at {high}" if low == high else f"moves between {low.removesuffix(' %')} and {high}"
    )
    mark = f", {site_mark(key)}" if site_mark(key) else ""
    crosses = " Borderline: it crosses its operating point." if probes.crosses[key] else ""
    return f"{LABELS[key]} {moves} under small changes of the picture{mark}.{crosses}"


def stability(data: bytes, analysis: Analysis) -> None:
    """The answer where there is one, else a button that asks for it."""
    probes = kept_probes(analysis)
    if probes is None:
        if not st.button("Check stability", key="check_stability"):
            quiet(_what())
            return
        try:
            with st.spinner("Reading ten small changes of this film …"):
                run_probes(data, analysis)
        except CXRError as error:
            show_error(error)
            return
        st.rerun()  # so that the rows above tell what is borderline too
    else:
        lines = [range_sentence(probes, key) for key in KEYS]
        st.html(f'<p class="quiet">{"<br>".join(map(escape, lines))}</p>')
        quiet(_what())


def _what() -> str:
    gammas = " and ".join(f"{gamma:g}" for gamma in GAMMAS)
    return (
        f"The same film moved by {100 * SHIFT:g} %, turned by {TURN:g}°, with {100 * CONTRAST:g} % "
        f"more and less contrast, and with gamma {gammas}, read again. What moves much hangs on "
        "little; it is not an error bar, and a steady number can be wrong."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
