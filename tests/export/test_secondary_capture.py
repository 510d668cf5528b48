"""The overlay for an archive: valid, the same picture, and in the study that was asked for."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import SecondaryCaptureImageStorage

from cxr_core.errors import ExportError
from cxr_core.export.png import overlay_image
from cxr_core.export.record import Record
from cxr_core.export.secondary_capture import patient_identity, secondary_capture
from tests.helpers.analyses import STOPPED
from tests.helpers.dicom_files import PATIENT, STUDY_UID, dciodvfy_errors, patient_dicom, read_dicom
from tests.helpers.records import export_analysis, export_analysis_of, make_record

SHARED = (
    "chest_frontal_dx_8bit",
    "chest_pa_monochrome1_jpeg2000",
    "chest_pa_monochrome2_jpeg_baseline",
    "not_chest_abdomen_scout",
    "not_chest_leg_jpeg2000",
    "not_chest_teeth_modality_lut_sequence",
    "tag_only_monochrome1",
)


def record_of(data: bytes, **changes: object) -> Record:
    return make_record(export_analysis_of(data), **changes)


@pytest.mark.parametrize("patients_study", [False, True], ids=["new", "own"])
def test_the_file_is_valid_and_its_picture_the_png(dciodvfy, dcm2pnm, tmp_path, patients_study):
    data = patient_dicom()
    record = record_of(data)
    made = secondary_capture(record, data, in_patient_study=patients_study)
    assert dciodvfy_errors(dciodvfy, made, tmp_path) == []
    picture = overlay_image(record)
    ds = read_dicom(made)
    assert (ds.pixel_array == picture).all()
    assert ds.SOPClassUID == SecondaryCaptureImageStorage
    assert list(ds.ImageType) == ["DERIVED", "SECONDARY"]
    assert ds.SeriesDescription == "Research model output - Map of Effusion"
    assert (ds.ContentDate, ds.ContentTime) == ("20260309", "140506")
    assert (ds.BodyPartExamined, ds.Modality) == ("CHEST", "OT")
    (tmp_path / "in.dcm").write_bytes(made)
    subprocess.run([dcm2pnm, "+on", "in.dcm", "out.png"], cwd=tmp_path, check=True)
    with Image.open(tmp_path / "out.png") as image:
        assert (np.asarray(image.convert("RGB")) == picture).all()


@pytest.mark.parametrize("name", SHARED)
def test_real_files_give_valid_ones_in_either_study(dciodvfy, shared: Path, tmp_path, name):
    data = (shared / "dicom" / f"{name}.dcm").read_bytes()
    record = record_of(data, shown_finding="no_finding")
    source = read_dicom(data)
    for patients_study in (False, True):
        made = secondary_capture(record, data, in_patient_study=patients_study)
        assert dciodvfy_errors(dciodvfy, made, tmp_path) == []
        own = read_dicom(made).StudyInstanceUID == source.StudyInstanceUID
        assert own is patients_study


def test_by_default_nothing_of_the_patient_is_in_the_file():
    data = patient_dicom()
    one, two = (secondary_capture(record_of(data), data) for _ in range(2))
    source, ds, again = read_dicom(data), read_dicom(one), read_dicom(two)
    for value in (*PATIENT.values(), source.SOPInstanceUID, hashlib.sha256(data).hexdigest()):
        if len(value) > 2:  # "M" is in any file
            assert value.encode() not in one
    assert ds.PatientID != again.PatientID
    assert ds.StudyInstanceUID != again.StudyInstanceUID
    assert ds.PatientID.startswith("RESEARCH-")
    assert ds.PatientName == "Research^Pseudonym"
    assert (ds.PatientBirthDate, ds.PatientSex, ds.AccessionNumber) == ("", "", "")
    assert "SourceImageSequence" not in ds


def test_only_on_request_does_it_go_into_the_patients_study():
    data = patient_dicom()
    source = read_dicom(data)
    ds = read_dicom(secondary_capture(record_of(data), data, in_patient_study=True))
    assert {keyword: str(ds[keyword].value) for keyword in PATIENT} == PATIENT
    assert ds.StudyInstanceUID == STUDY_UID
    assert ds.SeriesInstanceUID != source.get("SeriesInstanceUID")
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert hashlib.sha256(data).hexdigest() in ds.DerivationDescription
    assert "PatientIdentityRemoved" not in ds


@pytest.mark.parametrize(("stated", "removed"), [("YES", "NO"), ("NO", "YES"), (None, None)])
def test_burned_in_text_is_told_as_the_film_tells_it(dciodvfy, tmp_path, stated, removed):
    data = patient_dicom(**({"BurnedInAnnotation": stated} if stated else {}))
    made = secondary_capture(record_of(data), data)
    assert read_dicom(made).get("BurnedInAnnotation") == stated
    assert read_dicom(made).get("PatientIdentityRemoved") == removed
    assert dciodvfy_errors(dciodvfy, made, tmp_path) == []


def test_the_derivation_says_what_was_done_within_its_length():
    data = patient_dicom(PatientOrientation=["L", "F"])
    analysis = export_analysis_of(data, gate=STOPPED, correction="invert")
    record = make_record(analysis, cautions=("A long caution. " * 80, "A short caution."))
    ds = read_dicom(secondary_capture(record, data))
    words = ds.DerivationDescription
    assert words.startswith(
        "Research model output, not a diagnosis. The input check stopped this film. Too dark."
    )
    assert ds.SeriesDescription == "Not reliable - Map of Effusion"
    assert "Model SHA-256 " + "cd" * 32 in words
    assert "The film was inverted" in words
    assert words.endswith("A short caution.")
    assert len(words) <= 1024
    assert list(ds.PatientOrientation) == ["L", "F"]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"PatientID": None}, "no valid Patient ID"),
        ({"StudyInstanceUID": None}, "no valid Study Instance UID"),
    ],
)
def test_a_film_without_its_study_or_patient_is_refused(tags, words):
    data = patient_dicom(**tags)
    with pytest.raises(ExportError, match=words):
        secondary_capture(record_of(data), data, in_patient_study=True)
    assert read_dicom(secondary_capture(record_of(data), data)).PatientID.startswith("RESEARCH-")


@pytest.mark.filterwarnings("ignore:Failed to decode")
def test_letters_of_another_character_set_make_no_other_patient():
    broken = patient_dicom(PatientID="47X1").replace(b"47X1", b"47\xff1")
    with pytest.raises(ExportError, match="no valid Patient ID"):
        patient_identity(broken)
    unnamed = patient_dicom(PatientName="MXller^J").replace(b"MXller^J", b"M\xfcller^J")
    assert patient_identity(unnamed)["PatientName"] is None


def test_another_film_or_none_of_dicom_is_refused():
    data = patient_dicom()
    with pytest.raises(ExportError, match="not the one that was read"):
        secondary_capture(record_of(data), data + b"\0")
    png = export_analysis(replace(export_analysis().radiograph, file_format="PNG"))
    with pytest.raises(ExportError, match="only for a DICOM film.*the film is a PNG file"):
        secondary_capture(make_record(png), data)
