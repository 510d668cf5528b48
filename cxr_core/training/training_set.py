"""The training films of a stage as they are learnt from: balanced, with what is learnt beside the
four findings, and in batches."""

import logging
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from cxr_core.config import Preprocessing
from cxr_core.data.balance import (
    class_counts,
    pos_weight,
    redraw_normals,
    sampler_weights,
    undersample,
)
from cxr_core.data.boxes import FilmBoxes, boxes_of_films
from cxr_core.data.labels import AUXILIARY_LABELS, auxiliary_labels
from cxr_core.data.loader import BatchLoader, Redraw
from cxr_core.data.splits import VALIDATION_MORE
from cxr_core.errors import ConfigError, TrainingError
from cxr_core.findings import KEYS
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import FilmDataset, labels_of
from cxr_core.training.device import Accelerator
from cxr_core.training.distributed import Distributed
from cxr_core.training.trainer import SINGLE_PROCESS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSet:
    """The training films of a stage after balancing, and what loss and sampler need for it.

    Attributes:
        px: side at which they are trained on.
        rows: (M,) in the stage's cache.
        labels: (M, 4), or (M, 15) with NIH's other findings.
        names: M file names.
        boxes: on these films; None where no loss wants them.
        sampling_weights: (M,) chances to be drawn.
        redraw: films of which each epoch takes only some, sharp and enlarged ones apart.
        pos_weight: (4,).
        balance_counts: before and after balancing.
    """

    px: int
    rows: NDArray[np.intp]
    labels: NDArray[np.float32]
    names: list[str]
    boxes: FilmBoxes | None
    sampling_weights: NDArray[np.float64] | None
    redraw: tuple[Redraw, ...]
    pos_weight: Tensor | None
    balance_counts: dict[str, dict[str, int]]


def require_film_pixels(config: TrainConfig, sides: pd.Series, px: int) -> None:
    """Refuse a stage at which no training film has the pixels.

    Args:
        sides: of the training films, pixels.
        px: at which the stage trains.

    Raises:
        TrainingError: all films are smaller than the stage wants them.
    """
    least, largest = config.least_film_px(px), int(sides.max())
    if largest < least:
        raise TrainingError(
            f"No training film has {least} pixels a side, which training at {px} px needs",
            value=f"the largest has {largest}",
            remedy=f"Give larger films, or --px {max(32, largest // 32 * 32)}.",
        )


def require_selection_set(config: TrainConfig, splits: pd.Series) -> None:
    """Refuse a choice among epochs by a part that the split does not have.

    Args:
        splits: the part of each film.

    Raises:
        ConfigError: there is no further validation set.
    """
    if config.select_on != "validation" and not (splits == VALIDATION_MORE).any():
        raise ConfigError(
            "The epoch cannot be chosen on further validation films, as the split has none",
            value=f"select_on={config.select_on}",
            remedy="Extend a split with --extend-split, or use --set select_on=validation.",
        )


def no_boxes_error(config: TrainConfig) -> TrainingError:
    """What to say of a box loss without boxes."""
    return TrainingError(
        "The box loss needs boxes",
        value=f"box_loss_weight={config.box_loss_weight}",
        remedy="Give NIH's table with --boxes, or use --set box_loss_weight=0.",
    )


def prepare_training_set(config: TrainConfig, films: FilmDataset, px: int) -> TrainingSet:
    """Balance the training films of the stage at ``px``, and look up what is learnt beside the
    four findings.

    Raises:
        TrainingError: no training film has the pixels, or boxes are missing that are wanted.
    """
    film_px = config.film_px(px)
    train = films.subset("train")
    require_film_pixels(config, train["side"], px)
    least = config.least_film_px(px)
    large = train["side"] >= least
    if not large.all():
        logger.info(
            "%d of %d training films take part at %d px; the others have less than %d pixels.",
            *(int(large.sum()), len(train), px, least),
        )
    train = train[large].reset_index(drop=True)
    before = class_counts(train)
    redraw: tuple[Redraw, ...] = ()
    sampler: NDArray[np.float64] | None = None
    positive_weights: Tensor | None = None
    if config.balance == "undersample":
        train = undersample(train, seed=config.seed)
    elif config.balance == "redraw":
        # Each sharpness in itself, so that it tells nothing of the labels.
        has_pixels = (train["side"] >= film_px).to_numpy()
        groups = [group for group in (has_pixels, ~has_pixels) if group.any()]
        redraw = tuple(Redraw(*redraw_normals(train, group)) for group in groups)
    elif config.balance == "sampler":
        sampler = sampler_weights(train)
    elif config.balance == "pos-weight":
        positive_weights = torch.as_tensor(pos_weight(train), dtype=torch.float32)  # (4,)
    rows, labels = films.stage_caches[film_px].indices(train["image"]), labels_of(train)
    if config.auxiliary_loss_weight:
        labels = np.concatenate([labels, auxiliary_labels(train["findings"])], axis=1)  # (M, 15)
    names = train["image"].tolist()
    boxes: FilmBoxes | None = None
    if config.box_loss_weight:
        if films.boxes is None:
            raise no_boxes_error(config)
        boxes = boxes_of_films(names, films.boxes, [*KEYS, *AUXILIARY_LABELS])
        logger.info("%d boxed findings on training films.", boxes.n_pairs)
    counts = {"before": before, "after": class_counts(train)}
    return TrainingSet(px, rows, labels, names, boxes, sampler, redraw, positive_weights, counts)


@dataclass(frozen=True)
class StageLoaders:
    """The batches of one stage of the training.

    Attributes:
        train: this process's part of the training batches.
        validation: whole batches by part: ``validation`` and, where the split has it,
            ``validation_more``.
        names: file names of the training films, in the loader's order.
    """

    train: BatchLoader
    validation: dict[str, BatchLoader]
    names: list[str]


def make_loaders(
    config: TrainConfig,
    films: FilmDataset,
    preprocessing: Preprocessing,
    training_set: TrainingSet,
    accelerator: Accelerator,
    distributed: Distributed = SINGLE_PROCESS,
) -> StageLoaders:
    """The batches of the stage that ``training_set`` belongs to."""
    preprocessing = replace(preprocessing, size=training_set.px)
    cache = films.stage_caches[config.film_px(training_set.px)]
    train = BatchLoader(
        cache.images,
        training_set.labels,
        rows=training_set.rows,
        preprocessing=preprocessing,
        batch_size=config.batch_size,
        shuffle=True,
        weights=training_set.sampling_weights,
        redraw=training_set.redraw,
        augmentation=config.augmentation,
        boxes=training_set.boxes,
        seed=config.seed,
        device=accelerator.device,
        shard=(distributed.rank, distributed.world_size),
    )
    validation = {}
    for part in ("validation", VALIDATION_MORE):
        table = films.subset(part)
        if len(table):
            validation[part] = BatchLoader(
                cache.images,
                labels_of(table),
                rows=cache.indices(table["image"]),
                preprocessing=preprocessing,
                batch_size=2 * config.batch_size,
                device=accelerator.device,
            )
    return StageLoaders(train, validation, training_set.names)
