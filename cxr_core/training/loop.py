"""The training loop: epochs, validation in real time, a state that can be gone on from."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from cxr_core.data.csv_files import first_few
from cxr_core.data.loader import BatchLoader
from cxr_core.data.splits import VALIDATION_MORE
from cxr_core.errors import TrainingError, TrainingStoppedError
from cxr_core.evaluation.metrics.ranking import auroc
from cxr_core.evaluation.run_folder import HISTORY_FILE
from cxr_core.files import atomic_write
from cxr_core.findings import ABNORMAL_INDICES, KEYS, NORMAL_INDEX
from cxr_core.training.state import (
    RESUME_FILE,
    StopRequest,
    TrainState,
    load_state,
    save_state,
    stop_request,
    unreadable_state,
)
from cxr_core.training.trainer import Trainer, predict
from cxr_core.training.training_set import StageLoaders

logger = logging.getLogger(__name__)
# Reading a loss makes a GPU wait for its end, so it is done for several steps at once there.
STEPS_PER_SYNC = {"cpu": 1, "cuda": 20}
SAVE_INTERVAL_SECONDS = 300.0
HISTORY_PREFIXES = {"validation": "", VALIDATION_MORE: "more_"}


# One pass over the training films, which can be left and taken up again at any batch.


@dataclass(frozen=True)
class EpochHooks:
    """What is looked after while an epoch runs.

    Attributes:
        stop_request: somebody's wish to stop.
        save: writes the state of the run.
        save_interval_seconds: the state is saved at least this often.
        film_names: of the films in the loader's list, to name those of a bad batch.
        progress: show a bar.
    """

    stop_request: StopRequest
    save: Callable[[], None]
    save_interval_seconds: float
    film_names: Sequence[str]
    progress: bool = False


def train_epoch(
    trainer: Trainer,
    loader: BatchLoader,
    train_state: TrainState,
    hooks: EpochHooks,
    *,
    description: str,
) -> None:
    """Go on with the epoch of ``train_state`` to its end.

    Raises:
        TrainingError: the loss is not finite; what was saved before stays as it was.
        TrainingStoppedError: on request, after the state was saved.
    """
    loader.set_epoch(train_state.epoch, start_batch=train_state.batch)
    steps_per_sync = STEPS_PER_SYNC.get(trainer.accelerator.device.type, 1)
    films = iter(loader)
    losses: list[Tensor] = []  # of the steps since the last look
    started_at = saved_at = time.perf_counter()
    seconds, data_wait_seconds = train_state.seconds, train_state.data_wait_seconds
    remaining = range(train_state.batch, len(loader))
    bar = tqdm(
        remaining,
        desc=description,
        unit="batch",
        disable=not hooks.progress,
        leave=False,
        initial=train_state.batch,
        total=len(loader),
    )
    for number in bar:
        requested_at = time.perf_counter()
        batch = next(films)
        data_wait_seconds += time.perf_counter() - requested_at
        losses.append(trainer.step(batch))
        if len(losses) < steps_per_sync and number + 1 < len(loader):
            continue
        stop, save = _sync_losses(
            trainer, loader, losses, train_state, hooks, saved_at, description
        )
        losses.clear()
        now = time.perf_counter()
        train_state.seconds, train_state.data_wait_seconds = (
            seconds + now - started_at,
            data_wait_seconds,
        )
        bar.set_postfix(loss=f"{train_state.loss_sum / train_state.n_films:.4f}")
        if stop or save:
            hooks.save()
            saved_at = time.perf_counter()
        if stop:
            raise TrainingStoppedError(
                f"Stopped on request in {description}",
                value=f"after batch {number + 1} of {len(loader)}; the state is saved",
                remedy="Continue with the same command and --resume.",
            )


def _sync_losses(
    trainer: Trainer,
    loader: BatchLoader,
    losses: Sequence[Tensor],
    train_state: TrainState,
    hooks: EpochHooks,
    saved: float,
    description: str,
) -> tuple[bool, bool]:
    """Count the last steps; whether any process wants to stop, and whether it is time to save."""
    save_due = (
        trainer.distributed.is_main and time.perf_counter() - saved > hooks.save_interval_seconds
    )
    flags = torch.tensor([hooks.stop_request.requested, save_due], dtype=torch.float64)
    local_losses = torch.stack(list(losses)).double().cpu()  # (n,)
    totals = trainer.distributed.all_reduce_sum(torch.cat([local_losses, flags])).tolist()
    for loss in totals[:-2]:
        positions = loader.batch_indices(train_state.batch)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss is not finite ({description}, batch {train_state.batch + 1})",
                value=f"{loss}, on {first_few([hooks.film_names[place] for place in positions])}",
                remedy="The last good state is kept: continue with --resume, or start again with a "
                "lower learning rate. Check these films if it happens again.",
            )
        train_state.add_batch(loss, len(positions))
    return totals[-2] > 0, totals[-1] > 0


@dataclass(frozen=True)
class RunLocation:
    """Where a run is kept.

    Attributes:
        folder: for ``history.csv`` and ``resume.pt``.
        identity: what must be the same for a run to be continued (configuration, data).
        resume: continue from ``resume.pt`` if it is there.
        save_interval_seconds: the state is saved after each epoch, and within one this often.
        may_differ: names in ``identity`` that may have changed since the state was saved.
    """

    folder: Path
    identity: dict[str, Any]
    resume: bool = False
    save_interval_seconds: float = SAVE_INTERVAL_SECONDS
    may_differ: tuple[str, ...] = ()


def fit(
    trainer: Trainer,
    loaders: dict[int, StageLoaders],
    location: RunLocation,
    *,
    log: Callable[[Mapping[str, float]], None] | None = None,
    progress: bool = False,
) -> dict[str, Tensor]:
    """Train for ``config.epochs``, validating after each and saving on the way.

    The best epoch is the one with the highest mean AUROC on ``config.select_on`` among those
    trained and validated at the served size, ``config.px``.

    Args:
        loaders: training and validation batches by side in pixels.
        log: is told each epoch's row, in the process that leads.

    Raises:
        TrainingError: a loss that is not finite, or a ``resume.pt`` of another run.
        TrainingStoppedError: on Ctrl-C or SIGTERM, with the state saved.
    """
    config, distributed = trainer.config, trainer.distributed
    train_state = _initial_state(trainer, location)

    def save() -> None:
        if distributed.is_main:
            state = {"trainer": trainer.state_dict(), "train_state": train_state.to_dict()}
            save_state(location.folder / RESUME_FILE, state, location.identity)

    with stop_request() as request:
        while train_state.epoch < config.epochs:
            px = config.epoch_px(train_state.epoch)
            stage = loaders[px]
            hooks = EpochHooks(
                request,
                save,
                location.save_interval_seconds,
                stage.names,
                progress and distributed.is_main,
            )
            label = f"epoch {train_state.epoch + 1}/{config.epochs}"
            if train_state.batch == 0:
                train_state.learning_rate = trainer.optimizer.param_groups[0]["lr"]
            train_epoch(trainer, stage.train, train_state, hooks, description=label)
            distributed.broadcast_state(trainer.eval_model)
            row = {
                "epoch": train_state.epoch + 1,
                "px": px,
                "learning_rate": train_state.learning_rate,
                "train_loss": train_state.loss_sum / train_state.n_films,
                **_validate(trainer, stage.validation, config.select_on),
                "seconds": train_state.seconds,
                "waiting": train_state.data_wait_seconds / train_state.seconds,
            }
            trainer.end_epoch(row["validation_loss"])
            train_state.end_epoch(row)
            if px == config.px and row["selection_auroc"] > train_state.best_auroc:
                train_state.best_epoch = train_state.epoch
                train_state.best_auroc = row["selection_auroc"]
                train_state.best_state = trainer.best_state()
            save()
            if distributed.is_main:
                with atomic_write(location.folder / HISTORY_FILE) as temporary:
                    pd.DataFrame(train_state.history).to_csv(temporary, index=False)
                if log is not None:
                    log(row)
            logger.info("%s", _epoch_summary(row, label, train_state.best_epoch))
            _stop_if_requested(trainer, request, label)
            waited = train_state.epoch - train_state.best_epoch
            if config.early_stopping and train_state.best_epoch and waited > config.early_stopping:
                logger.info("No better epoch for %d epochs: training ends here.", waited)
                break
    if train_state.best_epoch == 0:
        raise TrainingError(
            "No epoch could be evaluated: no finding has positives and negatives among the "
            "validation films",
            value=f"{config.epochs} epochs",
            remedy="Use a validation set with positives and negatives of at least one finding.",
        )
    return train_state.best_state


def _initial_state(trainer: Trainer, location: RunLocation) -> TrainState:
    """The start of a run, or where it was left."""
    saved = None
    if location.resume:
        path = location.folder / RESUME_FILE
        saved = load_state(path, location.identity, may_differ=location.may_differ)
    if saved is None:
        trainer.distributed.broadcast_state(trainer.objective)
        return TrainState()
    try:
        trainer.load_state_dict(saved["trainer"])
        train_state = TrainState(**saved["train_state"])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        raise unreadable_state(path) from error
    within = f" and {train_state.batch} batches" if train_state.batch else ""
    logger.info("Continuing after %d epochs%s.", train_state.epoch, within)
    return train_state


def _stop_if_requested(trainer: Trainer, request: StopRequest, label: str) -> None:
    """A request that came during validation counts as well."""
    if trainer.distributed.all_reduce_sum(torch.tensor([float(request.requested)])).item() > 0:
        raise TrainingStoppedError(
            f"Stopped on request after {label}",
            value="the state is saved",
            remedy="Continue with the same command and --resume.",
        )


def _validate(
    trainer: Trainer, loaders: dict[str, BatchLoader], select_on: str
) -> dict[str, float]:
    """The figures of an epoch; those of ``validation_more`` have the prefix ``more_``, and
    ``selection_auroc`` is the area by which epochs are chosen."""
    figures = {
        HISTORY_PREFIXES[part] + name: value
        for part, loader in loaders.items()
        for name, value in _validation_figures(trainer, loader).items()
    }
    chosen_by = list(HISTORY_PREFIXES) if select_on == "both" else [select_on]
    areas = [figures[f"{HISTORY_PREFIXES[part]}auroc_mean"] for part in chosen_by]
    return figures | {"selection_auroc": sum(areas) / len(areas)}


def _validation_figures(trainer: Trainer, loader: BatchLoader) -> dict[str, float]:
    logits = predict(trainer.eval_model, loader, trainer.accelerator, trainer.distributed)  # (N, 4)
    loss = functional.binary_cross_entropy_with_logits(torch.from_numpy(logits), loader.labels)
    labels = loader.labels.numpy()  # (N, 4)
    aurocs = [float(auroc(labels[:, k], logits[:, k])) for k in range(len(KEYS))]
    # A score that only told normal films from others would do well on the three findings too.
    abnormal = labels[:, NORMAL_INDEX] == 0
    abnormal_aurocs = [
        float(auroc(labels[abnormal, k], logits[abnormal, k])) for k in ABNORMAL_INDICES
    ]
    return {
        "validation_loss": float(loss),
        **{f"auroc_{key}": area for key, area in zip(KEYS, aurocs, strict=True)},
        "auroc_mean": _mean(aurocs),
        "auroc_abnormal_mean": _mean(abnormal_aurocs),
    }


def _mean(areas: Sequence[float]) -> float:
    """Of the areas that there are; nan when there is none."""
    return float("nan") if np.isnan(areas).all() else float(np.nanmean(areas))


def _epoch_summary(row: dict[str, float], label: str, best_epoch: int) -> str:
    areas = "  ".join(f"{key} {row[f'auroc_{key}']:.3f}" for key in (*KEYS, "mean"))
    areas += f"  abnormal films only {row['auroc_abnormal_mean']:.3f}"
    if "more_auroc_mean" in row:
        areas += (
            f"  further patients {row['more_auroc_mean']:.3f}, abnormal films only "
            f"{row['more_auroc_abnormal_mean']:.3f}"
        )
    best_mark = "  best" if best_epoch == row["epoch"] else ""
    return (
        f"{label}  {row['px']:.0f} px  loss {row['train_loss']:.4f} / {row['validation_loss']:.4f}"
        f"  AUROC {areas}  {row['seconds']:.0f} s{best_mark}"
    )
