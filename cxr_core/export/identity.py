"""What a film's file says of patient and study, for the PDF: read when asked for, kept nowhere."""

from cxr_core.imaging.dicom.identity import stated_identity

WORDS = "name, ID, birth date or age, accession number and study date"


def file_identity(data: bytes) -> tuple[tuple[str, str], ...]:
    """Patient's name, ID, birth date, age, accession number and study date, as (name, value).

    What the file does not say is left out.

    Args:
        data: a DICOM file.
    """
    said = stated_identity(data)
    found = (
        ("Patient", said.name),
        ("ID", said.patient_id),
        ("born", said.born),
        ("age", said.age),
        ("accession number", said.accession),
        ("study date", said.study_date),
    )
    return tuple((name, value) for name, value in found if value)


def whose_study(data: bytes) -> str:
    """The same in one line, e.g. "Patient Doe, Jane; ID 0815"; "" where the file says nothing."""
    return "; ".join(f"{name} {value}" for name, value in file_identity(data))
