"""The Worklist page's pieces: adding films, progress, and the list."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxr_core.evaluation.cutoffs import Setting, cutoffs_of_model
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.results_csv import STATUS_FAILED, rows_to_csv, waiting_row, worth_cells
from cxr_core.findings import ABNORMAL_KEYS, LABELS, NORMAL_KEY
from cxr_core.reading.analyzer import Analyzer
from cxr_core.ui import state
from cxr_core.ui.assessment import assessment_cells
from cxr_core.ui.film_view import session_mark, session_note
from cxr_core.ui.foreign import as_text
from cxr_core.ui.model import current_model_facts, shared_analyzer
from cxr_core.ui.places import use_place
from cxr_core.ui.prevalence import site_prevalence
from cxr_core.ui.setting import sensitive_toggle
from cxr_core.ui.shell import caption, download_button, guarded_fragment, report_errors
from cxr_core.ui.turns import ahead_sentence
from cxr_core.ui.uploads import file_field
from cxr_core.ui.words import FRONTAL_ONLY, time_left
from cxr_core.ui.worklist import session as worklist
from cxr_core.ui.worklist.archive import archive_fields, send_reports
from cxr_core.ui.worklist.handover import list_ticket, may_ask, take_over
from cxr_core.ui.worklist.rows import FILTERS, FilmRow, row_html
from cxr_core.ui.worklist.session import Worklist

ROWS_PER_PAGE = 25
*_FIRST_LABELS, _LAST_LABEL = (LABELS[key] for key in ABNORMAL_KEYS)
ORDER_SENTENCE = (
    "Order: stopped or unreadable films, then by the largest distance above the cut-off (log-odds) "
    f"of {', '.join(_FIRST_LABELS)} or {_LAST_LABEL}. "
    f"{LABELS[NORMAL_KEY]} does not affect the order."
)
NOT_AT_SITE_PREVALENCE = "These probabilities do not use your prevalence; only the Read page does."
WORKLIST_PAGE = "pages/2_Worklist.py"
RESULTS_FILE = "cxr_results.csv"
Cells = dict[str, str]
# Seconds of reading between two drawings of the list; the first films come at once.
FIRST_SLICE_SECONDS, SLICE_SECONDS = 0.5, 2.0
# While a film is open in Read: short slices, so that the reader's clicks are heard.
READ_ON_SECONDS, READ_ON_EVERY = 0.5, 1.0
ACCEPTED_FILES = (
    "PNG, JPEG, TIFF or DICOM, several at once, or a zip of them, such as a zipped DICOM folder."
)
PRIVACY = (
    "Films stay in this session's memory: none is stored, logged or given an address. The list "
    "outlives a reload of this page, if the tab comes back within half a minute; the film that is "
    "open in Read and your own readings do not, and nothing outlives the server or the tab."
)
READ_PAGE = "pages/1_Read.py"
_UPLOADER = "worklist_uploader"
_NAMES = "worklist_names"
_NAMES_IN_CSV = "worklist_names_in_csv"


# The list itself: a page of rows, each a button that opens its film in Read, and the way back.


def film_list(films: Worklist) -> None:
    """The rows that the filter shows, a page of them."""
    rows = films.visible_rows()
    site = f" {NOT_AT_SITE_PREVALENCE}" if site_prevalence() else ""
    caption(f"{len(rows)} of {len(films.sources)} films. {ORDER_SENTENCE}{site}")
    returned = _turn_to_returned(films, rows)
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    films.page = min(films.page, pages - 1)
    first = films.page * ROWS_PER_PAGE
    st.html('<h2 class="hidden">Films</h2>')
    facts = current_model_facts()
    with st.container(key="films", gap="xsmall"):
        for place in range(first, first + ROWS_PER_PAGE):
            if place < len(rows):
                _row(films, rows[place], place + 1, facts)
            else:
                st.empty()  # what stood here under another filter would stay while films are read
    if pages > 1:
        _pager(films, len(rows), first)
    else:
        st.empty()
    if returned is not None:
        _bring_into_view(returned)
    else:
        st.empty()


def _row(films: Worklist, row: FilmRow, place: int, facts: ModelFacts) -> None:
    with st.container(key=f"film_{row.number}"):
        st.html(
            row_html(
                row,
                place=place,
                opened=row.number in films.opened,
                show_name=films.show_names,
                facts=facts,
            )
        )
        if row.status != STATUS_FAILED:
            # A callback: whatever a drawing is interrupted by, it has been heard.
            st.button(
                f"Open film {row.number} in Read",
                key=f"open_{row.number}",
                on_click=worklist.open_film,
                args=(row.number,),
            )
        else:
            st.empty()


def _pager(films: Worklist, total: int, first: int) -> None:
    with st.container(
        key="pager", horizontal=True, vertical_alignment="center", horizontal_alignment="center"
    ):
        last = min(first + ROWS_PER_PAGE, total)
        st.button(
            "Previous page", disabled=first == 0, on_click=_turn, args=(films, -1), key="page_back"
        )
        st.markdown(f"{first + 1} to {last} of {total}", width="content")
        st.button(
            "Next page", disabled=last == total, on_click=_turn, args=(films, 1), key="page_on"
        )


def _turn(films: Worklist, pages: int) -> None:
    films.page += pages


def _turn_to_returned(films: Worklist, rows: list[FilmRow]) -> int | None:
    """After a film was open in Read: turn to the page it stands on; returns its number, once."""
    number, films.scroll_to = films.scroll_to, None
    numbers = [row.number for row in rows]
    if number not in numbers:
        return None
    films.page = numbers.index(number) // ROWS_PER_PAGE
    return number


def _bring_into_view(number: int) -> None:
    """Scroll to a row and give it the keyboard's focus, as soon as the browser has drawn it."""
    st.html(
        f"""<script>(() => {{
            let tries = 50;
            const timer = setInterval(() => {{
                const row = document.querySelector('.st-key-film_{number:d}');
                const button = row?.querySelector('button');
                if (button) {{
                    row.scrollIntoView({{block: 'center'}});
                    button.focus({{preventScroll: true}});
                }}
                if (button || --tries < 0) clearInterval(timer);
            }}, 100);
        }})()</script>""",
        unsafe_allow_javascript=True,
    )


