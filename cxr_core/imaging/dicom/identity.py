"""Whose film a DICOM file says it is: read from its bytes when the page shows it, kept nowhere.

Apart from ``tags``, which leaves the patient's elements alone: nothing here takes part in reading.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date

from pydicom import Dataset
from pydicom.valuerep import PersonName

from cxr_core.imaging.dicom.tags import get_date, get_text, read_elements

MAX_TEXT = 64  # letters: what DICOM allows for a name's part, an ID and most others
_KEYWORDS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientAge",
    "PatientSex",
    "StudyDate",
    "ViewPosition",
    "AccessionNumber",
)
_SEXES = {"F": "female", "M": "male", "O": "other sex"}
_UNITS = {"Y": "years", "M": "months", "W": "weeks", "D": "days"}


@dataclass(frozen=True)
class StatedIdentity:
    """What a file says of itself, each as text for a line on the page; empty where it says nothing.

    Attributes:
        name: "Doe, Jane", other scripts in brackets after it.
        patient_id: as it stands.
        born: "1950-12-31"; text that is no date, as it stands.
        age: "81 years", where the file states one.
        sex: "female", "male", "other sex"; another code as it stands.
        study_date: as ``born``.
        view: ViewPosition, as "PA".
        accession: as it stands.
        study_day: the study's date; None where it states none that is one.
    """

    name: str = ""
    patient_id: str = ""
    born: str = ""
    age: str = ""
    sex: str = ""
    study_date: str = ""
    view: str = ""
    accession: str = ""
    study_day: date | None = None


def stated_identity(data: bytes) -> StatedIdentity:
    """What a DICOM file says of its patient and study; malformed elements count as absent."""
    ds = read_elements(data, *_KEYWORDS)
    sex = _plain(get_text(ds, "PatientSex"))
    return StatedIdentity(
        name=_name(ds),
        patient_id=_plain(get_text(ds, "PatientID")),
        born=_day(ds, "PatientBirthDate"),
        age=_age(_plain(get_text(ds, "PatientAge"))),
        sex=_SEXES.get(sex.upper(), sex),
        study_date=_day(ds, "StudyDate"),
        view=_plain(get_text(ds, "ViewPosition")),
        accession=_plain(get_text(ds, "AccessionNumber")),
        study_day=get_date(ds, "StudyDate"),
    )


def _plain(text: str) -> str:
    """Without control and formatting characters, which could turn or hide the text beside it."""
    kept = "".join(" " if unicodedata.category(one)[0] == "C" else one for one in text)
    one_line = " ".join(kept.split())
    return one_line if len(one_line) <= MAX_TEXT else f"{one_line[: MAX_TEXT - 1]}…"


def _name(ds: Dataset) -> str:
    """Family name first, as in a list of patients; a name in two scripts has both."""
    value = ds.get("PatientName")
    groups = value.components if isinstance(value, PersonName) else [get_text(ds, "PatientName")]
    written = []
    for group in groups:
        family, *others = (_plain(part) for part in str(group).split("^"))
        given = " ".join(filter(None, others))
        written.append(_plain(", ".join(filter(None, (family, given)))))
    first, *further = filter(None, written) if any(written) else [""]
    return f"{first} ({', '.join(further)})" if further else first


def _day(ds: Dataset, keyword: str) -> str:
    found = get_date(ds, keyword)
    return found.isoformat() if found is not None else _plain(get_text(ds, keyword))


def _age(text: str) -> str:
    """ "058Y" as "58 years"; what is written otherwise, as it stands."""
    number, unit = text[:-1], text[-1:].upper()
    if not (number.isascii() and number.isdigit() and unit in _UNITS):
        return text
    word = _UNITS[unit]
    return f"{int(number)} {word if int(number) != 1 else word[:-1]}"
