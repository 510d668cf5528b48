"""``resume.pt``: the state of an unfinished run, tied to its configuration and data."""

import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from cxr_core.errors import TrainingError
from cxr_core.files import replacing

SIGNALS = (signal.SIGINT, signal.SIGTERM)
RESUME_FILE = "resume.pt"


# Where a run stands, down to the batch: what is saved beside the weights and counted on.


@dataclass
class Standing:
    """What has been done so far.

    Attributes:
        epoch: whole epochs, validated and in ``history``.
        batch: batches done of the epoch under way.
        learning_rate: at the first of them.
        loss: sum over these batches of films times mean loss.
        films: films in these batches.
        seconds: spent on these batches.
        waiting: seconds of them in which the network waited for its films.
        history: one row an epoch, as in ``history.csv``.
        best_epoch: the kept epoch, counting from 1; 0 before there is one.
        best_auroc: its mean validation AUROC.
        best_state: its weights.
    """

    epoch: int = 0
    batch: int = 0
    learning_rate: float = 0.0
    loss: float = 0.0
    films: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_auroc: float = float("-inf")
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def count(self, loss: float, films: int) -> None:
        """Note a batch that is done, with its mean loss."""
        self.batch += 1
        self.loss += loss * films
        self.films += films

    def close_epoch(self, row: dict[str, float]) -> None:
        """Note an epoch that is validated."""
        self.history.append(row)
        self.epoch += 1
        self.batch, self.films = 0, 0
        self.loss = self.seconds = self.waiting = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As tensors and plain values, not copied."""
        return dict(vars(self))


# Ctrl-C and SIGTERM as a request: the run ends after the step under way, and is saved.


class StopRequest:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.made = False


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
        if request.made and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.made = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def save_state(path: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write ``state`` so that it can be continued only by a run with the same ``identity``."""
    try:
        with replacing(path) as temporary:
            torch.save({"identity": identity, "state": state}, temporary)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"The state of the run could not be saved ({error})",
            value=path,
            remedy="Free some space or fix the folder, then go on with --resume from the last "
            "epoch that was saved.",
        ) from error


def load_state(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The saved state, or None when there is none yet.

    Raises:
        TrainingError: damaged, or saved by a run of another configuration or other data.
    """
    if not path.is_file():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found, state = saved["identity"], saved["state"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise TrainingError(
            "The saved state of the run cannot be read",
            value=path,
            remedy="Remove it and train anew, without --resume.",
        ) from error
    changed = [
        f"{key} was {found.get(key)!r} and is {identity.get(key)!r}"
        for key in sorted(set(found) | set(identity))
        if found.get(key) != identity.get(key)
    ]
    if changed:
        raise TrainingError(
            f"The run in {path.parent} was started with other settings or data, so it cannot be "
            "continued",
            value="; ".join(changed),
            remedy="Give the same settings and data, or another --out.",
        )
    return dict(state)
