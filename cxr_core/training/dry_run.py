"""What a run would do, and how long it would take, without doing it: nothing is written."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.balance import class_counts
from cxr_core.data.cache import ImageCache
from cxr_core.data.decode import decode_film
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import DataError
from cxr_core.findings import KEYS, LABELS
from cxr_core.model.architectures import imagenet_mean_std
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths, FilmDataset, FilmTables, decoded_sizes
from cxr_core.training.device import Accelerator, select_accelerator
from cxr_core.training.distillation import Teacher, Teachers
from cxr_core.training.initial_weights import init_network
from cxr_core.training.preflight import preflight
from cxr_core.training.trainer import Trainer
from cxr_core.training.training_set import TrainingSet, make_loaders, prepare_training_set

_TIMED_BATCHES = 2
_OTHER_ONLY = "other findings only"


@dataclass(frozen=True)
class StagePlan:
    """One stage of a training.

    Attributes:
        px: side at which it trains.
        epochs: how many.
        films, batches: in an epoch.
        validation_films: that are read after it.
        train_seconds: of one batch; the quicker one of two.
        validation_seconds: of one film.
    """

    px: int
    epochs: int
    films: int
    batches: int
    validation_films: int
    train_seconds: float
    validation_seconds: float

    @property
    def epoch_seconds(self) -> float:
        """Training and validation of one epoch."""
        validating = self.validation_films * self.validation_seconds
        return self.batches * self.train_seconds + validating


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        films: a row a film with its ``split``, before any is decoded.
        stages: in the order in which they come.
        balance: counts before and after balancing, of the stage with most films.
        parameters: numbers that are learnt.
        steps: of the optimizer, in all.
        accelerator: in words.
        decode_seconds: of one film at one side.
        report_lines: what was found in the tables and the folder.
    """

    config: TrainConfig
    films: pd.DataFrame
    stages: list[StagePlan]
    balance: dict[str, dict[str, int]]
    parameters: int
    steps: int
    accelerator: str
    decode_seconds: float
    report_lines: list[str]

    @property
    def train_seconds(self) -> float:
        """Of all epochs, with their validation."""
        return sum(stage.epochs * stage.epoch_seconds for stage in self.stages)


