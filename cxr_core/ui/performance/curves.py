"""The panel of the curves: ROC and precision-recall of a finding, with bands, and the areas."""

import math
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.metrics.ranking import Bands, confidence_bands, precision_recall, roc
from cxr_core.evaluation.render.figures import DISCRIMINATION, evaluation_tables
from cxr_core.findings import in_words, label_of
from cxr_core.ui.charts.curves import Curve, CurvePoint, precision_recall_figure, roc_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.performance.tabs import ALL, choose_finding
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import percent


def discrimination_panel(evaluated: EvaluatedTable) -> None:
    """Choose a finding; see both curves and every area."""
    st.header("Discrimination (ROC, precision-recall)", anchor=False)
    chosen = choose_finding(evaluated.keys, "curves_finding", with_all=True)
    left, right = st.columns(2, gap="large")
    with left:
        _roc(evaluated, chosen)
    with right:
        _precision_recall(evaluated, chosen)
    _areas(evaluated)


def _roc(evaluated: EvaluatedTable, chosen: str) -> None:
    auroc = evaluated.report.auroc
    lines = {
        key: roc_curve_of(evaluated, key, _bands(evaluated, key, chosen))
        for key in _keys(evaluated, chosen)
    }
    drawn = {key: line for key, line in lines.items() if len(line.x)}
    _chart(
        roc_figure(drawn, f"ROC of {_name(evaluated, chosen)}"),
        "roc",
        "ROC curves. " + " ".join(f"{label_of(key)}: AUROC {auroc[key].text()}." for key in lines),
    )
    caption(
        "Each point is one cut-off. The nearer the curve is to the upper left corner, the better "
        "the model separates films with the finding from films without it. Dotted diagonal: "
        f"chance. {_band_sentence(evaluated, chosen)}"
    )


def _precision_recall(evaluated: EvaluatedTable, chosen: str) -> None:
    report = evaluated.report
    lines = {key: precision_recall_curve_of(evaluated, key, _bands(evaluated, key, chosen))
             for key in _keys(evaluated, chosen)}  # fmt: skip
    drawn = {key: line for key, line in lines.items() if len(line.x)}
    shares = {key: report.label_distribution[key].prevalence for key in lines}
    _chart(
        precision_recall_figure(
            drawn, shares, f"Precision and recall of {_name(evaluated, chosen)}"
        ),
        "precision_recall",
        "Precision-recall curves. "
        + " ".join(
            f"{label_of(key)}: average precision {report.average_precision[key].text()}"
            + (f", prevalence {percent(shares[key])}." if evaluated.is_labelled(key) else ".")
            for key in lines
        ),
    )
    caption(
        "Height: of the flagged films, the share that has the label. Width: of the films with the "
        "label, the share that is flagged. Dotted line: the prevalence, which flagging at random "
        "would reach."
    )


def roc_curve_of(evaluated: EvaluatedTable, key: str, bands: Bands | None) -> Curve:
    """One finding's ROC over the calibrated probability; empty where a class is missing."""
    curve = roc(*evaluated.labelled(key))
    point = evaluated.report.confusion.get(key)
    return Curve(
        curve.fpr,
        curve.tpr,
        curve.thresholds,
        curve.tpr,
        1 - curve.fpr,
        area=evaluated.report.auroc[key],
        band=None if bands is None else bands.roc,
        operating_point=_operating_point(evaluated, key, 1 - point.specificity, point.sensitivity)
        if point
        else None,
    )


def precision_recall_curve_of(evaluated: EvaluatedTable, key: str, bands: Bands | None) -> Curve:
    """One finding's precision over recall: the points at which the recall rises."""
    labels, probabilities = evaluated.labelled(key)
    curve = precision_recall(labels, probabilities)
    is_first_at_recall = np.diff(curve.recall, prepend=-1.0) > 0  # the first point too
    precision, recall = curve.precision[is_first_at_recall], curve.recall[is_first_at_recall]
    positives, negatives = labels.sum(), len(labels) - labels.sum()
    true_positives = recall * positives
    with np.errstate(divide="ignore", invalid="ignore"):  # without a negative film, nan
        specificity = 1 - (true_positives / precision - true_positives) / negatives
    point = evaluated.report.confusion.get(key)
    return Curve(
        recall,
        precision,
        curve.thresholds[is_first_at_recall],
        recall,
        specificity,
        area=evaluated.report.average_precision[key],
        band=None if bands is None else bands.precision_recall,
        operating_point=_operating_point(evaluated, key, point.sensitivity, point.ppv)
        if point
        else None,
    )


def _operating_point(evaluated: EvaluatedTable, key: str, x: float, y: float) -> CurvePoint | None:
    """The operating point's place; None where films of a class, or all calls, are missing."""
    if not math.isfinite(x + y):
        return None
    counts = evaluated.report.confusion[key]
    threshold = evaluated.report.operating_points[key].threshold
    return CurvePoint(x, y, threshold, counts.sensitivity, counts.specificity)


def _bands(evaluated: EvaluatedTable, key: str, chosen: str) -> Bands | None:
    """Bands where one finding is shown; four over each other could not be told apart."""
    return None if chosen == ALL else _cached_bands(evaluated, evaluated.cache_key, key)


# Streamlit keys on what has no underscore: the hash stands for the table.
@st.cache_data(max_entries=8, show_spinner="Resampling patients …", scope="session")
def _cached_bands(_evaluated: EvaluatedTable, identity: str, key: str) -> Bands | None:
    return confidence_bands(*_evaluated.labelled(key), _evaluated.resamples(key))


def _band_sentence(evaluated: EvaluatedTable, chosen: str) -> str:
    if chosen == ALL:
        return "Choose one finding to see its 95 % confidence band."
    if not evaluated.is_labelled(chosen):
        return f"{label_of(chosen)} is not labelled on these films, so it has no curve."
    if not evaluated.report.auroc[chosen].estimable:
        return "Too few films or patients for a band."
    return (
        f"Shaded: pointwise 95 % band from {evaluated.report.n_resamples:,} resamples of the "
        f"{evaluated.report.resampled}."
    )


def _areas(evaluated: EvaluatedTable) -> None:
    for table in evaluation_tables(evaluated.full, DISCRIMINATION):
        show_table(table)
    caption(
        "AUROC: how often a film with the finding scores higher than one without it; 0.50 is "
        "chance. Average precision: mean height of the precision-recall curve; chance is the "
        "prevalence. The mark on a curve is the cut-off."
    )


def _keys(evaluated: EvaluatedTable, chosen: str) -> tuple[str, ...]:
    return evaluated.keys if chosen == ALL else (chosen,)


def _name(evaluated: EvaluatedTable, chosen: str) -> str:
    return f"the {in_words(len(evaluated.keys))} findings" if chosen == ALL else label_of(chosen)


def _chart(figure: go.Figure, key: Literal["roc", "precision_recall"], alt: str) -> None:
    show_chart(figure, key=key, title=figure.layout.title.text, alt=alt)
