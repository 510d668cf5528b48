"""The training films as they are learnt from: balanced, with what is learnt beside the four."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cxr_core.config import Preprocessing
from cxr_core.data.balance import balance_counts, pos_weight, sampler_weights, undersample
from cxr_core.data.labels import OTHER_LABELS, other_labels
from cxr_core.data.loader import BatchLoader
from cxr_core.data.regions import BoxedFilms, boxed_films
from cxr_core.errors import TrainingError
from cxr_core.findings import KEYS
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Engine
from cxr_core.training.films import Films, rows_and_labels
from cxr_core.training.team import Team
from cxr_core.training.trainer import ALONE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learning:
    """The training films after balancing, and what the loss and the sampler need for it.

    Attributes:
        rows: (M,) in the cache.
        labels: (M, 4), or (M, 15) with NIH's other findings.
        names: M file names.
        boxes: on these films; None where no loss wants them.
        sampler: (M,) chances to be drawn.
        pos_weight: (4,).
        counts: before and after balancing.
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.float32]
    names: list[str]
    boxes: BoxedFilms | None
    sampler: NDArray[np.float64] | None
    pos_weight: Tensor | None
    counts: dict[str, dict[str, int]]


def prepare_learning(config: TrainConfig, films: Films) -> Learning:
    """Balance the training films, and look up what is learnt beside the four findings."""
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
    if config.other_findings:
        labels = np.concatenate([labels, other_labels(train["findings"])], axis=1)  # (M, 15)
    names = train["image"].tolist()
    boxes: BoxedFilms | None = None
    if config.boxes:
        if films.boxes is None:
            raise TrainingError(
                "The loss of the boxes needs boxes",
                value=f"boxes={config.boxes}",
                remedy="Name NIH's table with --boxes, or leave them out with --set boxes=0.",
            )
        boxes = boxed_films(names, films.boxes, [*KEYS, *OTHER_LABELS])
        logger.info("%d boxed findings on training films.", boxes.count)
    counts = {"before": before, "after": balance_counts(train)}
    return Learning(rows, labels, names, boxes, sampler, weight, counts)


def make_loaders(
    config: TrainConfig,
    films: Films,
    preprocessing: Preprocessing,
    learning: Learning,
    engine: Engine,
    team: Team = ALONE,
) -> tuple[BatchLoader, BatchLoader]:
    """Training batches, this process's part of each, and whole validation batches."""
    train = BatchLoader(
        films.cache.images,
        learning.labels,
        rows=learning.rows,
        preprocessing=preprocessing,
        batch_size=config.batch_size,
        shuffle=True,
        weights=learning.sampler,
        augmentation=config.augmentation,
        boxes=learning.boxes,
        seed=config.seed,
        device=engine.device,
        part=(team.rank, team.size),
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
