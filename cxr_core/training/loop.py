"""The training loop: epochs, validation in real time, a state that can be gone on from."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from cxr_core.data.csv_files import examples
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import TrainingError, TrainingStoppedError
from cxr_core.evaluation.metrics.ranking import auroc
from cxr_core.evaluation.run_folder import HISTORY_FILE
from cxr_core.files import replacing
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.training.state import (
    RESUME_FILE,
    Standing,
    StopRequest,
    load_state,
    save_state,
    stop_request,
)
from cxr_core.training.trainer import Trainer, predict

logger = logging.getLogger(__name__)
# Reading a loss makes a GPU wait for its end, so it is done for several steps at once there.
STEPS_A_LOOK = {"cpu": 1, "cuda": 20}
SECONDS_A_SAVE = 300.0


# One pass over the training films, which can be left and taken up again at any batch.


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


@dataclass(frozen=True)
class Fit:
    """What a finished fit leaves.

    Attributes:
        state: the kept weights, of the best epoch.
        best_epoch: counts from 1.
        history: one row an epoch; columns as in ``history.csv``.
    """

    state: dict[str, Tensor]
    best_epoch: int
    history: pd.DataFrame


@dataclass(frozen=True)
class Place:
    """Where a run is kept.

    Attributes:
        folder: for ``history.csv`` and ``resume.pt``.
        identity: what must be the same for a run to be continued (configuration, data).
        resume: continue from ``resume.pt`` if it is there.
        seconds_a_save: the state is saved after each epoch, and within one this often.
    """

    folder: Path
    identity: dict[str, Any]
    resume: bool = False
    seconds_a_save: float = SECONDS_A_SAVE


def fit(
    trainer: Trainer,
    loaders: dict[int, tuple[BatchLoader, BatchLoader]],
    place: Place,
    *,
    names: Sequence[str],
    progress: bool = False,
) -> Fit:
    """Train for ``config.epochs``, validating after each and saving on the way.

    The best epoch is the one with the highest mean validation AUROC among those trained and
    validated at the served size, ``config.px``.

    Args:
        loaders: training and validation batches by side in pixels.
        names: of the training films, as the loaders list them.

    Raises:
        TrainingError: a loss that is not finite, or a ``resume.pt`` of another run.
        TrainingStoppedError: on Ctrl-C or SIGTERM, with the state saved.
    """
    config, team = trainer.config, trainer.team
    standing = _begin(trainer, place)

    def save() -> None:
        if team.leads:
            state = {"trainer": trainer.state_dict(), "standing": standing.to_dict()}
            save_state(place.folder / RESUME_FILE, state, place.identity)

    with stop_request() as request:
        watch = Watch(request, save, place.seconds_a_save, names, progress and team.leads)
        while standing.epoch < config.epochs:
            px = config.epoch_px(standing.epoch)
            train, validation = loaders[px]
            label = f"epoch {standing.epoch + 1}/{config.epochs}"
            if standing.batch == 0:
                standing.learning_rate = trainer.optimizer.param_groups[0]["lr"]
            train_epoch(trainer, train, standing, watch, label=label)
            team.share_state(trainer.kept)
            row = {
                "epoch": standing.epoch + 1,
                "px": px,
                "learning_rate": standing.learning_rate,
                "train_loss": standing.loss / standing.films,
                **_validate(trainer, validation),
                "seconds": standing.seconds,
                "waiting": standing.waiting / standing.seconds,
            }
            trainer.end_epoch(row["validation_loss"])
            standing.close_epoch(row)
            if px == config.px and row["auroc_mean"] > standing.best_auroc:
                _keep(trainer, standing)
            save()
            if team.leads:
                with replacing(place.folder / HISTORY_FILE) as temporary:
                    pd.DataFrame(standing.history).to_csv(temporary, index=False)
            logger.info("%s", _line(row, label, standing.best_epoch))
            _stop_between_epochs(trainer, request, label)
    if standing.best_epoch == 0:
        raise TrainingError(
            "No epoch could be judged: no finding has both labels among the validation films",
            value=f"{config.epochs} epochs",
            remedy="Use a validation part with positives and negatives of at least one finding.",
        )
    return Fit(standing.best_state, standing.best_epoch, pd.DataFrame(standing.history))


def _begin(trainer: Trainer, place: Place) -> Standing:
    """The start of a run, or where it was left."""
    saved = load_state(place.folder / RESUME_FILE, place.identity) if place.resume else None
    if saved is None:
        trainer.team.share_state(trainer.objective)
        return Standing()
    trainer.load_state_dict(saved["trainer"])
    standing = Standing(**saved["standing"])
    within = f" and {standing.batch} batches" if standing.batch else ""
    logger.info("Continuing after %d epochs%s.", standing.epoch, within)
    return standing


def _keep(trainer: Trainer, standing: Standing) -> None:
    standing.best_epoch = standing.epoch
    standing.best_auroc = standing.history[-1]["auroc_mean"]
    standing.best_state = {
        key: value.detach().clone() for key, value in trainer.kept.state_dict().items()
    }


def _stop_between_epochs(trainer: Trainer, request: StopRequest, label: str) -> None:
    """A request that came during validation counts as well."""
    if trainer.team.total(torch.tensor([float(request.made)])).item() > 0:
        raise TrainingStoppedError(
            f"Stopped on request after {label}",
            value="the state is saved",
            remedy="Go on with the same command and --resume.",
        )


def _validate(trainer: Trainer, loader: BatchLoader) -> dict[str, float]:
    logits = predict(trainer.kept, loader, trainer.engine, trainer.team)  # (N, 4)
    loss = functional.binary_cross_entropy_with_logits(torch.from_numpy(logits), loader.labels)
    labels = loader.labels.numpy()  # (N, 4)
    areas = [float(auroc(labels[:, k], logits[:, k])) for k in range(len(KEYS))]
    # A score that only told normal films from others would do well on the three findings too.
    other = labels[:, KEYS.index("no_finding")] == 0
    among = [float(auroc(labels[other, k], logits[other, k])) for k in range(len(ABNORMAL_KEYS))]
    return {
        "validation_loss": float(loss),
        **{f"auroc_{key}": area for key, area in zip(KEYS, areas, strict=True)},
        "auroc_mean": _mean(areas),
        "auroc_abnormal_mean": _mean(among),
    }


def _mean(areas: Sequence[float]) -> float:
    """Of the areas that there are; nan when there is none."""
    return float("nan") if np.isnan(areas).all() else float(np.nanmean(areas))


def _line(row: dict[str, float], label: str, best_epoch: int) -> str:
    areas = "  ".join(f"{key} {row[f'auroc_{key}']:.3f}" for key in (*KEYS, "mean"))
    areas += f"  among not normal {row['auroc_abnormal_mean']:.3f}"
    mark = "  best" if best_epoch == row["epoch"] else ""
    return (
        f"{label}  {row['px']:.0f} px  loss {row['train_loss']:.4f} / {row['validation_loss']:.4f}"
        f"  AUROC {areas}  {row['seconds']:.0f} s{mark}"
    )
