"""The left side of the Read page: the film, its map above it, and the lines of controls.

It is a fragment: moving a slider draws the film again and nothing else.
"""

import streamlit as st

from cxr_core.export.overlay import is_flagged, map_layer, style_on_film
from cxr_core.export.record import map_title
from cxr_core.findings import KEYS, LABELS
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state, words
from cxr_core.ui.examples import example_buttons, list_examples
from cxr_core.ui.film_source import pack_film
from cxr_core.ui.film_view import (
    MAX_LAYER_SIDE,
    Shortcut,
    data_uri,
    film_view,
    fit_size,
    send_film,
    session_note,
)
from cxr_core.ui.read.findings import describe_map
from cxr_core.ui.read.gate import correction_menu
from cxr_core.ui.state import FILM_ONLY, MAP_MODES, OVERLAY, SIDE_BY_SIDE
from cxr_core.ui.words import FRONTAL_ONLY

# A fixed drawing with two findings, so that everyone who tries it sees the same film.
PHANTOM_SEED = 17
PHANTOM_FINDINGS = ("effusion", "infiltration")
PHANTOM_NOTE = (
    "A drawing, not a patient, with an effusion and an infiltration drawn in. A model trained on "
    "patients' films may flag neither."
)
ACCEPTED_FILES = "PNG, JPEG, TIFF, or a single-frame DICOM file with any or no extension."
MAX_MEGABYTES = 64
# Keys of the viewer that press buttons elsewhere on the page.
SHORTCUTS = (
    *(
        Shortcut(str(place), f"show_{key}", f"Map of {LABELS[key]}")
        for place, key in enumerate(KEYS, start=1)
    ),
    Shortcut("n", "next_film", "Next film of the worklist"),
    Shortcut("p", "previous_film", "Previous film of the worklist"),
)
PRIVACY = "The film stays in this session's memory: it is not stored, logged or given an address."


# How a film comes to the page: an upload of any file, or the drawn phantom.


def welcome() -> None:
    """The page before there is a film."""
    with st.container(key="welcome", width=640):
        session_note(state.session_word())
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
    analysis = state.current_analysis()
    if analysis is not None:
        _send(analysis)
    _panel(state.page_state(), with_map=with_map)


def _send(analysis: Analysis) -> None:
    """The film's values, outside the fragment: no move of a slider sends them again."""
    key = state.film_key(analysis)
    send_film(state.cached_image("film", (key,), lambda: pack_film(analysis.radiograph, key)))


@st.fragment
def _panel(state_at_start: tuple[object, ...], *, with_map: bool) -> None:
    analysis = state.current_analysis()
    if analysis is None or state_at_start != state.page_state():
        st.rerun()  # something that the rest of the page shows too has changed
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        film_controls()
        view = _map_controls(analysis) if with_map else FILM_ONLY
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
            layer,
            film_key=state.film_key(analysis),
            shape=(radiograph.pixels.shape[0], radiograph.pixels.shape[1]),
            opacity=style.opacity,
            side_by_side=view == SIDE_BY_SIDE,
            blink=bool(layer and st.session_state.get("blink")),
            side_markers=words.side_markers(radiograph.orientation),
            label=label,
            shortcuts=SHORTCUTS,
            session=state.session_word(),
        )
