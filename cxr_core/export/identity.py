"""What a film's file says of patient and study, for the PDF: read when asked for, kept nowhere.

Values stand as the file has them; nothing is checked, computed or completed.
"""

import re

from cxr_core.export.secondary_capture import read_elements
from cxr_core.imaging.dicom.tags import get_text

_NAMES = {
    "PatientName": "Patient",
    "PatientID": "ID",
    "PatientBirthDate": "born",
    "PatientAge": "age",
    "AccessionNumber": "accession number",
    "StudyDate": "study date",
}
_DATES = ("PatientBirthDate", "StudyDate")
WORDS = "name, ID, birth date or age, accession number and study date"


def file_identity(data: bytes) -> tuple[tuple[str, str], ...]:
    """Patient's name, ID, birth date, age, accession number and study date, as (name, value).

    What the file does not say is left out. A name's parts, which DICOM joins with ``^``, stand
    apart; a name in several scripts has `` / `` between them; a date is written with dashes.

    Args:
        data: a DICOM file.
    """
    source = read_elements(data, *_NAMES)
    found = ((keyword, get_text(source, keyword)) for keyword in _NAMES)
    return tuple((_NAMES[keyword], _readable(keyword, text)) for keyword, text in found if text)


def whose_study(data: bytes) -> str:
    """The same in one line, e.g. "Patient DOE JANE, ID 0815"; "" where the file says nothing."""
    return ", ".join(f"{name} {value}" for name, value in file_identity(data))


def _readable(keyword: str, text: str) -> str:
    if keyword == "PatientName":
        scripts = (" ".join(part.split("^")).strip() for part in text.split("="))
        return " / ".join(" ".join(script.split()) for script in scripts if script)
    if keyword in _DATES and re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text
