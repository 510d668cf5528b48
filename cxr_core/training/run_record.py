"""``config.json``: what a run folder was started with."""

import json
import platform
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_core.config import Preprocessing
from cxr_core.errors import TrainingError
from cxr_core.evaluation.history import kept_epoch
from cxr_core.files import atomic_write, read_json
from cxr_core.training.config import TrainConfig
from cxr_core.training.initial_weights import InitialWeights

CONFIG_FILE = "config.json"
RECORDED_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "grad-cam")


def write_run_config(
    folder: Path,
    config: TrainConfig,
    initial_weights: InitialWeights,
    *,
    fingerprint: str,
    device_name: str,
    threads: int | None = None,
) -> None:
    """Write configuration, what it starts from, the data's fingerprint, and what trains where."""
    document = {
        "train": config.to_dict(),
        "initial_weights": asdict(initial_weights),
        "data_fingerprint": fingerprint,
        "device": device_name,
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": installed_versions(),
            "threads": threads,
        },
    }
    with atomic_write(folder / CONFIG_FILE) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n")


def installed_versions() -> dict[str, str]:
    """Versions of the packages that decide what comes out of a run, of those that are there.

    Training needs neither the app's packages nor the maps', and a machine with a GPU often has
    only what it trains with.
    """
    versions = {}
    for name in RECORDED_PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def read_threads(folder: Path) -> int | None:
    """How many threads the run in ``folder`` trains with; None where that was not noted."""
    environment = _read(folder).get("environment")
    threads = environment.get("threads") if isinstance(environment, dict) else None
    return threads if isinstance(threads, int) else None


def read_run_config(folder: Path) -> TrainConfig:
    """The configuration of the run in ``folder``.

    Raises:
        TrainingError: there is none that can be read.
        ConfigError: it has values that cannot be.
    """
    return _parse(_read(folder), folder)


def read_device_name(folder: Path) -> str:
    """What the run in ``folder`` was trained on, in words."""
    document = _read(folder)
    return str(document.get("device", document.get("engine", "unknown")))


def read_initial_weights(folder: Path) -> InitialWeights | None:
    """What the run in ``folder`` started from; None where an older version did not say.

    Raises:
        TrainingError: it cannot be read.
    """
    document = _read(folder)
    # "start", "weights" and "outside" are an earlier version's names.
    found = document.get("initial_weights", document.get("start"))
    if found is None:
        return None
    try:
        values = found["preprocessing"]
        own = Preprocessing(values["size"], tuple(values["mean"]), tuple(values["std"]))
        source = found.get("source", found.get("weights"))
        external = found.get("uses_external_data", found.get("outside"))
        if source is None or external is None:
            raise _unreadable(folder / CONFIG_FILE)
        return InitialWeights(own, str(source), bool(external))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(folder / CONFIG_FILE) from error


def read_fingerprint(folder: Path) -> str:
    """The fingerprint of the films of the run in ``folder``."""
    return str(_read(folder).get("data_fingerprint"))


def kept_row(history: pd.DataFrame) -> pd.Series:
    """The row of ``history.csv`` whose weights were kept.

    Raises:
        TrainingError: it does not tell.
    """
    row = kept_epoch(history)
    if row is None:
        raise TrainingError(
            "The history of the run does not tell which epoch was kept",
            value=f"{len(history)} epochs, columns {', '.join(history.columns)}",
            remedy="Restore history.csv as train.py wrote it.",
        )
    return history.iloc[row]


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if not isinstance(document, dict):
        raise _unreadable(path)
    return document


def _parse(document: dict[str, Any], folder: Path) -> TrainConfig:
    try:
        return TrainConfig.from_dict(document["train"])
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise _unreadable(folder / CONFIG_FILE) from error


def _unreadable(path: Path) -> TrainingError:
    return TrainingError(
        "There is no readable run configuration here",
        value=path,
        remedy="Give the run folder that train.py wrote (--out).",
    )
