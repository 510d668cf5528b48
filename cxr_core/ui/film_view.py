"""The film and its map in the browser: zoom and pan that outlast every change of the display.

Plotly's chart is made anew by Streamlit whenever its picture changes, and the zoom is lost with
it. This small component of our own (``film_view.js``) keeps it. The pictures travel to it within
the session's connection, as to a chart: they have no address on the server.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

# A longer side than this is scaled down for the screen; the model never sees that copy.
MAX_FILM_SIDE = 2048
# The map is smooth, so its own layer needs no more; the browser stretches it over the film.
MAX_LAYER_SIDE = 1024


def film_view(
    film: str,
    layer: str = "",
    *,
    shape: tuple[int, int],
    opacity: float = 1.0,
    side_by_side: bool = False,
    blink: bool = False,
    side_markers: tuple[str, str] | None,
    zoom_key: str,
    label: str,
) -> None:
    """A film filling its container, aspect ratio kept, with a map as a layer above it.

    Args:
        film: the film as it is shown, as a data URI.
        layer: RGBA over the whole film, of any size, as a data URI; empty for none.
        shape: (H, W) that gives the film its aspect ratio.
        opacity: of the layer, 0 to 1.
        side_by_side: the plain film on the left and the film with its layer on the right, in step.
        blink: show and hide the layer by turns, slowly.
        side_markers: letters at the left and right edge, or None.
        zoom_key: what the reader's zoom belongs to; it is kept while this stays the same.
        label: what is shown, for those who do not see it.
    """
    # Registering the same component again is nothing new to Streamlit.
    script = Path(__file__).with_suffix(".js").read_text("utf-8")
    mount = st.components.v2.component("film_view", js=script, isolate_styles=False)
    data = {
        "film": film,
        "map": layer,
        "height": shape[0],
        "width": shape[1],
        "opacity": opacity,
        "beside": side_by_side,
        "blink": blink,
        "marks": side_markers,
        "identity": zoom_key,
        "label": label,
    }
    mount(key="film_view", data=data, height="stretch")


def data_uri(picture: NDArray[np.uint8]) -> str:
    """(H, W), (H, W, 3) or (H, W, 4) as a lossless PNG in a data URI."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def fit_size(shape: tuple[int, ...], max_side: int) -> tuple[int, int]:
    """(H, W) scaled down until the longer side is at most ``max_side`` pixels."""
    height, width = shape[:2]
    share = min(1.0, max_side / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def downscale(pixels: NDArray[Any], max_side: int) -> NDArray[Any]:
    """A gray film (H, W) of any depth, scaled down until its longer side is ``max_side``.

    Its type stays, so that the values can be windowed as those of the film.
    """
    height, width = fit_size(pixels.shape, max_side)
    if (height, width) == pixels.shape:
        return pixels
    exact = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    small = np.asarray(Image.fromarray(exact).resize((width, height), Image.Resampling.BOX))
    whole = pixels.dtype.kind in "iu"
    result: NDArray[Any] = (np.rint(small) if whole else small).astype(pixels.dtype)
    return result
