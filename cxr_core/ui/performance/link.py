"""The page by its address: run, tab, finding and cut-off, so that a link opens it as it stood.

A run goes by its name, never by a path, and nothing of a film or a patient is in an address. A link
is read once, when a session first opens the page; after that the browser writes the address
(``link.js``), as only it knows which tab is open.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from cxr_core.config import short
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.findings import label_of
from cxr_core.ui.performance.decisions import (
    MANUAL,
    OPERATING_POINT,
    available_cutoffs,
    cutoff_widgets,
    prevalence_widget,
)
from cxr_core.ui.performance.source import UPLOADED, choose_by_name, chosen_name
from cxr_core.ui.performance.tabs import ALL, FIRST_TAB, finding_widget
from cxr_core.ui.prevalence import MAX_PERCENT, MIN_PERCENT

_LINK, _NOTES, _STANDING = "performance_link", "performance_link_notes", "performance_link_stands"
_CUTOFFS_TAB = "Cut-offs"
# Tabs with a finding of their own, and its control.
FINDING_CONTROLS = {
    "Discrimination": "curves_finding",
    _CUTOFFS_TAB: "decision_finding",
    "Calibration": "calibration_finding",
    "Subgroups": "groups_finding",
    "Errors": "errors_finding",
    "Two models": "two_models_finding",
}
_HASH_LETTERS = 12
_MAX_LETTERS = 200  # of a value; longer ones are cut before anything is looked up


def read_link() -> None:
    """Take the address that a session opens the page with, and choose its runs; before the page
    draws its controls."""
    if _LINK in st.session_state:
        return
    link = {name: value[:_MAX_LETTERS] for name, value in st.query_params.items()}
    st.session_state[_LINK] = link
    st.session_state[_NOTES] = notes = []
    if "source" in link:
        notes += choose_by_name("a", link["source"])
    if "against" in link:
        notes += choose_by_name("b", link["against"])


def apply_link(evaluated: EvaluatedTable, tabs: Sequence[str]) -> None:
    """Open the link's tab, at its finding and cut-off; once, when its table is open.

    Args:
        tabs: the names of the page's tabs.
    """
    link: dict[str, str] = st.session_state[_LINK]
    if not link:
        return
    notes: list[str] = st.session_state[_NOTES]
    table = evaluated.full.table_sha256
    if (given := link.get("table", "")) and not table.startswith(given):
        notes.append(
            f"The link was made of another table of films ({short(given)}) than the one that is "
            f"open ({table[:_HASH_LETTERS]}), so figures may differ."
        )
    names = {_slug(name): name for name in tabs}
    tab = names.get(link.get("tab", ""), tabs[0])
    if "tab" in link and link["tab"] not in names:
        notes.append(_ignored("tab", link["tab"], f"one of {', '.join(names)}"))
    st.session_state[FIRST_TAB] = tab
    if (key := link.get("finding")) is not None and tab in FINDING_CONTROLS:
        allowed = [*evaluated.keys, *([ALL] if tab == tabs[0] else [])]
        if key in allowed:
            st.session_state[finding_widget(evaluated.keys, FINDING_CONTROLS[tab])] = key
        else:
            notes.append(_ignored("finding", key, f"one of {', '.join(allowed)}"))
    if "cutoff" in link:
        notes += _apply_cutoff(evaluated, link["cutoff"])
    if "prevalence" in link:
        notes += _apply_prevalence(evaluated, link["prevalence"])
    st.session_state[_LINK] = {}


def show_link_notes(evaluated: EvaluatedTable | None) -> None:
    """What of the link was ignored, until the reader changes what it says."""
    notes: list[str] = st.session_state[_NOTES]
    if not notes:
        return
    now = address_of(evaluated)
    if st.session_state.setdefault(_STANDING, now) != now:
        st.session_state[_NOTES] = []
        return
    for note in notes:
        st.html(f'<div class="note" role="note">{escape(note)}</div>')


def write_address(evaluated: EvaluatedTable | None, tabs: Sequence[str]) -> None:
    """Have the browser's address say what is on screen."""
    told = {name: {"slug": _slug(name), "finding": _finding_of(evaluated, name)} for name in tabs}
    with st.container(key="page_link"):
        script = Path(__file__).with_name("link.js").read_text("utf-8")
        mount = st.components.v2.component("page_link", js=script, isolate_styles=False)
        mount(key="page_link_mount", data={"params": address_of(evaluated), "tabs": told})


