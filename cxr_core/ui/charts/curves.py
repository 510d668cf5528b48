"""ROC and precision-recall charts: values in, Plotly figures out, nothing computed here."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.ranking import Band
from cxr_core.findings import label_of
from cxr_core.ui.charts.theme import (
    FINDING_COLOURS,
    FINDING_DASHES,
    FINDING_SYMBOLS,
    TEXT_COLOUR,
    apply_template,
    band_trace,
)
from cxr_core.ui.words import percent

_CHANCE_COLOUR = "#7a7d84"
_MAX_POINTS = 1200  # points of a line: more are not seen, and each travels to the browser
_HEIGHT = 500
_HOVER = (
    "cut-off %{customdata[0]:.1f} %<br>sensitivity %{customdata[1]:.2f}<br>specificity "
    "%{customdata[2]:.2f}<extra></extra>"
)
# Neither is a finding's colour; they differ in lightness, and the dash tells them apart too.
COLOUR_A, COLOUR_B = "#f0e442", "#009e73"


@dataclass(frozen=True)
class CurvePoint:
    """An operating point: its place on a curve, and its figures, all 0 to 1."""

    x: float
    y: float
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class Curve:
    """One finding's curve, as it is drawn.

    Attributes:
        x, y: (T,) places, 0 to 1.
        thresholds: (T,) probabilities, 0 to 1.
        sensitivity, specificity: (T,) at these thresholds; nan where there is none.
        area: its figure of merit, for the legend.
        band: around it; None where it is not estimable or not wanted.
        operating_point: the operating point; None without one.
    """

    x: Floats
    y: Floats
    thresholds: Floats
    sensitivity: Floats
    specificity: Floats
    area: Interval
    band: Band | None = None
    operating_point: CurvePoint | None = None


def roc_figure(curves: Mapping[str, Curve], title: str) -> go.Figure:
    """ROC curves by finding key, with their bands, operating points and the line of chance."""
    figure = empty_roc_figure(title)
    _draw(figure, curves, shape="linear")
    return figure


def empty_roc_figure(title: str) -> go.Figure:
    """The empty ROC chart: axes, the line of chance, and a place for the legend."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="Chance (0.50)", hoverinfo="skip",
        line={"color": _CHANCE_COLOUR, "width": 1, "dash": "dot"},
    )  # fmt: skip
    return _set_axes(
        figure, title, x="1 − specificity<br>(of films without it, the share flagged)",
        y="Sensitivity (of films with it, the share flagged)",
        legend={"x": 0.98, "y": 0.03, "xanchor": "right", "yanchor": "bottom"},
    )  # fmt: skip


def add_curve(
    figure: go.Figure, curve: Curve, name: str, *, colour: str, dash: str, shape: str = "linear"
) -> None:
    """Draw a curve, named in the legend with its area, its figures in the hover."""
    kept = _subsample(len(curve.x))
    details = np.stack(
        [100 * curve.thresholds, curve.sensitivity, curve.specificity], axis=1
    )  # (T, 3)
    figure.add_scatter(
        x=curve.x[kept], y=curve.y[kept], mode="lines", name=f"{name} {curve.area.text()}",
        line={"color": colour, "dash": dash, "width": 2, "shape": shape},
        customdata=details[kept], hovertemplate=f"{name}<br>{_HOVER}",
    )  # fmt: skip


def precision_recall_figure(
    curves: Mapping[str, Curve], prevalence: Mapping[str, float], title: str
) -> go.Figure:
    """Precision-recall curves by finding key, each with its prevalence as the floor."""
    figure = go.Figure()
    for key in curves:
        name = "Chance" if len(curves) == 1 else f"Chance, {label_of(key)}"
        figure.add_scatter(
            x=[0, 1],
            y=[prevalence[key]] * 2,
            mode="lines",
            hoverinfo="skip",
            name=f"{name}: prevalence {percent(prevalence[key])}",
            line={
                "color": _CHANCE_COLOUR if len(curves) == 1 else FINDING_COLOURS[key],
                "width": 1,
                "dash": "dot",
            },
            showlegend=len(curves) == 1,
        )
    # The precision of a recall holds until the recall before it, so the line steps.
    _draw(figure, curves, shape="vh")
    return _set_axes(
        figure, title, x="Recall (sensitivity)",
        y="Precision (of flagged films, the share that has it)",
        legend={"x": 0.98, "y": 0.98, "xanchor": "right", "yanchor": "top"},
    )  # fmt: skip


def _draw(figure: go.Figure, lines: Mapping[str, Curve], *, shape: str) -> None:
    for key, line in lines.items():
        if line.band is not None:
            _add_band(figure, line.band, FINDING_COLOURS[key])
        add_curve(
            figure,
            line,
            label_of(key),
            colour=FINDING_COLOURS[key],
            dash=FINDING_DASHES[key],
            shape=shape,
        )
    for key, line in lines.items():
        if line.operating_point is not None:
            _add_point(figure, key, line.operating_point, named=len(lines) == 1)


def _add_band(figure: go.Figure, band: Band, colour: str) -> None:
    figure.add_trace(band_trace(band.x, band.low, band.high, colour))


def _add_point(figure: go.Figure, key: str, mark: CurvePoint, *, named: bool) -> None:
    figure.add_scatter(
        x=[mark.x], y=[mark.y], mode="markers", showlegend=named, name="Cut-off",
        marker={"color": FINDING_COLOURS[key], "symbol": FINDING_SYMBOLS[key], "size": 11,
                "line": {"color": TEXT_COLOUR, "width": 1.5}},
        customdata=[[100 * mark.threshold, mark.sensitivity, mark.specificity]],
        hovertemplate=f"{label_of(key)}, cut-off<br>{_HOVER}",
    )  # fmt: skip


def _set_axes(figure: go.Figure, title: str, *, x: str, y: str, legend: object) -> go.Figure:
    apply_template(figure, title=title, x=x, y=y, height=_HEIGHT)
    figure.update_xaxes(range=[0, 1], dtick=0.2)
    figure.update_yaxes(range=[0, 1.01], dtick=0.2)
    figure.update_layout(legend=legend, legend_bgcolor="rgba(18,18,18,0.8)")
    return figure


def _subsample(points: int) -> NDArray[np.intp]:
    """Indices of at most ``_MAX_POINTS`` of the points, both ends among them."""
    return np.unique(np.linspace(0, points - 1, min(points, _MAX_POINTS)).round().astype(np.intp))


# The chart of two models: one finding's ROC of both, over the same films.


def paired_roc_figure(a: Curve, b: Curve, key: str) -> go.Figure:
    """ROC of A, solid, and of B, dashed, each named with its area; an empty line is left out.

    Args:
        key: of the finding.
    """
    figure = empty_roc_figure(f"ROC of {label_of(key)}, A and B on the same films")
    for line, name, colour, dash in ((a, "A", COLOUR_A, "solid"), (b, "B", COLOUR_B, "dash")):
        if len(line.x):
            add_curve(figure, line, name, colour=colour, dash=dash)
    return figure
