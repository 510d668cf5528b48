"""DICOM tags: what they say, when they lie, and that none of the patient is kept."""

import logging

import numpy as np
import pytest
from pydicom import Dataset

from cxr_core.imaging.dicom.decode import decode_dicom
from tests.helpers.dicom_files import (
    PATIENT_NAME,
    decode,
    film_dataset,
    has_warning,
    lut_sequence,
    ramp,
    to_bytes,
)


def test_view_orientation_and_nothing_of_the_patient(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    film = decode(ramp(np.uint8), PatientOrientation=["L", "F"], ViewPosition="AP")
    assert film.view == "AP"
    assert film.orientation == ("L", "F")
    assert PATIENT_NAME not in repr(film) + caplog.text
    assert film.warnings == ()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ViewPosition": "LLD"}, "gives the view as LLD"),
        ({"PatientOrientation": ["R", "F"]}, "it is mirrored"),
        ({"PatientOrientation": ["L", "H"]}, "the film is not upright"),
        ({"Modality": "RF"}, "modality as RF"),
        ({"BurnedInAnnotation": "YES"}, "may name the patient"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw values"),
        ({"PresentationLUTShape": "INVERSE"}, "contradicts itself"),
    ],
)
def test_a_caution_for_what_is_unusual(tags: dict[str, object], words: str) -> None:
    film = decode(ramp(np.uint8), **tags)
    assert has_warning(film, words)
    assert len(film.warnings) == 1


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ViewPosition": "LL"}, "this is a lateral film"),
        ({"ViewPosition": None, "PatientOrientation": ["A", "F"]}, "this is a lateral film"),
        ({"BodyPartExamined": "KNEE"}, "shows KNEE, not the chest"),
    ],
)
def test_what_speaks_against_a_frontal_chest_is_an_objection(
    tags: dict[str, object], words: str
) -> None:
    film = decode(ramp(np.uint8), **tags)
    assert [words in objection for objection in film.rejection_reasons] == [True]
    assert film.warnings == ()  # said once


@pytest.mark.parametrize("part", [None, "CHEST", "THORAX", "CHEST_PORT"])
def test_nothing_is_said_against_a_chest(part: str | None) -> None:
    film = decode(ramp(np.uint8), BodyPartExamined=part)
    assert (film.warnings, film.rejection_reasons) == ((), ())


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"WindowCenter": 2048, "WindowWidth": 0}, "window cannot be used"),
        ({"WindowCenter": 2048}, "window cannot be used"),
        ({"WindowCenter": -9000, "WindowWidth": 100}, "window does not fit the film"),
        ({"RescaleSlope": 0, "RescaleIntercept": 5}, "rescale slope is 0"),
        ({"ModalityLUTSequence": [Dataset()]}, "modality table cannot be used"),
        ({"VOILUTSequence": [Dataset()]}, "VOI table cannot be used"),
        ({"VOILUTSequence": lut_sequence([1, 2], 0, 9)}, "VOI table cannot be used"),
    ],
)
def test_an_unusable_tag_leaves_the_whole_range(tags: dict[str, object], words: str) -> None:
    film = decode(ramp(np.uint16), **tags)
    assert has_warning(film, words)
    assert film.pixels[0, 0] == 0
    assert film.pixels[-1, -1] == 255


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("WindowCenter", "DS", b"left lung "),
        ("WindowWidth", "DS", b"1e999 "),
        ("RescaleSlope", "DS", b"nan "),
        ("NumberOfFrames", "IS", b"one "),
        ("ViewPosition", "CS", b"pa, Doe^Jane, supine at night "),
        ("BodyPartExamined", "CS", b"\xff\xfe\x00\x01"),
        ("Modality", "CS", b"dx"),
        ("PatientOrientation", "CS", b"UP\\DOWN\\"),
        ("PatientOrientation", "CS", b"L "),
        ("PixelPaddingValue", "LO", b"none"),
        ("PhotometricInterpretation", "CS", b"MONOCHROME"),
        ("PhotometricInterpretation", "C\0", b"MONOCHROME2 "),
    ],
)
def test_malformed_tags_count_as_absent(keyword: str, vr: str, value: bytes) -> None:
    ds = film_dataset(ramp(np.uint8), **{keyword: None} if keyword in ("Modality",) else {})
    if keyword in ds:
        del ds[keyword]
    data = to_bytes(ds)
    tag = Dataset()
    setattr(tag, keyword, None)
    element = next(iter(tag.keys()))
    raw = (
        element.group.to_bytes(2, "little")
        + element.element.to_bytes(2, "little")
        + vr.encode()
        + len(value).to_bytes(2, "little")
        + value
    )
    # Elements out of order are malformed too, and read all the same: put it before the pixels.
    place = data.rindex(b"\xe0\x7f\x10\x00")
    film = decode_dicom(data[:place] + raw + data[place:])
    np.testing.assert_array_equal(film.pixels, ramp(np.uint8))
    assert "Doe" not in repr(film)
    assert film.window is None
    assert film.orientation is None
