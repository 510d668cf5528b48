"""A run folder seen from outside: which of its files are there, and how far the run has come.

Only the names that a run folder is known to hold are looked at, and nothing is ever written: a
path may have been typed by anyone who can open the page.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from cxr_core.errors import CheckpointError, DataError
from cxr_core.evaluation.metrics.labels import SplitLabels, read_split_labels, split_labels
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.model.metadata import METADATA_FILE

SplitPart = Literal["test", "validation"]
TEST_PREDICTIONS_FILE, VALIDATION_PREDICTIONS_FILE = "predictions_test.csv", "predictions_val.csv"
PREDICTION_FILES: dict[SplitPart, str] = {
    "test": TEST_PREDICTIONS_FILE,
    "validation": VALIDATION_PREDICTIONS_FILE,
}
SPLIT_FILE = "split.csv"
HISTORY_FILE = "history.csv"
LOCALISATION_FILE = "localisation.csv"
# Those of training's that are only looked at; training loads PyTorch, and a page must not wait.
_CONFIG, _RESUME, WEIGHTS_FILE = "config.json", "resume.pt", "model.safetensors"
_MAX_BYTES = 1 << 28  # of a table; NIH's whole collection takes 15 MB
_MAX_ENTRIES = 200  # entries of a folder that are looked at for runs


@dataclass(frozen=True)
class RunProgress:
    """How far a run has come.

    Attributes:
        epochs_done: epochs in ``history.csv``.
        epochs_planned: epochs that it was started for; None where no ``config.json`` tells.
        unfinished: it is being written, or was left before its end.
    """

    epochs_done: int
    epochs_planned: int | None
    unfinished: bool


def require_run_folder(folder: Path) -> None:
    """Refuse a path at which there is no run.

    Raises:
        DataError: no folder, one that cannot be looked into, or one without any of a run's files.
    """
    try:
        found = folder.is_dir()
    except OSError:  # a name that is too long, or a folder that is closed to us
        found = False
    if not found:
        raise DataError(
            "This folder cannot be read",
            value=folder,
            remedy=(
                "Give the folder that train.py wrote (--out), on the computer that runs this app."
            ),
        )
    if not is_run_folder(folder):
        raise DataError(
            "This folder holds no training run",
            value=folder,
            remedy="A run folder holds model.json, predictions_test.csv or history.csv.",
        )


def available_part(folder: Path) -> SplitPart | None:
    """The films whose predictions a run folder shows: its test films, or without these its
    validation films (a run held from the test); None where it has neither."""
    return next((part for part, name in PREDICTION_FILES.items() if _is_file(folder / name)), None)


def read_predictions_bytes(folder: Path, part: SplitPart) -> bytes:
    """The bytes of a run's predictions table.

    Raises:
        DataError: it cannot be read, or is too large to be one.
    """
    path = folder / PREDICTION_FILES[part]
    try:
        size = path.stat().st_size
        if size <= _MAX_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"The run's predictions for its {part} films cannot be read",
            value=f"{path} ({error.strerror})",
            remedy="Write it again with train.py --finalize.",
        ) from error
    raise DataError(
        f"The run's predictions for its {part} films are too large",
        value=f"{path}, {size / 1e6:,.0f} MB",
        remedy=f"A table may have up to {_MAX_BYTES / 1e6:,.0f} MB.",
    )


def read_history(folder: Path) -> pd.DataFrame:
    """The epochs of a run, a row each; empty where there is no readable ``history.csv``."""
    try:
        history = pd.read_csv(folder / HISTORY_FILE)
    except (OSError, ValueError):  # absent, empty or no table
        return pd.DataFrame()
    return history if "epoch" in history else pd.DataFrame()


def run_progress(folder: Path, epochs: int) -> RunProgress:
    """How far a run has come.

    Args:
        epochs: those in its history.
    """
    planned = _planned(folder)
    # A run writes its weights, reads its films for minutes, and writes model.json after the tables.
    ended = _is_file(folder / METADATA_FILE)
    begun = _is_file(folder / _RESUME) or (planned is not None and epochs < planned)
    return RunProgress(epochs, planned, begun and not ended)


def verify_weights(folder: Path, sha256: str) -> None:
    """Refuse a run whose weights are not those that ``model.json`` was written for.

    Args:
        sha256: as ``model.json`` states it. A folder without weights passes: its tables can be
            read all the same.

    Raises:
        CheckpointError: the file has another hash, or cannot be read.
    """
    path = folder / WEIGHTS_FILE
    if not _is_file(path):
        return
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            "The weights file cannot be read",
            value=f"{path} ({error.strerror})",
            remedy="Check that the app has permission to read it.",
        ) from error
    if found != sha256:
        raise CheckpointError(
            "The weights file does not match model.json",
            value=f"SHA-256 {found[:12]}…, expected {sha256[:12]}… ({path})",
            remedy="Restore the folder as train.py wrote it, or open another run.",
        )


def find_runs(parents: Iterable[Path]) -> list[Path]:
    """Run folders that lie directly in the given folders, by name, each once."""
    found = {run.resolve(): run for parent in parents for run in _runs_in(parent)}
    return sorted(found.values(), key=lambda run: (str(run.parent), run.name))


def _runs_in(parent: Path) -> Iterator[Path]:
    try:
        entries = sorted(islice(parent.iterdir(), _MAX_ENTRIES))
    except OSError:
        return  # nothing is offered from a folder that is not there
    yield from (path for path in entries if is_run_folder(path))


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds any of the files by which a run is known."""
    names = (METADATA_FILE, *PREDICTION_FILES.values(), HISTORY_FILE)
    return any(_is_file(folder / name) for name in names)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _planned(folder: Path) -> int | None:
    try:
        epochs = json.loads((folder / _CONFIG).read_text())["train"]["epochs"]
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not train.py's
        return None
    return epochs if isinstance(epochs, int) else None


