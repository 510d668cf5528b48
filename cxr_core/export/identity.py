"""Whose film a DICOM file is: read for an export into the patient's own study, kept nowhere."""

import io
import re

import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.valuerep import PersonName, validate_value

from cxr_core.errors import ExportError
from cxr_core.imaging.dicom_tags import drop_malformed

_MUST = ("StudyInstanceUID", "PatientID")
# What else ties an image to its patient and study (PS3.3 C.7.1.1, C.7.2.1); all but the issuer
# must be there in every image, if only empty.
_MAY = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_IDENTITY = (*_MUST, *_MAY, "IssuerOfPatientID")
_SEXES = ("M", "F", "O")
_UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def identity(data: bytes) -> dict[str, str | None]:
    """What ties the film to its patient and study; a malformed optional element is left empty.

    Raises:
        ExportError: the study or the patient's number is missing or malformed.
    """
    source = read_elements(data, *_IDENTITY)
    found: dict[str, str | None] = dict.fromkeys(_MAY)
    for keyword in _IDENTITY:
        value = valid_text(source, keyword)
        if value:
            found[keyword] = value
    for keyword in _MUST:
        if keyword not in found:
            raise ExportError(
                "The film's file does not say which study or patient it belongs to",
                value=f"no valid {dictionary_description(keyword)}",
                remedy="Save the overlay in a new study under a pseudonym.",
            )
    return found


def study_refusal(data: bytes) -> ExportError | None:
    """Why an export cannot go into the patient's own study; None where it can."""
    try:
        identity(data)
    except ExportError as error:
        return error
    return None


def valid_text(source: Dataset, keyword: str) -> str:
    """An element's one value as text; "" where it is absent or breaks its type's rules.

    Checked here, since pydicom's own complaint would quote the value in a log.
    """
    value, kind = source.get(keyword), dictionary_VR(keyword)
    if not isinstance(value, str | PersonName):  # absent, or several values
        return ""
    text = str(value).strip()
    try:
        validate_value(kind, text, pydicom.config.RAISE)
    except ValueError:
        return ""
    sound = {"UI": _UID.fullmatch(text) is not None, "CS": text in _SEXES}.get(kind, True)
    return text if sound and "\\" not in text else ""


def read_elements(data: bytes, *keywords: str) -> Dataset:
    """The named elements of a file and no others; a malformed one counts as absent."""
    # As the decoder sets it: pydicom's complaints quote the values of tags. Set, not switched
    # back: that would race between threads.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    tags = ["SpecificCharacterSet", *keywords]
    ds = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=list(tags))
    drop_malformed(ds)
    return ds
