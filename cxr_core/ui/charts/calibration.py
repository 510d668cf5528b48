"""The reliability diagram: what the model says, against what share of films has the finding."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.calibration import ReliabilityBin
from cxr_core.findings import label_of
from cxr_core.ui.charts.theme import FINDING_COLOURS, MUTED_COLOUR, apply_template
from cxr_core.ui.words import percent, percent_range

_HEIGHT = 540
_TICKS = [n / 5 for n in range(6)]


@dataclass(frozen=True)
class ReliabilityCurve:
    """One finding's bins, of one kind of probability.

    Attributes:
        name: of the probabilities, e.g. "before (plain sigmoid)".
        bins: with at least one film each.
        intervals: of their observed shares; "too few" where a bin has none.
    """

    name: str
    bins: tuple[ReliabilityBin, ...]
    intervals: tuple[Interval, ...]


def reliability_figure(key: str, curves: Sequence[ReliabilityCurve]) -> go.Figure:
    """Bins of one finding as points with intervals; below, how many films are in each.

    Args:
        key: the finding.
        curves: one, or before and after; the last is drawn in the finding's colour.
    """
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.8, 0.2], vertical_spacing=0.03)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="Perfect calibration", hoverinfo="skip",
        line={"color": MUTED_COLOUR, "width": 1, "dash": "dot"}, row=1, col=1,
    )  # fmt: skip
    for index, version in enumerate(curves):
        last = index == len(curves) - 1
        colour, symbol = (FINDING_COLOURS[key], "circle") if last else (MUTED_COLOUR, "square")
        _add_points(figure, version, colour, symbol, dash="solid" if last else "dash")
        _add_histogram(figure, version, colour, index, len(curves))
    apply_template(figure, x="", y="", height=_HEIGHT)
    marks = {"tickvals": _TICKS, "ticktext": [percent(tick) for tick in _TICKS]}
    figure.update_xaxes(range=[-0.01, 1.01], **marks)
    figure.update_xaxes(title="Predicted probability (mean of the bin)", row=2, col=1)
    figure.update_yaxes(title="Observed share of films with it", range=[-0.02, 1.02], **marks,
                        row=1, col=1)  # fmt: skip
    figure.update_yaxes(title="Films", rangemode="tozero", nticks=3, row=2, col=1)
    figure.update_layout(
        title={"text": f"Reliability of {label_of(key)}", "font": {"size": 15}, "x": 0,
               "xref": "paper"},
        margin={"t": 44}, bargap=0.1,
        legend={"x": 0.02, "y": 0.99, "xanchor": "left", "yanchor": "top",
                "bgcolor": "rgba(18,18,18,0.8)"},
    )  # fmt: skip
    return figure


def bin_hover_text(bin_: ReliabilityBin, interval: Interval) -> str:
    """A bin in words, for the pointer: range, films, predicted, observed, interval."""
    spread = (
        f"95 % interval {percent_range(interval.low, interval.high)}"
        if interval.estimable
        else "too few films or patients for an interval"
    )
    return (
        f"{percent_range(bin_.low, bin_.high)}: {bin_.n:,} films<br>predicted "
        f"{percent(bin_.predicted, decimals=1)}<br>observed "
        f"{percent(bin_.observed, decimals=1)}<br>{spread}"
    )


def _add_points(
    figure: go.Figure, version: ReliabilityCurve, colour: str, symbol: str, *, dash: str
) -> None:
    pairs = list(zip(version.bins, version.intervals, strict=True))
    with_interval = [pair for pair in pairs if pair[1].estimable]
    without_interval = [pair for pair in pairs if not pair[1].estimable]
    figure.add_scatter(
        x=[one.predicted for one, _ in with_interval], y=[one.observed for one, _ in with_interval],
        mode="lines+markers", name=version.name.capitalize(), legendgroup=version.name,
        line={"color": colour, "width": 1.5, "dash": dash},
        marker={"color": colour, "size": 9, "symbol": symbol},
        error_y={
            "type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 4,
            "array": [found.high - one.observed for one, found in with_interval],
            "arrayminus": [one.observed - found.low for one, found in with_interval],
        },
        text=[bin_hover_text(*pair) for pair in with_interval],
        hovertemplate=f"{version.name.capitalize()}<br>%{{text}}<extra></extra>",
        row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=[one.predicted for one, _ in without_interval],
        y=[one.observed for one, _ in without_interval],
        mode="markers",
        name="Too few for an interval",
        legendgroup=version.name,
        showlegend=False,
        marker={"color": colour, "size": 9, "symbol": f"{symbol}-open", "line": {"width": 1.5}},
        text=[bin_hover_text(*pair) for pair in without_interval],
        hovertemplate=f"{version.name.capitalize()}<br>%{{text}}<extra></extra>",
        row=1,
        col=1,
    )


def _add_histogram(
    figure: go.Figure, version: ReliabilityCurve, colour: str, place: int, versions: int
) -> None:
    """Bars of the bins' films, those of several versions side by side."""
    width = 1 / versions
    figure.add_bar(
        x=[one.low + (one.high - one.low) * (place + 0.5) * width for one in version.bins],
        y=[one.n for one in version.bins],
        width=[0.9 * (one.high - one.low) * width for one in version.bins],
        marker={"color": colour, "line": {"width": 0}}, showlegend=False,
        text=[percent_range(one.low, one.high) for one in version.bins],
        textposition="none",
        hovertemplate=f"{version.name.capitalize()}<br>%{{text}}: %{{y:,}} films<extra></extra>",
        row=2, col=1,
    )  # fmt: skip
