"""``config.json``: what a run folder was started with."""

import json
from pathlib import Path
from typing import Any

from cxr_core.atomic import replacing
from cxr_core.errors import TrainingError
from cxr_core.training.config import TrainConfig, differences

CONFIG_FILE = "config.json"


def write_config(folder: Path, config: TrainConfig, *, fingerprint: str, engine: str) -> None:
    """Write configuration, the data's fingerprint and what trains, in words."""
    document = {"train": config.to_dict(), "data_fingerprint": fingerprint, "engine": engine}
    with replacing(folder / CONFIG_FILE) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n")


def read_config(folder: Path) -> TrainConfig:
    """The configuration of the run in ``folder``.

    Raises:
        TrainingError: there is none that can be read.
        ConfigError: it has values that cannot be.
    """
    return _parse(_read(folder), folder)


def read_engine(folder: Path) -> str:
    """What the run in ``folder`` was trained on, in words."""
    return str(_read(folder).get("engine", "unknown"))


def check_same_run(folder: Path, config: TrainConfig, fingerprint: str) -> None:
    """Refuse to continue or finish a run with other settings or other data.

    Raises:
        TrainingError: what differs, with both values.
    """
    document = _read(folder)
    changed = differences(_parse(document, folder), config)
    found = {name: (str(was), str(now)) for name, (was, now) in changed.items()}
    if document.get("data_fingerprint") != fingerprint:
        found["data_fingerprint"] = (str(document.get("data_fingerprint"))[:12], fingerprint[:12])
    if found:
        raise TrainingError(
            f"The run in {folder} was started with other settings or data",
            value="; ".join(f"{name} was {was} and is {now}" for name, (was, now) in found.items()),
            remedy="Give the same settings, films and split, or use another --out.",
        )


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        document = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _unreadable(path) from error
    if not isinstance(document, dict):
        raise _unreadable(path)
    return document


def _parse(document: dict[str, Any], folder: Path) -> TrainConfig:
    try:
        return TrainConfig.from_dict(document["train"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(folder / CONFIG_FILE) from error


def _unreadable(path: Path) -> TrainingError:
    return TrainingError(
        "There is no readable configuration of a run here",
        value=path,
        remedy="Give the folder of a run that train.py started as --out.",
    )
