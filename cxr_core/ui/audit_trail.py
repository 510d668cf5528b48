"""What the pages write to the audit log, if there is one: once, and before it takes effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from cxr_core.access.roles import Visitor
from cxr_core.audit.entry import Entry, Event, film_entries
from cxr_core.audit.log import audit_log
from cxr_core.ui.sign_in import SignIns, require_visitor, visit_word

if TYPE_CHECKING:  # PyTorch takes seconds, and the pages without a film do not need it
    from cxr_core.reading.analyzer import Analysis

Place = Literal["read", "prior", "worklist", "errors"]
ExportKind = Literal[
    "report_pdf", "report_pdf_with_patient", "overlay_png", "result_csv", "overlay_dicom_new_study",
    "overlay_dicom_patient_study", "structured_report_new_study",
    "structured_report_patient_study", "structured_report_archive", "worklist_csv", "metrics",
    "chart",
]  # fmt: skip
_SHOWN = "audit_shown"
_SERVER = "server"
# Each tab of a browser is a session of its own, with the same cookie; it is one sign-in.
_TOLD = {event: SignIns() for event in Event}


def record_read(analyses: Iterable[Analysis], place: Place) -> None:
    """That films were read; before their results are kept or shown.

    Raises:
        AuditError: it cannot be logged.
    """
    if (log := audit_log()) is None:
        return
    entries: list[Entry] = []
    for analysis in analyses:
        corrected = () if analysis.correction is None else (Event.CORRECTED,)
        entries += _of_film((*corrected, Event.FILM_READ), analysis, place=place)
    log.record(entries)


def record_shown(
    analysis: Analysis, place: Place, *, with_result: bool, read_anyway: bool = False
) -> None:
    """That a film is on screen, alone or with its result, and whether the gate was overridden; once
    for as long as it stays so.

    Raises:
        AuditError: it cannot be logged.
    """
    if (log := audit_log()) is None:
        return
    shown = (
        analysis.image_sha256, analysis.model_sha256, analysis.correction, analysis.setting,
        with_result, read_anyway,
    )  # fmt: skip
    last: dict[str, tuple[object, ...]] = st.session_state.setdefault(_SHOWN, {})
    if last.get(place) == shown:
        return
    entries: list[Entry] = []
    if read_anyway and not (last.get(place, ())[:3] == shown[:3] and last[place][-1]):
        entries += _of_film((Event.READ_ANYWAY,), analysis, place=place)
    entries += _of_film((Event.FILM_SHOWN,), analysis, place=place, with_result=with_result)
    log.record(entries)
    last[place] = shown


def record_export(
    kind: ExportKind, visitor: Visitor, visit: str, films: Sequence[tuple[str, str]]
) -> None:
    """That a file was made to be taken along; called without a session.

    Args:
        films: image hash and model hash of each film in it; none for figures of a model.

    Raises:
        AuditError: it cannot be logged.
    """
    if (log := audit_log()) is not None:
        log.record(
            [
                Entry(Event.EXPORTED, visitor.subject, visit, image, model, (("kind", kind),))
                for image, model in films or [("", "")]
            ]
        )


def record_archive(
    event: Event,
    visitor: Visitor,
    visit: str,
    *,
    image: str = "",
    model: str = "",
    **details: bool,
) -> None:
    """That an archive was asked, a film fetched from it, or a report kept by it; called without a
    session.

    Raises:
        AuditError: it cannot be logged.
    """
    if (log := audit_log()) is not None:
        words: tuple[tuple[str, str | bool], ...] = (("place", "archive"), *details.items())
        log.record([Entry(event, visitor.subject, visit, image, model, words)])


def record_model(model_sha256: str) -> None:
    """That a model was loaded, for all sessions.

    Raises:
        AuditError: it cannot be logged.
    """
    if (log := audit_log()) is not None:
        log.record([Entry(Event.MODEL_LOADED, _SERVER, model=model_sha256)])


def record_sign_in(event: Event, visitor: Visitor) -> None:
    """That somebody signed in or out, or was not let in; each once a sign-in.

    Raises:
        AuditError: it cannot be logged.
    """
    log = audit_log()
    if log is None or not visitor.sign_in or _TOLD[event].holds(visitor.sign_in):
        return
    details = (("role", visitor.role.word),) if event is Event.SIGNED_IN else ()
    log.record([Entry(event, visitor.subject, visit_word(), details=details)])
    _TOLD[event].add(visitor)


def _of_film(events: Sequence[Event], analysis: Analysis, **details: str | bool) -> list[Entry]:
    return film_entries(
        *events,
        who=require_visitor().subject,
        session=visit_word(),
        image=analysis.image_sha256,
        model=analysis.model_sha256,
        correction=analysis.correction,
        **details,
    )
