"""What an archive is asked over DICOMweb, and what its answers say: studies and images by their
elements, in DICOM's JSON (PS3.18, annex F)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cxr_core.errors import ArchiveError
from cxr_core.node.dicomweb_settings import PREFIX

_UID = re.compile(r"(?=.{1,64}\Z)[0-9]+(\.[0-9]+)*")
_NO_EXACT_VALUE = re.compile(r"[*?\\\x00-\x1f\x7f]")  # wildcards would ask for all patients
_MIN_LETTERS = 2  # of a family name, in a script of letters: one would ask for half of all patients
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")  # spellings of a name
MODALITIES = ("CR", "DX")


@dataclass(frozen=True)
class Query:
    """What studies are looked for by; at least one of these.

    Attributes:
        patient_id, accession: must match as a whole.
        patient_name: the beginning of the family name, or "family, given"; capitals and accents
            make no difference where the archive makes none.
    """

    patient_id: str = ""
    patient_name: str = ""
    accession: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Study:
    """A study with chest films, perhaps, as the archive describes it; all but ``uid`` is text of
    others."""

    uid: str
    patient_id: str
    patient_name: str
    day: str
    accession: str
    description: str
    modalities: tuple[str, ...]
    spellings: tuple[str, ...] = ()  # of the name, as DICOM has it: family^given^…


@dataclass(frozen=True)
class Instance:
    """One image in the archive."""

    study: str
    series: str
    uid: str


def query_keys(query: Query) -> dict[str, str]:
    texts = {"PatientID": query.patient_id.strip(), "AccessionNumber": query.accession.strip()}
    for value in texts.values():
        if _NO_EXACT_VALUE.search(value) or len(value) > 64:
            raise ArchiveError(
                "This cannot be looked for",
                value="a * or ?, a backslash, or more than 64 letters",
                remedy="Type the whole number, as the archive has it.",
            )
    if name := _name_parts(query.patient_name):
        texts["PatientName"] = "^".join(name) + "*"
    keys = {key: value for key, value in texts.items() if value}
    first, last = query.first_day, query.last_day
    if first or last:
        ends = [f"{day:%Y%m%d}" if day else "" for day in (first, last)]
        keys["StudyDate"] = ends[0] if first == last else "-".join(ends)
    if not keys:
        raise ArchiveError(
            "Nothing to look for",
            value="all fields are empty",
            remedy="Give a patient's ID or name, an accession number or a date.",
        )
    return keys


def _name_parts(name: str) -> list[str]:
    """Family name, given name and so on, as they were typed; [] for none.

    Raises:
        ArchiveError: it would ask for too many patients.
    """
    parts = [part.strip() for part in re.split(r"[,^]", name)]
    while parts and not parts[-1]:
        parts.pop()
    if not parts:
        return []
    few = _MIN_LETTERS if parts[0].isascii() else 1  # 李 is a whole name
    if _NO_EXACT_VALUE.search(name) or len(name) > 64 or len(parts) > 5 or len(parts[0]) < few:
        raise ArchiveError(
            "This name cannot be looked for",
            value="a * or ?, a backslash, no family name, or its first letter alone",
            remedy="Type the family name or its first letters, or family, given.",
        )
    return parts


def _plain(text: str) -> str:
    """Without capitals and accents, which archives treat in ways of their own."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _is_called(study: Study, asked: list[str]) -> bool:
    """Whether a spelling of the patient's name begins so, part by part."""
    for spelling in study.spellings:
        parts = [*spelling.split("^"), *("" for _ in asked)]
        if all(
            _plain(part.strip()).startswith(_plain(wanted))
            for part, wanted in zip(parts, asked, strict=False)
        ):
            return True
    return False


def fits(study: Study, query: Query) -> bool:
    pairs = ((query.patient_id, study.patient_id), (query.accession, study.accession))
    if any(asked.strip() and asked.strip() != held for asked, held in pairs):
        return False
    if (name := _name_parts(query.patient_name)) and not _is_called(study, name):
        return False
    first = f"{query.first_day:%Y%m%d}" if query.first_day else ""
    last = f"{query.last_day:%Y%m%d}" if query.last_day else "99999999"
    if (first or query.last_day) and not first <= study.day <= last:
        return False
    return not study.modalities or any(one in study.modalities for one in MODALITIES)


def study_of(row: Mapping[str, Any]) -> Study:
    return Study(
        uid=uid_of(row, "0020000D"),
        patient_id=text_of(row, "00100020"),
        patient_name=text_of(row, "00100010").replace("^", " ").strip(),
        day=text_of(row, "00080020"),
        accession=text_of(row, "00080050"),
        description=text_of(row, "00081030"),
        modalities=tuple(map(str, _values(row, "00080061")))[:20],
        spellings=_spellings(row, "00100010"),
    )


def _values(row: Any, tag: str) -> list[Any]:
    element = row.get(tag) if isinstance(row, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def text_of(row: Any, tag: str) -> str:
    """An element's first value as text, or a name's first spelling; "" for none."""
    first = next(iter(_values(row, tag)), "")
    if isinstance(first, dict):
        first = next((first[group] for group in _GROUPS if first.get(group)), "")
    return str(first).strip()[:200]


def _spellings(row: Any, tag: str) -> tuple[str, ...]:
    """A name as DICOM has it, in each of its scripts."""
    first = next(iter(_values(row, tag)), "")
    held = [first.get(group) for group in _GROUPS] if isinstance(first, dict) else [first]
    return tuple(str(one)[:200] for one in held if one)


def uid_of(row: Any, tag: str) -> str:
    """A UID, which is to go into an address."""
    if not _UID.fullmatch(uid := text_of(row, tag)):
        raise odd_answer("a study or an image without a valid UID")
    return uid


def odd_answer(what: str) -> ArchiveError:
    return ArchiveError(
        "The archive's answer makes no sense",
        value=what,
        remedy=f"Whoever runs the app checks that {PREFIX}URL leads to its DICOMweb services.",
    )
