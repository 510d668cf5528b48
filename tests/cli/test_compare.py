"""``python -m cxr_core.cli.compare``: what it prints, and what it says of bad input."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxr_core.cli.compare import main
from cxr_core.config import Calibration
from cxr_core.evaluation.comparison import compare_predictions
from cxr_core.evaluation.localisation.pointing import write_localisation
from cxr_core.evaluation.predictions import read_predictions, write_predictions
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.findings import KEYS, LOGIT_COLUMNS
from cxr_core.model.metadata import write_metadata
from tests.helpers.commands import run_as_main
from tests.helpers.models import make_metadata
from tests.helpers.predictions import make_predictions

FEW = ["--resamples", "20"]


def write_folder(folder: Path, seed: int) -> Path:
    """A model folder: 60 films with the same labels, and logits and peaks that follow the seed."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    table = make_predictions(60).assign(patient=np.arange(60) // 2)
    table[list(LOGIT_COLUMNS)] = rng.normal(size=(60, len(KEYS)))
    write_predictions(table, folder / "predictions_test.csv")
    boxed = table[["image"]].assign(finding="effusion", x=0.5, y=0.5, fixed_spot_inside=0)
    boxed = boxed.assign(inside=rng.integers(0, 2, 60), centre_inside=0, box_area=0.1)
    write_localisation(boxed, folder / "localisation.csv")
    metadata = make_metadata(calibration=Calibration(1.0 / (1 + seed)))
    write_metadata(folder, metadata, weights_sha256="0" * 64)
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The model folders A and B."""
    return write_folder(tmp_path / "a", 1), write_folder(tmp_path / "b", 2)


def test_it_prints_the_comparison(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (folder / "predictions_test.csv" for folder in folders)
    assert main([str(a), str(b), *FEW]) == 0
    bare = compare_predictions(read_predictions(a), read_predictions(b), n_resamples=20)
    assert capsys.readouterr().out == f"A: {a}\nB: {b}\n\n{comparison_text(bare)}"
    assert "calibration error" not in comparison_text(bare)
    assert main([str(a), str(b), *FEW, "--model-b", str(folders[1])]) == 0
    assert "Finding       B before  B after\n" in capsys.readouterr().out


def test_it_writes_json_markdown_and_latex(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (folder / "predictions_test.csv" for folder in folders)
    paths = {name: tmp_path / f"out.{name}" for name in ("json", "markdown", "latex")}
    options = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    assert main([str(a), str(b), *FEW, *options]) == 0
    capsys.readouterr()
    told = json.loads(paths["json"].read_text())
    bare = compare_predictions(read_predictions(a), read_predictions(b), n_resamples=20)
    area = bare.overall.auroc["effusion"].difference
    found = told["comparison"]["overall"]["auroc"]["effusion"]["difference"]
    assert (found["estimate"], found["p_value"]) == (area.estimate, area.p_value)
    assert (found["direction"], found["cross_check_low"]) == (area.direction, area.cross_check_low)
    assert told["comparison_of"]["a"] == hashlib.sha256(a.read_bytes()).hexdigest()
    assert told["format"] == "cxr_core comparison"
    assert "| Effusion | " in paths["markdown"].read_text()
    assert "Effusion & " in paths["latex"].read_text()
    assert main([str(a), str(b), *FEW, "--json", "-"]) == 0
    assert {**json.loads(capsys.readouterr().out), "made": ""} == {**told, "made": ""}
    assert main([str(a), str(b), "--latex", str(b)]) == 2
    assert "would overwrite a table" in capsys.readouterr().err


def test_a_folder_stands_for_its_table_and_its_model(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = folders
    assert main([str(a), str(b), *FEW, "--seed", "4"]) == 0
    printed = capsys.readouterr().out
    expected = compare_predictions(
        read_predictions(a / "predictions_test.csv"),
        read_predictions(b / "predictions_test.csv"),
        model_a=RunFolder(a),
        model_b=RunFolder(b),
        n_resamples=20,
        seed=4,
    )
    assert printed.endswith(comparison_text(expected))
    assert "Finding       A before  A after  B before  B after\n" in printed
    assert "Localisation: share of boxed films whose map peaks inside a box\n" in printed
    assert re.search(r"All findings +60 ", printed)
    assert max(map(len, comparison_text(expected).splitlines())) <= 100
    # Another model for the same table: its calibration, and the same peaks as B's.
    assert main([str(a), str(b), *FEW, "--model-a", str(b)]) == 0
    peaks = capsys.readouterr().out.partition("share of boxed")[2].splitlines()
    assert peaks[1].endswith("B - A")
    assert re.search(r" 0\.000 \(-0\.\d+ to \+0\.\d+\)$", peaks[2])  # no film tells the two apart


def test_films_that_only_one_table_has_are_told(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = tmp_path / "some.csv"
    write_predictions(read_predictions(folders[1] / "predictions_test.csv")[:50], some)
    assert main([str(folders[0]), str(some), *FEW]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "50 films of 25 patients" in printed
    assert "The 50 films in both tables are compared; 10 only in A and 0 only in B" in printed


def test_runs_of_different_splits_are_refused(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    split = read_predictions(folders[0] / "predictions_test.csv")[["image", "patient"]]
    split.assign(split="test").to_csv(folders[0] / "split.csv", index=False)
    assert main([*map(str, folders), *FEW]) == 0
    assert "The split of B is not known" in capsys.readouterr().out
    other = split.assign(split=["train"] * 20 + ["test"] * 40)
    other.to_csv(folders[1] / "split.csv", index=False)
    assert main([*map(str, folders), *FEW]) == 2
    told = capsys.readouterr().err
    assert "20 of the 60 compared films of A are in B's training set" in told


def test_it_runs_as_a_module(
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_as_main(monkeypatch, "cxr_core.cli.compare", *map(str, folders), *FEW) == 0
    printed = capsys.readouterr()
    assert "60 films of 30 patients" in printed.out
    assert printed.err == ""


def test_it_says_what_is_wrong(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = map(str, folders)
    some = tmp_path / "some.csv"
    write_predictions(read_predictions(folders[0] / "predictions_test.csv")[:9], some)
    assert main([a, str(some)]) == 2
    assert "Too few films are in both tables: 9 of 60 in A" in capsys.readouterr().err
    assert main([a, str(tmp_path)]) == 2
    assert "The folder has no predictions for its test films" in capsys.readouterr().err
    assert main([a, b, "--model-b", str(tmp_path)]) == 2
    assert "no model in this folder" in capsys.readouterr().err
    assert main([a, b, "--resamples", "0"]) == 2
    captured = capsys.readouterr()
    assert "The number of resamples must be at least 1: 0." in captured.err
    assert captured.out == ""


def test_more_models_are_each_compared_with_the_first(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    third = write_folder(tmp_path / "c", 3)
    table = read_predictions(third / "predictions_test.csv")[5:]  # of fewer films
    write_predictions(table, third / "predictions_test.csv")
    paths = [*map(str, folders), str(third)]
    assert main([*paths, *FEW, "--json", "-"]) == 0
    with_b, with_c = json.loads(capsys.readouterr().out)
    assert with_b["comparison"]["n_films"] == with_c["comparison"]["n_films"] == 55
    areas = [one["comparison"]["overall"]["auroc"]["effusion"]["a"] for one in (with_b, with_c)]
    assert areas[0] == areas[1]  # the same films and resamples
    assert main([*paths, *FEW]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"A: {paths[0]}\nB: {paths[1]}\nC: {paths[2]}\n")
    assert "AUROC of Effusion, all films: 55" in told
    assert "Films that are not in all tables are left out: 5, 5, 0." in told
    assert re.search(r"\nC +0\.\d{3} \(", told)
    # A note on what a model has seen names that model, and not the second of its pair.
    images = read_predictions(folders[0] / "predictions_test.csv")["image"]
    for folder in folders:
        pd.DataFrame({"image": images, "split": "test"}).to_csv(folder / "split.csv", index=False)
    assert main([*paths, *FEW]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "The split of C is not known" in told
    assert "The split of B is not known" not in told
