"""The left side of the Read page: the film, its map above it, and the lines of controls.

It is a fragment: moving a slider draws the film again and nothing else.
"""

import html

import streamlit as st

from cxr_core.export.overlay import map_layer
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.components import map_sentence_of
from cxr_core.ui.display import (
    DISPLAY_ONLY,
    display_settings,
    shown_film,
    window_controls,
)
from cxr_core.ui.film_source import film_controls
from cxr_core.ui.film_view import LONGEST_LAYER, data_uri, film_view, size_within
from cxr_core.ui.state import BESIDE, FILM_ONLY, FORMS, OVERLAY


def film_panel(*, with_map: bool = True) -> None:
    """The film with its controls.

    Args:
        with_map: whether the reader is to see the map; without, neither it nor its controls
            reach the browser.
    """
    _panel(state.page_stamp(), with_map=with_map)


@st.fragment
def _panel(stamp: tuple[object, ...], *, with_map: bool) -> None:
    analysis = state.current_analysis()
    if analysis is None or stamp != state.page_stamp():
        st.rerun()  # something that the rest of the page shows too has changed
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        film_controls()
        view, opacity = _map_controls() if with_map else (FILM_ONLY, 0.0)
    with st.container(key="display", horizontal=True, vertical_alignment="center", gap="small"):
        with_window = st.toggle("Window", key="with_window", persist_state="session")
        st.html(f'<p class="quiet">{html.escape(DISPLAY_ONLY)}</p>', width="content")
    # A place of its own, so that the film below stays where it is in the page's order.
    with st.container():
        if with_window:
            window_controls(analysis.radiograph)
    _film(analysis, view=view, opacity=opacity)


def _map_controls() -> tuple[str, float]:
    """What of the map is shown and how; returns the view and the map's opacity 0 to 1."""
    view = st.segmented_control(
        "View", (OVERLAY, FILM_ONLY, BESIDE), default=OVERLAY, required=True, key="view",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    opacity = st.slider(
        "Map opacity", 0, 100, 60, 5, format="%d %%", key="opacity", persist_state="session",
        width=230,
    )  # fmt: skip
    with st.popover("Map", width="content"):
        st.segmented_control(
            "Drawn as", list(FORMS), default=next(iter(FORMS)), required=True, key="form",
            persist_state="session",
        )  # fmt: skip
        st.toggle("Signed: what speaks against it too", key="signed", persist_state="session")
        st.toggle("Blink the map", key="blink", persist_state="session")
    return str(view), opacity / 100


def _film(analysis: Analysis, *, view: str, opacity: float) -> None:
    radiograph, layer, label = analysis.radiograph, "", "The radiograph."
    of = (analysis.image_sha256, analysis.model_sha256, analysis.correction)
    film = state.drawn("film", (*of, *display_settings()), lambda: data_uri(shown_film(radiograph)))
    if view != FILM_ONLY:
        key, style = state.shown_finding(analysis), state.map_style()
        shape = size_within(radiograph.pixels.shape, LONGEST_LAYER)
        layer = state.drawn(
            "map",
            (*of, key, style.form, style.signed),
            lambda: data_uri(map_layer(analysis, key, shape, style)),
        )
        label += f" {map_sentence_of(analysis, key)}"
    with st.container(key="film"):
        film_view(
            film,
            layer,
            shape=(radiograph.pixels.shape[0], radiograph.pixels.shape[1]),
            opacity=opacity,
            beside=view == BESIDE,
            blink=bool(layer and st.session_state.get("blink")),
            marks=words.side_marks(radiograph.orientation),
            identity=state.zoom_identity(),
            label=label,
        )
