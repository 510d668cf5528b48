"""Window, level and invert of the film on screen. Display alone: no model ever sees it."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.windowing import (
    Window,
    apply_window,
    full_range,
    is_whole,
    more_contrast,
)
from cxr_core.ui import state
from cxr_core.ui.film_view import LONGEST_SHOWN, fit_within

AS_MODEL = "As the model sees it"
OWN = "Own window"
DISPLAY_ONLY = "Display only: nothing here changes what the model sees."
_STEPS = 400  # of a slider from end to end


@dataclass(frozen=True)
class Keys:
    """The widgets' keys; another film has others, so that it begins as the model sees it."""

    choice: str
    level: str
    width: str
    negative: str


def keys() -> Keys:
    """Those of the session's film."""
    serial = state.film_serial()
    return Keys(*(f"{name}_{serial}" for name in ("window", "level", "width", "negative")))


def choices(radiograph: Radiograph) -> dict[str, Window]:
    """The windows on offer by name: as the model sees it, the file's own, then computed ones.

    The first one's numbers say where the sliders begin; its picture is ``radiograph.pixels``.
    """
    whole = full_range(radiograph.stored)
    first = radiograph.windows[0] if radiograph.windows and _is_model_window(radiograph) else whole
    offered = [*radiograph.windows, whole, more_contrast(radiograph.stored)]
    return {AS_MODEL: replace(first, name=AS_MODEL), **{window.name: window for window in offered}}


def _is_model_window(radiograph: Radiograph) -> bool:
    return radiograph.window is not None or radiograph.windows[0].table is not None


def shown_film(radiograph: Radiograph) -> NDArray[np.uint8]:
    """The film (H, W) as the reader wants it, at most ``LONGEST_SHOWN`` a side."""
    key = keys()
    choice = st.session_state.get(key.choice, AS_MODEL)
    window = _chosen(radiograph, choice, key)
    if window is None:
        picture = fit_within(radiograph.pixels, LONGEST_SHOWN)
    else:
        stored = fit_within(radiograph.stored, LONGEST_SHOWN)
        picture = apply_window(stored, window, inverted=radiograph.inverted)
    shown: NDArray[np.uint8] = 255 - picture if st.session_state.get(key.negative) else picture
    return shown


def display_settings() -> tuple[object, ...]:
    """All that ``shown_film`` depends on, save the film itself."""
    key = keys()
    names = (key.choice, key.level, key.width, key.negative)
    return tuple(st.session_state.get(name) for name in names)


def _chosen(radiograph: Radiograph, choice: str, key: Keys) -> Window | None:
    """The window to apply; None for what the model sees."""
    if choice == AS_MODEL:
        return None
    if choice == OWN and key.level in st.session_state:
        level, width = (float(st.session_state[name]) for name in (key.level, key.width))
        exact = not is_whole(radiograph.stored)
        return Window(OWN, level, width, "LINEAR_EXACT" if exact else "LINEAR")
    return choices(radiograph).get(choice)


def window_controls(radiograph: Radiograph) -> None:
    """The row of window and level: the choice, both sliders, invert and reset."""
    offered, key = choices(radiograph), keys()
    start = offered.get(st.session_state.get(key.choice, AS_MODEL), offered[AS_MODEL])
    low, high, step = _span(radiograph, offered)
    with st.container(key="window", horizontal=True, vertical_alignment="center", gap="small"):
        st.selectbox(
            "Window", [*offered, OWN], key=key.choice, label_visibility="collapsed", width=172,
            on_change=_take_choice, args=(radiograph, key), persist_state="session",
        )  # fmt: skip
        for name, label, ends, value in (
            (key.level, "Level", (low, high), start.center),
            (key.width, "Width", (step, 2 * (high - low)), start.width),
        ):
            if name not in st.session_state:
                st.session_state[name] = _held(value, ends)
            st.slider(
                label, *ends, step=step, key=name, width=184, persist_state="session",
                on_change=_take_own, args=(key,),
            )  # fmt: skip
        st.toggle("Invert", key=key.negative, persist_state="session")
        st.button("Reset", key="reset_display", on_click=_reset, args=(key,))


def _span(radiograph: Radiograph, offered: dict[str, Window]) -> tuple[float, float, float]:
    """Least level, greatest level and step of the sliders, in units of the stored values."""
    centers = [window.center for window in offered.values()]
    low = min(float(radiograph.stored.min()), *centers)
    high = max(float(radiograph.stored.max()), *centers)
    if not is_whole(radiograph.stored):
        return low, high, (high - low or 1.0) / _STEPS
    # Whole numbers throughout: a slider takes its type from its ends.
    low, high = int(np.floor(low)), max(int(np.ceil(high)), int(np.floor(low)) + 2)
    return low, high, max(1, (high - low) // _STEPS)


def _held(value: float, ends: tuple[float, float]) -> float:
    held = min(max(value, ends[0]), ends[1])
    return round(held) if isinstance(ends[0], int) else held


def _take_choice(radiograph: Radiograph, key: Keys) -> None:
    """Callback of the choice: the sliders go where the window is."""
    offered = choices(radiograph)
    window = offered.get(st.session_state[key.choice])
    if window is not None:
        low, high, step = _span(radiograph, offered)
        st.session_state[key.level] = _held(window.center, (low, high))
        st.session_state[key.width] = _held(window.width, (step, 2 * (high - low)))


def _take_own(key: Keys) -> None:
    """Callback of the sliders."""
    st.session_state[key.choice] = OWN


def _reset(key: Keys) -> None:
    """Back to what the model sees, unzoomed."""
    for name in (key.choice, key.level, key.width, key.negative):
        st.session_state.pop(name, None)
    state.reset_zoom()
