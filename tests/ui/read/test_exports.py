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

NEW, OWN = "Overlay (DICOM, new study)", "Overlay (DICOM, this patient)"
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


def result(offered: Offered) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(offered["Result (CSV)"]().decode()))
    return row


def test_a_png_film_offers_three_files_whose_names_tell_nothing(offered):
    app = open_panel(None)
    assert not app.exception
    assert offered.names == EVERYWHERE
    starts = {"Report (PDF)": b"%PDF", "Overlay (PNG)": b"\x89PNG", "Result (CSV)": b"row,file,"}
    for label, start in starts.items():
        assert offered[label]().startswith(start)
    assert not app.checkbox


def test_a_dicom_film_goes_into_its_patients_study_only_when_ticked(offered):
    app = open_panel(patient_dicom())
    assert offered.names == EVERYWHERE | {NEW: "cxr_overlay.dcm"}
    made = pydicom.dcmread(io.BytesIO(offered[NEW]()))
    assert made.PatientID.startswith("RESEARCH-")
    assert result(offered)["reference"] == ""

    offered.clear()
    app.text_input[0].set_value(" Ward B ")
    app.button[0].click().run()
    assert result(offered)["reference"] == "Ward B"
    assert any("will say: Ward B" in block.proto.body for block in app.get("html"))

    offered.clear()
    app.checkbox[0].check().run()
    assert set(offered) == {*EVERYWHERE, OWN}
    assert any("name, number and study" in block.proto.body for block in app.get("html"))
    made = pydicom.dcmread(io.BytesIO(offered[OWN]()))
    assert made.PatientID == PATIENT["PatientID"]


def test_a_film_that_names_no_patient_says_so_instead_of_a_button(offered):
    app = open_panel(patient_dicom(PatientID=None))
    offered.clear()
    app.checkbox[0].check().run()
    assert set(offered) == set(EVERYWHERE)
    assert "no valid Patient ID" in app.error[0].value


def test_an_unforeseen_failure_quotes_nothing_of_the_film():
    def fail() -> bytes:
        raise ValueError("Doe^Jane")

    with pytest.raises(ExportError) as caught:
        downloads._make_file(fail, "Try again.")
    assert "ValueError" in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert caught.value.__suppress_context__
