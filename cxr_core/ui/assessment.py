"""What the reader says of each finding, and a note: kept in the session alone, for exports."""

import streamlit as st

from cxr_core.export.record import LONGEST_NOTE
from cxr_core.export.results_csv import VERDICT_COLUMNS
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.shell import quiet
from cxr_core.ui.state import kept, kept_of, key_of

ANSWERS = ("agree", "disagree", "unsure")


def readers_word(analysis: Analysis) -> None:
    """One line a finding, agree, disagree or unsure, and a note."""
    with st.expander("Your word"):
        with st.container(key="readers_word", horizontal=True, gap="large"):
            for key in KEYS:
                st.segmented_control(
                    f"Your word on {LABELS[key]}",
                    ANSWERS,
                    key=key_of(analysis, f"word_{key}"),
                    persist_state="session",
                )
        st.text_area(
            "Note on this film",
            key=key_of(analysis, "note"),
            max_chars=LONGEST_NOTE,
            height=80,
            persist_state="session",
        )
        quiet("Kept in this session only, and written into what you export of this film.")


def word_of(analysis: Analysis) -> tuple[dict[str, str], str]:
    """The reader's word on each finding, by key, empty where none was given; and the note."""
    words = {key: str(kept(analysis, f"word_{key}") or "") for key in KEYS}
    return words, str(kept(analysis, "note") or "").strip()


def word_cells(image_sha256: str, model_sha256: str, correction: str | None) -> dict[str, str]:
    """The same of a film that is not on screen, as cells of the CSV."""

    def said(name: str) -> str:
        return str(kept_of(image_sha256, model_sha256, correction, name) or "").strip()

    names = zip(VERDICT_COLUMNS, KEYS, strict=True)
    return {column: said(f"word_{key}") for column, key in names} | {"note": said("note")}
