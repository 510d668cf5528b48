"""Runs that are finished anew or refused: nothing is lost, nothing mixed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.errors import DataError, TrainingError
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.run import RunOptions, run
from cxr_core.training.trainer import Trainer
from tests.training.easy_films import CONFIG, EasyFilms, write_easy_films

RESUME, FINISH = RunOptions(resume=True), RunOptions(finalize_only=True)


def test_finish_redoes_everything_after_the_fit_and_repairs_a_cut_off(
    run_copy: Path, sources: DatasetPaths
) -> None:
    before = (run_copy / "model.json").read_text()
    weights = (run_copy / "model.safetensors").read_bytes()
    document = json.loads(before)
    document["operating_points"]["effusion"]["threshold"] = 0.9
    (run_copy / "model.json").write_text(json.dumps(document))
    (run_copy / "predictions_test.csv").unlink()
    run(CONFIG, sources, run_copy, FINISH)
    assert (run_copy / "model.safetensors").read_bytes() == weights
    assert (run_copy / "predictions_test.csv").exists()
    after = json.loads((run_copy / "model.json").read_text())
    assert after["operating_points"] == json.loads(before)["operating_points"]
    assert after["preprocessing"] == json.loads(before)["preprocessing"]


def test_a_trial_leaves_the_test_part_unread_until_it_is_finished(
    run_copy: Path, sources: DatasetPaths
) -> None:
    card, test = run_copy / "MODEL_CARD.md", run_copy / "predictions_test.csv"
    marks = run_copy / "marks.csv"
    read, marked = test.read_text(), marks.read_text()
    for path in (card, test, marks, run_copy / "localisation.csv"):
        path.unlink()
    finished = run(CONFIG, sources, run_copy, RunOptions(finalize_only=True, skip_test=True))
    assert finished is not None
    assert finished.split == "validation"
    assert finished.report.report.n_films == len(pd.read_csv(run_copy / "predictions_val.csv"))
    assert not test.exists()
    assert not card.exists()
    finished = run(CONFIG, sources, run_copy, FINISH)
    assert finished is not None
    assert finished.split == "test"
    assert test.read_text() == read
    assert marks.read_text() == marked
    assert card.exists()


def test_a_folder_with_a_run_is_not_overwritten(run_copy: Path, sources: DatasetPaths) -> None:
    with pytest.raises(TrainingError, match=r"already a run in this folder.*--resume.*--finalize"):
        run(CONFIG, sources, run_copy)


def test_an_ended_run_without_its_state_is_not_begun_anew(
    run_copy: Path, sources: DatasetPaths
) -> None:
    weights = (run_copy / "model.safetensors").read_bytes()
    words = r"has ended, and there is no resume\.pt any more.*--finalize.*--weights"
    with pytest.raises(TrainingError, match=words):
        run(CONFIG, sources, run_copy, RESUME)
    assert (run_copy / "model.safetensors").read_bytes() == weights


def test_other_settings_are_refused_before_anything_is_written(
    run_copy: Path, sources: DatasetPaths
) -> None:
    split = (run_copy / "split.csv").read_text()
    longer = replace(CONFIG, epochs=9, box_loss_weight=0.1)
    with pytest.raises(
        TrainingError, match=r"epochs was 4 and is 9; box_loss_weight was 0.0 and is 0.1"
    ):
        run(longer, sources, run_copy, FINISH)
    assert (run_copy / "split.csv").read_text() == split


def _films_again(easy_films: EasyFilms, folder: Path) -> DatasetPaths:
    """The same films in another folder, where they can be changed."""
    shutil.copytree(easy_films.images.parent, folder)
    return DatasetPaths(
        entries=folder / easy_films.entries.name, images=folder / "images", cache=folder / "cache"
    )


def test_a_film_that_has_vanished_is_named(
    easy_films: EasyFilms, run_copy: Path, tmp_path: Path
) -> None:
    moved = _films_again(easy_films, tmp_path / "films")
    (moved.images / "film-007.png").unlink()
    with pytest.raises(TrainingError, match=r"1 films of the run are missing.*film-007\.png"):
        run(CONFIG, moved, run_copy, FINISH)


def test_a_film_whose_pixels_have_changed_is_noticed(
    easy_films: EasyFilms, run_copy: Path, tmp_path: Path
) -> None:
    moved = _films_again(easy_films, tmp_path / "films")
    shutil.copyfile(moved.images / "film-008.png", moved.images / "film-007.png")
    with pytest.raises(TrainingError, match="the pixels of the films have changed"):
        run(CONFIG, moved, run_copy, FINISH)


def test_a_label_or_a_split_that_has_changed_is_named(
    sources: DatasetPaths, run_copy: Path, tmp_path: Path
) -> None:
    split = pd.read_csv(run_copy / "split.csv", dtype=str)
    patient = split.loc[split["split"] == "train", "patient"].iloc[0]
    films = split.loc[split["patient"] == patient, "image"].tolist()
    split.loc[split["patient"] == patient, "split"] = "test"
    split.to_csv(tmp_path / "split.csv", index=False)
    other = replace(sources, split=tmp_path / "split.csv")
    with pytest.raises(TrainingError, match=rf"split has changed for 2 films \({films[0]}"):
        run(CONFIG, other, run_copy, FINISH)


def test_fewer_films_are_refused(run_copy: Path, tmp_path: Path) -> None:
    fewer = write_easy_films(tmp_path / "fewer", count=84)
    other = DatasetPaths(entries=fewer.entries, images=fewer.images, cache=tmp_path / "cache")
    with pytest.raises(TrainingError, match="6 films of the run are missing"):
        run(CONFIG, other, run_copy, FINISH)


def test_a_split_without_test_films_is_refused(
    easy_films: EasyFilms, sources: DatasetPaths, tmp_path: Path
) -> None:
    images = pd.read_csv(easy_films.entries)["Image Index"]
    split = pd.DataFrame({"image": images, "split": "train"})
    split.to_csv(tmp_path / "split.csv", index=False)
    with pytest.raises(DataError):
        run(CONFIG, replace(sources, split=tmp_path / "split.csv"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_without_one_class_is_refused_before_the_fit(
    sources: DatasetPaths, finished_run: Path, tmp_path: Path
) -> None:
    split = pd.read_csv(finished_run / "split.csv", dtype=str)
    normal = (split["split"] == "validation") & (split["label_no_finding"] == "1")
    split.loc[split["patient"].isin(split.loc[normal, "patient"]), "split"] = "train"
    split.to_csv(tmp_path / "split.csv", index=False)
    without = replace(sources, split=tmp_path / "split.csv")
    with pytest.raises(DataError, match=r"do not show No Finding both .*: 0 of \d+ films have it"):
        run(CONFIG, without, tmp_path / "run")


def test_boxes_as_a_lesson_need_boxes(sources: DatasetPaths, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"needs boxes: box_loss_weight=0\.3.*--set box_loss_weight=0"
    ):
        run(replace(CONFIG, box_loss_weight=0.3), replace(sources, boxes=None), tmp_path / "run")


def test_a_loss_that_is_no_number_names_its_films_and_keeps_the_last_good_state(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Trainer.step, []

    def poisoned(self: Trainer, batch: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 6:
            with torch.no_grad():
                self.model.classifier.bias.fill_(float("nan"))
        return real(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(
        TrainingError, match=r"not finite \(epoch 2/4, batch 2\): nan, on film-\d+\.png"
    ):
        run(CONFIG, sources, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["state"]
    assert len(saved["train_state"]["history"]) == 1
    bias = saved["trainer"]["objective"]["network.classifier.bias"]
    assert torch.isfinite(bias).all()
