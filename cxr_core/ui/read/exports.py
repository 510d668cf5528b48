"""Taking a result along: the report, the picture, the numbers, and the picture for an archive."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast

import streamlit as st

from cxr_core.export.identity import WORDS, file_identity, whose_study
from cxr_core.export.pdf import record_pdf
from cxr_core.export.png import overlay_png
from cxr_core.export.record import MAX_REFERENCE_LENGTH, Assessment, Record
from cxr_core.export.results_csv import record_row, rows_to_csv
from cxr_core.export.secondary_capture import patient_study_error, secondary_capture
from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.assessment import assessment_of
from cxr_core.ui.audit_trail import ExportKind
from cxr_core.ui.foreign import as_text
from cxr_core.ui.model import current_model_facts
from cxr_core.ui.prevalence import display_values, site_prevalence
from cxr_core.ui.prior import is_prior_stopped, prior_analysis
from cxr_core.ui.read.cautions import caution_sentences
from cxr_core.ui.read.stability import borderline_sentence
from cxr_core.ui.shell import (
    caption,
    download_button,
    guarded_fragment,
    report_errors,
    show_error,
)

# Constant names: a file name must tell neither film nor patient.
REPORT_FILE, OVERLAY_FILE = "cxr_report.pdf", "cxr_overlay.png"
RESULT_FILE, DICOM_FILE = "cxr_result.csv", "cxr_overlay.dcm"
STRUCTURED_REPORT_FILE = "cxr_structured_report.dcm"
NEW_STUDY_NOTE = (
    "Each file goes into a new study under a random pseudonym. Text burned into the film stays "
    "in the overlay."
)
PATIENT_STUDY_NOTE = (
    "The files will carry the patient's name, ID and study. In an archive they appear beside the "
    "patient's films as new series."
)
NO_IDENTITY_NOTE = "The film's file names neither patient nor study, so there is nothing to print."


# What the page shows of a film, gathered for an export.


def build_record(analysis: Analysis) -> Record:
    """The reading as it stands on the page, with the reader's own word and prevalence."""
    assessments, note = assessment_of(analysis)
    site = site_prevalence()
    shown = {key: display_values(analysis, key) for key in KEYS if key in site}
    cautions = caution_sentences(analysis, film_note=state.film_note())
    sentences = (borderline_sentence(analysis), *cautions)
    key = state.selected_finding(analysis)
    return Record(
        analysis=analysis,
        shown_finding=key,
        style=state.map_style(),
        created=datetime.now().astimezone(),
        cautions=tuple(sentence for sentence in sentences if sentence),
        film_note=state.film_note(),
        read_anyway=state.read_anyway(),
        assessments={key: cast(Assessment, word) for key, word in assessments.items() if word},
        note=note,
        facts=current_model_facts(),
        map_requested=state.map_requested(key),
        prior=None if is_prior_stopped() else prior_analysis(),
        site_prevalence=dict(site),
        at_site_prevalence={
            key: (numbers.probability, numbers.cut_off) for key, numbers in shown.items()
        },
    )


@guarded_fragment
def export_panel(record: Record, data: bytes) -> None:
    """The downloads of one reading. Nothing is made, and nothing lies on the server, before one
    is asked for; the time of that, and the reference line, are added to it then.

    Args:
        record: the reading as the page shows it; its ``created`` and ``reference`` are replaced.
        data: the film's bytes, for the DICOM.
    """
    with report_errors():
        _panel(record, data)


