"""Charts of the Performance page: values in, Plotly figures out, nothing computed here."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.curves import RocCurve
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.words import percent

TEXT, DIM, GRID = "#dcdde0", "#a2a5ab", "#303236"
# Okabe and Ito's colours that are bright enough on a dark ground; the dash tells them apart too.
COLOURS = dict(zip(KEYS, ("#e69f00", "#56b4e9", "#cc79a7", "#dddddd"), strict=True))
DASHES = dict(zip(KEYS, ("solid", "dash", "dot", "dashdot"), strict=True))
SYMBOLS = dict(zip(KEYS, ("circle", "square", "diamond", "cross"), strict=True))
CHART_CONFIG = {"displaylogo": False, "displayModeBar": False}


def roc_figure(
    curves: Mapping[str, RocCurve],
    areas: Mapping[str, Interval],
    points: Mapping[str, tuple[float, float]],
) -> go.Figure:
    """ROC curves of the findings that have one, and where their operating points stand.

    Args:
        curves: by key; an empty curve is left out.
        areas: AUROC by key, for the legend.
        points: (sensitivity, specificity) at the operating point by key, where there is one.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="Chance, area 0.50", hoverinfo="skip",
        line={"color": "#5c5f66", "width": 1},
    )  # fmt: skip
    for key in KEYS:
        curve = curves[key]
        if len(curve.fpr) == 0:
            continue
        figure.add_scatter(
            x=curve.fpr, y=curve.tpr, mode="lines",
            name=f"{LABELS[key]} {areas[key].text()}",
            line={"color": COLOURS[key], "dash": DASHES[key], "width": 2},
            hovertemplate="1 − specificity %{x:.2f}, sensitivity %{y:.2f}<extra></extra>",
        )  # fmt: skip
        if key in points:
            sensitivity, specificity = points[key]
            figure.add_scatter(
                x=[1 - specificity], y=[sensitivity], mode="markers", showlegend=False,
                marker={"color": COLOURS[key], "symbol": SYMBOLS[key], "size": 11,
                        "line": {"color": TEXT, "width": 1}},
                hovertemplate=f"{LABELS[key]}, operating point: sensitivity %{{y:.2f}}, "
                f"specificity {specificity:.2f}<extra></extra>",
            )  # fmt: skip
    styled(figure, x="1 − specificity", y="Sensitivity", height=520)
    figure.update_xaxes(range=[0, 1], constrain="domain", dtick=0.2)
    figure.update_yaxes(range=[0, 1.005], scaleanchor="x", constrain="domain", dtick=0.2)
    figure.update_layout(
        legend={"x": 0.98, "y": 0.03, "xanchor": "right", "yanchor": "bottom",
                "bgcolor": "rgba(18,18,18,0.8)", "title": "Area (95 % interval)"},
    )  # fmt: skip
    return figure


def label_figure(positives: Mapping[str, int], total: int) -> go.Figure:
    """How many of the films carry each label.

    Args:
        positives: films with the label, by key.
        total: films altogether.
    """
    counts = [positives[key] for key in KEYS]
    figure = go.Figure()
    figure.add_bar(
        y=[LABELS[key] for key in KEYS], x=counts, orientation="h",
        text=[f"{count:,} of {total:,} ({percent(count / total)})" for count in counts],
        textposition="outside", cliponaxis=False, marker={"color": "#8b8e95"}, hoverinfo="skip",
    )  # fmt: skip
    styled(figure, x="Films with the label", y="", height=230)
    figure.update_xaxes(range=[0, 1.35 * max(counts, default=1) or 1])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def history_figure(history: pd.DataFrame) -> go.Figure:
    """Loss and AUROC by epoch, side by side; a column that is absent is left out."""
    figure = make_subplots(cols=2, horizontal_spacing=0.1)
    epochs = history["epoch"]
    for column, name, dash in (
        ("train_loss", "training", "solid"),
        ("validation_loss", "validation", "dash"),
    ):
        if column in history:
            figure.add_scatter(
                x=epochs, y=history[column], mode="lines", name=f"Loss, {name}", row=1, col=1,
                line={"color": TEXT if dash == "solid" else DIM, "dash": dash},
            )  # fmt: skip
    for key in KEYS:
        if f"auroc_{key}" in history:
            figure.add_scatter(
                x=epochs, y=history[f"auroc_{key}"], mode="lines", name=LABELS[key], row=1, col=2,
                line={"color": COLOURS[key], "dash": DASHES[key]},
            )  # fmt: skip
    kept = kept_epoch(history)
    if kept is not None:
        figure.add_vline(
            x=kept, line={"color": DIM, "width": 1}, row=1, col=2,
            annotation={"text": "kept", "font": {"color": DIM}, "xanchor": "right"},
        )  # fmt: skip
    styled(figure, x="Epoch", y="", height=420)
    figure.update_yaxes(title="Loss (binary cross-entropy)", row=1, col=1)
    figure.update_yaxes(title="AUROC on validation", row=1, col=2)
    figure.update_layout(legend={"orientation": "h", "y": -0.3, "yanchor": "top"})
    return figure


def kept_epoch(history: pd.DataFrame) -> int | None:
    """The epoch whose weights were kept: the best mean validation AUROC at the final input size;
    None where the table does not tell."""
    if "auroc_mean" not in history:
        return None
    means = history["auroc_mean"]
    if "px" in history:
        means = means[history["px"] == history["px"].iloc[-1]]
    if means.isna().all():
        return None
    best = history.index.get_loc(means.idxmax())
    return int(history["epoch"].to_numpy()[best])


def styled(figure: go.Figure, *, x: str, y: str, height: int) -> go.Figure:
    """The one look of all charts: quiet grid, grey print, no ground of its own."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 16, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": TEXT, "size": 13, "family": "Source Sans, sans-serif"},
        hoverlabel={"bgcolor": "#26282c", "font": {"color": TEXT}},
    )
    figure.update_xaxes(title=x, gridcolor=GRID, zeroline=False, linecolor=GRID, automargin=True)
    figure.update_yaxes(title=y, gridcolor=GRID, zeroline=False, linecolor=GRID, automargin=True)
    return figure
