"""The panel that shows whom the model fails, and how far the view alone would get."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import draw
from cxr_core.evaluation.metrics.subgroups import (
    GroupRates,
    ViewShortcut,
    group_rates,
    parts_of,
    shortcut_sentence,
    view_shortcuts,
)
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import subgroup_notes
from cxr_core.evaluation.run_folder import VALIDATION_FILE
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.charts.groups import group_chart, group_name
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.evaluated import Measured
from cxr_core.ui.shell import quiet, show_table

AT_ONCE = 2000  # films up to which the groups are measured unasked, in a few seconds
_KEPT = "measured_groups"


@dataclass(frozen=True)
class Groups:
    """What was measured of one table's groups.

    Attributes:
        identity: the table's.
        rates: of every group and finding, all films first.
        shortcuts: the view alone, by finding; empty without two views.
    """

    identity: str
    rates: tuple[GroupRates, ...]
    shortcuts: tuple[ViewShortcut, ...]


def groups(measured: Measured, folder: Path | None) -> None:
    """Area, sensitivity and specificity within groups, and the view alone.

    Args:
        folder: the run that the table belongs to, whose validation films tell the views' shares;
            None for a table from elsewhere.
    """
    st.header("Who it fails", anchor=False)
    quiet(
        "A model that only knew the view, or only told No Finding from the rest, looks good over "
        "all films and falls to 0.50 within a group. Read the three findings among films that are "
        "not No Finding, and No Finding within PA and within AP."
    )
    found = _measured_groups(measured, folder)
    if found is None:
        return
    key = st.segmented_control(
        "Finding", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="groups_finding",
    )  # fmt: skip
    _finding(measured, [rates for rates in found.rates if rates.finding == key], LABELS[key])
    _view_alone(measured.table, found.shortcuts)
    for note in subgroup_notes(measured.table):
        quiet(note)


def _measured_groups(measured: Measured, folder: Path | None) -> Groups | None:
    """What this session measured of the table; None until it is asked for."""
    kept = kept_groups(measured)
    if kept is not None:
        return kept
    films = len(measured.table)
    if films > AT_ONCE and not st.button(f"Measure the groups of {films:,} films"):
        quiet("It takes a while: every group is measured on 2,000 resamples.")
        return None
    found = measure_groups(measured, folder)
    st.session_state[_KEPT] = found
    return found


def kept_groups(measured: Measured) -> Groups | None:
    """What was measured already; None where nothing was."""
    # Kept in the session and never in a shared cache: a table may be the user's own.
    kept = st.session_state.get(_KEPT)
    return kept if isinstance(kept, Groups) and kept.identity == measured.identity else None


def measure_groups(measured: Measured, folder: Path | None) -> Groups:
    """Measure every group of a table, with a bar that shows how far it got."""
    bar = st.progress(0.0, text="Drawing patients …")
    table, report = measured.table, measured.report
    resamples = draw(table, n_resamples=report.n_resamples, seed=report.seed)
    above = None
    if report.operating_points:
        above = measured.probabilities >= [report.operating_points[k].threshold for k in KEYS]
    parts, rates = parts_of(table), []
    for done, found in enumerate(group_rates(table, above, resamples, parts=parts), start=1):
        rates += found
        bar.progress(done / len(parts), text=f"Group {done} of {len(parts)}")
    shortcuts = view_shortcuts(table, resamples, _validation(folder))
    bar.empty()
    return Groups(measured.identity, tuple(rates), tuple(shortcuts))


def _validation(folder: Path | None) -> pd.DataFrame | None:
    """The run's validation films; None where there are none that can be read."""
    if folder is None:
        return None
    try:
        return read_predictions(folder / VALIDATION_FILE)
    except DataError:
        return None  # the shares are then the table's own, and the panel says so


def _finding(measured: Measured, rates: Sequence[GroupRates], label: str) -> None:
    at_point = bool(measured.report.operating_points)
    show_chart(
        group_chart(rates, at_point=at_point),
        key="groups_chart",
        name=f"{label} within groups of films",
        alt=f"{label} within groups of films, by area under the ROC: "
        + " ".join(f"{group_name(one.by, one.value)}: {one.area.text()}." for one in rates),
    )
    point = (
        " Sensitivity and specificity are those at the operating point"
        + (", which was fitted on these very films." if measured.fitted_here else ".")
        if at_point
        else " Without operating points there is no sensitivity or specificity."
    )
    quiet(
        "How to read it: a group whose bar lies left of the dotted line (all films) is served "
        "worse; where bars overlap widely, the difference may be chance." + point
    )
    show_table(
        ("Films", "Number", "With it", "Area", "Sensitivity", "Specificity"),
        [group_row(one) for one in rates],
        caption=f"{label} within groups of films, 0 to 1 (95 % interval, "
        f"{measured.report.resampled} resampled); not estimable with under 10 films or "
        f"{measured.report.resampled} in a denominator",
    )


def group_row(rates: GroupRates) -> list[str]:
    """One group as a row of texts."""
    return [
        group_name(rates.by, rates.value),
        f"{rates.n:,}",
        f"{rates.positives:,}",
        *(figure.text() for figure in (rates.area, rates.sensitivity, rates.specificity)),
    ]


def _view_alone(table: pd.DataFrame, shortcuts: Sequence[ViewShortcut]) -> None:
    st.header("How far the view alone would get", anchor=False)
    if not shortcuts:
        has = "fewer than two views" if "view" in table else "no column view"
        quiet(f"The table has {has}, so the view cannot be set against the model.")
        return
    views = list(shortcuts[0].within)
    origin = (
        "these very films, which flatters the view"
        if shortcuts[0].fitted_here
        else "the model's validation films"
    )
    show_table(
        ("Finding", "Model", "View alone", "Difference", *(f"Model within {v}" for v in views)),
        [
            [
                LABELS[one.finding],
                one.model.text(),
                one.view_alone.text(),
                one.gain.text().replace("-", "−"),
                *(one.within[view].text() for view in views),
            ]
            for one in shortcuts
        ],
        caption="Area under the ROC, 0 to 1 (95 % interval), of films whose view is known",
    )
    quiet(
        "How to read it: the view alone gives every film the share of the finding among films of "
        f"its view, taken from {origin}. A model that learnt the finding ranks better than the "
        "view, and better than 0.50 within each view."
    )
    for one in shortcuts:
        quiet(shortcut_sentence(one))
