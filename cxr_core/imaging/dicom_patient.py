"""The two things of the patient and the bed that bear on a reading, as yes, no or unknown.

The tags themselves are read here and left here: no age, date or description is ever kept.
"""

import re
from datetime import date

from pydicom import Dataset

from cxr_core.imaging.dicom_tags import code, text

PATIENT_TAGS = ("PatientAge", "PatientBirthDate", "StudyDate")
PORTABLE_TAGS = ("StudyDescription", "SeriesDescription", "PerformedProcedureStepDescription")
ADULT = 18  # years
_OLDEST = 120  # years; tags hold ages over 400
_DAYS = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
_PORTABLE = re.compile(r"(?<!NON)(?<!NON[- ])(?<!NOT )\b(PORTABLE|BEDSIDE)\b")


def under_18(ds: Dataset) -> bool | None:
    """Whether the file says that the patient is under 18; None where it does not say.

    Age and dates may contradict each other; a caution is due when either says so.
    """
    years = [age for age in (_stated_age(ds), _age_by_dates(ds)) if age is not None]
    return any(age < ADULT for age in years) if years else None


def portable(ds: Dataset) -> bool:
    """Whether the file says that the film was taken at the bed with a portable machine."""
    if "PORT" in code(ds, "BodyPartExamined"):  # as CHEST_PORT
        return True
    return any(_PORTABLE.search(text(ds, keyword).upper()) for keyword in PORTABLE_TAGS)


def _stated_age(ds: Dataset) -> float | None:
    """PatientAge in years: ``081Y``, ``011M``, ``006W``, ``003D``, and ``81`` as some write it."""
    found = re.fullmatch(r"(\d{1,3})([YMWD]?)", text(ds, "PatientAge").upper())
    if found is None:
        return None
    years = int(found[1]) * _DAYS[found[2] or "Y"] / _DAYS["Y"]
    return years if years <= _OLDEST else None


def _age_by_dates(ds: Dataset) -> float | None:
    """Years from birth to study."""
    born, taken = _day(ds, "PatientBirthDate"), _day(ds, "StudyDate")
    if born is None or taken is None or taken < born:
        return None
    before_birthday = (taken.month, taken.day) < (born.month, born.day)
    years = taken.year - born.year - before_birthday
    return float(years) if years <= _OLDEST else None


def _day(ds: Dataset, keyword: str) -> date | None:
    found = re.fullmatch(r"(\d{4})[.:]?(\d\d)[.:]?(\d\d)", text(ds, keyword))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
