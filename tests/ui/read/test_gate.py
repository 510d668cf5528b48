"""What is said beside a film that the input check stopped."""

from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from cxr_core.imaging.gate import check_radiograph
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.ui.read.gate import stop_reasons
from tests.helpers.dicom_files import film_dataset, ramp, to_bytes
from tests.helpers.records import export_analysis


@pytest.mark.parametrize(
    ("tags", "title", "rest"),
    [
        (
            {"ViewPosition": "LL"},
            "Not read: the file says that this is a lateral film.",
            "The model reads frontal films only (PA or AP).",
        ),
        (
            {"BodyPartExamined": "L SPINE"},
            "Not read: the file says that it shows L SPINE, not the chest.",
            "",
        ),
        ({}, "Not read: the image has only", "Use the original film"),
    ],
)  # fmt: skip
def test_the_title_is_the_reason_itself(
    tags: dict[str, str], title: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(st, "html", shown.append)
    gate = check_radiograph(read_radiograph(to_bytes(film_dataset(ramp(np.uint8), **tags))))
    stop_reasons(replace(export_analysis(), gate=gate))
    heading, _, below = shown[0].partition("</h2>")
    assert title in heading
    assert rest in below
    assert title.removeprefix("Not read: ")[1:] not in below  # nothing is said twice
    assert "look like" not in shown[0]