def address_of(evaluated: EvaluatedTable | None) -> dict[str, str]:
    """The address's parts but for the tab and its finding, which the browser adds.

    Args:
        evaluated: what is open; None where nothing is, or a run without predictions.
    """
    found = {"source": chosen_name("a"), "against": chosen_name("b")}
    if evaluated is not None and not _is_uploaded():
        found["table"] = evaluated.full.table_sha256[:_HASH_LETTERS]
        found |= _cutoff_parts(evaluated)
    return {name: value for name, value in found.items() if value}


def _cutoff_parts(evaluated: EvaluatedTable) -> dict[str, str]:
    """``cutoff`` and ``prevalence`` of the finding on the tab of cut-offs, where they are not as
    the page opens."""
    state: Mapping[str, Any] = st.session_state.to_dict()
    key = state.get(finding_widget(evaluated.keys, FINDING_CONTROLS[_CUTOFFS_TAB]))
    if key is None:
        return {}
    parts = {}
    preset, slider = cutoff_widgets(evaluated, key)
    source = state.get(preset, OPERATING_POINT)
    if (key, source) != (evaluated.keys[0], OPERATING_POINT):
        value = f"{state[slider]:g}" if source == MANUAL else source.replace(" ", "-")
        parts["cutoff"] = f"{key}:{value}"
    if (share := state.get(prevalence_widget(key))) is not None:
        parts["prevalence"] = f"{key}:{share:g}"
    return parts


def _finding_of(evaluated: EvaluatedTable | None, tab: str) -> str:
    """The finding on a tab, where it is not the first; empty for one that has none, and for the tab
    of cut-offs, whose cut-off names it."""
    if evaluated is None or _is_uploaded() or tab == _CUTOFFS_TAB or tab not in FINDING_CONTROLS:
        return ""
    key = st.session_state.get(finding_widget(evaluated.keys, FINDING_CONTROLS[tab]))
    return "" if key in (None, evaluated.keys[0]) else str(key)


def _is_uploaded() -> bool:
    """Of a table that no link can open nothing is said, as its findings are its own words."""
    return chosen_name("a") == UPLOADED


def _apply_cutoff(evaluated: EvaluatedTable, given: str) -> list[str]:
    """Set the controls of cut-offs; returns what was ignored."""
    key, _, value = given.partition(":")
    if key not in evaluated.report.operating_points:
        expected = "FINDING:PERCENT, of a finding that has a cut-off here, as effusion:31.5"
        return [_ignored("cut-off", given, expected)]
    cutoffs = available_cutoffs(evaluated, key)
    preset, slider = cutoff_widgets(evaluated, key)
    source = value.replace("-", " ")
    percent = _number(value)
    if source in cutoffs:
        percent = 100 * cutoffs[source]
    elif 0 <= percent <= 100:
        source = MANUAL
    else:
        words = ", ".join(name.replace(" ", "-") for name in cutoffs)
        return [_ignored("cut-off", given, f"0 to 100, or one of {words}, for {label_of(key)}")]
    st.session_state[finding_widget(evaluated.keys, FINDING_CONTROLS[_CUTOFFS_TAB])] = key
    st.session_state[preset], st.session_state[slider] = source, round(percent, 1)
    return []


def _apply_prevalence(evaluated: EvaluatedTable, given: str) -> list[str]:
    key, _, value = given.partition(":")
    share = _number(value)
    if key not in evaluated.keys or not MIN_PERCENT <= share <= MAX_PERCENT:
        expected = f"FINDING:PERCENT with {MIN_PERCENT:g} to {MAX_PERCENT:g}, as effusion:5"
        return [_ignored("prevalence", given, expected)]
    st.session_state[prevalence_widget(key)] = share
    return []


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _ignored(what: str, value: str, expected: str) -> str:
    return f"The link's {what} was ignored: {short(value)}. Expected: {expected}."


def _slug(name: str) -> str:
    return name.casefold().replace(" ", "-")
