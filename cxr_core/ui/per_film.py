"""What a session keeps of one reading: of these bytes, by this model, corrected as it is.

Each key names all three, so that nothing can ever be shown with another film. All of it lives in
the session's memory and goes with it, or earlier on request.
"""

from typing import Any

import streamlit as st

from cxr_core.reading.analyzer import Analysis

_START = "of_film"


def key_of(analysis: Analysis, name: str) -> str:
    """The session's key of one thing of one reading; fit for a widget too."""
    return f"{_prefix(analysis)}{name}"


def kept(analysis: Analysis, name: str) -> Any:
    """What was kept of this reading under a name, or None."""
    return st.session_state.get(key_of(analysis, name))


def keep(analysis: Analysis, name: str, value: object) -> None:
    """Keep one thing of this reading for the session."""
    st.session_state[key_of(analysis, name)] = value


def kept_of(image_sha256: str, model_sha256: str, correction: str | None, name: str) -> Any:
    """What was kept under a name of a film that is not on screen, or None."""
    return st.session_state.get(f"{_prefix_of(image_sha256, model_sha256, correction)}{name}")


def forget(analysis: Analysis | None = None) -> None:
    """Drop all that was kept of one reading, or of every film: probes, words and notes."""
    start = _START if analysis is None else _prefix(analysis)
    for key in [str(key) for key in st.session_state if str(key).startswith(start)]:
        del st.session_state[key]


def _prefix(analysis: Analysis) -> str:
    return _prefix_of(analysis.image_sha256, analysis.model_sha256, analysis.correction)


def _prefix_of(image_sha256: str, model_sha256: str, correction: str | None) -> str:
    film, model = image_sha256[:24], model_sha256[:24]
    return f"{_START}_{film}_{model}_{correction or 'as-it-came'}_"
