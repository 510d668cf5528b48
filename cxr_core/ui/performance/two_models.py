"""The panel of two models: what B ranks better or worse than A, on the films that both saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from cxr_core.errors import CXRError
from cxr_core.evaluation.comparison import Comparison, compare_validated
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.leakage import (
    film_metadata,
    require_no_leakage,
    shared_films,
    unmatched_note,
)
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.ranking import roc
from cxr_core.evaluation.predictions import is_labelled, labels_of
from cxr_core.evaluation.render.comparison_figures import (
    DIFFERENCE_DIGITS,
    WITHIN_GROUP,
    comparison_tables,
    difference_verdict,
    multiplicity_sentence,
)
from cxr_core.evaluation.render.table import signed_text
from cxr_core.evaluation.run_folder import SPLIT_FILE, RunFolder
from cxr_core.findings import label_of
from cxr_core.ui.charts.curves import Curve, paired_roc_figure
from cxr_core.ui.charts.show import ChartSource, show_chart
from cxr_core.ui.performance.source import choose_source, show_cautions
from cxr_core.ui.performance.tabs import choose_finding
from cxr_core.ui.shell import caption, show_error, show_table
from cxr_core.ui.words import VERDICT_RULE
from cxr_core.wording import with_minus_sign

# Two evaluated tables, compared on the films in both, and what their models have seen.


@dataclass(frozen=True, eq=False)
class PairedModels:
    """Two tables that were compared.

    Attributes:
        comparison: on the films in both.
        images: (N,) names of these films.
        labels: (N, 4) their labels, as ``predictions.labels_of`` gives them.
        leakage_notes: whole sentences on what the models have seen of these films.
        notes: whole sentences on what was absent or left out.
    """

    comparison: Comparison
    images: tuple[str, ...]
    labels: NDArray[np.int64]
    leakage_notes: tuple[str, ...]
    notes: tuple[str, ...]

    def with_leakage_notes(self) -> Comparison:
        """The comparison with every sentence that belongs to it."""
        return replace(self.comparison, notes=(*self.leakage_notes, *self.comparison.notes))


@dataclass(frozen=True, eq=False)
class PageComparison:
    """What the page's table was compared with.

    Attributes:
        comparison: A is the page's table.
        other_sha256: of B's table.
    """

    comparison: Comparison
    other_sha256: str


def compare_tables(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    run_a: RunFolder | None = None,
    run_b: RunFolder | None = None,
    n_resamples: int = 2000,
) -> PairedModels:
    """Compare two validated tables, without any cache.

    Args:
        run_a, run_b: their runs, whose ``split.csv`` tells what each model has seen.

    Raises:
        DataError: too few films in both, labels or patients that differ, or films that one model
            was trained or chosen on and the other was not.
    """
    shared = shared_films(a, b)
    seen = []
    if run_a is not None or run_b is not None:
        seen = require_no_leakage(
            film_metadata(shared.a, shared.b),
            split_a=None if run_a is None else run_a.split,
            split_b=None if run_b is None else run_b.split,
        )
    comparison = compare_validated(a, b, n_resamples=n_resamples)
    films = unmatched_note(shared)  # the page counts them apart
    notes = tuple(note for note in comparison.notes if note != films)
    images, labels = tuple(shared.a["image"]), labels_of(shared.a)
    return PairedModels(comparison, images, labels, tuple(seen), notes)


def matched_roc_curve(
    evaluated: EvaluatedTable,
    images: Sequence[str],
    labels: NDArray[np.int64],
    key: str,
    area: Interval,
) -> Curve:
    """A model's ROC over the matched films with a label; empty where a class is missing.

    Args:
        images: N films, all of them in the table.
        labels: (N, 4) theirs, as ``predictions.labels_of`` gives them.
        area: on these films, for the legend.
    """
    k = evaluated.keys.index(key)
    known = is_labelled(labels[:, k])
    rows = pd.Index(evaluated.table["image"]).get_indexer(pd.Index(images)[known])
    curve = roc(labels[known, k], evaluated.probabilities[rows, k])
    return Curve(curve.fpr, curve.tpr, curve.thresholds, curve.tpr, 1 - curve.fpr, area=area)


def verdict_sentence(key: str, difference: Interval) -> str:
    """The same for one finding, as a sentence with its figures."""
    label = label_of(key)
    sentences = {
        "B better": f"{label}: B is better, B − A is {signed_interval(difference)}.",
        "A better": f"{label}: A is better, B − A is {signed_interval(difference)}.",
        "no difference shown": f"{label}: no difference shown, B − A is "
        f"{signed_interval(difference)}.",
        "not estimable": f"{label}: not estimable, too few films or patients.",
        "not labelled": f"{label}: not labelled on these films.",
    }
    return sentences[difference_verdict(difference)]


def signed_interval(difference: Interval) -> str:
    """A difference with its interval and a true minus, "+0.012 (−0.005 to +0.029)"."""
    return with_minus_sign(signed_text(difference, DIFFERENCE_DIGITS))


def two_models_panel(evaluated: EvaluatedTable, run: RunFolder | None) -> PageComparison | None:
    """Choose B, and see it beside A, the table that the page shows.

    Args:
        run: A's; None for a table from elsewhere.

    Returns:
        What was compared, to be taken along; None where nothing was.
    """
    st.header("Two models on the same films", anchor=False)
    caption(
        "A is what this page shows. Choose B, another run or table. Films are matched by image "
        "name, and patients are resampled for both together."
    )
    other = choose_source("b")
    if other is None:
        return None
    show_cautions(other)
    if other.evaluated is None:
        caption("B has no predictions yet.")
        return None
    if other.evaluated.cache_key == evaluated.cache_key:
        caption("B is the same table as A, so every difference is 0.")
    try:
        pair = _cached_pair(evaluated, run, other.evaluated, other.run)
    except CXRError as error:
        show_error(error)
        return None
    caption(matched_sentence(pair.comparison))
    for note in pair.leakage_notes:
        caption(note)
    chart, words = st.columns([1.35, 1], gap="large")
    with chart:
        _curves(evaluated, other.evaluated, pair)
    with words:
        _verdicts(pair.comparison)
    _tables(pair.comparison)
    for note in pair.notes:
        caption(note)
    return PageComparison(pair.with_leakage_notes(), other.evaluated.full.table_sha256)


def _cached_pair(
    a: EvaluatedTable, run_a: RunFolder | None, b: EvaluatedTable, run_b: RunFolder | None
) -> PairedModels:
    splits = ["" if run is None else run.stamp(SPLIT_FILE) for run in (run_a, run_b)]
    return _cached_comparison(
        a.table, b.table, run_a, run_b, (a.cache_key, b.cache_key), (splits[0], splits[1])
    )


# Streamlit keys on what has no underscore: the hashes stand for the tables. A table may be the
# session's own, so nothing of a comparison is shared.
@st.cache_data(max_entries=4, show_spinner="Resampling patients for both …", scope="session")
def _cached_comparison(
    _a: pd.DataFrame,
    _b: pd.DataFrame,
    _run_a: RunFolder | None,
    _run_b: RunFolder | None,
    identities: tuple[str, str],
    splits: tuple[str, str],
) -> PairedModels:
    return compare_tables(_a, _b, run_a=_run_a, run_b=_run_b)


def matched_sentence(comparison: Comparison) -> str:
    """How many films were matched, and that none, or which, were left out."""
    n, patients = comparison.n_films, comparison.n_patients
    of = "" if patients is None else f" of {patients:,} patients"
    left = (
        f"{comparison.only_a:,} only in A and {comparison.only_b:,} only in B are left out"
        if comparison.only_a or comparison.only_b
        else "all films are in both"
    )
    return f"Matched by image: {n:,} films{of}; {left}."


def _curves(a: EvaluatedTable, b: EvaluatedTable, pair: PairedModels) -> None:
    key = choose_finding(tuple(pair.comparison.overall.auroc), "two_models_finding")
    area = pair.comparison.overall.auroc[key]
    show_chart(
        paired_roc_figure(
            matched_roc_curve(a, pair.images, pair.labels, key, area.a),
            matched_roc_curve(b, pair.images, pair.labels, key, area.b),
            key,
        ),
        key="two_models_roc",
        title=f"ROC of two models, {label_of(key)}",
        source=_source(a, b, pair.comparison),
        alt=f"ROC curves of {label_of(key)} on the same films. A: AUROC {area.a.text()}. B: AUROC "
        f"{area.b.text()}.",
    )
    caption(
        "Where one curve runs above the other, that model detects more films with the finding at "
        "the same false alarm rate; where they cross, neither is better throughout."
    )


def _source(a: EvaluatedTable, b: EvaluatedTable, comparison: Comparison) -> ChartSource:
    """Both tables, by their hashes, and the films in both."""
    return ChartSource(
        a.full.table_sha256,
        (f"compared with table {b.full.table_sha256[:8]}", f"{comparison.n_films:,} films"),
    )


def _verdicts(comparison: Comparison) -> None:
    st.subheader("AUROC, all films", anchor=False)
    for key, area in comparison.overall.auroc.items():
        st.markdown(verdict_sentence(key, area.difference))
    caption(
        "B − A is the difference in AUROC, with a 95 % interval from the same resampled "
        f"{comparison.resampled} for both. The interval covers other {comparison.resampled}, not "
        f"another training run. {VERDICT_RULE} {multiplicity_sentence(comparison)}"
    )


def _tables(comparison: Comparison) -> None:
    tables = list(comparison_tables(comparison))
    for table in tables:
        if table.topic != WITHIN_GROUP:
            show_table(table)
    if comparison.groups:
        with st.expander("By group"):
            for table in tables:
                if table.topic == WITHIN_GROUP:
                    show_table(table)
