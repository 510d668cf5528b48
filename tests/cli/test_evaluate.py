"""``python -m cxr_core.evaluation.report``: what it prints, and what it says of bad input."""

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from cxr_core.cli.evaluate import main
from cxr_core.config import Calibration
from cxr_core.evaluation.comparison import compare_predictions
from cxr_core.evaluation.predictions import read_predictions, write_predictions
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.model.metadata import write_metadata
from tests.helpers.commands import run_as_main
from tests.helpers.models import make_metadata, make_points
from tests.helpers.predictions import make_predictions
from tests.helpers.reports import report_text

CALIBRATION = Calibration(0.5, (0.0, 0.1, -0.1, 0.2))
POINTS = make_points((0.4,) * 4)


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """A table of 60 films as a file."""
    table = make_predictions(60).assign(patient=np.arange(60) // 2)
    write_predictions(table, tmp_path / "predictions_test.csv")
    return tmp_path / "predictions_test.csv"


def write_model(folder: Path) -> Path:
    metadata = make_metadata(calibration=CALIBRATION, operating_points=POINTS)
    write_metadata(folder, metadata, weights_sha256="0" * 64)
    return folder


def test_it_prints_the_pages_tables(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(predictions), "--resamples", "30"]) == 0
    fitted = capsys.readouterr().out
    assert "fitted on these same films, so their results here are optimistic" in fitted
    model = write_model(predictions.parent)
    assert main([str(predictions), "--resamples", "30", "--model", str(model)]) == 0
    told = capsys.readouterr().out
    expected = evaluate_predictions(
        read_predictions(predictions),
        operating_points=POINTS,
        calibration=CALIBRATION,
        n_resamples=30,
        subgroups=False,
    )
    shared = report_text(read_predictions(predictions), expected).split("\n\nWhat each band")[0]
    assert told.startswith(shared)
    assert "optimistic" not in told
    for title in (
        "What each band is worth",
        "Confusion matrices",
        "Likelihood ratios",
        "Effusion by subgroup",
        "two labels at once",
    ):
        assert title in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_run_folder_is_its_table_with_its_own_model(
    predictions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(predictions.parent)
    split = read_predictions(predictions).assign(split=["train"] * 30 + ["test"] * 30)
    split.to_csv(folder / "split.csv", index=False)
    assert main([str(folder), "--resamples", "30"]) == 0
    told = capsys.readouterr().out
    assert main([str(predictions), "--resamples", "30", "--model", str(folder)]) == 0
    alone = capsys.readouterr().out
    assert re.search(r"Train: 30 films, \d+ patients  Test: 30 films", told)
    assert "Train: 30 films" not in alone
    assert told.split("\n\nLabels by set")[0] == alone.split("\n\nLabels of these")[0]


def test_the_json_holds_what_was_printed(
    predictions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(predictions.parent)
    out = folder / "metrics.json"
    assert main([str(folder), "--resamples", "30", "--json", str(out)]) == 0
    assert "60 films" in capsys.readouterr().out
    found = json.loads(out.read_text())
    data = predictions.read_bytes()
    assert found["table"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert (
        found["model"]["sha256"] == json.loads((folder / "model.json").read_text())["model_sha256"]
    )
    assert found["operating_points_fitted_here"] is False
    assert main([str(folder), "--resamples", "30", "--json", "-"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    again = json.loads(printed.out)
    assert {**again, "made": ""} == {**found, "made": ""}


def test_a_second_table_is_compared(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = read_predictions(predictions)
    other = mine.assign(logit_effusion=-mine["logit_effusion"])
    against = predictions.with_name("other.csv")
    write_predictions(other, against)
    given = [str(predictions), "--resamples", "30", "--against", str(against)]
    assert main(given) == 0
    expected = compare_predictions(mine, other, n_resamples=30)
    assert (
        f"A: {predictions}\nB: {against}\n\n{comparison_text(expected)}" in capsys.readouterr().out
    )
    assert main([*given, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    told = document["comparison"]
    assert document["comparison_of"] == {
        "a": hashlib.sha256(predictions.read_bytes()).hexdigest(),
        "b": hashlib.sha256(against.read_bytes()).hexdigest(),
    }
    area = expected.overall.auroc["effusion"]
    assert told["overall"]["auroc"]["effusion"]["difference"]["estimate"] == (
        area.difference.estimate
    )
    # The other table ranks Effusion the other way round, so its area is one less ours.
    assert area.b.estimate == pytest.approx(1 - area.a.estimate)


def test_it_runs_as_a_module(
    predictions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "cxr_core.cli.evaluate")  # which the older name runs
    given = [str(predictions), "--resamples", "10"]
    assert run_as_main(monkeypatch, "cxr_core.evaluation.report", *given) == 0
    printed = capsys.readouterr()
    assert "60 films of 30 patients" in printed.out
    assert printed.err == ""


def test_it_says_what_is_wrong(predictions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, folder = str(predictions), predictions.parent
    assert main([str(folder / "none.csv")]) == 2
    assert "The table does not exist" in capsys.readouterr().err
    assert main([table, "--resamples", "0"]) == 2
    assert capsys.readouterr().err == (
        "cxr-evaluate: The number of resamples must be at least 1: 0. Give 2000, or at least 1.\n"
    )
    assert main([table, "--model", str(folder)]) == 2
    assert "no model in this folder" in capsys.readouterr().err
    (folder / "empty").mkdir()
    assert main([str(folder / "empty")]) == 2
    assert "no predictions for its test films" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["none/metrics.json", ".", "none.csv"])
def test_an_output_that_cannot_be_is_refused_before_anything_is_read(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The table does not exist either: what is said first is what is looked at first.
    assert main([str(tmp_path / "none.csv"), "--json", str(tmp_path / out)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("cxr-evaluate: The JSON ")
    assert said.err.count("\n") == 1


def test_it_refuses_an_altered_cut_off(
    predictions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(predictions.parent) / "model.json"
    document = json.loads(model.read_text())
    document["operating_points"]["effusion"]["threshold"] = 0.1
    model.write_text(json.dumps(document))
    assert main([str(predictions), "--model", str(model.parent)]) == 2
    captured = capsys.readouterr()
    assert "changed after it was written" in captured.err
    assert captured.out == ""


def test_somebodys_table_beside_a_model_is_told(
    predictions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(predictions.parent)
    table = read_predictions(predictions).drop(columns=["label_no_finding", "logit_no_finding"])
    table = table.assign(label_Mass=table["label_effusion"], logit_Mass=table["logit_effusion"])
    foreign, mapping = tmp_path / "other.csv", tmp_path / "map.toml"
    names = {"label_": "true_", "logit_": "score_"}
    for ours, theirs in names.items():
        table.columns = [name.replace(ours, theirs) for name in table.columns]
    table.to_csv(foreign, index=False)
    assert main([str(foreign), "--suggest-map", str(mapping)]) == 0
    assert (
        "Effusion: label from true_effusion, logit from score_effusion" in capsys.readouterr().out
    )
    command = [str(foreign), "--map", str(mapping), "--resamples", "30", "--model", str(folder)]
    assert main([*command, "--prevalence", "effusion=0.05", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"]["wrote_this_table"] is False
    assert found["model"]["cutoffs_from"] == found["model"]["calibration_from"] == "the model"
    assert found["table"]["columns"]["image"] == "image"
    assert any("in whose folder this table is not" in note for note in found["notes"])
    assert any("No cut-off for Mass" in note for note in found["notes"])
    assert list(found["auroc"]) == ["effusion", "atelectasis", "infiltration", "Mass"]
    # The model has no calibration of it: its probabilities are the plain sigmoid's.
    error = found["calibration_error"]
    assert error["before"]["Mass"] == error["after"]["Mass"]
    assert error["before"]["effusion"] != error["after"]["effusion"]
    site, rates = found["at_site"]["effusion"], found["rates"]["effusion"]
    sensitivity, specificity = (rates[k]["estimate"] for k in ("sensitivity", "specificity"))
    true, false = 0.05 * sensitivity, 0.95 * (1 - specificity)
    assert site["metrics"]["ppv_at_prevalence"]["estimate"] == pytest.approx(true / (true + false))
    assert site["alerts"]["per_100"]["estimate"] == pytest.approx(100 * (true + false))
    assert site["cutoff"] < found["operating_points"]["effusion"]["threshold"]
    assert main([*command, "--prevalence", "Mass=0.05"]) == 2
    assert "There is no cut-off of this finding" in capsys.readouterr().err


def test_checklists_make_their_folder(
    predictions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "reports"
    assert main([str(predictions), "--checklists", str(folder), "--resamples", "20"]) == 0
    assert {"tripod_ai.md", "tripod_ai.pdf"} <= {path.name for path in folder.iterdir()}
    capsys.readouterr()
    assert main([str(predictions), "--checklists", str(predictions / "in")]) == 2
    assert "cannot be made" in capsys.readouterr().err
