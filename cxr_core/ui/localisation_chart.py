"""The chart of pointing: how often four pointers fall inside a radiologist's box."""

from collections.abc import Mapping

import plotly.graph_objects as go

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.localisation import HitRates
from cxr_core.findings import LABELS
from cxr_core.ui.figures import DIM, TEXT, styled

_ROW_PX = 105
# Attribute of HitRates, name, mark, colour: the map bright, what it is held against dim.
POINTERS = (
    ("peak", "Map's peak", "circle", TEXT),
    ("fixed_spot", "Best fixed spot", "square-open", DIM),
    ("centre", "Centre of the film", "x", DIM),
    ("random_point", "Random point", "diamond-open", DIM),
)


def pointers_of(rates: HitRates) -> dict[str, Interval]:
    """The four pointers' shares by name, in the order they are shown."""
    return {name: getattr(rates, attribute) for attribute, name, _, _ in POINTERS}


def localisation_chart(rates: Mapping[str, HitRates]) -> go.Figure:
    """A row a finding, a mark a pointer, 0 to 1; what is not estimable has no mark."""
    keys = list(rates)
    figure = go.Figure()
    for place, (_, name, symbol, colour) in enumerate(POINTERS):
        shares = [pointers_of(rates[key])[name] for key in keys]
        drawn = [row for row, share in enumerate(shares) if share.estimable]
        figure.add_scatter(
            x=[shares[row].estimate for row in drawn],
            y=[row + 0.2 * place - 0.3 for row in drawn],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 10, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [shares[row].high - shares[row].estimate for row in drawn],
                "arrayminus": [shares[row].estimate - shares[row].low for row in drawn],
                "color": colour,
                "thickness": 1.5,
                "width": 0,
            },
            text=[f"{name}, {LABELS[keys[row]]}: {shares[row].text()}" for row in drawn],
            hovertemplate="%{text}<extra></extra>",
        )
    title = "Share of boxed films with the pointer inside a box"
    styled(figure, x=title, y="", height=120 + _ROW_PX * len(keys))
    figure.update_xaxes(range=[-0.01, 1.02], dtick=0.25)
    figure.update_yaxes(
        tickvals=list(range(len(keys))),
        ticktext=[f"{LABELS[key]} (n {rates[key].n:,})" for key in keys],
        range=[len(keys) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    return figure
