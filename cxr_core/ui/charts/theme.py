"""Charts of the Performance page: values in, Plotly figures out, nothing computed here."""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from cxr_core.evaluation.history import kept_epoch
from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.findings import FINDINGS, KEYS, label_of
from cxr_core.ui.words import percent

LIGHT_BACKGROUND = "#ffffff"
# Every colour of the charts, and what stands for it: greys change places, and Okabe and Ito's
# bright colours give way to those of the eight that are dark enough to be seen on white.
LIGHT_COLOURS = {
    "#121212": LIGHT_BACKGROUND,
    "#1b1c1f": LIGHT_BACKGROUND,
    "#26282c": "#f0f0f2",
    "#303236": "#dcdde0",
    "#72757c": "#8e9197",
    "#7a7d84": "#7a7d84",
    "#8b8e95": "#74777e",
    "#a2a5ab": "#5a5d63",
    "#dddddd": "#333333",
    "#dcdde0": "#1b1c1f",
    "#e69f00": "#d55e00",
    "#56b4e9": "#0072b2",
    "#cc79a7": "#aa4f80",  # darker than theirs, of the same hue
    "#f0e442": "#0072b2",
    "#009e73": "#00805d",  # darker than theirs, of the same hue
}
_RGBA = re.compile(r"rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)")
TEXT_COLOUR, MUTED_COLOUR, GRID_COLOUR = "#dcdde0", "#a2a5ab", "#303236"


class _ByFinding(dict[str, str]):
    """Ours by key; a finding of another table takes one of the same by its name, the same in every
    chart. Two may share a colour: the legend and the hover name them."""

    def __missing__(self, key: str) -> str:
        kinds = list(dict.fromkeys(self.values()))
        return kinds[zlib.crc32(key.encode()) % len(kinds)]


FINDING_COLOURS = _ByFinding({finding.key: finding.colour for finding in FINDINGS})
FINDING_DASHES = _ByFinding({finding.key: finding.dash for finding in FINDINGS})
FINDING_SYMBOLS = _ByFinding({finding.key: finding.symbol for finding in FINDINGS})
PLOTLY_CONFIG = {"displaylogo": False, "displayModeBar": False}


# A chart's colours for paper: the same chart on white, as dark on it as it was bright on black.


def to_light_template(figure: go.Figure) -> go.Figure:
    """A copy in the colours for a white ground; a colour that is not the charts' own stays."""
    return go.Figure(_replace_colours(figure.to_plotly_json()))


