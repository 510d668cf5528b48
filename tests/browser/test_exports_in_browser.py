"""A DICOM film read, said a word on, and taken along in every form; each file is read back."""

import csv
import io
from pathlib import Path

import pydicom
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.helpers.browser import download, press, serious_violations, upload
from tests.helpers.dicom_files import STUDY_UID, dciodvfy_errors, patient_dicom, read_dicom
from tests.helpers.pdf import read_pdf

NOTE = "Seen with the ward round."


def test_every_export_is_downloaded_and_read_back(
    page: Page, app_url: str, server_log: Path, tmp_path: Path, dciodvfy: str
) -> None:
    film = patient_dicom()
    page.goto(f"{app_url}/Read")
    payload: FilePayload = {"name": "MUELLER.dcm", "mimeType": "", "buffer": film}
    upload(page, payload)
    press(page, page.get_by_text("Your reading", exact=True))
    page.get_by_role("radiogroup", name="Your reading of Effusion").get_by_text(
        "absent", exact=True
    ).click()
    page.get_by_label("Note on this film").fill(NOTE)
    page.get_by_label("Note on this film").press("Control+Enter")
    press(page, page.get_by_text("Export", exact=True))
    page.get_by_label("Reference line").fill("Case 12")
    press(page, page.get_by_role("button", name="Apply"))
    expect(page.get_by_text("Reference in the report and the CSV: Case 12")).to_be_visible()
    press(page, page.get_by_text("Details", exact=True))
    page.get_by_role("button", name="Check stability").wait_for()
    assert serious_violations(page) == []

    result = download(page, "Result (CSV)", tmp_path)
    (row,) = csv.DictReader(io.StringIO(result.read_text()))
    assert result.name == "cxr_result.csv"
    assert (row["assessment_effusion"], row["assessment_atelectasis"]) == ("absent", "")
    assert (row["note"], row["reference"], row["file"]) == (NOTE, "Case 12", "")

    taken = download(page, "Report (PDF)", tmp_path)
    report = read_pdf(taken.read_bytes())
    assert (taken.name, report.pages) == ("cxr_report.pdf", 1)
    for said in ("Research model output", "Case 12", NOTE, "absent", row["image_sha256"][:16]):
        assert said in report.text
    assert "4711" not in report.text

    overlay = download(page, "Overlay (PNG)", tmp_path)
    picture = Image.open(io.BytesIO(overlay.read_bytes()))
    stored = pydicom.dcmread(io.BytesIO(film))
    assert overlay.name == "cxr_overlay.png"
    assert picture.width >= stored.Columns
    assert picture.height > stored.Rows  # the scale and its words stand below the film

    archived = download(page, "Overlay (DICOM, new study)", tmp_path)
    assert archived.name == "cxr_overlay.dcm"
    assert dciodvfy_errors(dciodvfy, archived.read_bytes(), tmp_path) == []
    assert read_dicom(archived.read_bytes()).StudyInstanceUID != STUDY_UID
    press(page, page.get_by_text("Export the DICOM files into this patient's own study"))
    archived = download(page, "Overlay (DICOM, this patient)", tmp_path)
    assert read_dicom(archived.read_bytes()).StudyInstanceUID == STUDY_UID
    assert "MUELLER" not in server_log.read_text(errors="replace")
