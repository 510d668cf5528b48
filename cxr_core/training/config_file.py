"""``--config FILE.toml``: settings of ``TrainConfig`` in a file, under the same names."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cxr_core.config import short
from cxr_core.errors import ConfigError
from cxr_core.training.presets import parse_settings

_NOT_ONE_WORD = ("preset", "teachers")


def read_config_file(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, by name; parts of the augmentation under dotted names.

    Beside what ``parse_settings`` knows, ``preset`` (a name) and ``teachers`` (a list of run
    folders, relative to where the command runs).

    Raises:
        ConfigError: no such file, no TOML, or a setting that does not exist or has another type.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            "The configuration file cannot be read",
            value=f"{path} ({error.strerror})",
            remedy="Check the path given with --config.",
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, endless, nested too deep
        raise ConfigError(
            f"The configuration file is not TOML ({short(error)})",
            value=path,
            remedy='Write lines such as epochs = 20 or balance = "none".',
        ) from error
    settings = parse_settings(_words(document, path))
    if "preset" in document:
        settings["preset"] = str(document["preset"])
    if "teachers" in document:
        teachers = document["teachers"]
        if not isinstance(teachers, list) or not all(isinstance(one, str) for one in teachers):
            raise ConfigError(
                "teachers must be a list of run folders",
                value=teachers,
                remedy='Write for example teachers = ["runs/first", "runs/second"].',
            )
        settings["teachers"] = tuple(teachers)
    return settings


def _words(document: dict[str, Any], path: Path) -> Iterator[str]:
    """Each setting as it would stand after ``--set``."""
    for name, value in document.items():
        if name in _NOT_ONE_WORD:
            continue
        if isinstance(value, dict):
            yield from _words({f"{name}.{part}": one for part, one in value.items()}, path)
        elif isinstance(value, bool) or not isinstance(value, int | float | str | list):
            raise ConfigError(
                f"The setting {name} has a value of a kind that no setting has",
                value=f"{value} in {path}",
                remedy="Use a number, a text or a list of two numbers.",
            )
        else:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{name}={text}"
