"""What a DICOM file says of its film. Tags lie: a malformed one counts as absent, never crashes."""

import io
import logging
import math
import re
from datetime import date
from typing import Any

import pydicom
from pydicom import Dataset, Sequence
from pydicom.charset import convert_encodings
from pydicom.multival import MultiValue

from cxr_core.imaging.dicom.deflated import inflate_if_deflated

logger = logging.getLogger(__name__)
# The only tags that are parsed at all, so that nothing of the patient can reach a log or a page.
# The last nine are read for a yes or no (a child? portable? lateral?); what they say is not kept.
PARSED_KEYWORDS = (
    "SOPClassUID",
    "Modality",
    "PresentationIntentType",
    "BodyPartExamined",
    "AnatomicRegionSequence",
    "ViewPosition",
    "ViewCodeSequence",
    "CodeValue",
    "CodingSchemeDesignator",
    "CodeMeaning",
    "PatientOrientation",
    "BurnedInAnnotation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelSpacing",
    "PixelSpacingCalibrationType",
    "RescaleIntercept",
    "RescaleSlope",
    "ModalityLUTSequence",
    "LUTDescriptor",
    "LUTData",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "VOILUTSequence",
    "PresentationLUTShape",
    "EncapsulatedDocument",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "PixelData",
    "PatientAge",
    "PatientBirthDate",
    "StudyDate",
    "StudyDescription",
    "SeriesDescription",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
)
_DESCRIPTION_KEYWORDS = (
    "StudyDescription",
    "SeriesDescription",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "ProtocolName",
)
ADULT_AGE = 18  # years
_MAX_AGE = 120  # years; tags hold ages over 400
_DAYS_PER_UNIT = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
_PORTABLE_PATTERN = re.compile(r"(?<!NON)(?<!NON[- ])(?<!NOT )\b(PORTABLE|BEDSIDE)\b")


def drop_malformed(ds: Dataset) -> None:
    """Remove every element whose value cannot be converted, so that it counts as absent.

    pydicom converts an element when it is asked for, and raises many things on a bad one.
    """
    for tag in list(ds.keys()):
        try:
            ds[tag]
        except Exception:  # whatever a malformed value makes it raise
            logger.debug("Tag %s is malformed and was left out.", tag)  # never its value
            del ds[tag]


def read_elements(data: bytes, *keywords: str) -> Dataset:
    """The named elements of a file and no others; a malformed one counts as absent, and so do all
    of a file that cannot be parsed."""
    # As the decoder sets it: pydicom's complaints quote the values of tags. Set, not switched
    # back: that would race between threads.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    tags = ["SpecificCharacterSet", *keywords]
    try:
        plain = inflate_if_deflated(data)
        ds = pydicom.dcmread(io.BytesIO(plain), force=True, specific_tags=list(tags))
        drop_malformed(ds)
    except Exception:  # whatever a parser raises on hostile bytes; never its words, they may quote
        return Dataset()
    return ds


def get_code(ds: Dataset, keyword: str) -> str:
    """A code string in capitals; "" where absent, malformed or longer than DICOM's 16 letters."""
    text = str(_first_value(ds, keyword) or "").strip().upper()
    return text if re.fullmatch(r"[A-Z0-9_ ]{1,16}", text) else ""


def get_text(ds: Dataset, keyword: str) -> str:
    """Any text without spaces around it, the first of several; "" where absent. Never to be kept:
    it may name the patient."""
    text = str(_first_value(ds, keyword) or "")
    # Stripped at the end: a byte of a letter may look like a space of Latin-1.
    return (text if text.isascii() else _in_own_letters(text, ds)).strip(" \0\t\r\n")


def _in_own_letters(text: str, ds: Dataset) -> str:
    """A code string's letters: DICOM allows capitals alone, and machines write their own script.

    pydicom reads code strings byte by byte; free texts, which it reads in the file's character set,
    come back as they are.
    """
    try:
        written = text.encode("latin-1")
    except UnicodeEncodeError:
        return text  # it was read in the file's character set
    stated = ds.get("SpecificCharacterSet")
    encodings = [*(convert_encodings(stated) if stated else []), "utf-8"]
    for encoding in encodings:
        try:
            return written.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return text


