"""Under 18, and taken at the bed: what lying tags come to, and that none of them is kept."""

import logging

import numpy as np
import pydicom
import pytest

from cxr_core.imaging.dicom.tags import PARSED_KEYWORDS
from tests.helpers.dicom_files import decode, ramp

SECRET = "Doe^Jane"


@pytest.fixture(autouse=True)
def _any_value_may_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = pydicom.config.settings
    monkeypatch.setattr(settings, "writing_validation_mode", pydicom.config.IGNORE)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"PatientAge": "017Y"}, True),
        ({"PatientAge": "018Y"}, False),
        ({"PatientAge": "81"}, False),  # without its unit
        ({"PatientAge": "9"}, True),
        ({"PatientAge": "011M"}, True),
        ({"PatientAge": "300M"}, False),
        ({"PatientAge": "003D"}, True),
        ({"PatientAge": "411Y"}, None),  # NIH's table has such ages
        ({"PatientAge": "old"}, None),
        ({"PatientBirthDate": "20000229", "StudyDate": "20180228"}, True),
        ({"PatientBirthDate": "20000229", "StudyDate": "20180301"}, False),
        ({"PatientBirthDate": "2000.02.29", "StudyDate": "20100101"}, True),
        ({"PatientBirthDate": "20000229"}, None),
        ({"PatientBirthDate": "20001399", "StudyDate": "20180301"}, None),
        ({"PatientBirthDate": "20190101", "StudyDate": "20180301"}, None),  # not yet born
        ({"PatientBirthDate": "18000101", "StudyDate": "20180301"}, None),
        # They contradict each other: the caution is due.
        ({"PatientAge": "040Y", "PatientBirthDate": "20100101", "StudyDate": "20180301"}, True),
        ({"PatientAge": "012Y", "PatientBirthDate": "19500101", "StudyDate": "20180301"}, True),
    ],
)
def test_under_18(
    tags: dict[str, object], expected: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert decode(ramp(np.uint8), **tags).under_18 is expected
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, False),
        ({"SeriesDescription": "Chest portable AP"}, True),
        ({"StudyDescription": "XR CHEST 1 VIEW PORTABLE"}, True),
        ({"PerformedProcedureStepDescription": "Bedside chest"}, True),
        ({"BodyPartExamined": "CHEST_PORT"}, True),
        ({"SeriesDescription": "Chest, non-portable"}, False),
        ({"SeriesDescription": "port-a-cath placement"}, False),
    ],
)
def test_portable(tags: dict[str, object], expected: bool) -> None:
    assert decode(ramp(np.uint8), **tags).portable is expected


def test_the_film_keeps_yes_and_no_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    film = decode(
        ramp(np.uint8),
        PatientAge="013Y",
        PatientBirthDate="20050504",
        StudyDate="20180603",
        SeriesDescription=f"{SECRET} portable",
    )
    assert (film.under_18, film.portable) == (True, True)
    for kept in ("013Y", "20050504", "20180603", SECRET):
        assert kept not in repr(film) + caplog.text


def test_what_a_yes_or_no_needs_is_parsed() -> None:
    assert {"PatientAge", "PatientBirthDate", "StudyDate", "SeriesDescription"} <= set(
        PARSED_KEYWORDS
    )
