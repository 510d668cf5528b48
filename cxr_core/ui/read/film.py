"""The left side of the Read page: the film, its map above it, and the lines of controls.

It is a fragment: moving a slider draws the film again and nothing else.
"""

import streamlit as st

from cxr_core.export.overlay import MapStyle, is_flagged, map_layer, style_on_film
from cxr_core.export.record import map_title
from cxr_core.findings import KEYS, LABELS
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import prior, state, words
from cxr_core.ui.examples import example_buttons, has_examples
from cxr_core.ui.film_source import pack_film
from cxr_core.ui.film_view import (
    MAX_LAYER_SIDE,
    Shortcut,
    Slot,
    data_uri,
    film_view,
    fit_size,
    send_film,
    session_note,
)
from cxr_core.ui.identity import (
    identity_line,
    identity_of,
    identity_switches,
    is_identity_printed,
    is_identity_shown,
)
from cxr_core.ui.read.findings import describe_map
from cxr_core.ui.read.gate import correction_menu
from cxr_core.ui.read.prior import FilmsToCompare, is_in_step, prior_controls, step_switch
from cxr_core.ui.shell import guarded_fragment
from cxr_core.ui.state import FILM_ONLY, MAP_MODES, OVERLAY, SIDE_BY_SIDE
from cxr_core.ui.uploads import file_field
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
FIRST_TITLE, PRIOR_TITLE = "This film", "Prior film"
PRIVACY = "The film stays in this session's memory: it is not stored, logged or given an address."


# How a film comes to the page: an upload of any file, or the drawn phantom.


