"""The training loop: epochs, validation in real time, a checkpoint after each epoch."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from cxr_core.atomic import replacing
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import TrainingError
from cxr_core.evaluation.curves import auroc
from cxr_core.findings import KEYS
from cxr_core.training.resume import RESUME_FILE, load_state, save_state
from cxr_core.training.trainer import Trainer, predict

logger = logging.getLogger(__name__)


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


def fit(
    trainer: Trainer,
    loaders: dict[int, tuple[BatchLoader, BatchLoader]],
    *,
    folder: Path,
    identity: dict[str, Any],
    pos_weight: Tensor | None = None,
    resume: bool = False,
    progress: bool = False,
) -> Fit:
    """Train for ``config.epochs``, validating and saving after each.

    The best epoch is the one with the highest mean validation AUROC among those trained and
    validated at the served size, ``config.px``.

    Args:
        loaders: training and validation batches by side in pixels.
        folder: ``history.csv`` and ``resume.pt`` are written here.
        identity: what must be the same for a run to be continued (configuration, data).
        resume: continue from ``resume.pt`` if it is there.

    Raises:
        TrainingError: a loss that is not finite, or a ``resume.pt`` of another run.
    """
    config = trainer.config
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"epoch": -1, "auroc": float("-inf"), "state": {}}
    if resume and (saved := load_state(folder / RESUME_FILE, identity)) is not None:
        trainer.load_state_dict(saved["trainer"])
        history, best = saved["history"], saved["best"]
        logger.info("Continuing after epoch %d of %d.", len(history), config.epochs)
    for epoch in range(len(history), config.epochs):
        started = time.perf_counter()
        train, validation = loaders[config.epoch_px(epoch)]
        train.set_epoch(epoch)
        label = f"epoch {epoch + 1}/{config.epochs}"
        rate = trainer.optimizer.param_groups[0]["lr"]
        loss = trainer.train_epoch(train, pos_weight, label=label, progress=progress)
        row = _validate(trainer, validation)
        row = {
            "epoch": epoch + 1,
            "px": config.epoch_px(epoch),
            "learning_rate": rate,
            "train_loss": loss,
            **row,
            "seconds": time.perf_counter() - started,
        }
        history.append(row)
        if row["px"] == config.px and row["auroc_mean"] > best["auroc"]:
            state = {
                key: value.detach().clone() for key, value in trainer.kept.state_dict().items()
            }
            best = {"epoch": epoch + 1, "auroc": row["auroc_mean"], "state": state}
        save_state(
            folder / RESUME_FILE,
            {"trainer": trainer.state_dict(), "history": history, "best": best},
            identity,
        )
        with replacing(folder / "history.csv") as temporary:
            pd.DataFrame(history).to_csv(temporary, index=False)
        logger.info("%s", _line(row, label, best["epoch"]))
    if best["epoch"] < 0:
        raise TrainingError(
            "No epoch could be judged: no finding has both labels among the validation films",
            value=f"{config.epochs} epochs",
            remedy="Use a validation part with positives and negatives of at least one finding.",
        )
    return Fit(best["state"], best["epoch"], pd.DataFrame(history))


def _validate(trainer: Trainer, loader: BatchLoader) -> dict[str, float]:
    logits = predict(trainer.kept, loader, trainer.engine)  # (N, 4)
    loss = functional.binary_cross_entropy_with_logits(torch.from_numpy(logits), loader.labels)
    labels = loader.labels.numpy()  # (N, 4)
    areas = [float(auroc(labels[:, k], logits[:, k])) for k in range(len(KEYS))]
    return {
        "validation_loss": float(loss),
        **{f"auroc_{key}": area for key, area in zip(KEYS, areas, strict=True)},
        "auroc_mean": float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan"),
    }


def _line(row: dict[str, float], label: str, best_epoch: int) -> str:
    areas = "  ".join(f"{key} {row[f'auroc_{key}']:.3f}" for key in (*KEYS, "mean"))
    mark = "  best" if best_epoch == row["epoch"] else ""
    return (
        f"{label}  {row['px']:.0f} px  loss {row['train_loss']:.4f} / {row['validation_loss']:.4f}"
        f"  AUROC {areas}  {row['seconds']:.0f} s{mark}"
    )
