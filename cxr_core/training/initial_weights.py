"""What a run starts from: weights, and the preprocessing that belongs to them."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cxr_core.config import Preprocessing
from cxr_core.data.csv_files import first_few
from cxr_core.data.split_files import read_split
from cxr_core.errors import PatientLeakError, WeightsError
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.model.architectures import build_model, imagenet_mean_std
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.metadata import METADATA_FILE, load_metadata, uses_external_data
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import FilmDataset, rows_and_labels


@dataclass(frozen=True)
class InitialWeights:
    """A network before its first step.

    Attributes:
        preprocessing: of the run's films.
        source: in words, for the card: ``none``, ``imagenet``, ``a file`` or the model's hash.
        uses_external_data: whether anything was learnt from other films than the run's, be it by
            the model that it goes on from or by a teacher.
        teachers: the models that teach, in words, for the card.
    """

    preprocessing: Preprocessing
    source: str
    uses_external_data: bool
    teachers: tuple[str, ...] = ()


def resolve_initial_weights(config: TrainConfig, films: FilmDataset) -> InitialWeights:
    """What a run starts from and is taught by, with the preprocessing that fits.

    Raises:
        PatientLeakError: a model to go on from or a teacher learnt from patients that are now to
            be tested on.
    """
    found = _resolve_weights(config, films)
    taught_by = []
    for name in config.teachers:
        require_no_leakage(Path(name), films.table, role="teacher")
        metadata = load_metadata(Path(name))
        taught_by.append(f"{metadata.architecture}, model {metadata.model_sha256[:12]}")
        if uses_external_data(metadata.provenance):
            found = replace(found, uses_external_data=True)
    return replace(found, teachers=tuple(taught_by))


def _resolve_weights(config: TrainConfig, films: FilmDataset) -> InitialWeights:
    """Preprocessing that fits the weights the run starts from.

    ImageNet's statistics go with its weights and with a file's, a model folder's own with its
    weights, and those of the training films with none.

    Raises:
        PatientLeakError: the model folder learnt from patients that are now to be tested on.
    """
    if config.weights == "none":
        rows, _ = rows_and_labels(films.subset("train"))
        # A thousand films fix mean and deviation to far below what matters.
        sample = films.cache.images[rows[:: max(1, len(rows) // 1000)]] / 255.0
        mean, std = round(float(sample.mean()), 4), round(float(sample.std()), 4)
        return InitialWeights(
            Preprocessing(config.px, (mean,) * 3, (std,) * 3), "none", uses_external_data=False
        )
    folder = Path(config.weights)
    if is_model_folder(folder):
        require_no_leakage(folder, films.table)
        metadata = load_metadata(folder)
        stored = metadata.preprocessing
        words = f"model {metadata.model_sha256[:12]}"
        external = uses_external_data(metadata.provenance)
        return InitialWeights(Preprocessing(config.px, stored.mean, stored.std), words, external)
    kind = "imagenet" if config.weights == "imagenet" else "a file"
    preprocessing = Preprocessing(config.px, *imagenet_mean_std(config.architecture))
    return InitialWeights(preprocessing, kind, uses_external_data=True)


def init_network(config: TrainConfig) -> ChestNetwork:
    """The network that a run starts from, ready to be trained.

    Raises:
        WeightsError, CheckpointError: the weights cannot be had, read, or do not fit.
    """
    folder = Path(config.weights)
    if not is_model_folder(folder):
        return build_model(config.architecture, weights=config.weights)
    stored = load_metadata(folder).architecture
    if stored != config.architecture:
        raise WeightsError(
            "The model to start from is another network than this run's",
            value=f"{stored} for {config.architecture}",
            remedy=f"Say --set architecture={stored}, or start from other weights.",
        )
    return load_weights(folder, stored).requires_grad_(True).train()


def is_model_folder(path: Path) -> bool:
    """Whether ``path`` holds a model that train.py made."""
    return (path / METADATA_FILE).is_file()


def require_no_leakage(folder: Path, table: pd.DataFrame, *, role: str = "initial weights") -> None:
    """Refuse a model that has seen, in training, a patient of validation or test.

    Args:
        folder: of the model.
        table: films with their ``split``.
        role: what the model is to the run, for the message.
    """
    if not (folder / SPLIT_FILE).is_file():
        raise WeightsError(
            "This model does not say which films it was trained on, so a test would prove nothing",
            value=folder / SPLIT_FILE,
            remedy="Put its split.csv back, or start from other weights.",
        )
    before = read_split(folder / SPLIT_FILE)
    seen = before[before["split"] == "train"]
    held_out = table[table["split"] != "train"]
    patients = set(held_out["patient"]) & set(seen.get("patient", pd.Series(dtype="str")))
    images = held_out["image"].isin(seen.index) | held_out["patient"].isin(patients)
    if images.any():
        raise PatientLeakError(
            f"The {role} learnt from patients in this run's validation or test set",
            value=f"{int(images.sum()):,} films, such as {first_few(held_out['image'][images])}",
            remedy=f"Use that model's own split: --split {folder / SPLIT_FILE}.",
        )
