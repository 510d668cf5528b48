"""One run from tables and images to a model folder: gather, balance, fit, finish."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from cxr_core.data.balance import balance_counts, pos_weight, sampler_weights, undersample
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import TrainingError
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.densenet import ChestDenseNet, build_densenet
from cxr_core.training.config import TrainConfig
from cxr_core.training.config_file import (
    CONFIG_FILE,
    check_same_run,
    read_engine,
    write_config,
)
from cxr_core.training.device import Engine, choose_engine
from cxr_core.training.films import Films, Sources, gather, rows_and_labels
from cxr_core.training.loop import fit
from cxr_core.training.postfit import Finished, finish
from cxr_core.training.resume import RESUME_FILE
from cxr_core.training.trainer import Trainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Balanced:
    """The training rows after balancing, and what the loss and the sampler need for it."""

    rows: NDArray[np.intp]
    labels: NDArray[np.float32]
    sampler: NDArray[np.float64] | None
    pos_weight: Tensor | None
    counts: dict[str, dict[str, int]]


def run(
    config: TrainConfig,
    sources: Sources,
    folder: Path,
    *,
    resume: bool = False,
    finish_only: bool = False,
    progress: bool = False,
) -> Finished:
    """Train, or only redo what comes after the fit.

    Args:
        folder: the run folder; it must not hold another run unless resumed or finished.
        resume: continue from the last whole epoch.
        finish_only: keep the weights, redo calibration, operating points, tables and card.

    Raises:
        CXRError: settings, data, weights or a state that cannot be used.
    """
    started = (folder / CONFIG_FILE).exists()
    if started and not (resume or finish_only):
        raise TrainingError(
            "There is already a run in this folder",
            value=folder,
            remedy="Continue it with --resume, redo its end with --finish, or use another --out.",
        )
    films = gather(sources, config, progress=progress)
    for line in films.report:
        logger.info("%s", line)
    if started:
        check_same_run(folder, config, films.fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    films.write_tables(folder)
    preprocessing = _preprocessing(config, films)
    balanced = _balance(config, films)
    if finish_only:
        model = load_weights(folder)
    else:
        engine = choose_engine()
        write_config(folder, config, fingerprint=films.fingerprint, engine=str(engine))
        model = _fit(
            config, films, preprocessing, balanced, engine, folder, resume=resume, progress=progress
        )
    return finish(
        folder,
        model,
        films,
        fresh=not finish_only,
        config=config,
        preprocessing=preprocessing,
        balance=balanced.counts,
        engine=read_engine(folder),
        progress=progress,
    )


def _preprocessing(config: TrainConfig, films: Films) -> Preprocessing:
    """ImageNet's statistics for its weights, else those of the training films."""
    if config.weights != "none":
        return Preprocessing(config.px, IMAGENET_MEAN, IMAGENET_STD)
    rows, _ = rows_and_labels(films.part("train"))
    # A thousand films fix mean and deviation to far below what matters.
    sample = films.cache.images[rows[:: max(1, len(rows) // 1000)]] / np.float32(255)
    mean, std = round(float(sample.mean()), 4), round(float(sample.std()), 4)
    return Preprocessing(config.px, (mean,) * 3, (std,) * 3)


def _balance(config: TrainConfig, films: Films) -> Balanced:
    train = films.part("train")
    before = balance_counts(train)
    sampler: NDArray[np.float64] | None = None
    weight: Tensor | None = None
    if config.balance == "undersample":
        train = undersample(train, seed=config.seed)
    elif config.balance == "sampler":
        sampler = sampler_weights(train)
    elif config.balance == "pos-weight":
        weight = torch.as_tensor(pos_weight(train), dtype=torch.float32)  # (4,)
    rows, labels = rows_and_labels(train)
    counts = {"before": before, "after": balance_counts(train)}
    return Balanced(rows, labels, sampler, weight, counts)


def _fit(
    config: TrainConfig,
    films: Films,
    preprocessing: Preprocessing,
    balanced: Balanced,
    engine: Engine,
    folder: Path,
    *,
    resume: bool,
    progress: bool,
) -> ChestDenseNet:
    torch.manual_seed(config.seed)
    continued = resume and (folder / RESUME_FILE).exists()
    model = build_densenet("none" if continued else config.weights)
    sizes = {config.epoch_px(epoch) for epoch in range(config.epochs)}
    loaders = {
        size: _loaders(config, films, replace(preprocessing, size=size), balanced, engine)
        for size in sizes
    }
    steps = len(loaders[config.px][0])
    logger.info("Training on %d films, %d batches an epoch, %s.", len(balanced.rows), steps, engine)
    identity: dict[str, Any] = {"data": films.fingerprint, **config.to_dict()}
    fitted = fit(
        Trainer(model, config, engine, steps),
        loaders,
        folder=folder,
        identity=identity,
        pos_weight=None if balanced.pos_weight is None else balanced.pos_weight.to(engine.device),
        resume=resume,
        progress=progress,
    )
    model.load_state_dict(fitted.state)
    return model.cpu().to(memory_format=torch.contiguous_format).eval()


def _loaders(
    config: TrainConfig,
    films: Films,
    preprocessing: Preprocessing,
    balanced: Balanced,
    engine: Engine,
) -> tuple[BatchLoader, BatchLoader]:
    train = BatchLoader(
        films.cache.images,
        balanced.labels,
        rows=balanced.rows,
        preprocessing=preprocessing,
        batch_size=config.batch_size,
        shuffle=True,
        weights=balanced.sampler,
        augmentation=config.augmentation,
        seed=config.seed,
        device=engine.device,
    )
    rows, labels = rows_and_labels(films.part("validation"))
    validation = BatchLoader(
        films.cache.images,
        labels,
        rows=rows,
        preprocessing=preprocessing,
        batch_size=2 * config.batch_size,
        device=engine.device,
    )
    return train, validation
