"""The left side of the Read page: the film, its map above it, and the lines of controls.

It is a fragment: moving a slider draws the film again and nothing else.
"""

import html
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cxr_core.export.overlay import is_flagged, map_layer, style_on_film
from cxr_core.export.record import map_title
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.windowing import (
    Window,
    apply_window,
    contrast_window,
    full_range_window,
    has_integer_values,
)
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.examples import example_buttons, list_examples
from cxr_core.ui.film_view import (
    MAX_FILM_SIDE,
    MAX_LAYER_SIDE,
    data_uri,
    downscale,
    film_view,
    fit_size,
)
from cxr_core.ui.read.findings import describe_map
from cxr_core.ui.read.gate import correction_menu
from cxr_core.ui.state import FILM_ONLY, MAP_MODES, OVERLAY, SIDE_BY_SIDE
from cxr_core.ui.words import FRONTAL_ONLY

MODEL_WINDOW = "As the model sees it"
CUSTOM_WINDOW = "Custom window"
DISPLAY_ONLY = "Display only: nothing here changes what the model sees."
_STEPS = 400  # of a slider from end to end
# A fixed drawing with two findings, so that everyone who tries it sees the same film.
PHANTOM_SEED = 17
PHANTOM_FINDINGS = ("effusion", "infiltration")
PHANTOM_NOTE = (
    "A drawing, not a patient, with an effusion and an infiltration drawn in. A model trained on "
    "patients' films may flag neither."
)
ACCEPTED_FILES = "PNG, JPEG, TIFF, or a single-frame DICOM file with any or no extension."
MAX_MEGABYTES = 64
PRIVACY = "The film stays in this session's memory: it is not stored, logged or given an address."


# Window, level and invert of the film on screen. Display alone: no model ever sees it.


@dataclass(frozen=True)
class WindowKeys:
    """The widgets' keys; another film has others, so that it begins as the model sees it."""

    window: str
    level: str
    width: str
    invert: str


def window_keys() -> WindowKeys:
    """Those of the session's film."""
    serial = state.film_number()
    return WindowKeys(*(f"{name}_{serial}" for name in ("window", "level", "width", "negative")))


def window_choices(radiograph: Radiograph) -> dict[str, Window]:
    """The windows on offer by name: as the model sees it, the file's own, then computed ones.

    The first one's numbers say where the sliders begin; its picture is ``radiograph.pixels``.
    """
    whole = full_range_window(radiograph.stored)
    first = radiograph.model_window or whole
    offered = [*radiograph.windows, whole, contrast_window(radiograph.stored)]
    return {
        MODEL_WINDOW: replace(first, name=MODEL_WINDOW),
        **{window.name: window for window in offered},
    }


def display_film(radiograph: Radiograph) -> NDArray[np.uint8]:
    """The film (H, W) as the reader wants it, at most ``MAX_FILM_SIDE`` a side."""
    key = window_keys()
    choice = st.session_state.get(key.window, MODEL_WINDOW)
    window = _selected_window(radiograph, choice, key)
    if window is None:
        picture = downscale(radiograph.pixels, MAX_FILM_SIDE)
    else:
        stored = downscale(radiograph.stored, MAX_FILM_SIDE)
        picture = apply_window(stored, window, inverted=radiograph.inverted)
    result: NDArray[np.uint8] = 255 - picture if st.session_state.get(key.invert) else picture
    return result


def display_settings() -> tuple[object, ...]:
    """All that ``display_film`` depends on, save the film itself."""
    key = window_keys()
    names = (key.window, key.level, key.width, key.invert)
    return tuple(st.session_state.get(name) for name in names)


def _selected_window(radiograph: Radiograph, choice: str, key: WindowKeys) -> Window | None:
    """The window to apply; None for what the model sees."""
    if choice == MODEL_WINDOW:
        return None
    if choice == CUSTOM_WINDOW and key.level in st.session_state:
        level, width = (float(st.session_state[name]) for name in (key.level, key.width))
        exact = not has_integer_values(radiograph.stored)
        return Window(CUSTOM_WINDOW, level, width, "LINEAR_EXACT" if exact else "LINEAR")
    return window_choices(radiograph).get(choice)


