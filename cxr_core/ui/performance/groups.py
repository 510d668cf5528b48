"""The panel that shows whom the model fails, and how far the view alone would get."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.subgroups import (
    SubgroupMetrics,
    ViewShortcut,
    all_films_and_subgroups,
    shortcut_sentence,
    subgroup_metrics,
    view_shortcuts,
)
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import subgroup_notes
from cxr_core.evaluation.run_folder import VALIDATION_PREDICTIONS_FILE
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.charts.groups import subgroup_figure, subgroup_name
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.evaluated import EvaluatedTable
from cxr_core.ui.shell import caption, show_table
from cxr_core.wording import with_minus_sign

MAX_AUTO_FILMS = 2000  # films up to which the groups are measured unasked, in a few seconds
_RESULTS_KEY = "measured_groups"


@dataclass(frozen=True)
class SubgroupResults:
    """What was measured of one table's groups.

    Attributes:
        cache_key: the table's.
        rates: of every group and finding, all films first.
        shortcuts: the view alone, by finding; empty without two views.
    """

    cache_key: str
    rates: tuple[SubgroupMetrics, ...]
    shortcuts: tuple[ViewShortcut, ...]


def subgroups_panel(evaluated: EvaluatedTable, folder: Path | None) -> None:
    """Area, sensitivity and specificity within groups, and the view alone.

    Args:
        folder: the run that the table belongs to, whose validation films tell the views' shares;
            None for a table from elsewhere.
    """
    st.header("Performance by subgroup", anchor=False)
    caption(
        "A model that only recognises the view, or only separates No Finding from the rest, looks "
        "good over all films and falls to 0.50 within a subgroup. Judge the findings among films "
        "that are not No Finding, and No Finding within PA and within AP."
    )
    found = _subgroups_on_request(evaluated, folder)
    if found is None:
        return
    key = st.segmented_control(
        "Finding", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="groups_finding",
    )  # fmt: skip
    _finding(evaluated, [rates for rates in found.rates if rates.finding == key], LABELS[key])
    _view_alone(evaluated.table, found.shortcuts)
    for note in subgroup_notes(evaluated.table):
        caption(note)


def _subgroups_on_request(evaluated: EvaluatedTable, folder: Path | None) -> SubgroupResults | None:
    """What this session measured of the table; None until it is asked for."""
    kept = cached_subgroups(evaluated)
    if kept is not None:
        return kept
    films = len(evaluated.table)
    if films > MAX_AUTO_FILMS and not st.button(f"Compute the subgroups of {films:,} films"):
        caption("Takes a while: every subgroup is resampled 2,000 times.")
        return None
    found = evaluate_subgroups(evaluated, folder)
    st.session_state[_RESULTS_KEY] = found
    return found


def cached_subgroups(evaluated: EvaluatedTable) -> SubgroupResults | None:
    """What was measured already; None where nothing was."""
    # Kept in the session and never in a shared cache: a table may be the user's own.
    kept = st.session_state.get(_RESULTS_KEY)
    return (
        kept
        if isinstance(kept, SubgroupResults) and kept.cache_key == evaluated.cache_key
        else None
    )


def evaluate_subgroups(evaluated: EvaluatedTable, folder: Path | None) -> SubgroupResults:
    """Measure every group of a table, with a bar that shows how far it got."""
    bar = st.progress(0.0, text="Resampling patients …")
    table, report = evaluated.table, evaluated.report
    resamples = resample_patients(table, n_resamples=report.n_resamples, seed=report.seed)
    above = None
    if report.operating_points:
        above = evaluated.probabilities >= [report.operating_points[k].threshold for k in KEYS]
    parts, rates = all_films_and_subgroups(table), []
    for done, found in enumerate(
        subgroup_metrics(table, above, resamples, subgroups=parts), start=1
    ):
        rates += found
        bar.progress(done / len(parts), text=f"Subgroup {done} of {len(parts)}")
    shortcuts = view_shortcuts(table, resamples, _validation(folder))
    bar.empty()
    return SubgroupResults(evaluated.cache_key, tuple(rates), tuple(shortcuts))


def _validation(folder: Path | None) -> pd.DataFrame | None:
    """The run's validation films; None where there are none that can be read."""
    if folder is None:
        return None
    try:
        return read_predictions(folder / VALIDATION_PREDICTIONS_FILE)
    except DataError:
        return None  # the shares are then the table's own, and the panel says so


def _finding(evaluated: EvaluatedTable, rates: Sequence[SubgroupMetrics], label: str) -> None:
    at_point = bool(evaluated.report.operating_points)
    show_chart(
        subgroup_figure(rates, has_operating_points=at_point),
        key="groups_chart",
        title=f"{label} by subgroup",
        alt=f"{label} by subgroup, AUROC: "
        + " ".join(f"{subgroup_name(one.by, one.value)}: {one.auroc.text()}." for one in rates),
    )
    point = (
        " Sensitivity and specificity are at the cut-off"
        + (", which was fitted on these films." if evaluated.fitted_on_this_table else ".")
        if at_point
        else " Without cut-offs there is no sensitivity or specificity."
    )
    caption(
        "Left of the dotted line (all films), the model does worse; where bars overlap widely, the "
        "difference may be chance." + point
    )
    show_table(
        ("Films", "Number", "With it", "Area", "Sensitivity", "Specificity"),
        [subgroup_row(one) for one in rates],
        caption=f"{label} by subgroup, 0 to 1 (95 % interval, {evaluated.report.resampled} "
        f"resampled); not estimable with under 10 films or {evaluated.report.resampled} in "
        "a denominator",
    )


def subgroup_row(rates: SubgroupMetrics) -> list[str]:
    """One group as a row of texts."""
    return [
        subgroup_name(rates.by, rates.value),
        f"{rates.n:,}",
        f"{rates.positives:,}",
        *(figure.text() for figure in (rates.auroc, rates.sensitivity, rates.specificity)),
    ]


def _view_alone(table: pd.DataFrame, shortcuts: Sequence[ViewShortcut]) -> None:
    st.header("Baseline: the view alone", anchor=False)
    if not shortcuts:
        has = "fewer than two views" if "view" in table else "no column view"
        caption(f"The table has {has}, so there is no such baseline.")
        return
    views = list(shortcuts[0].within)
    origin = (
        "these films, which flatters the baseline"
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
                with_minus_sign(one.gain.text()),
                *(one.within[view].text() for view in views),
            ]
            for one in shortcuts
        ],
        caption="Area under the ROC, 0 to 1 (95 % interval), of films whose view is known",
    )
    caption(
        f"The baseline gives every film the prevalence of its view, taken from {origin}. A model "
        "that has learnt the finding beats it, and is above 0.50 within each view."
    )
    for one in shortcuts:
        caption(shortcut_sentence(one))
