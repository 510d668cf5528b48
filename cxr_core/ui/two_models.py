"""The panel of two models: what B ranks better or worse than A, on the films that both saw."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.evaluation.compare_results import ComparedFilms, Comparison, Paired
from cxr_core.evaluation.seen_films import split_stamp
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.charts import show_chart
from cxr_core.ui.figure_file import Source
from cxr_core.ui.measured import Measured
from cxr_core.ui.page import quiet, show_error
from cxr_core.ui.paired import Beside, Pair, matched_line, pair_of
from cxr_core.ui.source_choice import choose_source, show_cautions
from cxr_core.ui.tables import show_table
from cxr_core.ui.two_models_chart import two_roc_figure
from cxr_core.ui.verdicts import signed, verdict, verdict_sentence

MEAN = "Mean of these"


def two_models(measured: Measured, folder: Path | None) -> Beside | None:
    """Choose B, and see it beside A, the table that the page shows.

    Args:
        folder: A's run; None for a table from elsewhere.

    Returns:
        What was compared, to be taken along; None where nothing was.
    """
    st.header("Two models on the same films", anchor=False)
    quiet(
        "A is what this page shows. Choose B, another run or table: its films are matched with "
        "A's by the name of their image, and patients are resampled for both at once."
    )
    other = choose_source("b")
    if other is None:
        return None
    show_cautions(other)
    if other.measured is None:
        quiet("B has no predictions yet, so there is nothing to compare.")
        return None
    if other.measured.identity == measured.identity:
        quiet("B is the very table that is A, so every difference is 0.")
    try:
        pair = _paired(measured, folder, other.measured, other.folder)
    except CXRError as error:
        show_error(error)
        return None
    quiet(matched_sentence(pair.comparison))
    for note in pair.seen:
        quiet(note)
    chart, words = st.columns([1.35, 1], gap="large")
    with chart:
        _curves(measured, other.measured, pair)
    with words:
        _verdicts(pair.comparison)
    _tables(pair.comparison)
    for note in pair.notes:
        quiet(note)
    return Beside(pair.whole(), other.measured.table_sha256)


def _paired(a: Measured, folder_a: Path | None, b: Measured, folder_b: Path | None) -> Pair:
    splits = split_stamp(folder_a), split_stamp(folder_b)
    return _compared(a.table, b.table, folder_a, folder_b, (a.identity, b.identity), splits)


# Streamlit keys on what has no underscore: the hashes stand for the tables. A table may be the
# session's own, so nothing of a comparison is shared.
@st.cache_data(max_entries=4, show_spinner="Resampling patients for both …", scope="session")
def _compared(
    _a: pd.DataFrame,
    _b: pd.DataFrame,
    _folder_a: Path | None,
    _folder_b: Path | None,
    identities: tuple[str, str],
    splits: tuple[str, str],
) -> Pair:
    return pair_of(_a, _b, folder_a=_folder_a, folder_b=_folder_b)


def matched_sentence(comparison: Comparison) -> str:
    """How many films were matched, and that none, or which, were left out."""
    n, patients = comparison.n_films, comparison.n_patients
    of = "" if patients is None else f" of {patients:,} patients"
    left = (
        f"{comparison.only_a:,} only in A and {comparison.only_b:,} only in B are left out"
        if comparison.only_a or comparison.only_b
        else "every film of either stands in both"
    )
    return f"Matched by image: {n:,} films{of}; {left}."


def _curves(a: Measured, b: Measured, pair: Pair) -> None:
    key = st.segmented_control(
        "Curves of", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="two_models_finding",
    )  # fmt: skip
    area = pair.comparison.overall.auroc[key]
    show_chart(
        two_roc_figure(
            matched_line(a, pair.images, key, area.a),
            matched_line(b, pair.images, key, area.b),
            key,
        ),
        key="two_models_roc",
        name=f"ROC of two models, {LABELS[key]}",
        source=_source(a, b, pair.comparison),
        alt=f"ROC curves of {LABELS[key]} on the same films. A: area {area.a.text()}. "
        f"B: area {area.b.text()}.",
    )
    quiet(
        "How to read it: where one line runs above the other, that model finds more of the films "
        "with the finding at the same share of false alarms; where they cross, neither is better "
        "throughout."
    )


def _source(a: Measured, b: Measured, comparison: Comparison) -> Source:
    """Both tables, by their hashes, and the films in both."""
    return Source(
        a.table_sha256, (f"beside table {b.table_sha256[:8]}", f"{comparison.n_films:,} films")
    )


def _verdicts(comparison: Comparison) -> None:
    st.subheader("Which ranks all films better", anchor=False)
    for key, area in comparison.overall.auroc.items():
        st.markdown(verdict_sentence(key, area.difference))
    quiet(
        "B − A is the difference of the areas, with the 95 % interval of the same "
        f"{comparison.resampled} drawn for both models; it tells how far the difference would "
        f"move with other {comparison.resampled}, not with another training run. Of many "
        "differences one in twenty leaves out 0 by chance."
    )


def _tables(comparison: Comparison) -> None:
    _table("All films", comparison.overall, comparison)
    _table("Films that are not No Finding", comparison.abnormal, comparison)
    for view, part in comparison.views.items():
        _table(f"Films of view {view}", part, comparison)
    if comparison.groups:
        with st.expander("Within each group of films"):
            for group, part in comparison.groups.items():
                _table(f"Films of group {group}", part, comparison)


def _table(name: str, part: ComparedFilms, comparison: Comparison) -> None:
    show_table(
        ("Finding", "Films with it", "A", "B", "B − A", "Verdict"),
        part_rows(part),
        caption=f"{name}: {part.n:,}. Area under the ROC (95 % interval, {comparison.resampled} "
        f"resampled jointly, {comparison.n_resamples:,} times)",
    )


def part_rows(part: ComparedFilms) -> list[list[str]]:
    """A finding a row, and their mean where there is one."""
    rows = [
        [LABELS[key], f"{part.positives[key]:,}", *_cells(pair)] for key, pair in part.auroc.items()
    ]
    return rows + ([] if part.mean is None else [[MEAN, "", *_cells(part.mean)]])


def _cells(pair: Paired) -> Sequence[str]:
    return pair.a.text(3), pair.b.text(3), signed(pair.difference), verdict(pair.difference)
