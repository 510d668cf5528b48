"""The overlay as a DICOM Secondary Capture, for an archive.

By default it goes into a new study under a random pseudonym, for which one tag of the film's file
is read: whether text is burned into its picture. Only when the user asks for exactly that does it
go into the patient's own study; then the identity is read from the file's bytes again, written,
and kept nowhere.
"""

import hashlib
import io
import re
import secrets
from dataclasses import dataclass

import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import PersonName, validate_value

from cxr_core.errors import ExportError
from cxr_core.export.fonts import printable
from cxr_core.export.png import overlay_image
from cxr_core.export.record import NOT_A_DIAGNOSIS, TITLE, Record, map_title, map_words
from cxr_core.imaging.dicom.tags import get_code, read_elements
from cxr_core.reading.analyzer import Analysis
from cxr_core.version import PROGRAM

_REQUIRED = ("StudyInstanceUID", "PatientID")
# What else ties an image to its patient and study (PS3.3 C.7.1.1, C.7.2.1); all but the issuer
# must be there in every image, if only empty.
_OPTIONAL = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_IDENTITY_KEYWORDS = (*_REQUIRED, *_OPTIONAL, "IssuerOfPatientID")
_SEXES = ("M", "F", "O")
_UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
SERIES_NUMBER = 9001  # well above what X-ray systems give
PSEUDONYM = "Research^Pseudonym"


@dataclass(frozen=True)
class ResultUids:
    """The series and the instance that a result becomes; empty for new ones."""

    series: str = ""
    instance: str = ""


NEW_UIDS = ResultUids()


def result_uids(analysis: Analysis, kind: str, *, read_anyway: bool = False) -> ResultUids:
    """The UIDs that one kind of result of a reading always has: made again, it is the same object
    for an archive."""
    of = [analysis.image_sha256, analysis.model_sha256, analysis.setting, kind]
    of += [analysis.correction] if analysis.correction else []
    of += ["read_anyway"] if read_anyway else []
    return ResultUids(
        series=generate_uid(entropy_srcs=[*of, "series"]),
        instance=generate_uid(entropy_srcs=[*of, "instance"]),
    )


# Whose film a DICOM file is: read for an export into the patient's own study, kept nowhere.


def patient_identity(data: bytes) -> dict[str, str | None]:
    """What ties the film to its patient and study; a malformed optional element is left empty.

    Raises:
        ExportError: the study or the patient's number is missing or malformed.
    """
    source = read_elements(data, *_IDENTITY_KEYWORDS)
    found: dict[str, str | None] = dict.fromkeys(_OPTIONAL)
    for keyword in _IDENTITY_KEYWORDS:
        value = get_valid_text(source, keyword)
        if value:
            found[keyword] = value
    for keyword in _REQUIRED:
        if keyword not in found:
            raise ExportError(
                "The file does not say which study or patient it belongs to",
                value=f"no valid {dictionary_description(keyword)}",
                remedy="Export the overlay into a new study under a pseudonym.",
            )
    return found


def patient_study_error(data: bytes) -> ExportError | None:
    """Why an export cannot go into the patient's own study; None where it can."""
    try:
        patient_identity(data)
    except ExportError as error:
        return error
    return None


def get_valid_text(source: Dataset, keyword: str) -> str:
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
    valid = {"UI": _UID.fullmatch(text) is not None, "CS": text in _SEXES}.get(kind, True)
    # U+FFFD stands for what is not of the character set that the file states: it would make
    # another patient's number.
    return text if valid and "\\" not in text and "\ufffd" not in text else ""


def pseudonymous_identity() -> dict[str, str]:
    """The same keys for a new study of nobody."""
    return dict.fromkeys(_OPTIONAL, "") | {
        "StudyInstanceUID": generate_uid(),
        "PatientID": f"RESEARCH-{secrets.token_hex(6).upper()}",
        "PatientName": PSEUDONYM,
        "StudyID": "1",
    }


def source_reference(data: bytes) -> dict[str, str] | None:
    """Class, instance and series of the film's image; None where the file does not say each."""
    keywords = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
    source = read_elements(data, *keywords)
    found = {keyword: get_valid_text(source, keyword) for keyword in keywords}
    return found if all(found.values()) else None


def require_film(record: Record, data: bytes, *, what: str) -> None:
    """Refuse bytes that are not the DICOM film that was read.

    Args:
        what: is exported, for the error.

    Raises:
        ExportError: they are not.
    """
    if record.analysis.radiograph.file_format != "DICOM":
        raise ExportError(
            f"The {what} can be exported as DICOM only for a DICOM film",
            value=f"the film is a {record.analysis.radiograph.file_format} file",
            remedy="Export the overlay as PNG.",
        )
    if hashlib.sha256(data).hexdigest() != record.analysis.image_sha256:
        raise ExportError(
            "The file is not the one that was read",
            value=f"SHA-256 {record.analysis.image_sha256[:12]}… was read",
            remedy="Open the film again.",
        )


