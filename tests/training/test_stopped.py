"""Ctrl-C, and a run taken up again at any batch: the same weights and history, bit for bit."""

import signal
from pathlib import Path

import pandas as pd
import pytest
import torch

from cxr_core.errors import TrainingError, TrainingStoppedError
from cxr_core.model.checkpoint import load_checkpoint
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.run import RunOptions, run
from cxr_core.training.state import stop_request
from cxr_core.training.trainer import Trainer
from tests.training.easy_films import CONFIG

TIMES = ["seconds", "waiting"]
GO_ON = RunOptions(resume=True, skip_test=True)  # weights and history do not hang on the test part


def assert_same_run(folder: Path, expected: Path) -> None:
    weights = load_checkpoint(folder).model.state_dict()
    others = load_checkpoint(expected).model.state_dict()
    assert all(torch.equal(value, others[key]) for key, value in weights.items())
    history, other = (pd.read_csv(path / "history.csv") for path in (folder, expected))
    pd.testing.assert_frame_equal(
        history.drop(columns=TIMES), other.drop(columns=TIMES), check_exact=True
    )


@pytest.fixture
def interrupted_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Steps, counted from 1 over a process's life, after which Ctrl-C is pressed."""
    real = Trainer.step
    steps: list[int] = []
    wanted: list[int] = []

    def interrupts(self: Trainer, batch: object) -> torch.Tensor:
        loss = real(self, batch)  # type: ignore[arg-type]
        steps.append(1)
        if len(steps) in wanted:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "step", interrupts)
    return wanted


def test_ctrl_c_saves_at_the_step_and_the_rest_is_as_if_it_had_not_stopped(
    finished_run: Path, sources: DatasetPaths, tmp_path: Path, interrupted_at: list[int]
) -> None:
    folder = tmp_path / "run"
    interrupted_at.append(6)
    with pytest.raises(TrainingStoppedError, match=r"in epoch 2/4: after batch 2 of 4.*--resume"):
        run(CONFIG, sources, folder)
    saved = torch.load(folder / "resume.pt", weights_only=True)["state"]["train_state"]
    assert (saved["epoch"], saved["batch"], len(saved["history"])) == (1, 2, 1)
    assert not (folder / "model.json").exists()
    interrupted_at.append(8)  # the last of the epoch: before it is validated
    with pytest.raises(TrainingStoppedError, match=r"in epoch 2/4: after batch 4 of 4"):
        run(CONFIG, sources, folder, GO_ON)
    run(CONFIG, sources, folder, GO_ON)
    assert_same_run(folder, finished_run)


def test_a_state_is_saved_within_an_epoch_as_often_as_wanted(
    sources: DatasetPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[int, int]] = []

    def note(path: Path, state: dict, identity: dict) -> None:
        saved.append((state["train_state"]["epoch"], state["train_state"]["batch"]))
        if len(saved) == 6:
            raise TrainingError("Enough", value=6, remedy="Stop.")

    monkeypatch.setattr("cxr_core.training.loop.save_state", note)
    with pytest.raises(TrainingError, match="Enough"):
        run(CONFIG, sources, tmp_path / "run", RunOptions(save_interval_seconds=0))
    assert saved == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1)]


def test_a_disk_that_fills_up_is_one_sentence_and_the_last_state_stays(
    sources: DatasetPaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupted_at: list[int],
) -> None:
    folder = tmp_path / "run"
    interrupted_at.append(5)
    with pytest.raises(TrainingStoppedError):
        run(CONFIG, sources, folder)
    before = (folder / "resume.pt").read_bytes()

    def full(content: object, path: Path) -> None:
        path.write_bytes(b"the first half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(TrainingError, match=r"could not be saved.*No space left.*Free some"):
            run(CONFIG, sources, folder, GO_ON)
    # The same bytes, so what is gone on from is what Ctrl-C had left (the test above).
    assert (folder / "resume.pt").read_bytes() == before
    assert not list(folder.glob("*.tmp"))


def test_the_signals_are_given_back_and_a_second_ctrl_c_ends_at_once() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_request() as request:
        assert not request.requested
        signal.raise_signal(signal.SIGTERM)
        assert request.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
