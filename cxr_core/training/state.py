"""``resume.pt``: the state of an unfinished run, tied to its configuration and data."""

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from cxr_core.errors import TrainingError
from cxr_core.files import atomic_write
from cxr_core.model.state_dict import load_torch_file
from cxr_core.training.config import TrainConfig, current_names

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
RESUME_FILE = "resume.pt"


# Where a run stands, down to the batch: what is saved beside the weights and counted on.


@dataclass
class TrainState:
    """What has been done so far.

    Attributes:
        epoch: whole epochs, validated and in ``history``.
        batch: batches done of the epoch under way.
        learning_rate: at the first of them.
        loss_sum: sum over these batches of films times mean loss.
        n_films: films in these batches.
        seconds: spent on these batches.
        data_wait_seconds: seconds of them in which the network waited for its films.
        history: one row an epoch, as in ``history.csv``.
        best_epoch: the kept epoch, counting from 1; 0 before there is one.
        best_auroc: its mean validation AUROC.
        best_state: its weights.
    """

    epoch: int = 0
    batch: int = 0
    learning_rate: float = 0.0
    loss_sum: float = 0.0
    n_films: int = 0
    seconds: float = 0.0
    data_wait_seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_auroc: float = float("-inf")
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def add_batch(self, loss: float, films: int) -> None:
        """Note a batch that is done, with its mean loss."""
        self.batch += 1
        self.loss_sum += loss * films
        self.n_films += films

    def end_epoch(self, row: dict[str, float]) -> None:
        """Note an epoch that is validated."""
        self.history.append(row)
        self.epoch += 1
        self.batch, self.n_films = 0, 0
        self.loss_sum = self.seconds = self.data_wait_seconds = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As tensors and plain values, not copied."""
        return dict(vars(self))


# Ctrl-C and SIGTERM as a request: the run ends after the step under way, and is saved.


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.requested = False


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Take the signals as a request within the block; a second Ctrl-C ends the run at once.

    Only a program's main thread can do this; elsewhere signals stay as they are.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, _: FrameType | None) -> None:
        if request.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.requested = True

    before = {number: signal.signal(number, note) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def save_state(path: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write ``state`` so that it can be continued only by a run with the same ``identity``."""
    try:
        with atomic_write(path) as temporary:
            torch.save({"identity": identity, "state": state}, temporary)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"The state of the run could not be saved ({error})",
            value=path,
            remedy="Free some space or fix the folder, then continue from the last saved state "
            "with --resume.",
        ) from error


def load_state(
    path: Path, identity: dict[str, Any], *, may_differ: Collection[str] = ()
) -> dict[str, Any] | None:
    """The saved state, or None when there is none yet.

    Args:
        may_differ: names whose values may have changed since.

    Raises:
        TrainingError: damaged, or saved by a run of another configuration or other data.
    """
    if not path.is_file():
        return None
    try:
        saved: Any = load_torch_file(path)
        found, state = current_names(saved["identity"]), _current_state(saved["state"])
    except Exception as error:  # whatever a parser raises on a damaged file
        raise unreadable_state(path) from error
    # A setting that an earlier version did not have was at what is now its default.
    defaults = TrainConfig().to_dict()
    found, identity = (defaults | one for one in (found, identity))
    changed = [
        f"{key} was {found.get(key)!r} and is {identity.get(key)!r}"
        for key in sorted(set(found) | set(identity))
        if key not in may_differ and found.get(key) != identity.get(key)
    ]
    if changed:
        raise TrainingError(
            f"The run in {path.parent} was started with other settings or data, so it cannot be "
            "continued",
            value="; ".join(changed),
            remedy="Give the same settings and data, or another --out.",
        )
    return state


def unreadable_state(path: Path) -> TrainingError:
    """The error of a saved state that is damaged."""
    return TrainingError(
        "The saved state of the run cannot be read: it is damaged, or of another program",
        value=path,
        remedy="Remove it and start again without --resume.",
    )


def _current_state(state: dict[str, Any]) -> dict[str, Any]:
    """A state under this version's names; an earlier version had others."""
    if "standing" not in state:
        return dict(state)
    names = {"loss": "loss_sum", "films": "n_films", "waiting": "data_wait_seconds"}
    trainer = dict(state["trainer"])
    trainer["ema"] = trainer.pop("average")
    trainer["objective"] = {
        name.replace("others.", "auxiliary_head.", 1) if name.startswith("others.") else name: value
        for name, value in trainer["objective"].items()
    }
    done = {names.get(name, name): value for name, value in state["standing"].items()}
    return {"trainer": trainer, "train_state": done}
