"""What the reader says of each finding, and a note: kept in the session alone, for exports."""

from typing import Literal, get_args

import streamlit as st

from cxr_core.export.record import MAX_NOTE_LENGTH, Assessment
from cxr_core.export.results_csv import ASSESSMENT_COLUMNS
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.shell import caption
from cxr_core.ui.state import NOTE, WORD, get_value, get_value_by_hash, value_key

_TITLE = "Your reading"


def assessment_controls(analysis: Analysis, *, is_first: bool = False) -> None:
    """One line a finding, present, absent or unsure, and a note.

    Args:
        is_first: the reader means to answer before the model does: open, beside the film.
    """
    if is_first:
        st.subheader(_TITLE, anchor=False)
    with st.container(key="reader_first") if is_first else st.expander(_TITLE):
        gap: Literal["small", "large"] = "small" if is_first else "large"
        with st.container(key="readers_word", horizontal=True, gap=gap):
            for key in KEYS:
                st.segmented_control(
                    f"Your reading of {LABELS[key]}"
                    + (" (normal film)" if key not in ABNORMAL_KEYS else ""),
                    get_args(Assessment),
                    key=value_key(analysis, f"{WORD}{key}"),
                    persist_state="session",
                )
        st.text_area(
            "Note on this film",
            key=value_key(analysis, NOTE),
            max_chars=MAX_NOTE_LENGTH,
            height=80,
            persist_state="session",
        )
        caption("Kept in this session only, and included in exports of this film.")


def assessment_of(analysis: Analysis) -> tuple[dict[str, str], str]:
    """The reader's word on each finding, by key, empty where none was given; and the note."""
    words = {key: str(get_value(analysis, f"{WORD}{key}") or "") for key in KEYS}
    return words, str(get_value(analysis, NOTE) or "").strip()


def assessment_cells(
    image_sha256: str, model_sha256: str, correction: str | None
) -> dict[str, str]:
    """The same of a film that is not on screen, as cells of the CSV."""

    def said(name: str) -> str:
        return str(get_value_by_hash(image_sha256, model_sha256, correction, name) or "").strip()

    names = zip(ASSESSMENT_COLUMNS, KEYS, strict=True)
    return {column: said(f"{WORD}{key}") for column, key in names} | {"note": said(NOTE)}