def worklist_link() -> None:
    """On the Read page: the way back, where the film stands, and on to the ones beside it; nothing
    for other films. While films still wait, some are read every second, and this is drawn anew."""
    number = worklist.open_film_number()
    if number is None:
        return
    films = worklist.current_worklist()
    films.scroll_to, films.open_read_page = number, False
    worklist.update_names()
    _not_opened(films)
    if films.running:
        films.clock_runs = False
        guarded_fragment(_read_on, run_every=READ_ON_EVERY)(films, number)
    else:
        _place(films, number)


def read_on() -> None:
    """At the end of the Read page, when its film is on the screen: read one of those that wait."""
    films = worklist.current_worklist()
    if worklist.open_film_number() is not None and films.running:
        films.advance(shared_analyzer(), seconds=0)
        if not films.running:
            st.rerun()  # without the clock


def _read_on(films: Worklist, number: int) -> None:
    """The same place with what has come meanwhile; at the clock's strokes a few more are read."""
    use_place()  # a list that is being read is in use
    with report_errors():
        if films.open_read_page or films.not_opened:
            st.rerun()  # a button of this part has opened another film
        if films.running and films.clock_runs:
            films.advance(shared_analyzer(), seconds=READ_ON_SECONDS)
        films.clock_runs = True
        if not films.running:
            st.rerun()  # without the clock
        _place(films, number)


def _place(films: Worklist, number: int) -> None:
    numbers = [row.number for row in films.visible_rows() if row.status != STATUS_FAILED]
    place = numbers.index(number) if number in numbers else -1
    with st.container(key="from_worklist", horizontal=True, vertical_alignment="center"):
        of = f", {place + 1} of {len(numbers)}" if place >= 0 else ""
        still = f" · {len(films.rows)} of {len(films.sources)} read" if films.running else ""
        st.markdown(f"Film {number}{of}{still}", width="content")
        st.page_link(WORKLIST_PAGE, label="Back to the worklist", icon=":material/arrow_back:")
        for label, key, icon, other in (
            ("Previous film", "previous_film", "arrow_back", place - 1),
            ("Next film", "next_film", "arrow_forward", place + 1),
        ):
            if 0 <= other < len(numbers):
                st.button(
                    label,
                    key=key,
                    icon=f":material/{icon}:",
                    on_click=worklist.open_film,
                    args=(numbers[other],),
                )


