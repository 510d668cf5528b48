"""Taking a result along: the report, the picture, the numbers, and the picture for an archive."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

import streamlit as st

from cxr_core.export.pdf import record_pdf
from cxr_core.export.png import overlay_png
from cxr_core.export.record import LONGEST_REFERENCE, Record, Verdict
from cxr_core.export.results_csv import record_row, rows_to_csv
from cxr_core.export.secondary_capture import secondary_capture, study_refusal
from cxr_core.findings import KEYS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui import state
from cxr_core.ui.assessment import word_of
from cxr_core.ui.prevalence import displayed, site_prevalence
from cxr_core.ui.read.cautions import caution_sentences
from cxr_core.ui.read.stability import borderline_sentence
from cxr_core.ui.shell import guard, offer, quiet, show_error

# Constant names: a file name must tell neither film nor patient.
REPORT_FILE, PICTURE_FILE = "cxr_report.pdf", "cxr_overlay.png"
RESULT_FILE, ARCHIVE_FILE = "cxr_result.csv", "cxr_overlay.dcm"
NEW_STUDY = (
    "The overlay goes into a new study under a random pseudonym. Text that is burned into the film "
    "itself stays in the picture."
)
OWN_STUDY = (
    "The file will carry the patient's name, number and study. Sent to an archive, it appears "
    "beside the patient's films as a new series."
)


# What the page shows of a film, gathered for an export.


def record_of(analysis: Analysis) -> Record:
    """The reading as it stands on the page, with the reader's own word and prevalence."""
    words, note = word_of(analysis)
    site = site_prevalence()
    shown = {key: displayed(analysis, key) for key in KEYS if key in site}
    cautions = caution_sentences(analysis, film_note=state.film_note())
    said = (borderline_sentence(analysis), *cautions)
    return Record(
        analysis=analysis,
        shown=state.shown_finding(analysis),
        style=state.map_style(),
        created=datetime.now().astimezone(),
        cautions=tuple(sentence for sentence in said if sentence),
        film_note=state.film_note(),
        read_anyway=state.read_anyway(),
        verdicts={key: cast(Verdict, word) for key, word in words.items() if word},
        note=note,
        site_prevalence=dict(site),
        rebased={key: (numbers.probability, numbers.cut_off) for key, numbers in shown.items()},
    )


@st.fragment
def export_panel(record: Record, data: bytes) -> None:
    """The downloads of one reading. Nothing is made, and nothing lies on the server, before one
    is asked for; the time of that, and the reference line, are added to it then.

    Args:
        record: the reading as the page shows it; its ``created`` and ``reference`` are replaced.
        data: the film's bytes, for the DICOM.
    """
    with guard():
        _panel(record, data)


def _panel(record: Record, data: bytes) -> None:
    film = record.analysis.image_sha256
    reference = _reference_line(film)

    def now() -> Record:
        return replace(record, reference=reference, created=datetime.now().astimezone())

    with st.container(horizontal=True, gap="small"):
        _button("Report (PDF)", lambda: record_pdf(now()), REPORT_FILE, "application/pdf")
        _button("Overlay (PNG)", lambda: overlay_png(now()), PICTURE_FILE, "image/png")
        _button("Result (CSV)", lambda: rows_to_csv([record_row(now())]), RESULT_FILE, "text/csv")
    if record.analysis.radiograph.kind == "DICOM":
        own = st.checkbox(
            "Put the DICOM overlay into this patient's own study", key=f"export_own_{film}"
        )
        quiet(OWN_STUDY if own else NEW_STUDY)
        refusal = study_refusal(data) if own else None
        if refusal is not None:
            show_error(refusal)
            return
        # The label says which study, so that what is clicked is what is made.
        _button(
            f"Overlay (DICOM, {'this patient' if own else 'new study'})",
            lambda: secondary_capture(now(), data, patients_study=own),
            ARCHIVE_FILE,
            "application/dicom",
        )


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
            max_chars=LONGEST_REFERENCE,
            key=f"export_reference_{film}",
        ).strip()
        st.form_submit_button("Set the line")
    quiet(f"Report and result will say: {line}" if line else "No reference line is set.")
    return line


def _button(label: str, make: Callable[[], bytes], file_name: str, mime: str) -> None:
    again = "Read the film again; if it happens again, report this word."
    offer(label, make, file_name=file_name, mime=mime, key=f"export_{label}", again=again)
