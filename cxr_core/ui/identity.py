"""The line over a film with what its file says of itself: in this session, on this page, alone.

It is made of the film's bytes when it is shown and kept nowhere; a switch takes it off the page.
"""

import streamlit as st

from cxr_core.imaging.dicom.identity import StatedIdentity, stated_identity
from cxr_core.reading.analyzer import Analysis

SHOW, PRINT = "show_identity", "print_identity"  # keys of the two switches
NOTHING_STATED = "The file names no patient"


def identity_switches() -> None:
    """Whether the line stands over the film, and on paper."""
    shown = st.toggle(
        "Show what the file says of itself",
        value=True,
        key=SHOW,
        persist_state="session",
        help="File name, patient, study date, view and accession number, over the film. They are "
        "in this session only; an export has them only where it is asked for there.",
    )
    st.toggle(
        "Also when the page is printed", key=PRINT, persist_state="session", disabled=not shown
    )


def is_identity_shown() -> bool:
    """Whether the reader has the line over the film."""
    return bool(st.session_state.get(SHOW, True))


def is_identity_printed() -> bool:
    """Whether it is to stand on paper, too."""
    return is_identity_shown() and bool(st.session_state.get(PRINT))


def identity_of(analysis: Analysis, data: bytes) -> StatedIdentity:
    """What the film's file says; nothing where its format has no tags."""
    if analysis.radiograph.file_format != "DICOM":
        return StatedIdentity()
    return stated_identity(data)


def identity_line(identity: StatedIdentity, *, file_name: str = "") -> str:
    """The line's text, as "Doe, Jane · ID 4711 · born 1950-12-31 · female · study 2024-02-29 · PA".

    Args:
        file_name: of the film's file; empty where it is not kept.
    """
    # An age beside a date of birth says nothing more.
    parts = (
        ("", identity.name),
        ("ID ", identity.patient_id),
        ("born ", identity.born),
        ("age " if identity.age.isdecimal() else "", "" if identity.born else identity.age),
        ("", identity.sex),
        ("study ", identity.study_date),
        ("", identity.view),
        ("accession ", identity.accession),
    )
    stated = [f"{word}{text}" for word, text in parts if text]
    if not (identity.name or identity.patient_id):
        stated.insert(0, NOTHING_STATED)
    return " · ".join([*stated, *filter(None, [file_name])])
