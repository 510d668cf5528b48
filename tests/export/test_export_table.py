"""One analysis as a row: order, numbers, and nothing that a spreadsheet would run."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from cxr_core.config import EvidenceScale, OperatingPoint
from cxr_core.export.table import COLUMNS, analysis_row, rows_to_csv
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.reading.analyzer import Analysis


@pytest.fixture
def analysis() -> Analysis:
    film = np.zeros((64, 64), dtype=np.uint8)
    point = OperatingPoint(0.31, 0.28, 0.36, "sensitivity", 0.8, 0.81, 0.7)
    return Analysis(
        probabilities=dict(zip(KEYS, (0.5, 0.25, 0.125, 0.0625), strict=True)),
        logits=dict(zip(KEYS, (-1.5, 0.25, 2.0, -3.0), strict=True)),
        above=dict(zip(KEYS, (True, False, False, False), strict=True)),
        operating_points=dict.fromkeys(KEYS, point),
        evidence=dict.fromkeys(KEYS, np.zeros((7, 7), dtype=np.float32)),
        margins=dict(zip(KEYS, (0.8, -0.3, -1.1, -1.9), strict=True)),
        margin_maps=dict.fromkeys(KEYS, np.zeros((7, 7), dtype=np.float32)),
        evidence_scale=EvidenceScale(1.0),
        gate=GateResult(passed=False, reasons=("Too dark.", "Too small.")),
        correction=None,
        warnings=("16 bit.",),
        image_sha256="ab" * 32,
        model_sha256="cd" * 32,
        radiograph=Radiograph(stored=film, pixels=film, kind="PNG", sha256="ab" * 32, steps=()),
    )


def test_a_row_has_every_column_in_order_with_known_values(analysis):
    row = analysis_row(analysis)
    assert tuple(row) == COLUMNS
    assert row["file"] == ""
    assert row["logit_effusion"] == "-1.500000"
    assert row["probability_no_finding"] == "0.062500"
    assert row["operating_point_atelectasis"] == "0.310000"
    assert (row["above_effusion"], row["above_atelectasis"]) == ("1", "0")
    assert (row["gate"], row["gate_reasons"]) == ("stopped", "Too dark. Too small.")
    assert row["correction"] == ""
    assert row["image_sha256"] == "ab" * 32


def test_the_file_reads_back_and_a_negative_logit_stays_a_number(analysis):
    (row,) = csv.DictReader(io.StringIO(rows_to_csv([analysis_row(analysis)]).decode()))
    assert float(row["logit_effusion"]) == -1.5
    assert row["warnings"] == "16 bit."


def test_no_text_is_run_as_a_formula(analysis):
    naughty = replace(analysis, warnings=("=HYPERLINK(1)",))
    (row,) = csv.DictReader(io.StringIO(rows_to_csv([analysis_row(naughty, "@a")]).decode()))
    assert row["warnings"] == "'=HYPERLINK(1)"
    assert row["file"] == "'@a"
