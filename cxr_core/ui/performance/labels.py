"""The panel of the labels: how many there are in each part, and which come together."""

import math
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.full_report import multi_label_share
from cxr_core.evaluation.metrics.labels import (
    LabelCount,
    SplitLabels,
    co_occurrence,
    labels_per_film,
    read_split_labels,
    split_labels,
)
from cxr_core.evaluation.predictions import labels_of
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.findings import ALL_IN_WORDS, KEYS, LABELS
from cxr_core.ui.charts.labels import split_labels_figure
from cxr_core.ui.charts.show import chart_source_of_films, show_chart
from cxr_core.ui.charts.theme import label_counts_figure
from cxr_core.ui.evaluated import SAMPLE_SIZE_WORDS, EvaluatedTable
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import percent


def labels_panel(evaluated: EvaluatedTable, folder: Path | None) -> None:
    """Labels of the run's parts, and of the films in view.

    Args:
        folder: the run that the table belongs to; None for a table from elsewhere.
    """
    st.header("Labels", anchor=False)
    parts, missing = run_split_labels(folder)
    if parts:
        _split_labels(parts)
    else:
        caption(missing)
        _table_labels(evaluated)
    _co_occurrence(evaluated)


def run_split_labels(folder: Path | None) -> tuple[list[SplitLabels], str]:
    """The parts of the run's split, or why they cannot be shown."""
    if folder is None:
        return [], (
            f"Labels of all sets need {SPLIT_FILE} of a run folder; a table from elsewhere has "
            "none, so only its own labels are shown."
        )
    try:
        return split_labels(read_split_labels(folder / SPLIT_FILE)), ""
    except DataError as error:
        return [], (
            f"No {SPLIT_FILE} with labels beside the model: only the labels of these films are "
            f"shown ({error.problem})."
        )


def _split_labels(parts: list[SplitLabels]) -> None:
    show_chart(
        split_labels_figure(parts),
        key="split_labels",
        title="Labels by set",
        alt="Films with each label. "
        + " ".join(
            f"{part.part.capitalize()}: "
            + ", ".join(f"{LABELS[key]} {count.positives:,}" for key, count in part.counts.items())
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
    show_table(
        ("Finding", *(_part_name(part) for part in parts)),
        [[LABELS[key], *(_count(part.counts[key]) for part in parts)] for key in KEYS],
        caption="Films with the label, and what so many could bear before any model is tried: "
        "enough, or wide (the 95 % interval of an area of 0.80 would span over 0.10, by Hanley and "
        "McNeil's formula), or too few (under 10 with it, without it, or patients). What the "
        "model's own area bears stands under Curves: one far above 0.80 has a narrower interval",
    )


def _part_name(part: SplitLabels) -> str:
    patients = "" if part.n_patients is None else f", {part.n_patients:,} patients"
    return f"{part.part.capitalize()}: {part.n_films:,} films{patients}"


def _count(count: LabelCount) -> str:
    words = SAMPLE_SIZE_WORDS[count.verdict]
    return f"{count.positives:,} ({percent(count.prevalence)}), {words}"


def _table_labels(evaluated: EvaluatedTable) -> None:
    """The films in view alone, with the verdict of their measured areas."""
    counts, total = evaluated.report.label_distribution, evaluated.report.n_films
    positives = {key: counts[key].positives for key in KEYS}
    show_chart(
        label_counts_figure(positives, total),
        key="labels",
        title="Films with each label",
        alt=f"Films with each label, of {total:,}: "
        + ", ".join(f"{LABELS[key]} {positives[key]:,}" for key in KEYS),
    )
    caption("A bar is the number of films with the label; a film can have several, or none.")
    show_table(
        ("Finding", "These films"),
        [[LABELS[key], _count(counts[key])] for key in KEYS],
        caption="Films with the label, and what the interval of their measured area says: enough, "
        "wide (over 0.10) or too few (under 10 with it, without it, or patients)",
    )


def _co_occurrence(evaluated: EvaluatedTable) -> None:
    st.header("Labels that occur together", anchor=False)
    labels = labels_of(evaluated.table)  # (N, 4)
    counts = co_occurrence(labels)  # (4, 4)
    show_table(
        ("Of the films with", *(f"also {LABELS[key]}" for key in KEYS)),
        [
            [
                f"{LABELS[key]} ({counts[row, row]:,})",
                *(
                    co_occurrence_cell(
                        int(counts[row, k]), int(counts[row, row]), is_diagonal=row == k
                    )
                    for k in range(len(KEYS))
                ),
            ]
            for row, key in enumerate(KEYS)
        ],
        caption=f"Films with two labels at once, of the {len(labels):,} in view; "
        "shares of each row",
    )
    caption(
        "Read along a row. Findings that mostly occur together are hard to tell apart. No Finding "
        "should occur with none of the others."
    )
    show_table(
        ("", *(f"{n} of the {ALL_IN_WORDS}" for n in range(len(KEYS) + 1))),
        [["Films", *(f"{n:,} ({percent(n / len(labels))})" for n in labels_per_film(labels))]],
        caption=f"How many labels a film carries; {multi_label_sentence(labels_per_film(labels))}",
    )


def co_occurrence_cell(n_both: int, n_films: int, *, is_diagonal: bool) -> str:
    """A cell: films with both labels, and their share of the row's films."""
    if is_diagonal:
        return "–"
    return f"{n_both:,} ({percent(n_both / n_films)})" if n_films else "no film"


def multi_label_sentence(n_by_label_count: tuple[int, ...]) -> str:
    """The share of multi-label films in words, from the films with 0, 1, 2, … labels."""
    share = multi_label_share(n_by_label_count)
    if math.isnan(share):
        return "no film carries any"
    return f"{percent(share)} of those with any carry two or more"
