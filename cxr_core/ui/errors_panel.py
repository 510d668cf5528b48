"""The panel of the surest errors: the misses and false alarms to look at first."""

import math
from pathlib import Path

import streamlit as st

from cxr_core.evaluation.errors_table import FilmError, Kind, surest_errors
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.error_film import look_at
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet
from cxr_core.ui.tables import show_table
from cxr_core.ui.words import percent

SHOWN = 10
_MEANINGS: dict[Kind, str] = {
    "missed": "with {label} by its label, below the cut-off",
    "false alarm": "without {label} by its label, at or above the cut-off",
}
_TITLES: dict[Kind, str] = {"missed": "Surest misses", "false alarm": "Surest false alarms"}


def errors(measured: Measured, folder: Path | None) -> None:
    """A finding's misses and false alarms, those farthest from the cut-off first.

    Args:
        folder: the run that the table belongs to; None for a table from elsewhere.
    """
    st.header("Surest errors", anchor=False)
    if not measured.report.operating_points:
        quiet("Without operating points no film is above or below, so there are no errors to list.")
        return
    key = st.segmented_control(
        "Finding", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="errors_finding",
    )  # fmt: skip
    quiet(
        "How to read it: the margin is how far a film lies from the cut-off, in logits; the first "
        "film is the one the model was surest of. Labels were often mined from reports, so the "
        "error may be the label's: look at the film."
    )
    listed = {kind: _list(measured, key, kind) for kind in _TITLES}
    if any(listed.values()):
        look_at(measured, folder, key, listed)


def _list(measured: Measured, key: str, kind: Kind) -> list[FilmError]:
    """Show the errors of one kind and return those that are shown."""
    points = measured.report.operating_points
    found, total = surest_errors(
        measured.table, measured.probabilities, points, key, kind, most=SHOWN
    )
    meaning = _MEANINGS[kind].format(label=LABELS[key])
    if not found:
        quiet(f"{_TITLES[kind]}: none; no film is {meaning}.")
        return found
    show_table(
        ("Film", "Labels", "View", "Age", "Probability", "Cut-off", "Margin (logits)"),
        [error_row(error) for error in found],
        caption=f"{_TITLES[kind]} of {LABELS[key]}: {len(found):,} of {total:,} films {meaning}",
        words=3,
    )
    return found


def error_row(error: FilmError) -> list[str]:
    """One film as a row of texts; what the table does not tell is a dash."""
    return [
        error.image,
        error.labels,
        error.view or "–",
        "–" if math.isnan(error.age) else f"{error.age:.0f}",
        percent(error.probability, decimals=1),
        percent(error.cut_off, decimals=1),
        f"{error.margin:+.2f}".replace("-", "−"),
    ]
