"""What can be known before films are decoded: nobody waits an hour for a word that was wrong."""

from dataclasses import dataclass

import torch

from cxr_core.model.architectures import require_architecture
from cxr_core.model.metadata import DEFAULT_ARCHITECTURE
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import DatasetPaths, FilmTables, read_tables
from cxr_core.training.distillation import Teacher, load_teacher
from cxr_core.training.initial_weights import (
    init_network,
    parents_of,
    require_parents_kept_apart,
)
from cxr_core.training.training_set import (
    no_boxes_error,
    require_film_pixels,
    require_selection_set,
)


@dataclass(frozen=True)
class Preflight:
    """What was read on the way.

    Attributes:
        tables: of the run's films.
        teachers: the models to learn from.
    """

    tables: FilmTables
    teachers: list[Teacher]


def preflight(
    config: TrainConfig, paths: DatasetPaths, *, trains: bool = True, starts: bool = True
) -> Preflight:
    """Read the tables and refuse whatever could not be trained on, before a film is decoded.

    Args:
        trains: the run will train, so that boxes and teachers are needed.
        starts: it will begin, so that its initial weights are needed too.

    Raises:
        CXRError: a network, weights, teachers, tables or films that cannot be used together.
    """
    require_architecture(config.architecture)
    if config.box_loss_weight and paths.boxes is None:
        raise no_boxes_error(config)
    tables = read_tables(paths, config)
    if trains:
        require_selection_set(config, tables.table["split"])
        sides = tables.table.loc[tables.table["split"] == "train", "side"]
        for px in config.stage_sizes:
            require_film_pixels(config, sides, px)
    if starts:
        require_parents_kept_apart(config, tables.table)
        _require_weights(config)  # last, as it may have to download them
    teachers: list[Teacher] = []
    if trains and config.teachers:
        parents = [parent for parent in parents_of(config) if parent.role == "teacher"]
        teachers = [load_teacher(parent.folder) for parent in parents]
    return Preflight(tables, teachers)


def _require_weights(config: TrainConfig) -> None:
    """Load the initial weights once, to know that they can be had, and let them go."""
    if config.weights == "none" and config.architecture == DEFAULT_ARCHITECTURE:
        return
    with torch.random.fork_rng(devices=[]):
        init_network(config)
