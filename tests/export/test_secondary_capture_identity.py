"""Whose film a file is: taken as it stands, malformed elements as absent, never quoted."""

import warnings

import pydicom
import pytest

from cxr_core.export.secondary_capture import patient_identity, patient_study_error
from tests.helpers.dicom_files import PATIENT, patient_dicom


@pytest.fixture(autouse=True)
def _lax_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test write files that break the rules, as the world's do."""
    mode = pydicom.config.IGNORE
    monkeypatch.setattr(pydicom.config.settings, "_writing_validation_mode", mode)


def test_the_identity_is_read_as_it_stands():
    assert patient_identity(patient_dicom()) == PATIENT


@pytest.mark.parametrize(
    ("tags", "keyword"),
    [
        ({"PatientBirthDate": "31.12.1950"}, "PatientBirthDate"),
        ({"PatientSex": "X"}, "PatientSex"),
        ({"StudyID": "longer than sixteen letters"}, "StudyID"),
        ({"AccessionNumber": ["A1", "A2"]}, "AccessionNumber"),
        ({"StudyTime": "noon"}, "StudyTime"),
        ({"ReferringPhysicianName": None}, "ReferringPhysicianName"),
    ],
)
def test_a_malformed_element_that_may_be_empty_is_left_empty(tags, keyword):
    data = patient_dicom(**tags)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert patient_identity(data) == PATIENT | {keyword: None}


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"PatientID": "4711" * 20}, "no valid Patient ID"),
        ({"PatientID": ["4711", "4712"]}, "no valid Patient ID"),
        ({"PatientID": "  "}, "no valid Patient ID"),
        ({"StudyInstanceUID": "not.a.uid.4711"}, "no valid Study Instance UID"),
        ({"StudyInstanceUID": "1.2.0815.4711"}, "no valid Study Instance UID"),
    ],
)
def test_a_refusal_names_the_element_and_never_its_value(tags, words):
    refusal = patient_study_error(patient_dicom(**tags))
    assert words in str(refusal)
    assert "4711" not in str(refusal)


def test_a_film_that_names_both_is_not_refused():
    assert patient_study_error(patient_dicom(PatientName=None)) is None