def _replace_colours(part: Any) -> Any:
    """Every text of a nested chart that is a colour and nothing else, exchanged."""
    if isinstance(part, dict):
        return {name: _replace_colours(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_replace_colours(value) for value in part]
    if not isinstance(part, str):
        return part
    if clear := _RGBA.fullmatch(part):
        *channels, alpha = clear.groups()
        solid = "#" + "".join(f"{int(channel):02x}" for channel in channels)
        exchanged = LIGHT_COLOURS.get(solid)
        if exchanged is None:
            return part
        red, green, blue = (int(exchanged[at : at + 2], 16) for at in (1, 3, 5))
        return f"rgba({red},{green},{blue},{alpha})"
    return LIGHT_COLOURS.get(part.casefold(), part)


def label_counts_figure(found: Mapping[str, LabelCount], total: int) -> go.Figure:
    """How many of the films carry each label.

    Args:
        found: films with the label, and those that have one, by key.
        total: films altogether.
    """
    counts = [one.positives for one in found.values()]
    texts = [
        f"{one.positives:,} of {one.n:,} ({percent(one.prevalence)})" if one.n else "not labelled"
        for one in found.values()
    ]
    figure = go.Figure()
    figure.add_bar(
        y=[label_of(key) for key in found], x=counts, orientation="h",
        text=texts,
        textposition="outside", cliponaxis=False, marker={"color": "#8b8e95"}, hoverinfo="skip",
    )  # fmt: skip
    apply_template(
        figure, title=f"Labels of the {total:,} films shown", x="Number of films with the label",
        y="", height=max(262, 80 + 30 * len(counts)),
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.35 * max(counts, default=1) or 1])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def training_history_figure(history: pd.DataFrame, *, best_label: str = "kept") -> go.Figure:
    """Loss and AUROC by epoch, side by side; a column that is absent is left out.

    Args:
        best_label: what the best epoch is called.
    """
    figure = make_subplots(
        cols=2, horizontal_spacing=0.1,
        subplot_titles=("Loss by epoch", "AUROC by epoch, validation films"),
    )  # fmt: skip
    epochs = history["epoch"]
    for column, name, dash in (
        ("train_loss", "training", "solid"),
        ("validation_loss", "validation", "dash"),
    ):
        if column in history:
            figure.add_scatter(
                x=epochs, y=history[column], mode="lines", name=f"Loss, {name}", row=1, col=1,
                line={"color": TEXT_COLOUR if dash == "solid" else MUTED_COLOUR, "dash": dash},
            )  # fmt: skip
    for key in KEYS:
        if f"auroc_{key}" in history:
            figure.add_scatter(
                x=epochs, y=history[f"auroc_{key}"], mode="lines", name=label_of(key), row=1, col=2,
                line={"color": FINDING_COLOURS[key], "dash": FINDING_DASHES[key]},
            )  # fmt: skip
    row = kept_epoch(history)
    if row is not None:
        figure.add_vline(
            x=int(epochs.iloc[row]), line={"color": MUTED_COLOUR, "width": 1}, row=1, col=2,
            annotation={"text": best_label, "font": {"color": MUTED_COLOUR}, "xanchor": "right"},
        )  # fmt: skip
    apply_template(figure, x="Epoch", y="", height=440)
    # A mark an epoch, or every second, fifth …: between two epochs there is nothing to read off.
    figure.update_xaxes(tickformat="d", dtick=_epochs_between_ticks(len(history)))
    figure.update_yaxes(title="Loss (binary cross-entropy, nats)", row=1, col=1)
    figure.update_yaxes(title="AUROC (0 to 1)", row=1, col=2)
    areas = history.reindex(columns=[f"auroc_{key}" for key in KEYS]).to_numpy(dtype=np.float64)
    if np.isfinite(areas).any():  # with room for the word over the highest line
        low, high = np.nanmin(areas), np.nanmax(areas)
        room = max(high - low, 0.02)
        figure.update_yaxes(range=[low - 0.06 * room, high + 0.16 * room], row=1, col=2)
    figure.update_layout(
        legend={"orientation": "h", "y": -0.3, "yanchor": "top"},
        margin_t=36,
        uirevision="history",  # a chart that grows keeps the reader's zoom
    )
    figure.update_annotations(font={"size": 13, "color": TEXT_COLOUR}, selector={"yref": "paper"})
    return figure


def _epochs_between_ticks(epochs: int) -> int:
    """The smallest round step that gives an axis at most ten ticks."""
    steps = (mantissa * int(10**power) for power in range(9) for mantissa in (1, 2, 5))
    return next(step for step in steps if step * 10 >= epochs)


def band_trace(
    x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, **options: Any
) -> go.Scatter:
    """A 95 % band about a line, in a pale shade of the line's colour.

    Args:
        x, low, high: (G,) each.
        colour: as ``#rrggbb``.
        options: further ones of the trace.
    """
    along, least, most = (np.asarray(values, dtype=np.float64) for values in (x, low, high))
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([along, along[::-1]]), y=np.concatenate([most, least[::-1]]),
        mode="lines", line={"width": 0}, fill="toself", hoverinfo="skip",
        fillcolor=f"rgba({red},{green},{blue},0.22)", name="95 % confidence band", **options,
    )  # fmt: skip


def apply_template(figure: go.Figure, *, x: str, y: str, height: int, title: str = "") -> go.Figure:
    """The one look of all charts: quiet grid, grey print, no ground of its own.

    Args:
        title: above the chart, to the left; without it no room is kept for one.
    """
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 16, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": TEXT_COLOUR, "size": 13, "family": "Source Sans, sans-serif"},
        hoverlabel={"bgcolor": "#26282c", "font": {"color": TEXT_COLOUR}},
    )
    if title:
        figure.update_layout(
            title={"text": title, "font": {"size": 15}, "x": 0, "xref": "paper", "y": 1,
                   "yref": "container", "yanchor": "top", "pad": {"t": 12}},
            margin_t=44,
        )  # fmt: skip
    figure.update_xaxes(
        title=x, gridcolor=GRID_COLOUR, zeroline=False, linecolor=GRID_COLOUR, automargin=True
    )
    figure.update_yaxes(
        title=y, gridcolor=GRID_COLOUR, zeroline=False, linecolor=GRID_COLOUR, automargin=True
    )
    return figure
