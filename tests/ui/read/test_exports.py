"""The downloads of a reading: what is offered, and that each file is what its label says."""

import csv
import io
from collections.abc import Callable

import pydicom
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxr_core.errors import ExportError
from cxr_core.ui import shell as downloads
from tests.helpers.dicom_files import PATIENT, patient_dicom
from tests.helpers.pdf import read_pdf

NEW, OWN = "Overlay (DICOM, new study)", "Overlay (DICOM, this patient)"
NEW_REPORT = "Structured report (DICOM, new study)"
OWN_REPORT = "Structured report (DICOM, this patient)"
EVERYWHERE = {
    "Report (PDF)": "cxr_report.pdf",
    "Overlay (PNG)": "cxr_overlay.png",
    "Result (CSV)": "cxr_result.csv",
}


class Offered(dict[str, Callable[[], bytes]]):
    """What the last run offered, by label; ``names`` are the files'."""

    names: dict[str, str]

    def take(self, label: str, *, data: Callable[[], bytes], file_name: str, **_: object) -> None:
        self[label], self.names[label] = data, file_name


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Offered:
    # AppTest has no server that would run what a click asks for.
    found = Offered()
    found.names = {}
    monkeypatch.setattr(st, "download_button", found.take)
    return found


def panel(data: bytes | None) -> None:
    from cxr_core.ui.read.exports import export_panel
    from tests.helpers.records import export_analysis_of, make_record

    export_panel(make_record(export_analysis_of(data) if data else None), data or b"")


def open_panel(data: bytes | None) -> AppTest:
    return AppTest.from_function(panel, args=(data,), default_timeout=60).run()


def tick(app: AppTest, words: str) -> None:
    """Tick the one box whose label has these words."""
    (box,) = (box for box in app.checkbox if words in box.label)
    box.check().run()
    assert not app.exception


def captions(app: AppTest) -> str:
    return " ".join(block.proto.body for block in app.get("html"))


def result(offered: Offered) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(offered["Result (CSV)"]().decode()))
    return row


def test_a_png_film_offers_three_files_whose_names_tell_nothing(offered):
    app = open_panel(None)
    assert not app.exception
    assert offered.names == EVERYWHERE
    starts = {
        "Report (PDF)": b"%PDF",
        "Overlay (PNG)": b"\x89PNG",
        "Result (CSV)": b'"row","file",',
    }
    for label, start in starts.items():
        assert offered[label]().startswith(start)
    assert not app.checkbox  # the file names no patient, so there is nothing to print


def test_a_dicom_film_goes_into_its_patients_study_only_when_ticked(offered):
    app = open_panel(patient_dicom())
    assert offered.names == EVERYWHERE | {
        NEW: "cxr_overlay.dcm",
        NEW_REPORT: "cxr_structured_report.dcm",
    }
    for label, modality in ((NEW, "OT"), (NEW_REPORT, "SR")):
        made = pydicom.dcmread(io.BytesIO(offered[label]()))
        assert made.PatientID.startswith("RESEARCH-")
        assert made.Modality == modality
    assert result(offered)["reference"] == ""

    offered.clear()
    app.text_input[0].set_value(" Ward B ")
    app.button[0].click().run()
    assert result(offered)["reference"] == "Ward B"
    assert any("the report and the CSV: Ward B" in block.proto.body for block in app.get("html"))

    offered.clear()
    tick(app, "own study")
    assert set(offered) == {*EVERYWHERE, OWN, OWN_REPORT}
    assert any("name, ID and study" in block.proto.body for block in app.get("html"))
    for label in (OWN, OWN_REPORT):
        made = pydicom.dcmread(io.BytesIO(offered[label]()))
        assert made.PatientID == PATIENT["PatientID"]


def test_a_film_that_names_no_patient_says_so_instead_of_a_button(offered):
    app = open_panel(patient_dicom(PatientID=None))
    offered.clear()
    tick(app, "own study")
    assert set(offered) == set(EVERYWHERE)
    assert "no valid Patient ID" in app.error[0].value


def test_the_patient_is_printed_only_when_it_is_asked_for(offered):
    app = open_panel(patient_dicom(PatientAge="074Y"))
    (box,) = (box for box in app.checkbox if "Print the patient" in box.label)
    assert not box.value
    secrets = ("Müller", "PAT-4711", "1950-12-31", "074Y", "A0815", "2024-02-29")
    plain = read_pdf(offered["Report (PDF)"]())
    assert not any(secret in plain.text for secret in secrets)
    assert "From the film's file" not in plain.text
    assert not any(secret in captions(app) for secret in secrets)

    offered.clear()
    tick(app, "Print the patient")
    named = read_pdf(offered["Report (PDF with patient)"]())
    assert (
        "From the film's file: Patient: Müller, Jörg; ID: PAT-4711; born: 1950-12-31; age: 74 "
        "years; accession number: A0815; study date: 2024-02-29." in named.text
    )
    assert named.pages == 1
    assert "Patient: Müller, Jörg" in captions(app)
    # Neither a file's name, nor the PDF's own description, nor any other export tells it.
    assert offered.names["Report (PDF with patient)"] == "cxr_report.pdf"
    assert not any(secret in str(named.metadata) for secret in secrets)
    for label in ("Overlay (PNG)", "Result (CSV)", NEW, NEW_REPORT):
        for secret in secrets:
            assert secret.encode() not in offered[label]()


def test_a_file_without_patient_and_study_has_nothing_to_print(offered):
    nobody = dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDate")
    )
    app = open_panel(patient_dicom(**nobody))
    offered.clear()
    tick(app, "Print the patient")
    assert "Report (PDF)" in offered
    assert "names neither patient nor study" in captions(app)


def test_the_patients_own_study_names_the_patient(offered):
    app = open_panel(patient_dicom(PatientName="Doe*^[Jane](x)"))
    (box,) = (box for box in app.checkbox if "own study" in box.label)
    assert "Patient Doe*, [Jane](x); ID PAT-4711" in box.label  # no link, no bold print
    assert "accession number A0815; study date 2024-02-29" in box.label


def test_an_unforeseen_failure_quotes_nothing_of_the_film():
    def fail() -> bytes:
        raise ValueError("Doe^Jane")

    with pytest.raises(ExportError) as caught:
        downloads._make_file(fail, "Try again.", "")
    assert "ValueError" in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert caught.value.__suppress_context__
