"""What one session remembers: its film, that film's analysis, and what is being looked at.

Streamlit forgets an uploaded file on a page switch, so the bytes live in the session state. They
leave memory with the session or when the film is closed; the file's name is never kept.
"""

import hashlib

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.reading.analyzer import Analysis, Analyzer
from cxr_core.ui.words import opening_finding

_FILM = "film_bytes"
_NOTE = "film_note"
_ANALYSIS = "film_analysis"
_FINDING = "film_finding"
_UPLOADER = "film_uploader"


def keep_film(data: bytes | None, note: str = "") -> None:
    """Make ``data`` the session's film, or close it with None; all that belonged to the last
    film is dropped at once.

    Args:
        note: a sentence that belongs to this film.
    """
    for key in (_ANALYSIS, _FINDING):
        st.session_state.pop(key, None)
    st.session_state[_FILM] = data
    st.session_state[_NOTE] = note


def film_note() -> str:
    """The sentence that belongs to the session's film, or an empty text."""
    return str(st.session_state.get(_NOTE, ""))


def film() -> bytes | None:
    """The session's film as it was uploaded, or None."""
    data: bytes | None = st.session_state.get(_FILM)
    return data


def uploader_key() -> str:
    """Key of the uploader; it changes with every film so that the uploader is empty again."""
    return f"{_UPLOADER}_{st.session_state.get(_UPLOADER, 0)}"


def take_upload() -> None:
    """Callback of the uploader: keep the bytes, forget the file and its name."""
    uploaded = st.session_state.get(uploader_key())
    if uploaded is not None:
        keep_film(uploaded.getvalue())
        forget_file(uploaded.file_id)
        st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1


def forget_file(file_id: str) -> None:
    """Remove an uploaded file, with its name, from the server's memory.

    Streamlit keeps each one until the session ends, also when its uploader is long gone, so a
    morning's films would pile up.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def kept_analysis(data: bytes, analyzer: Analyzer) -> Analysis | None:
    """The session's analysis, if it is of these very bytes by this very model."""
    kept: Analysis | None = st.session_state.get(_ANALYSIS)
    wanted = (hashlib.sha256(data).hexdigest(), analyzer.metadata.model_sha256)
    if kept is None or (kept.image_sha256, kept.model_sha256) != wanted:
        return None
    return kept


def keep_analysis(analysis: Analysis) -> Analysis:
    """Remember an analysis for this session; returns it."""
    st.session_state[_ANALYSIS] = analysis
    return analysis


def shown_finding(analysis: Analysis) -> str:
    """Key of the finding in the large view: the reader's choice for this film, or the opening."""
    chosen: str | None = st.session_state.get(_FINDING)
    return chosen or opening_finding(analysis.probabilities, analysis.above)


def show_finding(key: str) -> None:
    """Callback of a finding's row."""
    st.session_state[_FINDING] = key
