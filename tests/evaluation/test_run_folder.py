"""A run folder from outside: what is found, what is refused, and how far a run has come."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.errors import CheckpointError, DataError
from cxr_core.evaluation.history import kept_epoch
from cxr_core.evaluation.run_folder import RunFolder, RunProgress, find_runs, require_run_folder
from cxr_core.findings import KEYS
from cxr_core.model.metadata import ModelMetadata, write_metadata


def run(folder: Path, **files: str) -> Path:
    """A folder with files of the given names (``model_json`` is model.json) and contents."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text)
    return folder


def test_the_test_films_come_first_and_the_validation_films_are_taken_without_them(
    tmp_path: Path,
) -> None:
    held = run(tmp_path, predictions_val_csv="held")
    assert RunFolder(held).part == "validation"
    assert RunFolder(held).predictions_bytes("validation") == b"held"
    run(tmp_path, predictions_test_csv="shown")
    assert RunFolder(tmp_path).part == "test"
    assert RunFolder(run(tmp_path / "bare", history_csv="epoch\n")).part is None


@pytest.mark.parametrize("name", ["absent", "a" * 5000, "nul\0byte", "file"])
def test_a_path_without_a_folder_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="This folder cannot be read"):
        require_run_folder(tmp_path / name)


def test_a_folder_without_a_runs_files_is_refused_whatever_else_it_holds(tmp_path: Path) -> None:
    run(tmp_path, secret_txt="x", passwd_csv="y")
    with pytest.raises(DataError, match="holds no training run") as raised:
        require_run_folder(tmp_path)
    assert "secret" not in str(raised.value)
    require_run_folder(run(tmp_path, history_csv="epoch\n1\n"))


def test_a_table_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="predictions for its test films cannot be read"):
        RunFolder(tmp_path).predictions_bytes("test")


def test_runs_are_found_beside_one_another_each_once(tmp_path: Path) -> None:
    for name in ("b", "a"):
        run(tmp_path / "runs" / name, model_json="{}")
    run(tmp_path / "runs" / "films", image_png="")
    found = find_runs([tmp_path / "runs", tmp_path / "runs" / ".." / "runs", tmp_path / "nowhere"])
    assert [folder.name for folder in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("files", "epochs", "expected"),
    [
        ({}, 3, RunProgress(3, 16, unfinished=True)),
        ({"resume_pt": ""}, 16, RunProgress(16, 16, unfinished=True)),
        ({}, 16, RunProgress(16, 16, unfinished=False)),
        # The weights are there, and its films are still being read with them.
        ({"resume_pt": "", "model_safetensors": ""}, 16, RunProgress(16, 16, unfinished=True)),
        ({"resume_pt": "", "model_json": "{}"}, 16, RunProgress(16, 16, unfinished=False)),
        # The shipped model's folder may hold fewer epochs than were planned, and has ended.
        ({"model_json": "{}"}, 3, RunProgress(3, 16, unfinished=False)),
    ],
)
def test_how_far_a_run_has_come(
    tmp_path: Path, files: dict[str, str], epochs: int, expected: RunProgress
) -> None:
    history = "epoch\n" + "".join(f"{epoch}\n" for epoch in range(1, epochs + 1))
    config = json.dumps({"train": {"epochs": 16}})
    run(tmp_path, config_json=config, history_csv=history, **files)
    assert RunFolder(tmp_path).progress == expected


@pytest.mark.parametrize("text", ["", "[]", '{"train": 1}', '{"train": {"epochs": "many"}}'])
def test_a_configuration_that_does_not_tell_is_no_plan(tmp_path: Path, text: str) -> None:
    folder = run(tmp_path, config_json=text, history_csv="epoch\n1\n2\n3\n")
    assert RunFolder(folder).progress == RunProgress(3, None, unfinished=False)


def test_a_history_that_is_none_is_empty(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).history.empty
    for text in ("", "\x00\x01", "a,b\n1,2\n"):
        assert RunFolder(run(tmp_path, history_csv=text)).history.empty
    assert RunFolder(run(tmp_path, history_csv="epoch\n1\n2\n")).history["epoch"].tolist() == [1, 2]


@pytest.mark.parametrize("own", [True, False])
def test_weights_of_another_hash_are_refused(tmp_path: Path, own: bool) -> None:
    points = {key: OperatingPoint(0.4, 0.3, 0.5, "sensitivity", 0.8, 0.81, 0.7) for key in KEYS}
    metadata = ModelMetadata(Preprocessing(), Calibration(), points, EvidenceScale(1.0))
    sha256 = hashlib.sha256(b"weights").hexdigest() if own else "0" * 64
    write_metadata(tmp_path, metadata, weights_sha256=sha256)
    RunFolder(tmp_path).verify_weights()  # tables without weights can be read
    run(tmp_path, model_safetensors="weights")
    if own:
        RunFolder(tmp_path).verify_weights()
        return
    with pytest.raises(CheckpointError, match="does not match model.json"):
        RunFolder(tmp_path).verify_weights()


def test_each_file_is_read_once(tmp_path: Path) -> None:
    folder = RunFolder(run(tmp_path, history_csv="epoch\n1\n"))
    assert len(folder.history) == 1
    run(tmp_path, history_csv="epoch\n1\n2\n")
    assert len(folder.history) == 1
    assert len(RunFolder(tmp_path).history) == 2


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ({"auroc_mean": [0.6, 0.8, 0.7]}, 1),
        # Epochs at a smaller input are never kept, however good they were.
        ({"auroc_mean": [0.6, 0.8, 0.7], "px": [128, 128, 224]}, 2),
        # Chosen on another part of the split; a resumed run of an earlier version begins without.
        ({"auroc_mean": [0.6, 0.8, 0.7], "selection_auroc": [0.5, 0.6, 0.7]}, 2),
        ({"auroc_mean": [0.9, 0.8, 0.7], "selection_auroc": [float("nan"), 0.6, 0.7]}, 0),
        ({"auroc_mean": [float("nan")] * 3}, None),
        ({}, None),
    ],
)
def test_which_epoch_was_kept(columns: dict[str, list[float]], row: int | None) -> None:
    assert kept_epoch(pd.DataFrame({"epoch": [1, 2, 3], **columns})) == row