def welcome() -> None:
    """The page before there is a film."""
    with st.container(key="welcome", width=640):
        session_note(state.session_word())
        st.header("Open one frontal chest radiograph", anchor=False)
        _uploader()
        st.markdown(
            "No film at hand? Take a public one, chosen to show right answers, a false alarm and a "
            "miss, or the phantom, a drawn chest with two findings."
            if has_examples()
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
            identity_switches()
        _hide_toggle()
        st.caption(PRIVACY)


def _uploader() -> None:
    # Any file may be chosen, as DICOM files often have no extension; the reader refuses by content.
    file_field(
        "Radiograph",
        key=state.uploader_key(),
        on_change=state.on_upload,
        max_megabytes=MAX_MEGABYTES,
    )
    st.caption(f"{ACCEPTED_FILES} {FRONTAL_ONLY}")


def _phantom_button() -> None:
    st.button("Try the phantom", key="try_phantom", on_click=_open_phantom)


def _hide_toggle() -> None:
    st.toggle("Read first, then reveal", key="hide_results", persist_state="session")


def _open_phantom() -> None:
    film = phantom_png(PHANTOM_SEED, findings=PHANTOM_FINDINGS, size=1024)
    state.set_film(film, PHANTOM_NOTE)


def film_panel(*, with_map: bool = True, others: FilmsToCompare | None = None) -> None:
    """The film with its controls, and the prior film beside it where there is one.

    Args:
        with_map: whether the reader is to see the map; without, neither it nor its controls
            reach the browser.
        others: films that can be put beside it, besides an upload.
    """
    analysis, second = state.current_analysis(), prior.prior_analysis()
    if analysis is not None:
        _send(analysis, state.film_key(analysis))
    if second is not None:
        _send(second, prior.prior_key(second), slot="prior")
    _panel(_page_state(), with_map=with_map, others=others)


def _page_state() -> tuple[object, ...]:
    return (*state.page_state(), *prior.prior_state(), is_identity_shown(), is_identity_printed())


def _send(analysis: Analysis, key: str, *, slot: Slot = "film") -> None:
    """The film's values, outside the fragment: no move of a slider sends them again."""
    name = prior.FILM_IMAGE if slot == "prior" else "film"
    packed = state.cached_image(name, (key,), lambda: pack_film(analysis.radiograph, key))
    send_film(packed, slot=slot)


@guarded_fragment
def _panel(
    state_at_start: tuple[object, ...], *, with_map: bool, others: FilmsToCompare | None
) -> None:
    analysis, second = state.current_analysis(), prior.prior_analysis()
    if analysis is None or state_at_start != _page_state():
        st.rerun()  # something that the rest of the page shows too has changed
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        film_controls()
        prior_controls(others, max_megabytes=MAX_MEGABYTES)
        view = _map_controls(analysis, alone=second is None) if with_map else FILM_ONLY
        if second is not None:
            step_switch()
    key = state.selected_finding(analysis)
    _scale_rule(_style_of(analysis, key))
    if second is None:
        with st.container(key="film"):
            _film(analysis, key, view=view)
        return
    with st.container(key="two_films"):
        left, right = st.columns(2, gap="xsmall")
        with left, st.container(key="film"):
            _film(analysis, key, view=view, title=FIRST_TITLE)
        with right, st.container(key="prior"):
            # Its map, as the first one's, but its numbers are told only where the gate let it pass.
            shown = FILM_ONLY if prior.is_prior_stopped() else view
            _film(second, key, view=shown, title=PRIOR_TITLE, slot="prior")


def _map_controls(analysis: Analysis, *, alone: bool) -> str:
    """What of the map is shown and how; returns the view.

    Args:
        alone: no film lies beside it; else there is no room for it to stand side by side.
    """
    key = state.selected_finding(analysis)
    state.open_view(analysis, key, alone=alone)
    views = (OVERLAY, FILM_ONLY, SIDE_BY_SIDE) if alone else (OVERLAY, FILM_ONLY)
    view = st.segmented_control(
        "View", views, required=True, key="view",
        label_visibility="collapsed", persist_state="session",
        on_change=state.on_view, args=(key, is_flagged(analysis, key)),
    )  # fmt: skip
    st.slider(
        "Map opacity", 0, 100, 60, 5, format="%d %%", key="opacity", persist_state="session",
        width=180,
    )  # fmt: skip
    with st.popover("Map", width="content"):
        st.segmented_control(
            "Style", list(MAP_MODES), default=next(iter(MAP_MODES)), required=True, key="form",
            persist_state="session",
        )  # fmt: skip
        st.toggle("Also show what pushed the score down", key="signed", persist_state="session")
        st.toggle("Blink the map", key="blink", persist_state="session")
    return str(view)


def _style_of(analysis: Analysis, key: str) -> MapStyle:
    return style_on_film(analysis, key, state.map_style(), requested=state.map_requested(key))


def _scale_rule(style: MapStyle) -> None:
    """The legend beside the film shows the colours as they look over it, at this opacity."""
    # Beside an element, since a style alone is kept elsewhere on the page and never replaced.
    rule = f".scale .veil {{ opacity: {style.opacity:.3f}; }}"
    st.html(f'<span class="hidden"></span><style>{rule}</style>')


def _film(analysis: Analysis, key: str, *, view: str, title: str = "", slot: Slot = "film") -> None:
    radiograph, layer = analysis.radiograph, ""
    label = f"{title or 'The radiograph'}."
    identity = (analysis.image_sha256, analysis.model_sha256, analysis.correction)
    style = _style_of(analysis, key)
    if view != FILM_ONLY and state.is_map_drawn(analysis, key):
        shape = fit_size(radiograph.pixels.shape, MAX_LAYER_SIDE)
        layer = state.cached_image(
            prior.MAP_IMAGE if slot == "prior" else "map",
            (*identity, analysis.setting, key, style.mode, style.signed),
            lambda: data_uri(map_layer(analysis, key, shape, style)),
        )
        label += f" {map_title(key)}. {describe_map(analysis, key)}"
    film_view(
        layer,
        film_key=prior.prior_key(analysis) if slot == "prior" else state.film_key(analysis),
        shape=(radiograph.pixels.shape[0], radiograph.pixels.shape[1]),
        opacity=style.opacity,
        side_by_side=view == SIDE_BY_SIDE,
        blink=bool(layer and st.session_state.get("blink")),
        side_markers=words.side_markers(radiograph.orientation),
        label=label,
        shortcuts=SHORTCUTS,
        session=state.session_word(),
        slot=slot,
        title=title,
        stated=_stated(analysis, slot),
        print_stated=is_identity_printed(),
        in_step=bool(title) and is_in_step(),
    )


def _stated(analysis: Analysis, slot: Slot) -> str:
    """What the file says of itself, while the reader has it over the film."""
    second = prior.current_prior()
    if slot == "prior":
        data, name = (second.data, second.name) if second is not None else (None, "")
    else:
        data, name = state.current_film(), state.film_name()
    if data is None or not is_identity_shown():
        return ""
    return identity_line(identity_of(analysis, data), file_name=name)
