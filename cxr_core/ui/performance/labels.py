"""The panel of the labels: how many there are in each part, and which come together."""

from dataclasses import replace

import streamlit as st

from cxr_core.data.splits import PART_TITLES
from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.labels import SplitLabels
from cxr_core.evaluation.render.subset_figures import (
    co_occurrence,
    label_counts,
    labels_per_film,
    split_labels,
)
from cxr_core.evaluation.run_folder import SPLIT_FILE, RunFolder
from cxr_core.findings import label_of
from cxr_core.ui.charts.labels import split_labels_figure
from cxr_core.ui.charts.show import chart_source_of_films, show_chart
from cxr_core.ui.charts.theme import label_counts_figure
from cxr_core.ui.shell import caption, show_table


def labels_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> None:
    """Labels of the run's parts, and of the films in view.

    Args:
        run: that the table belongs to; None for a table from elsewhere.
    """
    st.header("Labels", anchor=False)
    parts, missing = run_split_labels(run)
    full = replace(evaluated.full, splits=tuple(parts))
    if parts:
        _split_labels(parts)
    else:
        caption(missing)
        _table_labels(evaluated)
    for table in (*split_labels(full), *label_counts(full)):
        show_table(table)
    _co_occurrence(full)


def run_split_labels(run: RunFolder | None) -> tuple[list[SplitLabels], str]:
    """The parts of the run's split, or why they cannot be shown."""
    if run is None:
        return [], (
            f"Labels of all sets need {SPLIT_FILE} of a run folder; a table from elsewhere has "
            "none, so only its own labels are shown."
        )
    absent = (
        f"No {SPLIT_FILE} with labels beside the model: only the labels of these films are shown"
    )
    try:
        return run.split_labels, "" if run.split_labels else f"{absent}."
    except DataError as error:
        return [], f"{absent} ({error.problem})."


def _split_labels(parts: list[SplitLabels]) -> None:
    show_chart(
        split_labels_figure(parts),
        key="split_labels",
        wide=True,
        title="Labels by set",
        alt="Films with each label. "
        + " ".join(
            f"{PART_TITLES[part.part]}: "
            + ", ".join(
                f"{label_of(key)} {count.positives:,}" for key, count in part.counts.items()
            )
            + "."
            for part in parts
        ),
        source=chart_source_of_films(
            f"all {sum(part.n_films for part in parts):,} films of the run"
        ),
    )
    caption(
        "The bars of one finding should be alike; otherwise the sets differ. The number on a bar "
        "is its films. A film can have several labels, or none."
    )


def _table_labels(evaluated: EvaluatedTable) -> None:
    """The films in view alone, with the verdict of their measured areas."""
    counts, total = evaluated.report.label_distribution, evaluated.report.n_films
    show_chart(
        label_counts_figure(counts, total),
        key="labels",
        title="Films with each label",
        alt=f"Films with each label, of {total:,}: "
        + ", ".join(
            f"{label_of(key)} {counts[key].positives:,}"
            if counts[key].n
            else f"{label_of(key)} not labelled"
            for key in counts
        ),
    )
    caption("A bar is the number of films with the label; a film can have several, or none.")


def _co_occurrence(full: FullReport) -> None:
    st.header("Labels that occur together", anchor=False)
    for table in co_occurrence(full):
        show_table(table)
    caption(
        "Read along a row. Findings that mostly occur together are hard to tell apart. No Finding "
        "should occur with none of the others."
    )
    for table in labels_per_film(full):
        show_table(table)
