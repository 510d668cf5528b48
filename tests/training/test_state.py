"""The saved state of a run: continued only by the same run."""

from pathlib import Path
from typing import Any

import pytest
import torch

from cxr_core.errors import TrainingError
from cxr_core.training.state import TrainState, load_state, save_state

IDENTITY = {"data": "abc", "epochs": 3, "scale": (0.9, 1.0)}


def test_round_trip(tmp_path: Path) -> None:
    state: dict[str, Any] = {"weights": torch.arange(3.0), "history": [{"epoch": 1, "loss": 0.5}]}
    save_state(tmp_path / "resume.pt", state, IDENTITY)
    loaded = load_state(tmp_path / "resume.pt", IDENTITY)
    assert loaded is not None
    assert torch.equal(loaded["weights"], state["weights"])
    assert loaded["history"] == state["history"]
    assert [path.name for path in tmp_path.iterdir()] == ["resume.pt"]


def test_a_state_of_an_earlier_version_is_gone_on_from(tmp_path: Path) -> None:
    weight = torch.arange(2.0)
    old = {
        "trainer": {
            "average": None,
            "objective": {"others.weight": weight, "network.bias": weight},
        },
        "standing": {"epoch": 2, "batch": 1, "loss": 3.5, "films": 16, "waiting": 0.25},
    }
    save_state(tmp_path / "resume.pt", old, {"data": "abc", "averaging": 0.9, "preset": "seed"})
    now = {"data": "abc", "ema_decay": 0.9, "preset": "baseline"}
    loaded = load_state(tmp_path / "resume.pt", now)
    assert loaded is not None
    assert loaded["trainer"]["ema"] is None
    assert set(loaded["trainer"]["objective"]) == {"auxiliary_head.weight", "network.bias"}
    state = TrainState(**loaded["train_state"])
    assert (state.epoch, state.loss_sum, state.n_films) == (2, 3.5, 16)
    assert state.data_wait_seconds == 0.25


def test_nothing_saved_yet(tmp_path: Path) -> None:
    assert load_state(tmp_path / "resume.pt", IDENTITY) is None


def test_another_run_is_refused_with_the_difference(tmp_path: Path) -> None:
    save_state(tmp_path / "resume.pt", {}, IDENTITY)
    with pytest.raises(TrainingError, match=r"epochs was 3 and is 4.*Give the same settings"):
        load_state(tmp_path / "resume.pt", {**IDENTITY, "epochs": 4})


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "resume.pt").write_bytes(b"half a file")
    with pytest.raises(TrainingError, match=r"cannot be read.*resume\.pt.*without --resume"):
        load_state(tmp_path / "resume.pt", IDENTITY)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"could not be saved.*Free some space"):
        save_state(tmp_path / "file" / "resume.pt", {}, IDENTITY)
