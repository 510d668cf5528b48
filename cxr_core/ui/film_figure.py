"""A film as a Plotly figure: the picture travels inside the figure, never under a URL."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

# A longer side than this is scaled down for the screen; the model never sees that copy.
LONGEST_SHOWN = 2048
_MARK = {"size": 26, "color": "#f4f4f4"}


def data_uri(picture: NDArray[np.uint8]) -> str:
    """(H, W) or (H, W, 3) as a lossless PNG in a data URI."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def fit_within(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """A gray film (H, W) scaled down until its longer side is at most ``longest`` pixels."""
    height, width = pixels.shape
    share = longest / max(height, width)
    if share >= 1:
        return pixels
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def film_figure(
    picture: NDArray[np.uint8], *, marks: tuple[str, str] | None, identity: str
) -> go.Figure:
    """A film filling its figure, aspect ratio kept.

    Args:
        picture: (H, W) or (H, W, 3).
        marks: letters at the left and right edge, or None.
        identity: the film's hash; the reader's zoom is kept while it stays the same.
    """
    height, width = picture.shape[:2]
    figure = go.Figure()
    figure.add_layout_image(
        source=data_uri(picture),
        xref="x", yref="y", x=0, y=0, sizex=width, sizey=height,
        xanchor="left", yanchor="top", sizing="stretch", layer="below",
    )  # fmt: skip
    for x, anchor, letter in zip((0, width), ("left", "right"), marks or (), strict=False):
        figure.add_annotation(
            x=x, y=0, xanchor=anchor, yanchor="top", text=f"<b>{letter}</b>",
            showarrow=False, font=_MARK, bgcolor="rgba(0,0,0,0.55)", borderpad=6,
        )  # fmt: skip
    axis = {"visible": False, "constrain": "domain"}
    figure.update_xaxes(range=[0, width], **axis)
    figure.update_yaxes(range=[height, 0], scaleanchor="x", **axis)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="#000000",
        plot_bgcolor="#000000",
        dragmode=False,
        uirevision=identity,
        modebar={"orientation": "h", "bgcolor": "rgba(0,0,0,0)", "color": "#b4b6b9"},
    )
    return figure


# Zoom and pan by button; a drag on a tablet scrolls the page. The picture button writes a PNG in
# the browser alone.
FILM_CONFIG = {
    "displaylogo": False,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d", "toImage"]],
    "toImageButtonOptions": {"format": "png", "filename": "overlay", "scale": 2},
}
