"""Planted truth: a network trained on drawn films finds what was planted, and where."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.cli import train
from cxr_core.evaluation.localisation.froc import froc_curves, read_marks
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.training.threads import available_cpus

FILMS = 1200


@pytest.fixture(scope="module")
def phantom_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("phantoms") / "run"
    # The longest of the slow tests, so it takes all cores: the other workers soon have none left.
    threads = str(available_cpus())
    words = ["--phantom", str(FILMS), "--out", str(run), "--threads", threads, "--quiet"]
    assert train.main(words) == 0
    return run


@pytest.mark.slow
def test_trained_on_phantoms_it_finds_them_and_where_they_are(phantom_run: Path) -> None:
    table = read_predictions(phantom_run / "predictions_test.csv")
    report = evaluate_predictions(table, n_resamples=200)
    mean = sum(report.auroc[key].estimate for key in KEYS) / len(KEYS)
    assert mean > 0.95
    rows = pd.read_csv(phantom_run / "localisation.csv")
    assert set(rows["finding"]) == set(ABNORMAL_KEYS)
    assert rows["inside"].mean() - rows["fixed_spot_inside"].mean() >= 0.30
    for curve in froc_curves(read_marks(phantom_run / "marks.csv"), n_resamples=50).values():
        assert curve.at[0.5].estimate >= 0.5  # and at random places:
        assert np.interp(0.5, curve.false_marks, curve.by_chance) < 0.3
    assert load_checkpoint(phantom_run).metadata.provenance["config"]["preset"] == "phantom"
    assert "synthetic phantoms" in (phantom_run / "MODEL_CARD.md").read_text()
