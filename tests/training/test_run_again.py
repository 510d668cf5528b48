"""Runs that are killed, resumed, finished anew or refused: nothing is lost, nothing mixed."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from easy_films import CONFIG, EasyFilms, write_easy_films

from cxr_core.errors import DataError, TrainingError
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.training.config import TrainConfig
from cxr_core.training.films import Sources
from cxr_core.training.run import run
from cxr_core.training.trainer import Trainer


def test_resuming_after_a_kill_gives_the_same_weights_and_history(
    finished: Path, sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    real, calls = Trainer.train_epoch, []

    def dies_in_the_third(self: Trainer, *arguments: object, **named: object) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise KilledError
        return real(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "train_epoch", dies_in_the_third)
    with pytest.raises(KilledError):
        run(CONFIG, sources, tmp_path / "run")
    assert not (tmp_path / "run" / "model.json").exists()
    monkeypatch.undo()
    run(CONFIG, sources, tmp_path / "run", resume=True)
    weights = load_checkpoint(tmp_path / "run").model.state_dict()
    expected = load_checkpoint(finished).model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in weights.items())
    columns = ["epoch", "px", "learning_rate", "train_loss", "validation_loss", "auroc_mean"]
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "run" / "history.csv")[columns],
        pd.read_csv(finished / "history.csv")[columns],
    )


def test_finish_redoes_everything_after_the_fit_and_repairs_a_cut_off(
    copy: Path, sources: Sources
) -> None:
    before = (copy / "model.json").read_text()
    weights = (copy / "model.safetensors").read_bytes()
    document = json.loads(before)
    document["operating_points"]["effusion"]["threshold"] = 0.9
    (copy / "model.json").write_text(json.dumps(document))
    (copy / "predictions_test.csv").unlink()
    (copy / "resume.pt").unlink()
    run(CONFIG, sources, copy, finish_only=True)
    assert (copy / "model.safetensors").read_bytes() == weights
    assert (copy / "predictions_test.csv").exists()
    after = json.loads((copy / "model.json").read_text())
    assert after["operating_points"] == json.loads(before)["operating_points"]


def test_a_folder_with_a_run_is_not_overwritten(copy: Path, sources: Sources) -> None:
    with pytest.raises(TrainingError, match=r"already a run in this folder.*--resume.*--finish"):
        run(CONFIG, sources, copy)


def test_other_settings_or_films_are_refused_before_anything_is_written(
    copy: Path, sources: Sources, tmp_path: Path
) -> None:
    split = (copy / "split.csv").read_text()
    longer = TrainConfig.from_dict({**CONFIG.to_dict(), "epochs": 9})
    with pytest.raises(TrainingError, match="epochs was 4 and is 9"):
        run(longer, sources, copy, resume=True)
    fewer = write_easy_films(tmp_path / "fewer", count=84)
    other = Sources(entries=fewer.entries, images=fewer.images, cache=tmp_path / "cache")
    with pytest.raises(TrainingError, match="data_fingerprint was"):
        run(CONFIG, other, copy, resume=True)
    assert (copy / "split.csv").read_text() == split


def test_a_split_without_test_films_is_refused(
    easy: EasyFilms, sources: Sources, tmp_path: Path
) -> None:
    images = pd.read_csv(easy.entries)["Image Index"]
    split = pd.DataFrame({"image": images, "split": "train"})
    split.to_csv(tmp_path / "split.csv", index=False)
    one_sided = Sources(
        entries=easy.entries,
        images=easy.images,
        cache=sources.cache,
        split=tmp_path / "split.csv",
    )
    with pytest.raises(DataError):
        run(CONFIG, one_sided, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_without_one_class_is_refused_before_the_fit(
    easy: EasyFilms, sources: Sources, finished: Path, tmp_path: Path
) -> None:
    split = pd.read_csv(finished / "split.csv", dtype=str)
    normal = (split["split"] == "validation") & (split["label_no_finding"] == "1")
    split.loc[split["patient"].isin(split.loc[normal, "patient"]), "split"] = "train"
    split.to_csv(tmp_path / "split.csv", index=False)
    without = Sources(
        entries=easy.entries, images=easy.images, cache=sources.cache, split=tmp_path / "split.csv"
    )
    with pytest.raises(DataError, match=r"do not show No Finding both .*: 0 of \d+ films have it"):
        run(CONFIG, without, tmp_path / "run")


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_state(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Trainer.train_epoch, []

    def poisoned(self: Trainer, *arguments: object, **named: object) -> float:
        calls.append(1)
        if len(calls) == 2:
            with torch.no_grad():
                self.model.classifier.bias.fill_(float("nan"))
        return real(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "train_epoch", poisoned)
    with pytest.raises(TrainingError, match=r"no longer a number \(epoch 2/4, batch 1\): nan"):
        run(CONFIG, sources, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)
    assert len(saved["state"]["history"]) == 1
    assert torch.isfinite(saved["state"]["trainer"]["model"]["classifier.bias"]).all()
