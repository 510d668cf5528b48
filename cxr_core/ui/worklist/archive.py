"""Films of the site's archive on the Worklist: found by patient ID or name, accession number or
date, and their reports sent back (docs/dicomweb.md).

Nothing of a film is kept beside its row: it is fetched when it is read, when it is opened in Read
and when its report is made, each time from the archive.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape

import streamlit as st

from cxr_core.access.roles import Visitor
from cxr_core.audit.entry import Event
from cxr_core.errors import ArchiveError, CXRError, ExportError, ImageError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.record import plain_record
from cxr_core.export.results_csv import STATUS_READ, STATUS_STOPPED
from cxr_core.export.secondary_capture import result_uids
from cxr_core.node.dicomweb import DicomWeb
from cxr_core.node.dicomweb_query import Instance, Query, Study
from cxr_core.node.dicomweb_settings import ArchiveSettings
from cxr_core.reading.analyzer import Analyzer, at_setting
from cxr_core.ui import state
from cxr_core.ui.audit_trail import record_archive, record_export
from cxr_core.ui.foreign import as_text
from cxr_core.ui.model import current_model_facts
from cxr_core.ui.shell import caption, show_error
from cxr_core.ui.sign_in import is_local_page, require_still, require_visitor, visit_word
from cxr_core.ui.turns import reading_turn
from cxr_core.ui.worklist.rows import FilmRow
from cxr_core.ui.worklist.session import Worklist

NOTE = (
    "Its films are fetched when they are read or opened, and are not kept: the list holds their "
    "results alone."
)
NO_FILMS = "The chosen studies hold no further chest film (CR or DX)."
_FOUND, _CUT = "archive_found", "archive_studies_cut"


@dataclass(frozen=True)
class _Found:
    """What a search gave, and which search of the session it was."""

    studies: list[Study]
    more: bool
    number: int


def site_archive() -> DicomWeb | None:
    """The archive, where one is set up and whoever is looking at the page may use it: somebody who
    has signed in and has the role for it, or sits at the machine that serves.

    Raises:
        ConfigError: it is set up wrongly.
        AccessError: nobody is let in.
    """
    settings = ArchiveSettings.from_environment()
    if settings is None:
        return None
    visitor = require_visitor()
    is_known = bool(visitor.sign_in) or is_local_page()
    return DicomWeb(settings) if is_known and visitor.role >= settings.role else None


# Finding films.


def archive_fields(films: Worklist) -> None:
    """The fields of a search, and what it found; nothing where there is no archive to use."""
    try:
        web = site_archive()
        if web is None:
            return
        st.html(f"<h2>From {escape(web.settings.name)}</h2>")
        _search(web)
        found: _Found | None = st.session_state.get(_FOUND)
        if found is not None:
            _choose(web, films, found)
        if cut := st.session_state.get(_CUT):
            which = "1 study has" if cut == 1 else f"{cut} studies have"
            caption(f"{which} more than was looked through; not all chest films were added.")
        caption(NOTE)
    except CXRError as error:
        show_error(error)


def _search(web: DicomWeb) -> None:
    with st.form("archive_search", border=False):
        # No browser is to offer the next reader what this one typed.
        field = partial(st.text_input, max_chars=64, autocomplete="off")
        with st.container(horizontal=True):
            patient = field("Patient ID", key="archive_patient")
            name = field("Patient name", key="archive_name", placeholder="Family, given")
            accession = field("Accession number", key="archive_accession")
        with st.container(horizontal=True):
            first = st.date_input("From", value=None, key="archive_first")
            last = st.date_input("To", value=None, key="archive_last")
        if not st.form_submit_button("Search", icon=":material/search:"):
            return
    before: _Found | None = st.session_state.pop(_FOUND, None)
    st.session_state.pop(_CUT, None)
    query = Query(patient, name, accession, first, last)
    record_archive(
        Event.ARCHIVE_QUERIED,
        require_visitor(),
        visit_word(),
        by_patient=bool(patient.strip()),
        by_name=bool(name.strip()),
        by_accession=bool(accession.strip()),
        by_date=first is not None or last is not None,
    )
    with st.spinner("Searching …"):
        studies, more = web.find_studies(query)
    number = before.number + 1 if before else 1
    st.session_state[_FOUND] = _Found(studies, more, number)


def _choose(web: DicomWeb, films: Worklist, found: _Found) -> None:
    if not found.studies:
        caption("No study with a chest film (CR or DX) fits.")
        if found.more:
            caption("But the archive has more than it answered; give a narrower search.")
        return
    with st.form(f"archive_choice_{found.number}", border=False):
        chosen = [
            study
            for place, study in enumerate(found.studies)
            if st.checkbox(as_text(_words(study)), key=f"archive_{found.number}_{place}")
        ]
        with st.container(horizontal=True):
            some = st.form_submit_button("Add the chosen")
            everything = st.form_submit_button(f"Add all {len(found.studies)}")
    if found.more:
        caption(f"More than {len(found.studies)} studies fit; give a narrower search.")
    if some or everything:
        _add(web, films, found.studies if everything else chosen)


def _day(study: Study) -> str:
    day = study.day
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else day


def _words(study: Study) -> str:
    parts = (
        study.patient_id,
        study.patient_name,
        _day(study),
        study.description,
        study.accession,
    )
    return ", ".join(part for part in parts if part) or "a study without a word"


def _add(web: DicomWeb, films: Worklist, studies: list[Study]) -> None:
    visitor, visit = require_visitor(), visit_word()
    known = {film.uid for film in films.archived.values()}
    wanted: dict[Instance, str] = {}
    st.session_state[_CUT] = 0
    with st.spinner("Adding …"):
        for study in studies:
            held, more = web.films_of(study.uid)
            st.session_state[_CUT] += more
            for place, film in enumerate(held, start=1):
                if film.uid not in known:
                    wanted[film] = f"{study.patient_id} {_day(study)} {place}".strip()
    if not wanted:
        caption(NO_FILMS)
        return
    films.add_archived(
        {
            film: (name, partial(fetch_film, web, film, visitor, visit))
            for film, name in wanted.items()
        }
    )
    st.session_state.pop(_FOUND)
    st.rerun()


def fetch_film(web: DicomWeb, film: Instance, visitor: Visitor, visit: str) -> bytes:
    """A film's file, for whoever added it to a list; may be called without a session.

    Raises:
        AccessError: their sign-in has ended.
        ArchiveError: it cannot be had.
        AuditError: it cannot be logged.
    """
    require_still(visitor)
    data = web.fetch(film)
    image = hashlib.sha256(data).hexdigest()
    record_archive(Event.FILM_FETCHED, visitor, visit, image=image)
    return data


# Sending reports.


def send_reports(films: Worklist, analyzer: Analyzer) -> None:
    """A popover that sends the reports of the archive's films back, each once for each reading."""
    try:
        web = site_archive() if films.archived else None
    except CXRError:  # told where films are added
        web = None
    if web is None:
        st.empty()
        return
    setting, facts = state.setting(), current_model_facts()
    due = [row for row in films.rows.values() if _is_due(films, row, setting)]
    stopped = sum(
        row.status == STATUS_STOPPED for n, row in films.rows.items() if n in films.archived
    )
    name = web.settings.name
    with st.popover("Send reports", icon=":material/send:", width="content"):
        caption(
            f"Structured reports of films of {name}, into the patients' own studies. Every reader "
            "of the archive will see them. They say that they are a research model's output."
        )
        if stopped:
            verb = "film gets" if stopped == 1 else "films get"
            caption(f"{stopped} stopped {verb} no report.")
        if films.sent:
            caption(f"{len(films.sent)} sent.")
        if not due:
            caption("Nothing more to send." if films.sent else "Nothing to send yet.")
        elif st.button(f"Send {len(due)} now", key="archive_send"):
            try:
                _send(web, films, analyzer, due, partial(_report, setting, facts))
            except CXRError as error:  # of the archive or the log: the others would fare alike
                show_error(error)


