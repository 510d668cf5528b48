"""The overlay as a DICOM Secondary Capture, for an archive.

By default it goes into a new study under a random pseudonym, for which one tag of the film's file
is read: whether text is burned into its picture. Only when the user asks for exactly that does it
go into the patient's own study; then the identity is read from the file's bytes again, written,
and kept nowhere.
"""

import hashlib
import io
import secrets

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from cxr_core.errors import ExportError
from cxr_core.export.fonts import printable
from cxr_core.export.identity import identity, read_elements, valid_text
from cxr_core.export.phrases import NOT_A_DIAGNOSIS, TITLE, map_title, marks_sentence
from cxr_core.export.png import overlay_picture
from cxr_core.export.record import Record
from cxr_core.imaging.dicom_tags import code
from cxr_core.version import PROGRAM

SERIES_NUMBER = 9001  # well above what X-ray systems give
PSEUDONYM = "Research^Pseudonym"


def secondary_capture(record: Record, data: bytes, *, patients_study: bool = False) -> bytes:
    """The picture of ``png.overlay_picture`` as an uncompressed RGB Secondary Capture.

    Args:
        data: the DICOM file that was read.
        patients_study: put it into the patient's own study, as a new series of it.

    Raises:
        ExportError: ``data`` is no DICOM file or another than was read, or, for the patient's
            study, it does not say which study or patient that is.
    """
    analysis = record.analysis
    if analysis.radiograph.kind != "DICOM":
        raise ExportError(
            "Only for a DICOM film can the overlay be saved as DICOM",
            value=f"the film is a {analysis.radiograph.kind} file",
            remedy="Save the overlay as PNG.",
        )
    if hashlib.sha256(data).hexdigest() != analysis.image_sha256:
        raise ExportError(
            "The file is not the one that was read",
            value=f"SHA-256 {analysis.image_sha256[:12]}… was read",
            remedy="Open the film again.",
        )
    image = _pseudonymous(record)
    _mark_burned_in(image, data)
    if patients_study:
        _move_into_study(image, record, data)
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _pseudonymous(record: Record) -> Dataset:
    """The image in a new study; nothing in it comes from the film's file but the picture."""
    # Slow to load, and most films are read without it.
    from highdicom import UID, CoordinateSystemNames
    from highdicom.sc import SCImage

    # Date and time of day where the export was asked for, as DICOM's are.
    day, time = record.created.date(), record.created.time().replace(microsecond=0)
    image: Dataset = SCImage(
        pixel_array=overlay_picture(record),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        patient_orientation=("L", "F"),  # highdicom asks for one; the film's own follows below
        study_instance_uid=UID(),
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=TITLE,
        software_versions=record.version,
        patient_id=f"RESEARCH-{secrets.token_hex(6).upper()}",
        patient_name=PSEUDONYM,
        patient_sex="",
        study_id="1",
        accession_number="",
        study_date=day,
        study_time=time,
        series_description=f"{TITLE} - {map_title(record.shown)}",  # LO: at most 64 characters
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


def _derivation(record: Record, *more: str) -> str:
    """ST, at most 1,024 characters: whole sentences, as many as there is room for."""
    text = ""
    for sentence in (
        NOT_A_DIAGNOSIS,
        f"{map_title(record.shown)} over the film, with a legend below it.",
        f"Model SHA-256 {record.analysis.model_sha256}.",
        *more,
        *record.banner,
        marks_sentence(record.shown, record.style),
        *record.all_cautions,
    ):
        longer = f"{text} {printable(sentence)}".strip()
        if len(longer.encode()) <= 1024:
            text = longer
    return text


def _mark_burned_in(image: Dataset, data: bytes) -> None:
    """Say of burned-in text what the film's file says; the strip below names no patient."""
    stated = code(read_elements(data, "BurnedInAnnotation"), "BurnedInAnnotation")
    if stated not in ("YES", "NO"):
        return  # the file does not say, so neither can this
    image.BurnedInAnnotation = stated
    image.PatientIdentityRemoved = "NO" if stated == "YES" else "YES"
    if stated == "NO":
        image.DeidentificationMethod = "New study, random pseudonym, nothing copied but the picture"


def _move_into_study(image: Dataset, record: Record, data: bytes) -> None:
    """Give the image its patient and study back, and say which image it comes from."""
    for keyword, value in identity(data).items():
        setattr(image, keyword, value)
    for keyword in ("StudyDescription", "PatientIdentityRemoved", "DeidentificationMethod"):
        if keyword in image:
            delattr(image, keyword)
    image.DerivationDescription = _derivation(
        record, f"Film SHA-256 {record.analysis.image_sha256}."
    )
    source = read_elements(data, "SOPClassUID", "SOPInstanceUID")
    reference = Dataset()
    reference.ReferencedSOPClassUID = valid_text(source, "SOPClassUID")
    reference.ReferencedSOPInstanceUID = valid_text(source, "SOPInstanceUID")
    if reference.ReferencedSOPClassUID and reference.ReferencedSOPInstanceUID:
        image.SourceImageSequence = [reference]
