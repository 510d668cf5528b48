"""The reading as a Structured Report: valid, legible to others, no number that nobody asked for."""

import hashlib
import html
import re
import subprocess
from dataclasses import replace

import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedSRStorage, generate_uid

from cxr_core.errors import ExportError
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.export.record import Record
from cxr_core.export.secondary_capture import ResultUids
from cxr_core.export.structured_report import structured_report
from tests.helpers.analyses import STOPPED
from tests.helpers.dicom_files import PATIENT, STUDY_UID, dciodvfy_errors, patient_dicom, read_dicom
from tests.helpers.models import make_points
from tests.helpers.records import export_analysis, export_analysis_of, make_record

PAIR = Cutoffs(make_points((0.31,) * 4), make_points((0.1, 0.1, 0.2, 0.3)))


def record_of(data: bytes, *, made: dict[str, object] | None = None, **changes: object) -> Record:
    return make_record(export_analysis_of(data, cutoffs=PAIR, **changes), **(made or {}))


def said(item: Dataset) -> tuple[str, str]:
    """The name of a content item and its value as text."""
    name = item.ConceptNameCodeSequence[0].CodeMeaning
    kind = item.ValueType
    if kind == "NUM":
        value = item.MeasuredValueSequence[0]
        return name, f"{value.NumericValue} {value.MeasurementUnitsCodeSequence[0].CodeValue}"
    if kind == "CODE":
        return name, item.ConceptCodeSequence[0].CodeMeaning
    if kind == "IMAGE":
        return name, item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    return name, str(item.get("TextValue", item.get("UID", "")))


def container(report: Dataset, name: str) -> Dataset:
    (found,) = (item for item in report.ContentSequence if said(item)[0] == name)
    return found


def groups(report: Dataset) -> dict[str, list[tuple[str, str]]]:
    """What each measurement group says, by its tracking identifier."""
    found = {}
    for group in container(report, "Imaging Measurements").ContentSequence:
        items = [said(item) for item in group.ContentSequence]
        found[dict(items)["Tracking Identifier"]] = items
    return found


def sentences(report: Dataset) -> list[tuple[str, str]]:
    return [said(item) for item in container(report, "Qualitative Evaluations").ContentSequence]


@pytest.mark.parametrize("own", [False, True], ids=["new", "own"])
def test_it_is_valid_and_others_read_what_the_model_said(dciodvfy, dsr2html, tmp_path, own):
    data = patient_dicom(SeriesInstanceUID="1.2.3")
    record = record_of(data, made={"cautions": ("Ä caution.",)}, correction="invert")
    made = structured_report(record, data, in_patient_study=own)
    assert dciodvfy_errors(dciodvfy, made, tmp_path, kind="EnhancedSR") == []
    ds = read_dicom(made)
    assert (ds.SOPClassUID, ds.Modality) == (EnhancedSRStorage, "SR")
    assert ds.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (ds.VerificationFlag, ds.ContentDate, ds.ContentTime) == (
        "UNVERIFIED", "20260309", "140506",
    )  # fmt: skip
    told = groups(ds)
    assert list(told) == [
        "Input check", "Effusion", "Atelectasis", "Infiltration", "No Finding",
    ]  # fmt: skip
    assert ("Input check", "Passed") in told["Input check"]
    effusion = told["Effusion"]
    for wanted in (
        ("Finding", "Pleural effusion"),
        ("Probability", "50.0 %"),
        ("Threshold Value", "31.0 %"),
        ("Cut-off below which it is unlikely", "10.0 %"),
        ("Band", "Likely"),
        ("Result", "Flagged"),
        ("Algorithm Parameters", "model_sha256=" + "cd" * 32),
    ):
        assert wanted in effusion
    assert ("Result", "Not called normal") in told["No Finding"]
    (tmp_path / "in.dcm").write_bytes(made)
    page = subprocess.run(
        [dsr2html, "+U8", "in.dcm"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    text = html.unescape(re.sub("<[^>]*>", " ", page))
    for words in (
        "50.0 %", "Uncertain", "Research model output, not a diagnosis.", "Flagged: Effusion",
        "Ä caution.", "cd" * 32,
        "The film was inverted at the reader's request",
    ):  # fmt: skip
        assert words in text


def test_by_default_nothing_of_the_patient_is_in_it():
    data = patient_dicom(SeriesInstanceUID="1.2.3")
    made = structured_report(record_of(data), data)
    source, ds = read_dicom(data), read_dicom(made)
    for value in (*PATIENT.values(), source.SOPInstanceUID, hashlib.sha256(data).hexdigest()):
        if len(value) > 2:  # "M" is in any file
            assert value.encode() not in made
    assert ds.PatientID.startswith("RESEARCH-")
    assert "CurrentRequestedProcedureEvidenceSequence" not in ds


def test_on_request_it_is_in_the_patients_study_and_says_which_image_it_is_about():
    data = patient_dicom(SeriesInstanceUID="1.2.3")
    source = read_dicom(data)
    uids = ResultUids(generate_uid(), generate_uid())
    ds = read_dicom(structured_report(record_of(data), data, in_patient_study=True, uids=uids))
    assert {keyword: str(ds[keyword].value) for keyword in PATIENT} == PATIENT
    assert (ds.StudyInstanceUID, ds.SeriesInstanceUID) == (STUDY_UID, uids.series)
    assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID == uids.instance
    (study,) = ds.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    (image,) = series.ReferencedSOPSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (STUDY_UID, "1.2.3")
    assert image.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert ("Source of Measurement", source.SOPInstanceUID) in groups(ds)["Effusion"]
    assert ("SHA-256 of the film's file", hashlib.sha256(data).hexdigest()) in sentences(ds)


def test_a_stopped_film_has_numbers_only_when_it_was_read_all_the_same(dciodvfy, tmp_path):
    data = patient_dicom()
    stopped = structured_report(record_of(data, gate=STOPPED), data)
    assert dciodvfy_errors(dciodvfy, stopped, tmp_path, kind="EnhancedSR") == []
    ds = read_dicom(stopped)
    assert ds.SeriesDescription == "Research model output: not read"
    assert ("Summary", "Not read") in sentences(ds)
    assert "reader's request" not in str(ds)  # nobody has asked for it
    assert list(groups(ds)) == ["Input check"]
    assert ("Input check", "Stopped this film") in groups(ds)["Input check"]
    assert "Probability" not in str(ds)
    assert ("Caution", "Too dark.") in sentences(ds)
    asked = record_of(data, gate=STOPPED, made={"read_anyway": True})
    ds = read_dicom(structured_report(asked, data))
    assert ds.SeriesDescription == "Not reliable"
    assert ("Probability", "50.0 %") in groups(ds)["Effusion"]
    assert ("Caution", "Not reliable: read at the reader's request.") in sentences(ds)


def test_another_film_or_one_without_its_study_is_refused():
    data = patient_dicom()
    with pytest.raises(ExportError, match="not the one that was read"):
        structured_report(record_of(data), data + b"\0")
    png = export_analysis(replace(export_analysis().radiograph, file_format="PNG"))
    with pytest.raises(ExportError, match="The reading can be exported as DICOM only for"):
        structured_report(make_record(png), data)
    nobody = patient_dicom(PatientID=None)
    with pytest.raises(ExportError, match="no valid Patient ID"):
        structured_report(record_of(nobody), nobody, in_patient_study=True)
