"""What a file says that it shows: kinds that are no radiograph, laterals, parts of the body."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    NuclearMedicineImageStorage,
    RTImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm
from tests.helpers.dicom_files import decode, ramp

LATERAL = "this is a lateral film"


def film(**tags: object) -> DecodedFilm:
    return decode(ramp(np.uint8), **tags)


def code(value: str, meaning: str, scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        (CTImageStorage, r"is a CT image, not a chest radiograph: SOP class CT Image Storage"),
        (EnhancedMRImageStorage, "an MR image"),
        (UltrasoundImageStorage, "an ultrasound image"),
        (NuclearMedicineImageStorage, "a nuclear medicine image"),
        (XRayAngiographicImageStorage, "an angiogram"),
        (DigitalMammographyXRayImageStorageForPresentation, "a mammogram"),
        (RTImageStorage, "a radiotherapy image"),
    ],
)
@pytest.mark.parametrize("modality", [None, "OT"])
def test_the_sop_class_tells_where_the_modality_does_not(
    uid: str, words: str, modality: str | None
) -> None:
    with pytest.raises(ImageError, match=words):
        film(SOPClassUID=uid, Modality=modality)


@pytest.mark.parametrize(
    ("uid", "modality"),
    [
        (ComputedRadiographyImageStorage, None),
        (SecondaryCaptureImageStorage, "OT"),
        (CTImageStorage, "DX"),
        ("1.2.3.4", None),
    ],
)
def test_a_film_is_read_under_these(uid: str, modality: str | None) -> None:
    assert film(SOPClassUID=uid, Modality=modality).rejection_reasons == ()


@pytest.mark.parametrize(
    "view",
    ["LL", "RL", "LAT", "LATERAL", "L LAT", "LT LAT", "LAT L", "LLAT", "RLAT", "LEFT LATERAL",
     "XTABLE LATERAL", "X-TABLE LAT", "CROSS TABLE", "Left lateral", "left_lateral", "SEITLICH",
     "PROFIL", "Perfil", "laterale"],
)  # fmt: skip
def test_a_lateral_view_in_any_spelling(view: str) -> None:
    found = film(ViewPosition=view)
    assert [LATERAL in reason for reason in found.rejection_reasons] == [True]
    assert found.warnings == ()


@pytest.mark.parametrize(
    "view", ["PA", "AP", "AP SUPINE", "PORTABLE AP", "CHEST PA", "P.A.", "AP_ERECT", "FRONTAL"]
)
def test_a_frontal_view_in_any_spelling(view: str) -> None:
    found = film(ViewPosition=view)
    assert (found.rejection_reasons, found.warnings) == ((), ())


@pytest.mark.parametrize(
    "view", ["LLD", "RLD", "LLO", "RAO", "LAT DECUB", "LEFT LATERAL DECUBITUS", "BILATERAL"]
)
def test_what_is_no_lateral_has_at_most_a_caution(view: str) -> None:
    found = film(ViewPosition=view)
    assert found.rejection_reasons == ()


@pytest.mark.parametrize(
    ("value", "meaning", "scheme", "is_lateral"),
    [
        ("399198007", "right lateral", "SCT", True),
        ("399173006", "", "SCT", True),
        ("R-10232", "", "SRT", True),
        ("R-102CD", "lateral", "SNM3", True),
        ("LOCAL7", "Left lateral", "99HOSPITAL", True),
        ("399348003", "antero-posterior", "SCT", False),
        ("R-10206", "antero-posterior", "SRT", False),
        ("399368009", "medio-lateral oblique", "SCT", False),
        ("LOCAL8", "left lateral decubitus", "99HOSPITAL", False),
    ],
)
@pytest.mark.parametrize("view", [None, ""])
def test_the_view_code(
    value: str, meaning: str, scheme: str, is_lateral: bool, view: str | None
) -> None:
    found = film(ViewPosition=view, ViewCodeSequence=code(value, meaning, scheme))
    assert [LATERAL in reason for reason in found.rejection_reasons] == [True] * is_lateral


@pytest.mark.parametrize(
    ("tags", "is_lateral"),
    [
        ({"SeriesDescription": "Chest lateral"}, True),
        ({"StudyDescription": "THORAX SEITLICH"}, True),
        ({"StudyDescription": "Rx tórax perfil"}, True),
        ({"SeriesDescription": "胸部側面", "SpecificCharacterSet": "ISO_IR 192"}, True),
        ({"SeriesDescription": "LAT", "StudyDescription": "CHEST PA AND LATERAL"}, True),
        # A study of several films, of which this may be any.
        ({"StudyDescription": "CHEST PA AND LATERAL"}, False),
        ({"StudyDescription": "CHEST PA/LAT"}, False),
        ({"StudyDescription": "XR Chest 2 views, lateral included"}, False),
        ({"StudyDescription": "Thorax p.a. und seitlich"}, False),
        ({"StudyDescription": "Thorax face et profil"}, False),
        ({"StudyDescription": "CHEST AND LATERAL"}, False),
        ({"SeriesDescription": "PA", "StudyDescription": "Chest lateral"}, False),
        ({"SeriesDescription": "Chest, bilateral effusions"}, False),
        ({"SeriesDescription": "Chest left lateral decubitus"}, False),
        # View and orientation are nearer to the film than a description.
        ({"SeriesDescription": "Chest lateral", "ViewPosition": "PA"}, False),
        ({"SeriesDescription": "Chest lateral", "PatientOrientation": ["L", "F"]}, False),
    ],
)
def test_descriptions(tags: dict[str, object], is_lateral: bool) -> None:
    found = film(**{"ViewPosition": None, **tags})
    assert [LATERAL in reason for reason in found.rejection_reasons] == [True] * is_lateral


@pytest.mark.parametrize(
    "part",
    ["THORAX", "TORAX", "2- TORAX", "PECHO", "BRUST", "BRUSTKORB", "POITRINE", "PORT CHEST",
     "CHEST_PORT", "Tórax", "TORACE", "KLATKA PIERSIOWA", "BORSTKAS", "Thorax AP", "HEART"],
)  # fmt: skip
def test_the_chest_in_other_words(part: str) -> None:
    assert film(BodyPartExamined=part).rejection_reasons == ()


@pytest.mark.parametrize(
    "part", ["", "UNKNOWN", "OTHER", "NONE", "N/A", "NOT SPECIFIED", "BODY", "XRAY", "-", "0"]
)
def test_a_part_that_says_nothing(part: str) -> None:
    assert film(BodyPartExamined=part).rejection_reasons == ()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("ABDOMEN", "shows ABDOMEN, not the chest"),
        ("SKULL", "shows SKULL, not the chest"),
        ("RODILLA", "shows RODILLA, not the chest"),
        ("THORAXWIRBEL", "shows THORAXWIRBEL, not"),
        ("BRUSTWIRBELSAEULE links", "shows another part of the body, not"),  # no code string
        ("Knee, Doe^Jane", "shows another part of the body, not the chest"),
    ],
)
def test_another_part_of_the_body(part: str, words: str) -> None:
    (reason,) = film(BodyPartExamined=part).rejection_reasons
    assert words in reason
    assert "Doe" not in reason
