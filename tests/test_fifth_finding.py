"""A finding is one record: with a fifth in the table all else follows, from training to a row."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.phantom.dataset import write_phantom_dataset

pytestmark = pytest.mark.slow
PACKAGE = Path(__file__).parents[1] / "cxr_core"
SHIPPED_MODEL = PACKAGE.parent / "models" / "default"
LAST_RECORD = '    Finding("no_finding", "No Finding", "normal", "#dddddd", "dashdot", "cross"),\n'
# After the normal one, so that nothing can count on the abnormal ones standing first.
NODULE = '    Finding("nodule", "Nodule", "abnormal", "#009e73", "longdash", "star"),\n'
KEYS = ["effusion", "atelectasis", "infiltration", "no_finding", "nodule"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has one more record in its table."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, folder / "cxr_core", ignore=shutil.ignore_patterns("__pycache__"))
    table = folder / "cxr_core" / "findings.py"
    text = table.read_text()
    assert text.count(LAST_RECORD) == 1
    table.write_text(text.replace(LAST_RECORD, LAST_RECORD + NODULE))
    return folder


@pytest.fixture(scope="module")
def trained(checkout: Path) -> Path:
    """A run of one epoch on phantoms, every fourth of which is said to show a nodule too."""
    films = write_phantom_dataset(checkout / "films", 80, seed=1, size=64)
    entries = pd.read_csv(films.entries, index_col=False)
    labels = entries["Finding Labels"].str.replace("No Finding", "")
    nodule = entries.index % 4 == 1
    labels[nodule] = (labels[nodule] + "|Nodule").str.strip("|")
    entries["Finding Labels"] = labels.replace("", "No Finding")
    entries.to_csv(films.entries, index=False)
    run = checkout / "run"
    words = ["--entries", films.entries, "--images", films.images, "--boxes", films.boxes]
    words += ["--preset", "best", "--weights", "none", "--epochs", "1", "--out", run, "--quiet"]
    words += ["--set", "px=64", "--set", "low_res_px=64", "--set", "full_res_epochs=1"]
    finish("cxr_core.cli.train", *words, folder=checkout)
    return run


def finish(module: str, *words: object, folder: Path) -> str:
    """Run a command of the copy to its end; returns what it printed."""
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_trained_and_stored(trained: Path) -> None:
    metadata = json.loads((trained / "model.json").read_text())
    assert metadata["findings"] == KEYS == list(metadata["operating_points"])
    assert len(metadata["calibration"]["offsets"]) == 5
    for key in ("nodule", "no_finding"):
        assert metadata["operating_points"][key]["criterion"] == "specificity"
        assert metadata["sensitive_points"][key]["criterion"] == "sensitivity"
    predictions = pd.read_csv(trained / "predictions_test.csv")
    logits = predictions.columns[predictions.columns.str.startswith("logit_")]
    assert logits.tolist() == [f"logit_{key}" for key in KEYS]
    history = pd.read_csv(trained / "history.csv").iloc[0]
    means = history[[f"auroc_{key}" for key in KEYS]].mean()
    assert history["auroc_mean"] == pytest.approx(means, abs=1e-6)
    card = (trained / "MODEL_CARD.md").read_text()
    assert "five probabilities" in card
    assert "No Finding and Nodule, each" in card


def test_it_is_evaluated(checkout: Path, trained: Path) -> None:
    document = checkout / "report.json"
    said = finish("cxr_core.cli.evaluate", trained, "--json", document, folder=checkout)
    assert "also Nodule" in said
    assert "5 labels" in said
    report = json.loads(document.read_text())
    counts = pd.read_csv(trained / "predictions_test.csv")[[f"label_{key}" for key in KEYS]]
    together = report["co_occurrence"]
    assert together["nodule"]["nodule"] == counts["label_nodule"].sum()
    assert len(report["labels_per_film"]) == 6
    assert sum(report["labels_per_film"]) == len(counts)


def test_it_reads_a_phantom(checkout: Path, trained: Path) -> None:
    film, out = next((checkout / "films" / "images").iterdir()), checkout / "results.csv"
    finish("cxr_core.cli.read", film, "--model", trained, "--out", out, folder=checkout)
    (row,) = csv.DictReader(out.read_text().splitlines())
    assert row["status"] in ("read", "stopped")
    cut_off = json.loads((trained / "model.json").read_text())["operating_points"]["nodule"]
    assert float(row["cutoff_nodule"]) == pytest.approx(cut_off["threshold"], abs=1e-6)
    assert 0 < float(row["probability_nodule"]) < 1
    flagged = float(row["probability_nodule"]) >= float(row["cutoff_nodule"])
    assert row["flagged_nodule"] == str(int(flagged))


def test_a_model_of_four_findings_is_refused_in_one_sentence(checkout: Path) -> None:
    command = [sys.executable, "-m", "cxr_core.cli.read", str(PACKAGE / "findings.py")]
    command += ["--out", "o.csv", "--model", str(SHIPPED_MODEL)]
    done = subprocess.run(
        command,
        cwd=checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "has other findings, or another order of them" in done.stderr
    assert "Traceback" not in done.stderr
