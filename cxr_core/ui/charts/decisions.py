"""The decision curve: net benefit of a finding's flags beside flagging all and flagging none."""

from collections.abc import Sequence

import plotly.graph_objects as go

from cxr_core.evaluation.metrics.net_benefit import DecisionPoint
from cxr_core.findings import label_of
from cxr_core.ui.charts.theme import (
    FINDING_COLOURS,
    MUTED_COLOUR,
    TEXT_COLOUR,
    apply_template,
    band_trace,
)

_HEIGHT = 420


def decision_figure(curve: Sequence[DecisionPoint], key: str, where: str) -> go.Figure:
    """Net benefit over the threshold.

    Args:
        curve: of one finding, estimable, thresholds rising.
        key: of the finding.
        where: which prevalence holds, for the title.
    """
    x = [100 * one.threshold for one in curve]
    model, everyone = [one.model for one in curve], [one.all_flagged for one in curve]
    colour = FINDING_COLOURS[key]
    figure = go.Figure(
        band_trace(x, [one.low for one in model], [one.high for one in model], colour)
    )
    lines = (
        ("Model", [one.estimate for one in model], colour, "solid"),
        ("Flag all", [one.estimate for one in everyone], MUTED_COLOUR, "dash"),
        ("Flag none", [0.0] * len(x), TEXT_COLOUR, "dot"),
    )
    for name, y, line_colour, dash in lines:
        figure.add_scatter(
            x=x, y=y, mode="lines", name=name,
            line={"color": line_colour, "dash": dash, "width": 2},
            hovertemplate=f"{name}<br>threshold %{{x:.0f}} %<br>net benefit %{{y:.3f}}"
            "<extra></extra>",
        )  # fmt: skip
    apply_template(
        figure,
        title=f"Decision curve of {label_of(key)}, at {where}",
        x="Threshold: probability at which you would just act, %",
        y="Net benefit (found cases per film)",
        height=_HEIGHT,
    )
    # Far below 0 flagging all says nothing more, and would flatten what matters.
    top = max(max(one.high for one in model), everyone[0].estimate, 0.01)
    figure.update_yaxes(range=[-0.25 * top, 1.08 * top])
    return figure
