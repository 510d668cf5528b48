"""Laterals and frontal views by their words, in the languages of those who write them."""

import pytest
from pydicom import Dataset
from pydicom.config import disable_value_validation

from cxr_core.imaging.dicom.view import is_frontal_view, is_lateral
from tests.imaging.dicom.test_content import film

LATERALS = (
    "LATERAL LEFT", "LAT LI", "LATERALA", "LATERALNA", "LATERALNI", "LATERALT", "MEDIOLATERAL",
    "HORIZONTAL BEAM LATERAL", "PERFIL IZQ", "LL SIN", "PROFIL G", "SEITENBILD", "SEITE",
    "ZIJAANZICHT", "BOCZNE", "BOKEM", "SIDEOPTAGELSE", "SIDA", "SIVU", "SOL YAN", "SAMPING",
    "NGHIÊNG", "ЛАТЕРАЛЬНАЯ", "ПРОФИЛНА", "БІЧНА", "ΠΡΟΦΙΛ", "左侧位", "側", "右側面", "측면상",
    "جانبي", "לטרלי", "צד", "ด้านข้าง",
)  # fmt: skip
NO_LATERALS = (
    "PA", "P.A.", "AP SUPINE", "LORDOTIC", "LATERALITY", "BILATERAL",
    "DECUBITUS LATERAL GAUCHE", "SEITENLAGE", "左側臥", "侧卧位", "측와위", "ПРЯМАЯ", "正面",
    "后前位", "정면",
)  # fmt: skip
DESCRIPTIONS = (
    "SeriesDescription", "StudyDescription", "PerformedProcedureStepDescription",
    "ProtocolName", "AcquisitionDeviceProcessingDescription", "RequestedProcedureDescription",
)  # fmt: skip


@disable_value_validation()  # the letters are no code string's
def _tags(**tags: object) -> Dataset:
    ds = Dataset()
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    return ds


def test_lateral_views_in_many_languages() -> None:
    assert {view: is_lateral(_tags(ViewPosition=view)) for view in LATERALS} == dict.fromkeys(
        LATERALS, True
    )


def test_views_that_are_no_laterals() -> None:
    assert {view: is_lateral(_tags(ViewPosition=view)) for view in NO_LATERALS} == dict.fromkeys(
        NO_LATERALS, False
    )


def test_frontal_views_in_many_languages() -> None:
    views = ("PA", "A.P.", "ПРЯМАЯ ПРОЕКЦИЯ", "ΠΡΟΣΘΙΑ", "正位", "后前位", "前後", "정면", "أمامي")
    assert {view: is_frontal_view(view) for view in views} == dict.fromkeys(views, True)


@pytest.mark.parametrize("keyword", DESCRIPTIONS)
def test_each_description_of_a_lateral_counts(keyword: str) -> None:
    assert film(ViewPosition=None, **{keyword: "Chest, LAT"}).rejection_reasons != ()
    assert film(ViewPosition=None, **{keyword: "Chest PA and LAT"}).rejection_reasons == ()


def test_what_is_said_of_the_film_comes_before_what_is_said_of_its_order() -> None:
    order = {"StudyDescription": "Chest lateral", "RequestedProcedureDescription": "Chest lateral"}
    assert not is_lateral(_tags(AcquisitionDeviceProcessingDescription="CHEST PA", **order))
    assert is_lateral(_tags(SeriesDescription="LAT", StudyDescription="Chest PA and lateral"))


@pytest.mark.parametrize(
    "text", ["胸部正侧位", "흉부 정면+측면", "Обзорная и боковая", "Thorax pa/seitlich", "PA + LAT"]
)
def test_several_films_in_other_scripts(text: str) -> None:
    assert not is_lateral(_tags(SeriesDescription=text))


def test_a_view_in_other_letters_that_is_not_known_is_a_caution() -> None:
    found = film(ViewPosition="ÆÞÐ")
    assert found.rejection_reasons == ()
    assert found.warnings == ("The file gives a view that is not known as frontal (PA or AP).",)
