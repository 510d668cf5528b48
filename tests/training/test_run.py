"""The whole training path on a few easy films: what a run folder holds, and that it agrees."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.evaluation.predictions import probabilities_of, read_predictions
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABEL_COLUMNS
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.training.dataset import DatasetPaths


def test_the_run_folder_is_whole(finished_run: Path) -> None:
    assert {path.name for path in finished_run.iterdir()} == {
        "config.json",
        "split.csv",
        "history.csv",
        "predictions_val.csv",
        "predictions_test.csv",
        "model.safetensors",
        "model.json",
        "MODEL_CARD.md",
        "localisation.csv",
        "marks.csv",
        "lineage.json",
        "paths.json",
    }


def test_history_tells_each_epoch_and_the_best_is_at_the_served_size(finished_run: Path) -> None:
    history = pd.read_csv(finished_run / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["px"].tolist() == [32, 32, 64, 64]
    mean = history[[f"auroc_{key}" for key in KEYS]].mean(axis=1)
    np.testing.assert_allclose(history["auroc_mean"], mean)
    assert history["waiting"].between(0, 1).all()
    provenance = load_checkpoint(finished_run).metadata.provenance
    at_64 = history[history["px"] == 64]
    assert provenance["best_epoch"] == at_64["epoch"].to_numpy()[at_64["auroc_mean"].argmax()]
    assert provenance["demonstration"] is True


def test_no_patient_is_in_two_parts_and_all_films_are_in_one(
    finished_run: Path, sources: DatasetPaths
) -> None:
    split = pd.read_csv(finished_run / "split.csv", dtype=str)
    assert len(split) == 90
    assert split.groupby("patient")["split"].nunique().max() == 1
    test = pd.read_csv(finished_run / "predictions_test.csv", dtype={"patient": str})
    assert set(test["image"]) == set(split.loc[split["split"] == "test", "image"])


def test_analyze_gives_the_stored_logits(finished_run: Path, sources: DatasetPaths) -> None:
    analyzer = load_analyzer(finished_run)
    table = pd.read_csv(finished_run / "predictions_test.csv")
    for row in table.head(6).to_dict("records"):
        analysis = analyzer.analyze((sources.images / row["image"]).read_bytes())
        for key in KEYS:
            assert analysis.logits[key] == pytest.approx(row[f"logit_{key}"], abs=1e-3)


def test_both_cut_offs_hold_their_aims_on_validation(finished_run: Path) -> None:
    metadata = load_checkpoint(finished_run).metadata
    table = read_predictions(finished_run / "predictions_val.csv")
    probabilities = probabilities_of(table, metadata.calibration)  # (N, 4)
    for index, key in enumerate(KEYS):
        positive = (table[LABEL_COLUMNS[index]] == 1).to_numpy()
        likely = probabilities[:, index] >= metadata.operating_points[key].threshold
        assert (~likely[~positive]).mean() >= 0.90
        assert metadata.sensitive_points is not None
        possible = probabilities[:, index] >= metadata.sensitive_points[key].threshold
        assert possible[positive].mean() >= 0.90
        assert (possible | ~likely).all()


def test_the_card_says_what_it_is(finished_run: Path) -> None:
    card = (finished_run / "MODEL_CARD.md").read_text()
    assert "demonstration model" in card
    assert "It is not a medical device" in card
    assert "| weights | imagenet | none |" in card
    assert "### Effusion by subgroup" in card
    assert "### What each band is worth" in card
    assert "### How many films are flagged" in card
    assert "Infiltration" in card
    assert str(finished_run) not in card
    assert "was taught" not in card  # this run had no lesson from boxes


def test_history_judges_the_three_among_films_that_are_not_normal(finished_run: Path) -> None:
    table = pd.read_csv(finished_run / "predictions_val.csv")
    table = table[table["label_no_finding"] == 0]
    areas = [roc_auc_score(table[f"label_{key}"], table[f"logit_{key}"]) for key in ABNORMAL_KEYS]
    history = pd.read_csv(finished_run / "history.csv").set_index("epoch")
    best = load_checkpoint(finished_run).metadata.provenance["best_epoch"]
    # The table is of the weights as they are stored, in float16.
    assert history["auroc_abnormal_mean"][best] == pytest.approx(np.mean(areas), abs=0.03)
