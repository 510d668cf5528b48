"""One pass over the training films, which can be left and taken up again at any batch."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from cxr_core.data.loader import BatchLoader
from cxr_core.data.tables import examples
from cxr_core.errors import TrainingError, TrainingStoppedError
from cxr_core.training.standing import Standing
from cxr_core.training.stopping import StopRequest
from cxr_core.training.trainer import Trainer

logger = logging.getLogger(__name__)

# Reading a loss makes a GPU wait for its end, so it is done for several steps at once there.
STEPS_A_LOOK = {"cpu": 1, "cuda": 20}


@dataclass(frozen=True)
class Watch:
    """What is looked after while an epoch runs.

    Attributes:
        request: somebody's wish to stop.
        save: writes the state of the run.
        seconds_a_save: the state is saved at least this often.
        names: of the films in the loader's list, to name those of a bad batch.
        progress: show a bar.
    """

    request: StopRequest
    save: Callable[[], None]
    seconds_a_save: float
    names: Sequence[str]
    progress: bool = False


def train_epoch(
    trainer: Trainer, loader: BatchLoader, standing: Standing, watch: Watch, *, label: str
) -> None:
    """Go on with the epoch of ``standing`` to its end.

    Raises:
        TrainingError: the loss is not finite; what was saved before stays as it was.
        TrainingStoppedError: on request, after the state was saved.
    """
    loader.set_epoch(standing.epoch, start=standing.batch)
    look = STEPS_A_LOOK.get(trainer.engine.device.type, 1)
    films = iter(loader)
    losses: list[Tensor] = []  # of the steps since the last look
    started = saved = time.perf_counter()
    seconds, waiting = standing.seconds, standing.waiting
    todo = range(standing.batch, len(loader))
    bar = tqdm(
        todo,
        desc=label,
        unit="batch",
        disable=not watch.progress,
        leave=False,
        initial=standing.batch,
        total=len(loader),
    )
    for number in bar:
        asked = time.perf_counter()
        batch = next(films)
        waiting += time.perf_counter() - asked
        losses.append(trainer.step(batch))
        if len(losses) < look and number + 1 < len(loader):
            continue
        stop, save = _look(trainer, loader, losses, standing, watch, saved, label)
        losses.clear()
        now = time.perf_counter()
        standing.seconds, standing.waiting = seconds + now - started, waiting
        bar.set_postfix(loss=f"{standing.loss / standing.films:.4f}")
        if stop or save:
            watch.save()
            saved = time.perf_counter()
        if stop:
            raise TrainingStoppedError(
                f"Stopped on request in {label}",
                value=f"after batch {number + 1} of {len(loader)}; the state is saved",
                remedy="Go on with the same command and --resume.",
            )


def _look(
    trainer: Trainer,
    loader: BatchLoader,
    losses: Sequence[Tensor],
    standing: Standing,
    watch: Watch,
    saved: float,
    label: str,
) -> tuple[bool, bool]:
    """Count the last steps; whether any process wants to stop, and whether it is time to save."""
    due = trainer.team.leads and time.perf_counter() - saved > watch.seconds_a_save
    wishes = torch.tensor([watch.request.made, due], dtype=torch.float64)
    parts = torch.stack(list(losses)).double().cpu()  # (n,)
    totals = trainer.team.total(torch.cat([parts, wishes])).tolist()
    for loss in totals[:-2]:
        places = loader.places(standing.batch)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss is no longer a number ({label}, batch {standing.batch + 1})",
                value=f"{loss}, on {examples([watch.names[place] for place in places])}",
                remedy="The last good state is kept; go on from it with --resume, or train anew "
                "with a lower learning rate. Look at these films if it happens again.",
            )
        standing.count(loss, len(places))
    return totals[-2] > 0, totals[-1] > 0