def _not_opened(films: Worklist) -> None:
    """Why a film that was asked for is not on the page."""
    if films.not_opened:
        st.error(as_text(films.not_opened))
        films.not_opened = ""
    else:
        st.empty()


# The worklist as CSV, made when it is asked for. A file's name may name a patient, so it is there
# only when that is asked for too.


def assessments_of(films: Worklist) -> dict[int, Cells]:
    """The reader's word on each film, by number, as cells of the table."""
    tables = {number: row.csv_row for number, row in films.rows.items()}
    return {
        n: assessment_cells(
            cells["image_sha256"], cells["model_sha256"], cells["correction"] or None
        )
        for n, cells in tables.items()
    }


def worklist_csv(
    films: Worklist,
    assessments: Mapping[int, Cells] = MappingProxyType({}),
    *,
    setting: Setting = "standard",
    facts: ModelFacts | None = None,
    with_names: bool = False,
) -> bytes:
    """All films by number, whatever is shown; one that was not read yet says so.

    Args:
        assessments: the reader's, by number, from ``assessments_of``.
        setting: which cut-offs flag.
        facts: of the model that read them; nothing without it.
        with_names: whether files' names are in it.
    """
    told = facts or ModelFacts()

    def row(number: int, name: str) -> Cells:
        if number not in films.rows:
            return waiting_row(number, name)
        cells = films.rows[number].at(setting).csv_row
        return cells | worth_cells(cells, told) | assessments.get(number, {})

    nameless = {} if with_names else {"file": ""}
    return rows_to_csv(
        row(number, source.name) | nameless for number, source in films.sources.items()
    )


def welcome() -> None:
    """The page before there are films."""
    with st.container(key="welcome", width=640):
        if ticket := session_note(state.session_word(), ask=may_ask()):
            take_over(ticket)
            st.rerun()  # with the list, or with the note that it is gone
        st.header("Read many films", anchor=False)
        _uploader()
        archive_fields(worklist.current_worklist())


def worklist_panel(analyzer: Analyzer, films: Worklist) -> None:
    """The list with its controls; while films wait, some are read after each drawing of it.

    Streamlit clears away what is stale only at the end of a run, which does not come until all is
    read. So each drawing fills the same places, with nothing where there is nothing.
    """
    if films.open_read_page:
        films.open_read_page = False
        st.switch_page(READ_PAGE)
    films.set_model(analyzer)
    st.empty()  # takes the welcome's place
    session_mark(state.session_word(), list_ticket())
    _controls(films, paired=cutoffs_of_model(analyzer.metadata).paired)
    waiting = _progress(films)
    _notes(films)
    film_list(films)
    if films.running:
        films.advance(
            analyzer,
            seconds=SLICE_SECONDS if films.rows else FIRST_SLICE_SECONDS,
            on_wait=lambda ahead: waiting.caption(ahead_sentence(ahead)),
        )
        st.empty()  # a click that came meanwhile is heard here; st.rerun would lose a page switch
        st.rerun()


def _uploader() -> None:
    key = f"{_UPLOADER}_{state.session_word()}_{st.session_state.get(_UPLOADER, 0)}"
    file_field("Radiographs, or a zip", key=key, on_change=_on_upload, args=(key,), several=True)
    st.caption(f"{ACCEPTED_FILES} {FRONTAL_ONLY}")
    st.caption(PRIVACY)


def _on_upload(key: str) -> None:
    uploads = st.session_state.get(key) or []
    worklist.add_uploads(uploads)
    st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1  # an empty one


