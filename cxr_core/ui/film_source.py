"""How a film comes to the page: an upload of any file, or the drawn phantom."""

import streamlit as st

from cxr_core.imaging.phantom import phantom_png
from cxr_core.ui import state
from cxr_core.ui.corrections import correction_menu
from cxr_core.ui.words import FRONTAL_ONLY

# A fixed drawing with two findings, so that everyone who tries it sees the same film.
PHANTOM_SEED = 17
PHANTOM_FINDINGS = ("effusion", "infiltration")
PHANTOM_NOTE = (
    "A drawing, not a patient, with an effusion and an infiltration planted. A model that learnt "
    "from patients' films may see neither."
)
ACCEPTED = "PNG, JPEG, TIFF, or a single-frame DICOM file with any or no extension."
MAX_MEGABYTES = 64
PRIVACY = "The film stays in this session's memory: it is not stored, logged or given an address."


def welcome() -> None:
    """The page before there is a film."""
    with st.container(key="welcome", width=640):
        st.header("Open one frontal chest radiograph", anchor=False)
        _uploader()
        st.markdown("No film at hand? The phantom is a drawn chest with planted findings.")
        _phantom_button()
        _hide_toggle()
        st.caption(PRIVACY)


def film_controls() -> None:
    """Beside an open film: open another, close or correct this one, look before the results."""
    with st.popover("Open film", icon=":material/upload_file:", width="content"):
        _uploader()
        _phantom_button()
        if state.film() is not None:
            st.button("Close this film", key="close_film", on_click=state.keep_film, args=(None,))
            correction_menu()
        _hide_toggle()
        st.caption(PRIVACY)


def _uploader() -> None:
    # Any file may be chosen, as DICOM files often have no extension; the reader refuses by content.
    st.file_uploader(
        "Radiograph",
        key=state.uploader_key(),
        on_change=state.take_upload,
        max_upload_size=MAX_MEGABYTES,
    )
    st.caption(f"{ACCEPTED} {FRONTAL_ONLY}")


def _phantom_button() -> None:
    st.button("Try the phantom", key="try_phantom", on_click=_take_phantom)


def _hide_toggle() -> None:
    st.toggle("Hide results until I ask", key="hide_results", persist_state="session")


def _take_phantom() -> None:
    film = phantom_png(PHANTOM_SEED, findings=PHANTOM_FINDINGS, size=1024)
    state.keep_film(film, PHANTOM_NOTE)
