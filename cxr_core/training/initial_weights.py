"""What a run starts from: weights, and the preprocessing that belongs to them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from cxr_core.data.csv_files import examples
from cxr_core.data.split_files import read_split
from cxr_core.errors import PatientLeakError, WeightsError
from cxr_core.evaluation.run_folder import SPLIT_FILE
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.densenet import ChestDenseNet, build_densenet
from cxr_core.model.metadata import METADATA_FILE, learnt_outside, load_metadata
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import Films, rows_and_labels


@dataclass(frozen=True)
class Start:
    """A network before its first step.

    Attributes:
        preprocessing: of the run's films.
        weights: in words, for the card: ``none``, ``imagenet``, ``a file`` or the model's hash.
        outside: whether anything was learnt from other films than the run's, be it by the model
            that it goes on from.
    """

    preprocessing: Preprocessing
    weights: str
    outside: bool


def choose_start(config: TrainConfig, films: Films) -> Start:
    """Preprocessing that fits the weights the run starts from.

    ImageNet's statistics go with its weights and with a file's, a model folder's own with its
    weights, and those of the training films with none.

    Raises:
        PatientLeakError: the model folder learnt from patients that are now to be tested on.
    """
    if config.weights == "none":
        rows, _ = rows_and_labels(films.part("train"))
        # A thousand films fix mean and deviation to far below what matters.
        sample = films.cache.images[rows[:: max(1, len(rows) // 1000)]] / 255.0
        mean, std = round(float(sample.mean()), 4), round(float(sample.std()), 4)
        return Start(Preprocessing(config.px, (mean,) * 3, (std,) * 3), "none", outside=False)
    folder = Path(config.weights)
    if is_model_folder(folder):
        _require_apart(folder, films.table)
        metadata = load_metadata(folder)
        own = metadata.preprocessing
        words = f"model {metadata.model_sha256[:12]}"
        outside = learnt_outside(metadata.provenance)
        return Start(Preprocessing(config.px, own.mean, own.std), words, outside)
    kind = "imagenet" if config.weights == "imagenet" else "a file"
    return Start(Preprocessing(config.px, IMAGENET_MEAN, IMAGENET_STD), kind, outside=True)


def starting_network(weights: str) -> ChestDenseNet:
    """The network of ``TrainConfig.weights``, ready to be trained.

    Raises:
        WeightsError, CheckpointError: the weights cannot be had, read, or do not fit.
    """
    if is_model_folder(Path(weights)):
        return load_weights(Path(weights)).requires_grad_(True).train()
    return build_densenet(weights)


def is_model_folder(path: Path) -> bool:
    """Whether ``path`` holds a model that train.py made."""
    return (path / METADATA_FILE).is_file()


def _require_apart(folder: Path, table: pd.DataFrame) -> None:
    """Refuse weights that have seen, in training, a patient of validation or test."""
    if not (folder / SPLIT_FILE).is_file():
        raise WeightsError(
            "This model does not say which films it learnt from, so a test would prove nothing",
            value=folder / SPLIT_FILE,
            remedy="Put its split.csv back, or start from other weights.",
        )
    before = read_split(folder / SPLIT_FILE)
    learnt = before[before["split"] == "train"]
    held = table[table["split"] != "train"]
    patients = set(held["patient"]) & set(learnt.get("patient", pd.Series(dtype="str")))
    images = held["image"].isin(learnt.index) | held["patient"].isin(patients)
    if images.any():
        raise PatientLeakError(
            "The weights to start from have learnt from patients whom this run tests on",
            value=f"{int(images.sum()):,} films, such as {examples(held['image'][images])}",
            remedy=f"Use that model's own split: --split {folder / SPLIT_FILE}.",
        )