def _panel(record: Record, data: bytes) -> None:
    film = record.analysis.image_sha256
    is_dicom = record.analysis.radiograph.file_format == "DICOM"
    reference = _reference_line(film)
    identity = _identity_to_print(film, data) if is_dicom else ()

    def now() -> Record:
        return replace(record, reference=reference, created=datetime.now().astimezone())

    def report() -> bytes:
        return record_pdf(replace(now(), identity=identity))

    button = partial(_button, record.analysis)
    with st.container(horizontal=True, gap="small"):
        # The label says what is in it, so that what is clicked is what is made.
        named = " with patient" if identity else ""
        button(
            f"Report (PDF{named})", report, REPORT_FILE, "application/pdf",
            kind="report_pdf_with_patient" if identity else "report_pdf",
        )  # fmt: skip
        button(
            "Overlay (PNG)", lambda: overlay_png(now()), OVERLAY_FILE, "image/png",
            kind="overlay_png",
        )  # fmt: skip
        button(
            "Result (CSV)", lambda: rows_to_csv([record_row(now())]), RESULT_FILE, "text/csv",
            kind="result_csv",
        )  # fmt: skip
    if is_dicom:
        whose = as_text(whose_study(data)) or "the file does not say whose"
        in_patient_study = st.checkbox(
            f"Export the DICOM files into this patient's own study ({whose})",
            key=f"export_own_{film}",
        )
        caption(PATIENT_STUDY_NOTE if in_patient_study else NEW_STUDY_NOTE)
        refusal = patient_study_error(data) if in_patient_study else None
        if refusal is not None:
            show_error(refusal)
            return
        # The label says which study, so that what is clicked is what is made.
        study = "this patient" if in_patient_study else "new study"
        with st.container(horizontal=True, gap="small"):
            button(
                f"Overlay (DICOM, {study})",
                lambda: secondary_capture(now(), data, in_patient_study=in_patient_study),
                DICOM_FILE,
                "application/dicom",
                kind="overlay_dicom_patient_study"
                if in_patient_study
                else "overlay_dicom_new_study",
            )
            button(
                f"Structured report (DICOM, {study})",
                partial(_structured_report, now, data, in_patient_study),
                STRUCTURED_REPORT_FILE,
                "application/dicom",
                kind="structured_report_patient_study"
                if in_patient_study
                else "structured_report_new_study",
            )


def _structured_report(now: Callable[[], Record], data: bytes, in_patient_study: bool) -> bytes:
    # Slow to load, and most films are read without it.
    from cxr_core.export.structured_report import structured_report

    return structured_report(now(), data, in_patient_study=in_patient_study)


def _identity_to_print(film: str, data: bytes) -> tuple[tuple[str, str], ...]:
    """What the reader wants printed of the file's patient and study: nothing unless it is asked."""
    # Keyed by the film: the tick must not reach the next patient's report.
    wanted = st.checkbox(f"Print the patient on the PDF: {WORDS}", key=f"export_identity_{film}")
    if not wanted:
        return ()
    found = file_identity(data)
    if not found:
        caption(NO_IDENTITY_NOTE)
        return ()
    told = "; ".join(f"{name}: {value}" for name, value in found)
    caption(f"The report will carry, as the film's file has it: {told}. The other exports do not.")
    return found


def _reference_line(film: str) -> str:
    """The line that the reader set for this film.

    A form, which is taken over when it is sent and not when the field is left: leaving it by a
    click on a download would make the file with the line as it was before.
    """
    # Keyed by the film, as is the tick: neither may reach the next patient's export.
    with (
        st.form(f"export_form_{film}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        line = st.text_input(
            "Reference line (optional; do not type a patient's name unless you mean to)",
            max_chars=MAX_REFERENCE_LENGTH,
            key=f"export_reference_{film}",
        ).strip()
        st.form_submit_button("Apply")
    caption(f"Reference in the report and the CSV: {line}" if line else "No reference line.")
    return line


def _button(
    analysis: Analysis,
    label: str,
    make: Callable[[], bytes],
    file_name: str,
    mime: str,
    *,
    kind: ExportKind,
) -> None:
    again = "Read the film again; if it happens again, report this code."
    film = (analysis.image_sha256, analysis.model_sha256)
    download_button(
        label, make, file_name=file_name, mime=mime, key=f"export_{label}", on_failure=again,
        kind=kind, films=lambda: [film],
    )  # fmt: skip
