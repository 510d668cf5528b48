"""``paths.json``: where a run's films and tables lie, and the command that started it.

Kept apart from ``config.json``, which may be passed on with a model: these are the paths of
whoever trained it, and nothing that reads a model needs them.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from cxr_core.config import short
from cxr_core.errors import TrainingError
from cxr_core.files import atomic_write, read_json
from cxr_core.training.dataset import DatasetPaths

PATHS_FILE = "paths.json"
# Of drawn phantoms: they lie in a folder that is gone when the run has ended.
_DRAWN = ("entries", "images", "further_images", "boxes", "cache")


def write_run_paths(folder: Path, paths: DatasetPaths, command: Sequence[str] = ()) -> None:
    """Write the run's paths, absolute, and the words it was started with."""
    values = {item.name: _plain(getattr(paths, item.name)) for item in fields(paths)}
    if paths.phantom is not None:
        values = {name: value for name, value in values.items() if name not in _DRAWN}
    document = {"command": list(command), "paths": values}
    with atomic_write(folder / PATHS_FILE) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_run_paths(folder: Path) -> dict[str, Any]:
    """The fields of ``DatasetPaths`` that were recorded; empty for a run that records none.

    Raises:
        TrainingError: the file is there and cannot be used.
    """
    path = folder / PATHS_FILE
    if not path.is_file():
        return {}
    try:
        values = dict(read_json(path)["paths"])
        return {
            item.name: _path_or_plain(values[item.name])
            for item in fields(DatasetPaths)
            if item.name in values
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"The record of the run's paths cannot be read ({short(repr(error))})",
            value=path,
            remedy="Remove it, and give --entries, --images and the others again.",
        ) from error


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.absolute())
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _path_or_plain(value: object) -> object:
    if isinstance(value, str):
        return Path(value)
    return tuple(Path(one) for one in value) if isinstance(value, list) else value
