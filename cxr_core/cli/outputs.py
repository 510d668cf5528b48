"""Files that a command writes, checked before the slow part, and how the tables that it reads are
given."""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cxr_core.errors import ConfigError
from cxr_core.evaluation.mapping_guess import join_labels, suggest_mapping
from cxr_core.evaluation.raw_table import read_raw_table
from cxr_core.evaluation.table_mapping import mapping_toml
from cxr_core.files import atomic_write

STANDARD_OUTPUT = Path("-")
FORMATS = {"json": "JSON", "markdown": "Markdown", "latex": "LaTeX"}


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """``--json``, ``--markdown`` and ``--latex``."""
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write all figures as JSON; - prints JSON only"
    )
    for name in ("markdown", "latex"):
        parser.add_argument(
            f"--{name}", type=Path, metavar="OUT", help=f"write all tables as {FORMATS[name]}"
        )


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """``--map``, ``--suggest-map`` and ``--labels``."""
    parser.add_argument(
        "--map", type=Path, metavar="FILE.toml",
        help="which column of a table is what; guessed without it",
    )  # fmt: skip
    parser.add_argument(
        "--suggest-map", type=Path, metavar="FILE.toml",
        help="write the guess there, to be corrected and given with --map, and end",
    )  # fmt: skip
    parser.add_argument(
        "--labels", type=Path, metavar="TABLE",
        help="a table of labels, such as NIH's Data_Entry, to be joined by image",
    )  # fmt: skip


def suggest_map(predictions: Path, labels: Path | None, out: Path) -> list[str]:
    """Write the guess at a table's columns; returns what it took, and what is unsure.

    Raises:
        DataError: the table cannot be read.
        ConfigError: the file cannot be written.
    """
    require_writable_output(out, "mapping", apart_from=[predictions, labels])
    raw = read_raw_table(predictions)
    if labels is not None:
        raw = join_labels(raw, read_raw_table(labels))
    found = suggest_mapping(raw, predictions.name.split(".")[0])
    try:
        with atomic_write(out) as temporary:
            temporary.write_text(mapping_toml(found.mapping), encoding="utf-8")
    except OSError as error:
        raise _not_written(out, "mapping", error) from error
    return [*found.said, *(f"Unsure: {question}" for question in found.questions)]


def requested_outputs(
    args: argparse.Namespace, *, apart_from: Sequence[Path | None]
) -> dict[str, Path]:
    """The files asked for, by format; ``-`` for JSON is not among them.

    Args:
        apart_from: tables that are read, which no output may overwrite.

    Raises:
        ConfigError: a path is a folder, a table that is read, or cannot be written to.
    """
    asked = {
        name: path
        for name in FORMATS
        if (path := getattr(args, name)) is not None and (name, path) != ("json", STANDARD_OUTPUT)
    }
    for name, path in asked.items():
        require_writable_output(path, FORMATS[name], apart_from=apart_from)
    return asked


def write_outputs(paths: Mapping[str, Path], make: Mapping[str, Callable[[], str]]) -> None:
    """Write each file asked for, whole or not at all.

    Raises:
        ConfigError: one cannot be written.
    """
    for name, path in paths.items():
        try:
            with atomic_write(path) as temporary:
                temporary.write_text(make[name](), encoding="utf-8")
        except OSError as error:
            raise _not_written(path, FORMATS[name], error) from error


def make_folder(folder: Path) -> None:
    """Make the folder for checklists, before the slow part, where it is not there.

    Raises:
        ConfigError: it cannot be one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder for the checklists cannot be made ({error.strerror or error})",
            value=folder,
            remedy="Give another one.",
        ) from error


def write_checklists(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file under its name, whole or not at all.

    Raises:
        ConfigError: one cannot be written.
    """
    for name, content in files.items():
        try:
            with atomic_write(folder / name) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise _not_written(folder / name, "checklist", error) from error


def require_writable_output(path: Path, kind: str, *, apart_from: Sequence[Path | None]) -> None:
    """Refuse an output path before the slow part: a folder, one where no file can be made, or a
    table that is to be read."""
    if path.resolve() in [table.resolve() for table in apart_from if table is not None]:
        raise ConfigError(
            f"The {kind} would overwrite a table", value=path, remedy="Give another path."
        )
    if path.is_dir():
        raise ConfigError(
            f"The {kind} output is a folder", value=path, remedy="Give the path of a file."
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _not_written(path, kind, error) from error


def _not_written(path: Path, kind: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"The {kind} cannot be written",
        value=f"{path} ({error.strerror})",
        remedy="Give a file in a folder that exists and that you may write to.",
    )