def _controls(films: Worklist, *, paired: bool) -> None:
    # Now: a download is made outside the session.
    assessments, setting, facts = assessments_of(films), state.setting(), current_model_facts()

    def export(with_names: bool) -> bytes:
        return worklist_csv(films, assessments, setting=setting, facts=facts, with_names=with_names)

    about = (facts.sentence, facts.flagged_sentence)
    if any(about):
        caption(" ".join(filter(None, about)))
    else:
        st.empty()
    # Two groups on one line, or on two where it is short: what is done with the list, how it looks.
    with st.container(key="worklist_controls", horizontal=True, vertical_alignment="center"):
        with _group("worklist_actions"):
            _actions(films, export, lambda: films_read(films))
        with _group("worklist_switches"):
            films.show_names = st.toggle(
                "File names", value=films.show_names, key=_NAMES, persist_state="session"
            )
            sensitive_toggle(facts, paired=paired)
    films.filter_name = st.segmented_control(
        "Show", FILTERS, default=films.filter_name, required=True, key="worklist_filter",
        label_visibility="collapsed", persist_state="session",
        on_change=_first_page, args=(films,),
    )  # fmt: skip


def _group(key: str) -> DeltaGenerator:
    return st.container(key=key, horizontal=True, vertical_alignment="center", width="content")


def films_read(films: Worklist) -> list[tuple[str, str]]:
    """Image hash and model hash of each film that has a result, by number."""
    rows = [row.csv_row for _, row in sorted(films.rows.items()) if row.status != STATUS_FAILED]
    return [(row["image_sha256"], row["model_sha256"]) for row in rows]


def _actions(
    films: Worklist,
    table: Callable[[bool], bytes],
    exported: Callable[[], list[tuple[str, str]]],
) -> None:
    """Add, sort, export, clear.

    Args:
        table: the whole list as CSV, with or without file names.
        exported: the films in it.
    """
    with st.popover("Add films", icon=":material/upload_file:", width="content"):
        _uploader()
        archive_fields(films)
    if films.is_sorted:
        st.empty()
    else:
        st.button(
            "Sort again",
            key="worklist_sort",
            on_click=films.sort_again,
            help="Corrected films stand where they stood before.",
        )
    with st.popover("Export", icon=":material/download:", width="content"):
        with_names = st.toggle("Include file names", key=_NAMES_IN_CSV, persist_state="session")
        caption("File names may identify patients.")
        download_button(
            "Export (CSV)",
            lambda: table(with_names),
            file_name=RESULTS_FILE,
            mime="text/csv",
            key="worklist_export",
            kind="worklist_csv",
            films=exported,
        )
    send_reports(films, shared_analyzer())
    with st.popover("Clear", width="content"):
        noun = "film" if len(films.sources) == 1 else "films"
        st.markdown(f"Remove {len(films.sources)} {noun} with their results and your readings?")
        st.button("Clear the list", key="worklist_clear", on_click=worklist.clear_worklist)


def _first_page(films: Worklist) -> None:
    films.page = 0


def _progress(films: Worklist) -> DeltaGenerator:
    """A bar that stays at the window's lower edge, so that no row moves when it goes.

    Returns:
        a place for what is to be said while other sessions' films are read.
    """
    place = st.empty()
    done, total = len(films.rows), len(films.sources)
    if done < total:
        with st.container(key="progress", horizontal=True, vertical_alignment="center"):
            if films.running:
                left = time_left(films.seconds_left())
                text = f"Read {done} of {total} films" + (f", {left}" if left else "")
                st.progress(
                    done / total, text=(f"{text}. Reading goes on here and on the Read page.")
                )
                st.button("Cancel", key="worklist_cancel", on_click=films.cancel)
            else:
                st.markdown(f"Cancelled after {done} of {total} films.", width="content")
                st.button("Continue", key="worklist_go_on", on_click=films.resume)
    else:
        st.empty()
    return place


def _notes(films: Worklist) -> None:
    _not_opened(films)
    if films.n_skipped:
        noun = "file was" if films.n_skipped == 1 else "files were"
        caption(f"{films.n_skipped} {noun} left out of the zip: system files, DICOMDIR.")
    else:
        st.empty()
    if films.n_rejected:
        st.warning(as_text(f"Files not added: {films.n_rejected}. {films.rejected_because}"))
    else:
        st.empty()
