"""The film in the browser: window and level, zoom and pan, measures, and the map as a layer.

A small component of our own (``viewer/*.js``) does all of it at once, without a round trip, and
keeps what the reader chose through every rerun and page switch. What it shows travels to it within
the session's connection: nothing has an address on the server.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.components.v2.types import ComponentRenderer

# The map is smooth, so its own layer needs no more; the browser stretches it over the film.
MAX_LAYER_SIDE = 1024
_SCRIPTS = Path(__file__).with_name("viewer")
Slot = Literal["film", "prior"]
SESSION_OVER = (
    "The last session is over: the page was reloaded, or not used for hours, or the server was "
    "restarted. Its films and readings are gone; open the film again."
)
# Joined in this order into one module.
_TOPICS = (
    "connection", "pixels", "windowing", "step", "geometry", "painting", "measures", "editing",
    "pointer", "toolbar", "keys", "viewer",
)  # fmt: skip


@dataclass(frozen=True)
class Shortcut:
    """A key of the viewer that presses a button of the page.

    Attributes:
        key: as the browser names it, in lower case.
        widget: the button's key; a button that is not on the page is not pressed.
        words: what it does, for the list of keys.
    """

    key: str
    widget: str
    words: str


def send_film(packed: bytes, *, slot: Slot = "film") -> None:
    """Send a film (``film_source.pack_film``) for the ``film_view`` of the same key.

    Apart from the view, which changes often: Streamlit sends what has not changed only once.
    """
    with st.container(key=f"{slot}_data"):
        _mount()(key=f"{slot}_source", data=packed)


def film_view(
    layer: str = "",
    *,
    film_key: str,
    shape: tuple[int, int],
    opacity: float = 1.0,
    side_by_side: bool = False,
    blink: bool = False,
    side_markers: tuple[str, str] | None,
    label: str,
    shortcuts: Sequence[Shortcut] = (),
    session: str = "",
    slot: Slot = "film",
    title: str = "",
    stated: str = "",
    print_stated: bool = False,
    in_step: bool = False,
) -> None:
    """A film filling its container, aspect ratio kept, with a map as a layer above it.

    Args:
        layer: RGBA over the whole film, of any size, as a data URI; empty for none.
        film_key: of the film that ``send_film`` sends; what the reader chose in the viewer (window,
            zoom, measures) is kept while this stays the same.
        shape: (H, W) of the film as it came.
        opacity: of the layer, 0 to 1.
        side_by_side: the plain film on the left and the film with its layer on the right, in step.
        blink: show and hide the layer by turns, slowly.
        side_markers: letters at the left and right edge, or None.
        label: what is shown, for those who do not see it.
        shortcuts: keys that press buttons elsewhere on the page.
        session: a word for this session and no other, for ``session_note``; empty for none.
        slot: its place on the page, where there are two films.
        title: which of two films it is, over the film; empty where there is one.
        stated: what the film's file says of itself, beside the title; empty for none.
        print_stated: whether that stands on paper, too.
        in_step: what is done to the film (zoom, place, window) is done to the other one, too.
    """
    data = {
        "map": layer,
        "height": shape[0],
        "width": shape[1],
        "opacity": opacity,
        "beside": side_by_side,
        "blink": blink,
        "marks": side_markers,
        "identity": film_key,
        "label": label,
        "shortcuts": [asdict(shortcut) for shortcut in shortcuts],
        "session": session,
        "slot": slot,
        "title": title,
        "stated": stated,
        "printStated": print_stated,
        "inStep": in_step,
    }
    _mount()(key=f"{slot}_view", data=data, height="stretch")


def session_mark(session: str, ticket: str) -> None:
    """On a page with films but no view: the browser's tab notes whose they are, for
    ``session_note``.

    Args:
        ticket: what the tab may ask for them with after a reload.
    """
    _mount()(key="session_mark", data={"mark": session, "ticket": ticket})


def session_note(session: str, *, ask: bool = False) -> str:
    """On a page without a film: that an earlier session is over, where this browser's tab had one.

    A restarted server, or a session that it has dropped, comes back as a new and empty one.

    Args:
        ask: first ask the tab for the ticket of a list that it had; the note then waits.

    Returns:
        the tab's ticket, once; else an empty text.
    """
    data = {"newSession": session, "note": SESSION_OVER, "ask": ask}
    answer = _mount()(key="session_note", data=data, on_ticket_change=lambda: None)
    return str(answer.get("ticket") or "")


def _mount() -> ComponentRenderer:
    """The component; film and view are two mounts of one script, which shares its memory."""
    # Registering the same component again is nothing new to Streamlit.
    return st.components.v2.component("film_view", js=viewer_script(), isolate_styles=False)


def viewer_script() -> str:
    """The viewer's topics as one module."""
    return "\n".join(_SCRIPTS.joinpath(f"{topic}.js").read_text("utf-8") for topic in _TOPICS)


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
