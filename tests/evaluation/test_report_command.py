"""``python -m cxr_core.evaluation.report``: what it prints, and what it says of bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.evaluation.predictions import read_predictions, write_predictions
from cxr_core.evaluation.report import evaluate_predictions, main
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS
from cxr_core.model.metadata import ModelMetadata, write_metadata

ROOT = Path(__file__).resolve().parents[2]
CALIBRATION = Calibration(0.5, (0.0, 0.1, -0.1, 0.2))
POINTS = {key: OperatingPoint(0.4, 0.3, 0.5, "sensitivity", 0.8, 0.81, 0.7) for key in KEYS}


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """A table of 60 films as a file."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(60)], "patient": np.arange(60) // 2})
    for name in LABEL_COLUMNS:
        table[name] = rng.integers(0, 2, 60)
    for name in LOGIT_COLUMNS:
        table[name] = rng.normal(size=60)
    write_predictions(table, tmp_path / "predictions_test.csv")
    return tmp_path / "predictions_test.csv"


def write_model(folder: Path) -> Path:
    metadata = ModelMetadata(Preprocessing(), CALIBRATION, POINTS, EvidenceScale(1.0))
    write_metadata(folder, metadata, weights_sha256="0" * 64)
    return folder


def test_it_prints_the_report(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(predictions), "--resamples", "30"]) == 0
    assert "No operating points were given" in capsys.readouterr().out
    model = write_model(predictions.parent)
    assert main([str(predictions), "--resamples", "30", "--model", str(model)]) == 0
    expected = evaluate_predictions(
        read_predictions(predictions),
        operating_points=POINTS,
        calibration=CALIBRATION,
        n_resamples=30,
    )
    assert capsys.readouterr().out == expected.text()


def test_it_runs_as_a_module(predictions: Path) -> None:
    command = [sys.executable, "-m", "cxr_core.evaluation.report", str(predictions)]
    done = subprocess.run(
        [*command, "--resamples", "10"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "60 films of 30 patients" in done.stdout
    assert done.stderr == ""


def test_it_says_what_is_wrong(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, folder = str(predictions), predictions.parent
    assert main([str(folder / "none.csv")]) == 2
    assert "The table does not exist" in capsys.readouterr().err
    assert main([table, "--resamples", "0"]) == 2
    assert capsys.readouterr().err == (
        "An interval needs resamples: 0. Ask for 2000, or at least 1.\n"
    )
    assert main([table, "--model", str(folder)]) == 2
    assert "no model in this folder" in capsys.readouterr().err


def test_it_refuses_an_altered_cut_off(
    predictions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(predictions.parent) / "model.json"
    document = json.loads(model.read_text())
    document["operating_points"]["effusion"]["threshold"] = 0.1
    model.write_text(json.dumps(document))
    assert main([str(predictions), "--model", str(model.parent)]) == 2
    captured = capsys.readouterr()
    assert "altered after it was written" in captured.err
    assert captured.out == ""
