"""The Worklist page's pieces: adding films, progress, and the list."""

import streamlit as st

from cxr_core.reading.analyzer import Analyzer
from cxr_core.ui import worklist
from cxr_core.ui.page import quiet
from cxr_core.ui.words import FRONTAL_ONLY, time_left
from cxr_core.ui.worklist import Worklist
from cxr_core.ui.worklist_list import film_list
from cxr_core.ui.worklist_rows import FILTERS
from cxr_core.ui.worklist_table import RESULTS_FILE, words_on, worklist_csv

# Seconds of reading between two drawings of the list; the first films come at once.
FIRST_SLICE, SLICE = 0.5, 2.0
ACCEPTED = (
    "PNG, JPEG, TIFF or DICOM, several at once, or a zip of them, such as a zipped DICOM folder."
)
PRIVACY = "Films stay in this session's memory: none is stored, logged or given an address."
READ_PAGE = "pages/1_Read.py"
_UPLOADER = "worklist_uploader"
_NAMES = "worklist_names"
_MEGABYTES = worklist.MAX_HELD_BYTES // 2**20


def welcome() -> None:
    """The page before there are films."""
    with st.container(key="welcome", width=640):
        st.header("Read many films", anchor=False)
        _uploader()


def films(analyzer: Analyzer, films: Worklist) -> None:
    """The list with its controls; while films wait, some are read after each drawing of it.

    Streamlit clears away what is stale only at the end of a run, which does not come until all is
    read. So each drawing fills the same places, with nothing where there is nothing.
    """
    if films.leaving:
        films.leaving = False
        st.switch_page(READ_PAGE)
    films.read_with(analyzer)
    st.empty()  # takes the welcome's place
    _controls(films)
    _progress(films)
    _notes(films)
    film_list(films)
    if films.running:
        films.advance(analyzer, seconds=SLICE if films.rows else FIRST_SLICE)
        st.empty()  # a click that came meanwhile is heard here; st.rerun would lose a page switch
        st.rerun()


def _uploader() -> None:
    key = f"{_UPLOADER}_{st.session_state.get(_UPLOADER, 0)}"
    st.file_uploader(
        "Radiographs, or a zip",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(key,),
    )
    st.caption(f"{ACCEPTED} {FRONTAL_ONLY}")
    st.toggle(
        "Keep file names",
        key=_NAMES,
        persist_state="session",
        on_change=_forget_names,
        help="Names may tell patients. Off, films have a number only. "
        "On, the names of films added from then on stand in the list and in the CSV.",
    )
    st.caption(PRIVACY)


def _take(key: str) -> None:
    uploads = st.session_state.get(key) or []
    worklist.take_uploads(uploads, keep_names=bool(st.session_state.get(_NAMES)))
    st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1  # an empty one


def _forget_names() -> None:
    if not st.session_state.get(_NAMES):
        worklist.current().forget_names()


def _controls(films: Worklist) -> None:
    words = words_on(films)  # now: a download is made outside the session
    with st.container(key="worklist_controls", horizontal=True, vertical_alignment="center"):
        with st.popover("Add films", icon=":material/upload_file:", width="content"):
            _uploader()
        films.shown = st.segmented_control(
            "Show", FILTERS, default=films.shown, required=True, key="worklist_filter",
            label_visibility="collapsed", persist_state="session",
            on_change=_first_page, args=(films,),
        )  # fmt: skip
        st.download_button(
            "CSV of all",
            data=lambda: worklist_csv(films, words),
            file_name=RESULTS_FILE,
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        st.button("Clear", key="worklist_clear", on_click=worklist.clear)


def _first_page(films: Worklist) -> None:
    films.page = 0


def _progress(films: Worklist) -> None:
    """A bar that stays at the window's lower edge, so that no row moves when it goes."""
    done, total = len(films.rows), len(films.sources)
    if done < total:
        with st.container(key="progress", horizontal=True, vertical_alignment="center"):
            if films.running:
                left = time_left(films.seconds_left())
                text = f"Read {done} of {total} films" + (f", {left}" if left else "")
                st.progress(done / total, text=f"{text}. It goes on while this page is open.")
                st.button("Cancel", key="worklist_cancel", on_click=films.cancel)
            else:
                st.markdown(f"Cancelled after {done} of {total} films.", width="content")
                st.button("Go on", key="worklist_go_on", on_click=films.go_on)
    else:
        st.empty()


def _notes(films: Worklist) -> None:
    if films.left_out:
        noun = "file was" if films.left_out == 1 else "files were"
        quiet(f"{films.left_out} {noun} left out of the zip: hidden, or a table of contents.")
    else:
        st.empty()
    if films.not_taken:
        st.warning(
            f"Files not added: {films.not_taken}. The worklist holds {_MEGABYTES} MB at most. "
            "Clear it for others, or read many films on the command line."
        )
    else:
        st.empty()