# A predictions table as a user names it: a file, or a run folder with all that belongs to it.


@dataclass(frozen=True, eq=False)
class InputTable:
    """One table and where it comes from.

    Attributes:
        predictions: a validated predictions table.
        sha256: of its file.
        model_folder: folder of its calibration and operating points; None without one.
        run_folder: folder whose other tables belong to it; None for a table from elsewhere.
    """

    predictions: pd.DataFrame
    sha256: str
    model_folder: Path | None
    run_folder: Path | None

    def read_validation(self) -> pd.DataFrame | None:
        """The run's validation films; None where it has none.

        Raises:
            DataError: they are there and break the contract.
        """
        path = None if self.run_folder is None else self.run_folder / VALIDATION_PREDICTIONS_FILE
        return read_predictions(path) if path is not None and path.is_file() else None

    def read_split_counts(self) -> list[SplitLabels]:
        """Labels of the run's parts; empty where it has no ``split.csv``.

        Raises:
            DataError: it is there and cannot be used.
        """
        path = None if self.run_folder is None else self.run_folder / SPLIT_FILE
        return split_labels(read_split_labels(path)) if path is not None and path.is_file() else []


def read_input_table(path: Path, model: Path | None = None) -> InputTable:
    """Read a table, or the test films of a run folder.

    Args:
        model: folder of a calibration and operating points; a run folder's own without it.

    Raises:
        DataError: no table, or one that breaks the contract.
    """
    run = None
    if path.is_dir():
        run, path = path, path / TEST_PREDICTIONS_FILE
        if not path.is_file():
            raise DataError(
                "The folder has no predictions for its test films",
                value=path,
                remedy="Write them with train.py --finalize, or give the table itself.",
            )
        if model is None and (run / METADATA_FILE).is_file():
            model = run
    films = read_predictions(path)
    return InputTable(films, hashlib.sha256(path.read_bytes()).hexdigest(), model, run)
