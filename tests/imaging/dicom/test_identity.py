"""What a file says of itself, as text for a line on the page."""

from datetime import date

import numpy as np
import pytest

from cxr_core.imaging.dicom.identity import MAX_TEXT, StatedIdentity, stated_identity
from tests.helpers.dicom_files import PATIENT, film_dataset, to_bytes

VALUES = np.zeros((64, 64), np.uint16)


def stated(**tags: object) -> StatedIdentity:
    return stated_identity(to_bytes(film_dataset(VALUES, **tags)))


def test_all_that_it_states_is_read():
    found = stated(SpecificCharacterSet="ISO_IR 192", PatientAge="073Y", **PATIENT)
    assert found == StatedIdentity(
        name="Müller, Jörg",
        patient_id="PAT-4711",
        born="1950-12-31",
        age="73 years",
        sex="male",
        study_date="2024-02-29",
        view="PA",
        accession="A0815",
        study_day=date(2024, 2, 29),
    )


def test_what_it_does_not_state_is_empty():
    found = stated(PatientName=None, PatientID=None, ViewPosition=None)
    assert found == StatedIdentity()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Doe^Jane^Q.^Dr.", "Doe, Jane Q. Dr."),
        ("DOE", "DOE"),
        ("^Jane", "Jane"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎, やまだ, たろう)"),
        ("=山田^太郎", "山田, 太郎"),
        ("Doe\u202e^Jane", "Doe, Jane"),  # a character that would turn the line around
    ],
)
def test_names_have_the_family_first(name, expected):
    assert stated(SpecificCharacterSet="ISO_IR 192", PatientName=name).name == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [("001Y", "1 year"), ("011M", "11 months"), ("001D", "1 day"), ("81", "81"), ("Y", "Y")],
)
def test_ages_are_in_words(age, expected):
    assert stated(PatientAge=age).age == expected


def test_text_that_is_no_date_stands_as_it_is():
    found = stated(StudyDate="20241399", PatientBirthDate="1950.12.31")
    assert (found.study_date, found.study_day) == ("20241399", None)
    assert found.born == "1950-12-31"


def test_what_would_break_the_line_is_cut():
    assert stated(PatientID="A\n" + "B" * 200).patient_id == "A " + "B" * (MAX_TEXT - 3) + "…"
    assert stated(PatientSex="O").sex == "other sex"
    assert stated(PatientSex="X").sex == "X"
