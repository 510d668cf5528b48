"""The chart of pointing: how often the map, and pointers that know nothing, meet a box."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cxr_core.evaluation.localisation.froc import Froc
from cxr_core.evaluation.localisation.pointing import HitRates
from cxr_core.evaluation.localisation.rates import OverlapRates
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.render.subset_figures import BOXES, POINTERS
from cxr_core.findings import label_of
from cxr_core.ui.charts.theme import (
    FINDING_COLOURS,
    MUTED_COLOUR,
    TEXT_COLOUR,
    apply_template,
    band_trace,
)

_ROW_PX = 115
# The map first and bright, what it is held against dim; each has a mark of its own.
_MARKERS = (
    ("circle", TEXT_COLOUR),
    ("square-open", MUTED_COLOUR),
    ("x", MUTED_COLOUR),
    ("diamond-open", MUTED_COLOUR),
    ("triangle-up-open", MUTED_COLOUR),
)
_MAX_FALSE_MARKS = 2.5  # per negative film, to which the FROC is drawn: few boxes are found beyond
Shares = Mapping[str, Interval]


def pointing_shares(rates: HitRates) -> dict[str, Interval]:
    """The pointers' shares by name, in the order they are shown."""
    return {name: getattr(rates, attribute) for attribute, name in POINTERS.items()}


def overlap_shares(rates: OverlapRates) -> dict[str, Interval]:
    """The boxes' shares by name, in the order they are shown."""
    return {name: getattr(rates, attribute) for attribute, name in BOXES.items()}


def boxed_films_text(counts: Mapping[str, int]) -> str:
    """Which films a chart of boxes is of: "boxed films: Effusion 24, Infiltration 22"."""
    return "boxed films: " + ", ".join(f"{label_of(key)} {n:,}" for key, n in counts.items())


def pointing_figure(rates: Mapping[str, HitRates]) -> go.Figure:
    """Where the peak lies: a row a finding, a mark a pointer, 0 to 1."""
    columns = {"": {key: pointing_shares(found) for key, found in rates.items()}}
    counts = {key: found.n for key, found in rates.items()}
    title = "How often the map's peak lies inside a box"
    return _shares_figure(columns, counts, title, x="Share of boxed films, 0 to 1")


def overlap_figure(rates: Mapping[str, Sequence[OverlapRates]], measure_name: str) -> go.Figure:
    """How often a box overlaps enough: a row a finding, a column a threshold.

    Args:
        rates: by finding key, all with the same thresholds.
        measure_name: of the measure.
    """
    columns: dict[str, dict[str, Shares]] = {}
    for key, found in rates.items():
        for one in found:
            title = f"over {one.threshold:g}"
            columns.setdefault(title, {})[key] = overlap_shares(one)
    counts = {key: found[0].n for key, found in rates.items()}
    title = f"How often a box overlaps the radiologists' boxes: {measure_name}"
    return _shares_figure(columns, counts, title, x="Share of boxed films, 0 to 1")


def froc_figure(found: Mapping[str, Froc]) -> go.Figure:
    """Share of boxes found over false marks per negative film: a column a finding."""
    figure = make_subplots(
        cols=len(found), shared_yaxes=True, horizontal_spacing=0.03,
        subplot_titles=[f"{label_of(key)} ({one.n_boxes:,} boxes)" for key, one in found.items()],
    )  # fmt: skip
    for column, (key, one) in enumerate(found.items(), start=1):
        first = column == 1
        colour = FINDING_COLOURS[key]
        band = band_trace(one.grid, one.low, one.high, colour, legendgroup="band", showlegend=first)
        chance = go.Scatter(
            x=[0.0, *one.false_marks], y=[0.0, *one.by_chance], mode="lines",
            line={"color": MUTED_COLOUR, "width": 1.2, "dash": "dot"}, legendgroup="chance",
            name="As many marks at random places", showlegend=first, hoverinfo="skip",
        )  # fmt: skip
        curve = go.Scatter(
            x=[0.0, *one.false_marks], y=[0.0, *one.found], mode="lines", legendgroup="map",
            line={"color": colour, "width": 2, "shape": "hv"}, name="Map's marks",
            showlegend=first,
            hovertemplate="%{x:.2f} false marks: %{y:.2f} of the boxes<extra></extra>",
        )  # fmt: skip
        figure.add_traces([band, chance, curve], rows=1, cols=column)
    apply_template(figure, x="False marks per negative film", y="", height=430)
    figure.update_xaxes(range=[0.0, _MAX_FALSE_MARKS])
    figure.update_yaxes(range=[-0.02, 1.02], dtick=0.25)
    figure.update_yaxes(title="Share of boxes found", col=1)
    figure.update_layout(
        margin={"t": 44}, legend={"orientation": "h", "y": -0.22, "yanchor": "top"}
    )
    figure.update_annotations(font={"size": 13, "color": TEXT_COLOUR})
    return figure


def _shares_figure(
    columns: Mapping[str, Mapping[str, Shares]], counts: Mapping[str, int], title: str, *, x: str
) -> go.Figure:
    """Columns by title, in each a row a finding; what is not estimable has no mark."""
    keys = list(counts)
    figure = make_subplots(
        cols=len(columns), shared_yaxes=True, horizontal_spacing=0.03,
        subplot_titles=list(columns),
    )  # fmt: skip
    for column, rows in enumerate(columns.values(), start=1):
        for place, name in enumerate(rows[keys[0]]):
            found = {row: rows[key][name] for row, key in enumerate(keys)}
            drawn = {row: share for row, share in found.items() if share.estimable}
            figure.add_trace(_marks(drawn, keys, name, place, first=column == 1), row=1, col=column)
    apply_template(figure, x=x, y="", height=150 + _ROW_PX * len(keys))
    figure.update_xaxes(range=[-0.03, 1.03], dtick=0.25)
    figure.update_yaxes(range=[len(keys) - 0.5, -0.5], showgrid=False)
    figure.update_yaxes(
        tickvals=list(range(len(keys))),
        ticktext=[f"{label_of(key)} (n {n:,})" for key, n in counts.items()],
    )
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0, "xref": "paper", "y": 0.98},
        margin={"t": 66},
        legend={"orientation": "h", "y": -0.36 if len(keys) > 1 else -0.6, "yanchor": "top"},
    )
    figure.update_annotations(font={"size": 13, "color": TEXT_COLOUR})
    return figure


def _marks(
    shares: Mapping[int, Interval], keys: Sequence[str], name: str, index: int, *, first: bool
) -> go.Scatter:
    """One pointer's marks with their intervals, by row."""
    symbol, colour = _MARKERS[index]
    found = list(shares.values())
    return go.Scatter(
        x=[share.estimate for share in found],
        y=[row + 0.16 * (index - 2) for row in shares],
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=first,
        marker={"symbol": symbol, "size": 10, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [share.high - share.estimate for share in found],
            "arrayminus": [share.estimate - share.low for share in found],
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        text=[f"{name}, {label_of(keys[row])}: {share.text()}" for row, share in shares.items()],
        hovertemplate="%{text}<extra></extra>",
    )
