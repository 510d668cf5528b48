"""Kinds of files that users of comparable software reported (docs/cases.md): each read rightly."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import ImageError
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.model.engine import Engine
from cxr_core.reading.analyzer import Analyzer, load_analyzer
from tests.helpers import DEFAULT_MODEL, ROOT
from tests.helpers.reported_cases import (
    DRAWN,
    FILM,
    TWELVE_BITS,
    WHOLE_WINDOW,
    Expected,
    film,
    widened,
)
from tests.helpers.reported_members import MEMBERS

ALL_MEMBERS = [(kind, name) for kind, members in MEMBERS.items() for name in members]
# Read by the file's own name below; this one is written by DCMTK, see the test of it.
JPEG_12_BIT = "jpeg_extended_12bit.dcm"
TABLES = ("predictions_ages_058Y.csv", "predictions_bool_labels.csv")


class RememberingEngine:
    """Computes each picture once: most of these files are the same one in the end."""

    batch_size = 1

    def __init__(self, engine: Engine) -> None:
        self.engine, self.name = engine, engine.name
        self.known: dict[bytes, np.ndarray] = {}

    def features(self, images: np.ndarray) -> np.ndarray:
        picture = images.tobytes()
        if picture not in self.known:
            self.known[picture] = self.engine.features(images)
        return self.known[picture].copy()


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    """The model that ships: its input check is part of what is right."""
    model = load_analyzer(DEFAULT_MODEL).model
    return Analyzer(replace(model, engine=RememberingEngine(model.engine)))


def check(
    data: bytes, expected: Expected, analyzer: Analyzer, control: np.ndarray | None = None
) -> None:
    """Read a file and hold it against what is right.

    Args:
        control: uint8 (H, W) that the model should see; None where only its kind is known.
    """
    if expected.refused:
        with pytest.raises(ImageError, match=expected.tells):
            analyzer.analyze(data)
        return
    analysis = analyzer.analyze(data)
    gate, radiograph = analysis.gate, analysis.radiograph
    if expected.stopped:
        assert not gate.passed
        assert any(expected.tells in reason for reason in gate.reasons)
        assert "does not look like" not in expected.tells or gate.suggestion is None
        return
    assert gate.passed, gate.reasons
    assert any(expected.tells in note for note in radiograph.warnings) or not expected.tells
    if not expected.tells:
        assert radiograph.warnings == ()
    if control is not None:
        difference = np.abs(radiograph.pixels.astype(int) - control)
        if expected.but is not None:
            difference[expected.but] = 0
        assert difference.max() <= expected.within


@pytest.mark.parametrize("name", list(DRAWN))
def test_each_kind_drawn_again(name: str, analyzer: Analyzer) -> None:
    draw, expected = DRAWN[name]
    check(draw(), expected, analyzer, FILM)


@pytest.mark.parametrize(("kind", "name"), ALL_MEMBERS)
def test_further_members_of_each_kind(kind: str, name: str, analyzer: Analyzer) -> None:
    draw, expected = MEMBERS[kind][name]
    check(draw(), expected, analyzer, FILM)


def test_12_bit_jpeg(dcmcjpeg: str, tmp_path: Path, analyzer: Analyzer) -> None:
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    plain.write_bytes(film(widened(), **TWELVE_BITS, **WHOLE_WINDOW))
    subprocess.run([dcmcjpeg, "+ee", "+q", "100", plain, packed], check=True, timeout=60)
    check(packed.read_bytes(), Expected(within=1), analyzer, FILM)


@pytest.mark.parametrize("name", [*DRAWN, JPEG_12_BIT])
def test_the_reported_files_themselves(name: str, shared: Path, analyzer: Analyzer) -> None:
    data = (shared / "cases" / name).read_bytes()
    expected = DRAWN[name][1] if name in DRAWN else Expected()
    check(data, expected, analyzer)
    if expected.refused or expected.stopped or not name.endswith((".dcm", ".png", ".tif")):
        return
    # Their phantom varies a little from file to file: the same picture, on the same gray levels.
    control = read_radiograph((shared / "cases" / "ok_12bit.dcm").read_bytes()).pixels
    pixels = read_radiograph(data).pixels
    assert np.corrcoef(pixels.ravel(), control.ravel())[0, 1] > 0.97
    quantiles = (5, 25, 50, 75, 95)
    moved = np.percentile(pixels, quantiles) - np.percentile(control, quantiles)
    assert np.abs(moved).max() <= 8


def test_every_reported_file_is_looked_at(shared: Path) -> None:
    there = {path.name for path in (shared / "cases").iterdir()} - {"README.md"}
    assert there == {*DRAWN, JPEG_12_BIT, *TABLES}


def test_reported_tables(shared: Path) -> None:
    ages, words = (read_predictions(shared / "cases" / name) for name in TABLES)
    assert ages["age"].dropna().between(0, 120).all()
    assert (ages["age"] == 58).any()
    raw = pd.read_csv(shared / "cases" / TABLES[0], dtype=str)
    assert ages["age"].isna().sum() == (raw["age"] == "411").sum()
    raw = pd.read_csv(shared / "cases" / TABLES[1], dtype=str)
    assert (
        words["label_effusion"].tolist() == (raw["label_effusion"] == "True").astype(int).tolist()
    )


def test_the_page_about_them_lists_every_member() -> None:
    text = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    for name in (*DRAWN, JPEG_12_BIT, *TABLES):
        assert f"`{name}`" in text
    for kind, members in MEMBERS.items():
        assert f"({kind}: {len(members)})" in text, kind