def window_controls(radiograph: Radiograph) -> None:
    """The row of window and level: the choice, both sliders, invert and reset."""
    offered, key = window_choices(radiograph), window_keys()
    start = offered.get(st.session_state.get(key.window, MODEL_WINDOW), offered[MODEL_WINDOW])
    low, high, step = _slider_range(radiograph, offered)
    with st.container(key="window", horizontal=True, vertical_alignment="center", gap="small"):
        st.selectbox(
            "Window",
            [*offered, CUSTOM_WINDOW],
            key=key.window,
            label_visibility="collapsed",
            width=172,
            on_change=_on_window_selected,
            args=(radiograph, key),
            persist_state="session",
        )
        for name, label, ends, value in (
            (key.level, "Level", (low, high), start.center),
            (key.width, "Width", (step, 2 * (high - low)), start.width),
        ):
            if name not in st.session_state:
                st.session_state[name] = _clamp(value, ends)
            st.slider(
                label, *ends, step=step, key=name, width=184, persist_state="session",
                on_change=_on_slider_moved, args=(key,),
            )  # fmt: skip
        st.toggle("Invert", key=key.invert, persist_state="session")
        st.button("Reset", key="reset_display", on_click=_reset, args=(key,))


def _slider_range(radiograph: Radiograph, offered: dict[str, Window]) -> tuple[float, float, float]:
    """Least level, greatest level and step of the sliders, in units of the stored values."""
    centers = [window.center for window in offered.values()]
    low = min(float(radiograph.stored.min()), *centers)
    high = max(float(radiograph.stored.max()), *centers)
    if not has_integer_values(radiograph.stored):
        return low, high, (high - low or 1.0) / _STEPS
    # Whole numbers throughout: a slider takes its type from its ends.
    low, high = int(np.floor(low)), max(int(np.ceil(high)), int(np.floor(low)) + 2)
    return low, high, max(1, (high - low) // _STEPS)


def _clamp(value: float, ends: tuple[float, float]) -> float:
    held = min(max(value, ends[0]), ends[1])
    return round(held) if isinstance(ends[0], int) else held


def _on_window_selected(radiograph: Radiograph, key: WindowKeys) -> None:
    """Callback of the choice: the sliders go where the window is."""
    offered = window_choices(radiograph)
    window = offered.get(st.session_state[key.window])
    if window is not None:
        low, high, step = _slider_range(radiograph, offered)
        st.session_state[key.level] = _clamp(window.center, (low, high))
        st.session_state[key.width] = _clamp(window.width, (step, 2 * (high - low)))


def _on_slider_moved(key: WindowKeys) -> None:
    """Callback of the sliders."""
    st.session_state[key.window] = CUSTOM_WINDOW


def _reset(key: WindowKeys) -> None:
    """Back to what the model sees, unzoomed."""
    for name in (key.window, key.level, key.width, key.invert):
        st.session_state.pop(name, None)
    state.reset_zoom()


# How a film comes to the page: an upload of any file, or the drawn phantom.


def welcome() -> None:
    """The page before there is a film."""
    with st.container(key="welcome", width=640):
        st.header("Open one frontal chest radiograph", anchor=False)
        _uploader()
        st.markdown(
            "No film at hand? Take a public one, chosen to show right answers and a miss, or the "
            "phantom, a drawn chest with two findings."
            if list_examples()
            else "No film at hand? The phantom is a drawn chest with two findings."
        )
        example_buttons()
        _phantom_button()
        _hide_toggle()
        st.caption(PRIVACY)


def film_controls() -> None:
    """Beside an open film: open another, close or correct this one, look before the results."""
    with st.popover("Open film", icon=":material/upload_file:", width="content"):
        _uploader()
        example_buttons()
        _phantom_button()
        if state.current_film() is not None:
            st.button("Close this film", key="close_film", on_click=state.set_film, args=(None,))
            correction_menu()
        _hide_toggle()
        st.caption(PRIVACY)


def _uploader() -> None:
    # Any file may be chosen, as DICOM files often have no extension; the reader refuses by content.
    st.file_uploader(
        "Radiograph",
        key=state.uploader_key(),
        on_change=state.on_upload,
        max_upload_size=MAX_MEGABYTES,
    )
    st.caption(f"{ACCEPTED_FILES} {FRONTAL_ONLY}")


def _phantom_button() -> None:
    st.button("Try the phantom", key="try_phantom", on_click=_open_phantom)


def _hide_toggle() -> None:
    st.toggle("Read first, then reveal", key="hide_results", persist_state="session")


def _open_phantom() -> None:
    film = phantom_png(PHANTOM_SEED, findings=PHANTOM_FINDINGS, size=1024)
    state.set_film(film, PHANTOM_NOTE)


def film_panel(*, with_map: bool = True) -> None:
    """The film with its controls.

    Args:
        with_map: whether the reader is to see the map; without, neither it nor its controls
            reach the browser.
    """
    _panel(state.page_state(), with_map=with_map)


@st.fragment
def _panel(state_at_start: tuple[object, ...], *, with_map: bool) -> None:
    analysis = state.current_analysis()
    if analysis is None or state_at_start != state.page_state():
        st.rerun()  # something that the rest of the page shows too has changed
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        film_controls()
        view = _map_controls(analysis) if with_map else FILM_ONLY
    with st.container(key="display", horizontal=True, vertical_alignment="center", gap="small"):
        with_window = st.toggle("Window", key="with_window", persist_state="session")
        st.html(f'<p class="quiet">{html.escape(DISPLAY_ONLY)}</p>', width="content")
    # A place of its own, so that the film below stays where it is in the page's order.
    with st.container():
        if with_window:
            window_controls(analysis.radiograph)
    _film(analysis, view=view)


def _map_controls(analysis: Analysis) -> str:
    """What of the map is shown and how; returns the view."""
    key = state.selected_finding(analysis)
    state.open_view(analysis, key)
    view = st.segmented_control(
        "View", (OVERLAY, FILM_ONLY, SIDE_BY_SIDE), required=True, key="view",
        label_visibility="collapsed", persist_state="session",
        on_change=state.on_view, args=(key, is_flagged(analysis, key)),
    )  # fmt: skip
    st.slider(
        "Map opacity", 0, 100, 60, 5, format="%d %%", key="opacity", persist_state="session",
        width=230,
    )  # fmt: skip
    with st.popover("Map", width="content"):
        st.segmented_control(
            "Style", list(MAP_MODES), default=next(iter(MAP_MODES)), required=True, key="form",
            persist_state="session",
        )  # fmt: skip
        st.toggle("Also show what pushed the score down", key="signed", persist_state="session")
        st.toggle("Blink the map", key="blink", persist_state="session")
    return str(view)


def _film(analysis: Analysis, *, view: str) -> None:
    radiograph, layer, label = analysis.radiograph, "", "The radiograph."
    identity = (analysis.image_sha256, analysis.model_sha256, analysis.correction)
    film = state.cached_image(
        "film", (*identity, *display_settings()), lambda: data_uri(display_film(radiograph))
    )
    key = state.selected_finding(analysis)
    style = style_on_film(analysis, key, state.map_style(), requested=state.map_requested(key))
    # The legend beside the film shows the colours as they look over it, at this opacity.
    # Beside an element, since a style alone is kept elsewhere on the page and never replaced.
    rule = f".scale .veil {{ opacity: {style.opacity:.3f}; }}"
    st.html(f'<span class="hidden"></span><style>{rule}</style>')
    if view != FILM_ONLY and state.is_map_drawn(analysis, key):
        shape = fit_size(radiograph.pixels.shape, MAX_LAYER_SIDE)
        layer = state.cached_image(
            "map",
            (*identity, analysis.setting, key, style.mode, style.signed),
            lambda: data_uri(map_layer(analysis, key, shape, style)),
        )
        label += f" {map_title(key)}. {describe_map(analysis, key)}"
    with st.container(key="film"):
        film_view(
            film,
            layer,
            shape=(radiograph.pixels.shape[0], radiograph.pixels.shape[1]),
            opacity=style.opacity,
            side_by_side=view == SIDE_BY_SIDE,
            blink=bool(layer and st.session_state.get("blink")),
            side_markers=words.side_markers(radiograph.orientation),
            zoom_key=state.zoom_key(),
            label=label,
        )
