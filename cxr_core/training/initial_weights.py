"""What a run starts from: weights, and the preprocessing that belongs to them."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cxr_core.config import Preprocessing
from cxr_core.errors import WeightsError
from cxr_core.model.architectures import build_model, imagenet_mean_std
from cxr_core.model.checkpoint import load_verified_weights
from cxr_core.model.metadata import load_metadata, uses_external_data
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import FilmDataset, rows_and_labels
from cxr_core.training.lineage import (
    Lineage,
    Parent,
    make_lineage,
    model_folder,
    require_no_leakage,
)


@dataclass(frozen=True)
class InitialWeights:
    """A network before its first step.

    Attributes:
        preprocessing: of the run's films.
        source: in words, for the card: ``none``, ``imagenet``, ``a file`` or the model's hash.
        uses_external_data: whether anything was learnt from other films than the run's, be it by
            the model that it goes on from or by a teacher.
    """

    preprocessing: Preprocessing
    source: str
    uses_external_data: bool


def resolve_initial_weights(config: TrainConfig, films: FilmDataset) -> InitialWeights:
    """What a run starts from and is taught by, with the preprocessing that fits.

    Raises:
        PatientLeakError: a model to go on from or a teacher learnt from patients that are now to
            be tested on.
    """
    found = _resolve_weights(config, films)
    for parent in parents_of(config):
        require_no_leakage(parent, films.table)
        if uses_external_data(load_metadata(parent.folder).provenance):
            found = replace(found, uses_external_data=True)
    return found


def _resolve_weights(config: TrainConfig, films: FilmDataset) -> InitialWeights:
    """Preprocessing that fits the weights the run starts from.

    ImageNet's statistics go with its weights and with a file's, a model folder's own with its
    weights, and those of the training films with none.

    Raises:
        PatientLeakError: the model learnt from patients that are now to be tested on.
    """
    if config.weights == "none":
        rows, _ = rows_and_labels(films.subset("train"))
        # A thousand films fix mean and deviation to far below what matters.
        sample = films.cache.images[rows[:: max(1, len(rows) // 1000)]] / 255.0
        mean, std = round(float(sample.mean()), 4), round(float(sample.std()), 4)
        return InitialWeights(
            Preprocessing(config.px, (mean,) * 3, (std,) * 3), "none", uses_external_data=False
        )
    folder = model_folder(Path(config.weights))
    if folder is not None:
        require_no_leakage(Parent(folder, "initial weights"), films.table)
        metadata = load_metadata(folder)
        stored = metadata.preprocessing
        words = f"model {metadata.model_sha256[:12]}"
        external = uses_external_data(metadata.provenance)
        return InitialWeights(Preprocessing(config.px, stored.mean, stored.std), words, external)
    preprocessing = Preprocessing(config.px, *imagenet_mean_std(config.architecture))
    return InitialWeights(preprocessing, _outside(config), uses_external_data=True)


def init_network(config: TrainConfig) -> ChestNetwork:
    """The network that a run starts from, ready to be trained.

    Raises:
        WeightsError, CheckpointError: the weights cannot be had, read, or do not fit.
    """
    folder = model_folder(Path(config.weights))
    if folder is None:
        return build_model(config.architecture, weights=config.weights)
    metadata = load_metadata(folder)
    stored = metadata.architecture
    if stored != config.architecture:
        raise WeightsError(
            "The model to start from is another network than this run's",
            value=f"{stored} for {config.architecture}",
            remedy=f"Say --set architecture={stored}, or start from other weights.",
        )
    return load_verified_weights(folder, metadata).requires_grad_(True).train()


def parents_of(config: TrainConfig) -> list[Parent]:
    """The models that a run starts from or is taught by.

    Raises:
        WeightsError: a teacher that is no model folder.
    """
    folder = model_folder(Path(config.weights))
    parents = [] if folder is None else [Parent(folder, "initial weights")]
    for name in config.teachers:
        taught_by = model_folder(Path(name))
        if taught_by is None:
            raise WeightsError(
                "The teacher is not the folder of a finished run",
                value=name,
                remedy="Give the --out of a run that has ended, or leave --teacher out.",
            )
        parents.append(Parent(taught_by, "teacher"))
    return parents


def require_parents_kept_apart(config: TrainConfig, table: pd.DataFrame) -> None:
    """Refuse initial weights or teachers that have seen, by themselves or by an ancestor, a
    patient by whom the run is to be judged.

    Args:
        table: the run's films, ``image, patient, split``.

    Raises:
        PatientLeakError: names the model and the films.
        CheckpointError, WeightsError: a model that cannot be read or does not tell its films.
    """
    for parent in parents_of(config):
        require_no_leakage(parent, table)


def lineage_of(config: TrainConfig, table: pd.DataFrame) -> Lineage:
    """The lineage of a run that is about to start."""
    return make_lineage(table, parents_of(config), _outside(config))


def _outside(config: TrainConfig) -> str:
    """Weights from elsewhere in words; "" where there are none."""
    if config.weights in ("none", "imagenet"):
        return "" if config.weights == "none" else "imagenet"
    return "a file" if model_folder(Path(config.weights)) is None else ""
