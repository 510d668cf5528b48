"""A film as a Plotly figure: the picture travels inside the figure, never under a URL."""

import base64
import io
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

# A longer side than this is scaled down for the screen; the model never sees that copy.
LONGEST_SHOWN = 2048
# The map is smooth, so its own layer needs no more; the browser stretches it over the film.
LONGEST_LAYER = 1024
_MARK = {"size": 26, "color": "#f4f4f4"}
_GAP = 0.006  # between two panels, as a share of the figure's width


def data_uri(picture: NDArray[np.uint8]) -> str:
    """(H, W), (H, W, 3) or (H, W, 4) as a lossless PNG in a data URI."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def size_within(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """(H, W) scaled down until the longer side is at most ``longest`` pixels."""
    height, width = shape[:2]
    share = min(1.0, longest / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def fit_within(values: NDArray[Any], longest: int) -> NDArray[Any]:
    """A gray film (H, W) of any depth, scaled down until its longer side is ``longest``.

    Its type stays, so that the values can be windowed as those of the film.
    """
    height, width = size_within(values.shape, longest)
    if (height, width) == values.shape:
        return values
    exact = values if values.dtype == np.uint8 else values.astype(np.float32)
    small = np.asarray(Image.fromarray(exact).resize((width, height), Image.Resampling.BOX))
    return small.astype(values.dtype) if values.dtype.kind == "f" else _rounded(small, values.dtype)


def _rounded(values: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.rint(values).astype(kind)
    return result


def film_figure(
    film: NDArray[np.uint8],
    layer: NDArray[np.uint8] | None = None,
    *,
    opacity: float = 1.0,
    beside: bool = False,
    marks: tuple[str, str] | None,
    identity: str,
) -> go.Figure:
    """A film filling its figure, aspect ratio kept, with a map as a layer of its own above it.

    Args:
        film: (H, W) as it is shown.
        layer: (h, w, 4) RGBA over the whole film, of any size; None for none.
        opacity: of the layer, 0 to 1.
        beside: the plain film on the left and the film with its layer on the right, in step.
        marks: letters at the left and right edge, or None.
        identity: what the reader's zoom belongs to; it is kept while this stays the same.
    """
    height, width = film.shape
    picture = data_uri(film)
    figure = go.Figure()
    panels = ("", "2") if beside else ("",)
    for panel in panels:
        axes = {"xref": f"x{panel}", "yref": f"y{panel}"}
        place = {**axes, "x": 0, "y": 0, "sizex": width, "sizey": height}
        place |= {"xanchor": "left", "yanchor": "top", "sizing": "stretch"}
        # A trace without a point: Plotly draws no axes that nothing lies on.
        figure.add_scatter(x=[None], y=[None], xaxis=f"x{panel}", yaxis=f"y{panel}")
        figure.add_layout_image(source=picture, layer="below", **place)
        if layer is not None and panel == panels[-1]:
            figure.add_layout_image(source=data_uri(layer), opacity=opacity, layer="above", **place)
        for x, anchor, letter in zip((0, width), ("left", "right"), marks or (), strict=False):
            figure.add_annotation(
                **axes, x=x, y=0, xanchor=anchor, yanchor="top", text=f"<b>{letter}</b>",
                showarrow=False, font=_MARK, bgcolor="rgba(0,0,0,0.55)", borderpad=6,
            )  # fmt: skip
    _set_axes(figure, width, height, beside=beside)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="#000000",
        plot_bgcolor="#000000",
        showlegend=False,
        hovermode=False,
        dragmode="pan",
        uirevision=identity,
        modebar={"orientation": "h", "bgcolor": "rgba(0,0,0,0)", "color": "#b4b6b9"},
    )
    return figure


def _set_axes(figure: go.Figure, width: int, height: int, *, beside: bool) -> None:
    axis = {"visible": False, "constrain": "domain"}
    right = {"domain": [0, 0.5 - _GAP], "anchor": "y"} if beside else {"domain": [0, 1]}
    figure.update_layout(
        xaxis={**axis, **right, "range": [0, width]},
        yaxis={**axis, "range": [height, 0], "scaleanchor": "x"},
    )
    if beside:
        figure.update_layout(
            xaxis2={**axis, "domain": [0.5 + _GAP, 1], "matches": "x", "anchor": "y2"},
            yaxis2={**axis, "matches": "y", "anchor": "x2"},
        )


# Zoom by wheel, pinch or button, pan by drag. The picture button writes a PNG in the browser alone.
FILM_CONFIG = {
    "displaylogo": False,
    "displayModeBar": True,
    "scrollZoom": True,
    "doubleClick": "reset",
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
    "toImageButtonOptions": {"format": "png", "filename": "overlay", "scale": 2},
}
