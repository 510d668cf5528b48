"""The panel that shows whom the model fails, and how far the view alone would get."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pandas as pd
import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import (
    EvaluatedTable,
    measure_subgroups,
)
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics
from cxr_core.evaluation.render.further_figures import (
    further_patients_table,
    other_sources_table,
)
from cxr_core.evaluation.render.subset_figures import (
    crossed_subgroups,
    gaps,
    subgroup_name,
    subgroups,
    view_alone,
)
from cxr_core.evaluation.report import subgroup_notes
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import label_of
from cxr_core.ui.charts.groups import subgroup_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.evaluated import further_films_of_run
from cxr_core.ui.performance.tabs import choose_finding
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import VERDICT_RULE

MAX_AUTO_FILMS = 2000  # films up to which the groups are measured unasked, in a few seconds
_RESULTS_KEY = "measured_groups"


def subgroups_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """Area, sensitivity and specificity within groups, and the view alone.

    Args:
        run: that the table belongs to, whose validation films tell the views' shares; None for
            a table from elsewhere.
    """
    st.header("Performance by subgroup", anchor=False)
    caption(
        "A model that only recognises the view, or only separates No Finding from the rest, looks "
        "good over all films and falls to 0.50 within a subgroup. Judge the findings among films "
        "that are not No Finding, and No Finding within PA and within AP."
    )
    found = _subgroups_on_request(evaluated, run)
    if found is None:
        return
    key = choose_finding(evaluated.keys, "groups_finding")
    of_finding = [one for one in found.groups if one.finding == key]
    of_crossed = [one for one in found.crossed if one.finding == key]
    _finding(
        evaluated,
        replace(found, groups=tuple(of_finding), crossed=tuple(of_crossed)),
        key,
    )
    _view_alone(evaluated.table, found)
    further_films_section(run)
    for note in subgroup_notes(evaluated.table):
        caption(note)


def further_films_section(run: RunFolder | None) -> None:
    """Further patients and other hospitals' films, where the run has tables of them."""
    if run is None:
        return
    patients, sources = further_films_of_run(run)
    tables = [
        *([] if patients is None else [further_patients_table(patients)]),
        *([other_sources_table(sources)] if sources else []),
    ]
    if tables:
        st.header("How far it carries", anchor=False)
    for table in tables:
        show_table(table)


def _subgroups_on_request(evaluated: EvaluatedTable, run: RunFolder | None) -> FullReport | None:
    """What this session measured of the table; None until it is asked for."""
    kept = cached_subgroups(evaluated)
    if kept is not None:
        return kept
    films = len(evaluated.table)
    if films > MAX_AUTO_FILMS and not st.button(f"Compute the subgroups of {films:,} films"):
        caption("Takes a while: every subgroup is resampled 2,000 times.")
        return None
    found = _measure(evaluated, run)
    st.session_state[_RESULTS_KEY] = evaluated.cache_key, found
    return found


def cached_subgroups(evaluated: EvaluatedTable) -> FullReport | None:
    """The report with its subgroups, if they were measured already."""
    # Kept in the session and never in a shared cache: a table may be the user's own.
    cache_key, found = st.session_state.get(_RESULTS_KEY, ("", None))
    return found if cache_key == evaluated.cache_key else None


def _measure(evaluated: EvaluatedTable, run: RunFolder | None) -> FullReport:
    """Every group of a table, with a bar that shows how far it got."""
    bar = st.progress(0.0, text="Resampling patients …")

    def progress(
        groups: Iterable[list[SubgroupMetrics]], total: int
    ) -> Iterator[list[SubgroupMetrics]]:
        for done, found in enumerate(groups, start=1):
            bar.progress(done / total, text=f"Subgroup {done} of {total}")
            yield found

    found = measure_subgroups(evaluated, _with_validation(run), progress=progress)
    bar.empty()
    return found


def _with_validation(run: RunFolder | None) -> RunFolder | None:
    """The run, if its validation films can be read: else the shares are the table's own, and the
    panel says so."""
    try:
        return run if run is not None and run.validation is not None else None
    except DataError:
        return None


def _finding(evaluated: EvaluatedTable, found: FullReport, key: str) -> None:
    label = label_of(key)
    at_point = bool(evaluated.report.operating_points)
    show_chart(
        subgroup_figure(found.groups, has_operating_points=at_point),
        key="groups_chart",
        wide=True,
        title=f"{label} by subgroup",
        alt=f"{label} by subgroup, AUROC: "
        + " ".join(
            f"{subgroup_name(one.by, one.value)}: {one.auroc.text()}." for one in found.groups
        ),
    )
    point = (
        " Sensitivity and specificity are at the cut-off"
        + (", which was fitted on these films." if evaluated.fitted_on_this_table else ".")
        if at_point
        else " Without cut-offs there is no sensitivity or specificity."
    )
    caption(
        "Left of the dotted line (all films), the model does worse; the differences below tell "
        "which of it is shown." + point
    )
    for table in subgroups(found):
        show_table(table)
    st.subheader("Differences between groups", anchor=False)
    for table in gaps(found):  # all findings are counted, one is shown
        if table.rows[0].finding == key:
            show_table(table)
    caption(
        "Each group less the largest of its kind; patients with films in both are accounted for. "
        f"{VERDICT_RULE} Groups differ in illness as well: a gap says where to look, not "
        "why."
    )
    for table in crossed_subgroups(found):
        show_table(table)


def _view_alone(table: pd.DataFrame, found: FullReport) -> None:
    st.header("Baseline: the view alone", anchor=False)
    if not found.shortcuts:
        has = "fewer than two views" if "view" in table else "no column view"
        caption(f"The table has {has}, so there is no such baseline.")
        return
    for shown in view_alone(found):
        show_table(shown)
    caption(
        "The baseline gives every film the prevalence of its view. A model that has learnt the "
        "finding beats it, and is above 0.50 within each view."
    )
