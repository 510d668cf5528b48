"""Planted truth: a network trained on drawn films finds what was planted, and where."""

from pathlib import Path

import pandas as pd
import pytest

from cxr_core.cli import train
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.checkpoint import load_checkpoint

FILMS = 1200


@pytest.mark.slow
def test_trained_on_phantoms_it_finds_them_and_where_they_are(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train.main(["--phantom", str(FILMS), "--out", str(run), "--quiet"]) == 0
    table = read_predictions(run / "predictions_test.csv")
    report = evaluate_predictions(table, n_resamples=200)
    mean = sum(report.auroc[key].estimate for key in KEYS) / len(KEYS)
    assert mean > 0.95
    rows = pd.read_csv(run / "localisation.csv")
    assert set(rows["finding"]) == set(ABNORMAL_KEYS)
    assert rows["inside"].mean() - rows["fixed_spot_inside"].mean() >= 0.30
    assert load_checkpoint(run).metadata.provenance["config"]["preset"] == "phantom"
    assert "synthetic phantoms" in (run / "MODEL_CARD.md").read_text()