def get_float(ds: Dataset, keyword: str) -> float | None:
    """A finite number, the first of several; None where absent or malformed."""
    try:
        value = float(_first_value(ds, keyword))
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def get_floats(ds: Dataset, keyword: str) -> list[float | None]:
    """All numbers of an element that may have several; None for each malformed one."""
    value = ds.get(keyword)
    several = value if isinstance(value, MultiValue) else [value]
    found: list[float | None] = []
    for one in several:
        try:
            parsed = float(one)
        except (TypeError, ValueError, OverflowError):
            parsed = math.nan
        found.append(parsed if math.isfinite(parsed) else None)
    return found


def get_int(ds: Dataset, keyword: str) -> int | None:
    """A whole number; None where absent or malformed."""
    value = get_float(ds, keyword)
    return int(value) if value is not None and value.is_integer() else None


def get_items(ds: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty where absent or malformed."""
    value = ds.get(keyword)
    return list(value) if isinstance(value, Sequence) else []


def get_orientation(ds: Dataset) -> tuple[str, str] | None:
    """PatientOrientation, as ("L", "F"): towards the picture's right, towards its bottom."""
    value = ds.get("PatientOrientation")
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return None
    sides = [str(side).strip().upper() for side in value]
    if len(sides) != 2 or not all(re.fullmatch("[APLRHF]{1,3}", side) for side in sides):
        return None
    return sides[0], sides[1]


def _first_value(ds: Dataset, keyword: str) -> Any:
    """The first value of an element that may have several."""
    value = ds.get(keyword)
    if isinstance(value, str | bytes) or not hasattr(value, "__getitem__"):
        return value
    return value[0] if len(value) else None


# The two things of the patient and the bed that bear on a reading, as yes, no or unknown.
#
# The tags themselves are read here and left here: no age, date or description is ever kept.


def is_under_18(ds: Dataset) -> bool | None:
    """Whether the file says that the patient is under 18; None where it does not say.

    Age and dates may contradict each other; a caution is due when either says so.
    """
    years = [age for age in (_age_from_tag(ds), _age_from_dates(ds)) if age is not None]
    return any(age < ADULT_AGE for age in years) if years else None


def is_portable(ds: Dataset) -> bool:
    """Whether the file says that the film was taken at the bed with a portable machine."""
    if "PORT" in get_code(ds, "BodyPartExamined"):  # as CHEST_PORT
        return True
    return any(
        _PORTABLE_PATTERN.search(get_text(ds, keyword).upper()) for keyword in _DESCRIPTION_KEYWORDS
    )


def _age_from_tag(ds: Dataset) -> float | None:
    """PatientAge in years: ``081Y``, ``011M``, ``006W``, ``003D``, and ``81`` as some write it."""
    found = re.fullmatch(r"(\d{1,3})([YMWD]?)", get_text(ds, "PatientAge").upper())
    if found is None:
        return None
    years = int(found[1]) * _DAYS_PER_UNIT[found[2] or "Y"] / _DAYS_PER_UNIT["Y"]
    return years if years <= _MAX_AGE else None


def _age_from_dates(ds: Dataset) -> float | None:
    """Years from birth to study."""
    born, taken = get_date(ds, "PatientBirthDate"), get_date(ds, "StudyDate")
    if born is None or taken is None or taken < born:
        return None
    before_birthday = (taken.month, taken.day) < (born.month, born.day)
    years = taken.year - born.year - before_birthday
    return float(years) if years <= _MAX_AGE else None


def get_date(ds: Dataset, keyword: str) -> date | None:
    """A day, also as older files write it (1950.12.31); None where absent or malformed."""
    found = re.fullmatch(r"(\d{4})[.:]?(\d\d)[.:]?(\d\d)", get_text(ds, keyword))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