def make_plan(
    config: TrainConfig, paths: DatasetPaths, *, teachers: Sequence[Teacher] | None = None
) -> Plan:
    """All checks of a run, and the time of two batches a stage on films of noise.

    Args:
        teachers: in place of those that ``config`` names.

    Raises:
        CXRError: as the run itself would, before it decodes.
    """
    checked = preflight(config, paths)
    accelerator = select_accelerator(config.precision)
    films = _undecoded(checked.tables, config)
    preprocessing = Preprocessing(config.px, *imagenet_mean_std(config.architecture))
    sets = {px: prepare_training_set(config, films, px) for px in config.stage_sizes}
    taught_by = checked.teachers if teachers is None else teachers
    trainer = _trainer(config, taught_by, sets, preprocessing, accelerator)
    stages = [
        _time_stage(config, films, preprocessing, training_set, trainer)
        for training_set in sets.values()
    ]
    largest = max(sets.values(), key=lambda one: len(one.rows))
    return Plan(
        config,
        films.table,
        stages,
        largest.balance_counts,
        sum(weight.numel() for weight in trainer.objective.parameters()),
        -(-sum(stage.batches * stage.epochs for stage in stages) // config.accumulate),
        str(accelerator),
        _decode_seconds(Path(films.table["path"].iloc[0]), config.px),
        films.report_lines,
    )


def _undecoded(tables: FilmTables, config: TrainConfig) -> FilmDataset:
    """The films with noise for pixels: how long a batch takes does not hang on what it shows."""
    names = tuple(tables.table["image"])
    random, nothing = np.random.default_rng(0), pd.DataFrame(columns=["image", "reason"])
    caches: dict[int, ImageCache] = {}
    for size in decoded_sizes(config):
        noise = random.integers(0, 256, (1, size, size), dtype=np.uint8)
        # One film's memory, seen as many.
        images = np.broadcast_to(noise, (len(names), size, size))
        caches[size] = ImageCache(images, names, nothing)
    table = tables.table.assign(row=np.arange(len(names)))
    return FilmDataset(table, caches[config.px], caches, tables.boxes, tables.report_lines, "")


def _trainer(
    config: TrainConfig,
    teachers: Sequence[Teacher],
    sets: dict[int, TrainingSet],
    preprocessing: Preprocessing,
    accelerator: Accelerator,
) -> Trainer:
    torch.manual_seed(config.seed)
    training_set = next(iter(sets.values()))
    return Trainer(
        init_network(config),
        config,
        accelerator,
        _TIMED_BATCHES * len(sets) + config.accumulate,  # the schedule ends with its last step
        n_auxiliary=training_set.labels.shape[1] - len(KEYS),
        pos_weight=training_set.pos_weight,
        teachers=Teachers(teachers, preprocessing, accelerator) if teachers else None,
    )


def _time_stage(
    config: TrainConfig,
    films: FilmDataset,
    preprocessing: Preprocessing,
    training_set: TrainingSet,
    trainer: Trainer,
) -> StagePlan:
    px = training_set.px
    stage = make_loaders(config, films, preprocessing, training_set, trainer.accelerator)
    seconds = []
    batches = iter(stage.train)
    for _ in range(min(_TIMED_BATCHES, len(stage.train))):
        started = time.perf_counter()
        trainer.step(next(batches)).item()  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    validation = list(stage.validation.values())
    epochs = sum(config.epoch_px(epoch) == px for epoch in range(config.epochs))
    return StagePlan(
        px,
        epochs,
        stage.train.n_films,
        len(stage.train),
        sum(loader.n_films for loader in validation),
        min(seconds),
        _validation_seconds(trainer, validation[0]),
    )


def _validation_seconds(trainer: Trainer, loader: BatchLoader) -> float:
    """Of one film."""
    trainer.eval_model.eval()
    started = time.perf_counter()
    with torch.inference_mode(), trainer.accelerator.autocast():
        batch = next(iter(loader))
        trainer.eval_model(batch.images).float().cpu()
    return (time.perf_counter() - started) / len(batch.images)


def _decode_seconds(path: Path, size: int) -> float:
    started = time.perf_counter()
    film = decode_film(path, size)
    if isinstance(film, str):
        raise DataError(
            "The first film cannot be decoded",
            value=f"{path}: {film}",
            remedy="Check the image folder; a run leaves out up to 5 % of such films.",
        )
    return time.perf_counter() - started


def plan_text(plan: Plan) -> str:
    """The plan as lines to be printed."""
    return "\n".join([*plan.report_lines, "", *_lines(plan)])


def _lines(plan: Plan) -> Iterator[str]:
    config, films = plan.config, plan.films
    yield f"Preset {config.preset}, weights {config.weights}, {plan.accelerator}."
    yield (
        f"{config.architecture}: {plan.parameters:,} parameters, {config.epochs} epochs, "
        f"{plan.steps:,} steps."
    )
    for part, rows in films.groupby("split", sort=False):
        yield f"{part}: {_counts_in_words(class_counts(rows), rows['patient'].nunique())}"
    yield f"Training films after balancing ({config.balance}): " + _counts_in_words(
        plan.balance["after"]
    )
    for stage in plan.stages:
        yield (
            f"At {stage.px} px: {stage.epochs} epochs of {stage.films:,} films, {stage.batches:,} "
            f"batches of {config.batch_size}, then {stage.validation_films:,} films to validate; "
            f"about {duration(stage.epoch_seconds)} an epoch."
        )
    decoding = plan.decode_seconds * len(films) * len(decoded_sizes(config))
    yield (
        f"In all about {duration(plan.train_seconds)} of training. Decoding the films the first "
        f"time takes about {duration(decoding)} on one core. Nothing was written."
    )


def _counts_in_words(counts: dict[str, int], patients: int | None = None) -> str:
    of = "" if patients is None else f" of {patients:,} patients"
    found = ", ".join(f"{LABELS[key]} {counts[key]:,}" for key in KEYS)
    return f"{counts['films']:,} films{of}: {found}, {_OTHER_ONLY} {counts['other_only']:,}"


def duration(seconds: float) -> str:
    """Seconds as a person would say them: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
