"""The panel of the curves: ROC and precision-recall of a finding, with bands, and the areas."""

import math
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from cxr_core.evaluation.metrics.bootstrap import WIDEST, draw
from cxr_core.evaluation.metrics.ranking import Bands, curve_bands, precision_recall, roc
from cxr_core.evaluation.predictions import labels_of
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.charts.curves import Line, Mark, precision_recall_figure, roc_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.evaluated import VERDICTS, Measured
from cxr_core.ui.shell import quiet, show_table
from cxr_core.ui.words import percent

ALL = "all"


def curves(measured: Measured) -> None:
    """Choose a finding; see both curves and every area."""
    st.header("How well it ranks films", anchor=False)
    chosen = st.segmented_control(
        "Curves of", [*KEYS, ALL], default=KEYS[0], required=True, key="curves_finding",
        format_func=lambda key: "All four" if key == ALL else LABELS[key],
    )  # fmt: skip
    left, right = st.columns(2, gap="large")
    with left:
        _roc(measured, chosen)
    with right:
        _precision_recall(measured, chosen)
    _areas(measured)


def _roc(measured: Measured, chosen: str) -> None:
    auroc = measured.report.auroc
    lines = {key: roc_line(measured, key, _bands(measured, key, chosen)) for key in _keys(chosen)}
    drawn = {key: line for key, line in lines.items() if len(line.x)}
    _chart(
        roc_figure(drawn, f"ROC of {_name(chosen)}"),
        "roc",
        "ROC curves. " + " ".join(f"{LABELS[key]}: area {auroc[key].text()}." for key in lines),
    )
    quiet(
        "How to read it: each point is a threshold; the nearer the line comes to the upper left "
        "corner, the better it tells films with the finding from films without it, and the dotted "
        f"diagonal is chance. {_band_sentence(measured, chosen)}"
    )


def _precision_recall(measured: Measured, chosen: str) -> None:
    report = measured.report
    lines = {key: recall_line(measured, key, _bands(measured, key, chosen))
             for key in _keys(chosen)}  # fmt: skip
    drawn = {key: line for key, line in lines.items() if len(line.x)}
    prevalence = {key: report.label_distribution[key].prevalence for key in drawn}
    _chart(
        precision_recall_figure(drawn, prevalence, f"Precision and recall of {_name(chosen)}"),
        "precision_recall",
        "Precision-recall curves. "
        + " ".join(
            f"{LABELS[key]}: average precision {report.average_precision[key].text()}, "
            f"prevalence {percent(report.label_distribution[key].prevalence)}."
            for key in lines
        ),
    )
    quiet(
        "How to read it: the height says how many of the films called above really carry the "
        "label, the width how many of all such films are found; the dotted line is the finding's "
        "share of these films, which calling films at random would reach."
    )


def roc_line(measured: Measured, key: str, bands: Bands | None) -> Line:
    """One finding's ROC over the calibrated probability; empty where a class is missing."""
    k = KEYS.index(key)
    curve = roc(labels_of(measured.table)[:, k], measured.probabilities[:, k])
    point = measured.report.confusion.get(key)
    return Line(
        curve.fpr, curve.tpr, curve.thresholds, curve.tpr, 1 - curve.fpr,
        area=measured.report.auroc[key],
        band=None if bands is None else bands.roc,
        mark=_mark(measured, key, 1 - point.specificity, point.sensitivity) if point else None,
    )  # fmt: skip


def recall_line(measured: Measured, key: str, bands: Bands | None) -> Line:
    """One finding's precision over recall: the points at which the recall rises."""
    k = KEYS.index(key)
    labels = labels_of(measured.table)[:, k]
    curve = precision_recall(labels, measured.probabilities[:, k])
    rises = np.diff(curve.recall, prepend=-1.0) > 0  # the first point too
    precision, recall = curve.precision[rises], curve.recall[rises]
    positives, negatives = labels.sum(), len(labels) - labels.sum()
    found = recall * positives
    with np.errstate(divide="ignore", invalid="ignore"):  # without a negative film, nan
        specificity = 1 - (found / precision - found) / negatives
    point = measured.report.confusion.get(key)
    return Line(
        recall, precision, curve.thresholds[rises], recall, specificity,
        area=measured.report.average_precision[key],
        band=None if bands is None else bands.precision_recall,
        mark=_mark(measured, key, point.sensitivity, point.ppv) if point else None,
    )  # fmt: skip


def _mark(measured: Measured, key: str, x: float, y: float) -> Mark | None:
    """The operating point's place; None where films of a class, or all calls, are missing."""
    if not math.isfinite(x + y):
        return None
    counts = measured.report.confusion[key]
    threshold = measured.report.operating_points[key].threshold
    return Mark(x, y, threshold, counts.sensitivity, counts.specificity)


def _bands(measured: Measured, key: str, chosen: str) -> Bands | None:
    """Bands where one finding is shown; four over each other could not be told apart."""
    return None if chosen == ALL else _computed(measured, measured.identity, key)


# Streamlit keys on what has no underscore: the hash stands for the table.
@st.cache_data(max_entries=8, show_spinner="Resampling patients …", scope="session")
def _computed(_measured: Measured, identity: str, key: str) -> Bands | None:
    report, k = _measured.report, KEYS.index(key)
    resamples = draw(_measured.table, n_resamples=report.n_resamples, seed=report.seed)
    return curve_bands(labels_of(_measured.table)[:, k], _measured.probabilities[:, k], resamples)


def _band_sentence(measured: Measured, chosen: str) -> str:
    if chosen == ALL:
        return "Choose one finding to see its 95 % band."
    if not measured.report.auroc[chosen].estimable:
        return "There are too few films or patients for a band."
    return (
        "Point by point, the shaded band holds 95 % of the curves of "
        f"{measured.report.n_resamples:,} resamples of the {measured.report.resampled}."
    )


def _areas(measured: Measured) -> None:
    report = measured.report
    counts = report.label_distribution
    show_table(
        ("Finding", "Area under the ROC", "Average precision", "Its floor, the prevalence",
         "Films with it", "Verdict"),
        [
            [
                LABELS[key],
                report.auroc[key].text(),
                report.average_precision[key].text(),
                f"{counts[key].prevalence:.2f}",
                f"{counts[key].positives:,}",
                VERDICTS[counts[key].verdict],
            ]
            for key in KEYS
        ],
        caption=f"{report.n_films:,} films; 95 % intervals from resampling {report.resampled}, "
        f"{report.n_resamples:,} times; the verdict is on the ROC's: wide if it spans over "
        f"{WIDEST:.2f}",
    )  # fmt: skip
    quiet(
        "The area is how often a film with the finding scores higher than one without it; 0.50 "
        "is chance. The average precision is the mean height of the right curve; chance reaches "
        "the prevalence. The mark on a curve is its operating point."
    )


def _keys(chosen: str) -> tuple[str, ...]:
    return tuple(KEYS) if chosen == ALL else (chosen,)


def _name(chosen: str) -> str:
    return "the four findings" if chosen == ALL else LABELS[chosen]


def _chart(figure: go.Figure, key: Literal["roc", "precision_recall"], alt: str) -> None:
    show_chart(figure, key=key, name=figure.layout.title.text, alt=alt)