def secondary_capture(
    record: Record, data: bytes, *, in_patient_study: bool = False, uids: ResultUids = NEW_UIDS
) -> bytes:
    """The picture of ``png.overlay_image`` as an uncompressed RGB Secondary Capture.

    Args:
        data: the DICOM file that was read.
        in_patient_study: put it into the patient's own study, as a new series of it.
        uids: of the series and the file; new ones where none are given.

    Raises:
        ExportError: ``data`` is no DICOM file or another than was read, or, for the patient's
            study, it does not say which study or patient that is.
    """
    require_film(record, data, what="overlay")
    image = _pseudonymous_image(record)
    _mark_burned_in(image, data)
    if in_patient_study:
        _move_into_study(image, record, data)
    image.SeriesInstanceUID = uids.series or image.SeriesInstanceUID
    if uids.instance:
        image.SOPInstanceUID = uids.instance
        image.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID(uids.instance)
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _pseudonymous_image(record: Record) -> Dataset:
    """The image in a new study; nothing in it comes from the film's file but the picture."""
    # Slow to load, and most films are read without it.
    from highdicom import UID, CoordinateSystemNames
    from highdicom.sc import SCImage

    # Date and time of day where the export was asked for, as DICOM's are.
    day, time = record.created.date(), record.created.time().replace(microsecond=0)
    nobody = pseudonymous_identity()
    image: Dataset = SCImage(
        pixel_array=overlay_image(record),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        patient_orientation=("L", "F"),  # highdicom asks for one; the film's own follows below
        study_instance_uid=nobody["StudyInstanceUID"],
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=TITLE,
        software_versions=record.version,
        patient_id=nobody["PatientID"],
        patient_name=nobody["PatientName"],
        patient_sex="",
        study_id=nobody["StudyID"],
        accession_number="",
        study_date=day,
        study_time=time,
        # LO: at most 64 characters
        series_description=f"{_series_title(record)} - {map_title(record.shown_finding)}",
        content_date=day,
        content_time=time,
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    image.InstanceCreationDate = image.DateOfSecondaryCapture = image.ContentDate
    image.InstanceCreationTime = image.TimeOfSecondaryCapture = image.ContentTime
    # As the file states it and a turn left it; empty (type 2C) where it is not known.
    image.PatientOrientation = list(record.analysis.radiograph.orientation or ()) or None
    image.BodyPartExamined = "CHEST"
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ConversionType = "WSD"
    image.StudyDescription = TITLE
    image.DerivationDescription = _derivation(record)
    return image


def _series_title(record: Record) -> str:
    return TITLE if record.analysis.gate.passed else "Not reliable"


def _derivation(record: Record, *more: str) -> str:
    """ST, at most 1,024 characters: whole sentences, as many as there is room for."""
    text = ""
    # That the numbers are not reliable must not be lost for want of room.
    first, last = ((), record.banner) if record.analysis.gate.passed else (record.banner, ())
    for sentence in (
        NOT_A_DIAGNOSIS,
        *first,
        *filter(None, [record.summary]),
        *record.model_sentences,
        f"{map_title(record.shown_finding)} over the film, with a legend below it.",
        f"Model SHA-256 {record.analysis.model_sha256}.",
        *more,
        *last,
        map_words(record.analysis, record.shown_finding, record.style_of(record.shown_finding)),
        *record.all_cautions,
    ):
        longer = f"{text} {printable(sentence)}".strip()
        if len(longer.encode()) <= 1024:
            text = longer
    return text


def _mark_burned_in(image: Dataset, data: bytes) -> None:
    """Say of burned-in text what the film's file says; the strip below names no patient."""
    stated = get_code(read_elements(data, "BurnedInAnnotation"), "BurnedInAnnotation")
    if stated not in ("YES", "NO"):
        return  # the file does not say, so neither can this
    image.BurnedInAnnotation = stated
    image.PatientIdentityRemoved = "NO" if stated == "YES" else "YES"
    if stated == "NO":
        image.DeidentificationMethod = "New study, random pseudonym, nothing copied but the picture"


def _move_into_study(image: Dataset, record: Record, data: bytes) -> None:
    """Give the image its patient and study back, and say which image it comes from."""
    for keyword, value in patient_identity(data).items():
        setattr(image, keyword, value)
    for keyword in ("StudyDescription", "PatientIdentityRemoved", "DeidentificationMethod"):
        if keyword in image:
            delattr(image, keyword)
    image.DerivationDescription = _derivation(
        record, f"Film SHA-256 {record.analysis.image_sha256}."
    )
    source = read_elements(data, "SOPClassUID", "SOPInstanceUID")
    reference = Dataset()
    reference.ReferencedSOPClassUID = get_valid_text(source, "SOPClassUID")
    reference.ReferencedSOPInstanceUID = get_valid_text(source, "SOPInstanceUID")
    if reference.ReferencedSOPClassUID and reference.ReferencedSOPInstanceUID:
        image.SourceImageSequence = [reference]