def _reading_of(row: FilmRow, setting: Setting) -> tuple[str, ...]:
    """What tells one reading of a film from another."""
    cells = row.csv_row
    told = (cells["image_sha256"], cells["model_sha256"], row.correction or "", setting)
    return (*told, "anyway" * row.read_anyway)


def _is_due(films: Worklist, row: FilmRow, setting: Setting) -> bool:
    return (
        row.number in films.archived
        and row.status == STATUS_READ
        and films.sent.get(row.number) != _reading_of(row, setting)
    )


Report = tuple[str, bytes]  # SOP Instance UID, and the file


def _report(
    setting: Setting, facts: ModelFacts, analyzer: Analyzer, row: FilmRow, data: bytes
) -> tuple[tuple[str, ...], Report]:
    """The report of a film as the list has it; its reading is made anew, since a row keeps none."""
    from cxr_core.export.structured_report import structured_report

    with reading_turn():
        analysis = at_setting(analyzer.analyze(data, correction=row.correction), setting)
    if analysis.image_sha256 != row.csv_row["image_sha256"]:
        raise ArchiveError(
            "The archive's film is another than was read",
            value=f"film {row.number}",
            remedy="Clear the list and add the study again.",
        )
    uids = result_uids(analysis, "sr", read_anyway=row.read_anyway)
    record = plain_record(analysis, facts, read_anyway=row.read_anyway)
    report = structured_report(record, data, in_patient_study=True, uids=uids)
    return _reading_of(row, setting), (uids.instance, report)


def _send(
    web: DicomWeb,
    films: Worklist,
    analyzer: Analyzer,
    due: list[FilmRow],
    make: Callable[[Analyzer, FilmRow, bytes], tuple[tuple[str, ...], Report]],
) -> None:
    visitor, visit, place, all_made = require_visitor(), visit_word(), st.empty(), True
    for done, row in enumerate(due):
        place.progress(done / len(due), text=f"Sent {done} of {len(due)} reports.")
        film = films.archived[row.number]
        try:
            data = films.sources[row.number].load()
            reading, (uid, report) = make(analyzer, row, data)
        except (ExportError, ImageError) as error:  # of this film alone
            st.warning(as_text(f"Film {row.number}: {error}"))
            all_made = False
            continue
        image, model = row.csv_row["image_sha256"], row.csv_row["model_sha256"]
        record_export("structured_report_archive", visitor, visit, [(image, model)])
        web.store(film.study, uid, report)
        record_archive(Event.RESULT_SENT, visitor, visit, image=image, model=model)
        films.sent[row.number] = reading
    place.caption("The others were sent.")
    if all_made:
        st.rerun()  # which counts them
