"""A chart's colours for paper: the same chart on white, as dark on it as it was bright on black."""

import re
from typing import Any

import plotly.graph_objects as go

WHITE = "#ffffff"
# Every colour of the charts, and what stands for it: greys change places, and Okabe and Ito's
# bright colours give way to those of the eight that are dark enough to be seen on white.
ON_WHITE = {
    "#121212": WHITE,
    "#1b1c1f": WHITE,
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


def on_white(figure: go.Figure) -> go.Figure:
    """A copy in the colours for a white ground; a colour that is not the charts' own stays."""
    return go.Figure(_recoloured(figure.to_plotly_json()))


def _recoloured(part: Any) -> Any:
    """Every text of a nested chart that is a colour and nothing else, exchanged."""
    if isinstance(part, dict):
        return {name: _recoloured(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_recoloured(value) for value in part]
    if not isinstance(part, str):
        return part
    if clear := _RGBA.fullmatch(part):
        *channels, alpha = clear.groups()
        solid = "#" + "".join(f"{int(channel):02x}" for channel in channels)
        exchanged = ON_WHITE.get(solid)
        if exchanged is None:
            return part
        red, green, blue = (int(exchanged[at : at + 2], 16) for at in (1, 3, 5))
        return f"rgba({red},{green},{blue},{alpha})"
    return ON_WHITE.get(part.casefold(), part)
