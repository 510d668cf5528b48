"""The line over a film, as a text."""

from cxr_core.imaging.dicom.identity import StatedIdentity
from cxr_core.ui.identity import NOTHING_STATED, identity_line


def test_all_of_it_stands_in_one_line():
    stated = StatedIdentity(
        name="Doe, Jane",
        patient_id="4711",
        born="1950-12-31",
        age="73 years",
        sex="female",
        study_date="2024-02-29",
        view="PA",
        accession="A0815",
    )
    assert identity_line(stated, file_name="film.dcm") == (
        "Doe, Jane · ID 4711 · born 1950-12-31 · female · study 2024-02-29 · PA · "
        "accession A0815 · film.dcm"
    )


def test_an_age_stands_where_no_date_of_birth_does():
    assert identity_line(StatedIdentity(patient_id="4711", age="73 years")) == "ID 4711 · 73 years"
    assert identity_line(StatedIdentity(patient_id="4711", age="81")) == "ID 4711 · age 81"


def test_a_film_without_tags_has_its_name_alone():
    line = identity_line(StatedIdentity(), file_name="chest.png")
    assert line == f"{NOTHING_STATED} · chest.png"
    assert identity_line(StatedIdentity()) == NOTHING_STATED
