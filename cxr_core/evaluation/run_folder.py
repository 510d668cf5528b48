"""A run folder seen from outside: which of its files are there, and how far the run has come.

Only the names that a run folder is known to hold are looked at, and nothing is ever written: a
path may have been typed by anyone who can open the page.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from cxr_core.data.split_files import read_split
from cxr_core.errors import CheckpointError, DataError
from cxr_core.evaluation.further_films import read_other_films
from cxr_core.evaluation.history import read_history
from cxr_core.evaluation.localisation.froc import read_marks
from cxr_core.evaluation.localisation.rates import read_localisation
from cxr_core.evaluation.metrics.labels import SplitLabels, read_split_labels, split_labels
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.files import open_regular, read_json
from cxr_core.model.metadata import METADATA_FILE, ModelMetadata, load_metadata

SplitPart = Literal["test", "validation"]
TEST_PREDICTIONS_FILE, VALIDATION_PREDICTIONS_FILE = "predictions_test.csv", "predictions_val.csv"
PREDICTION_FILES: dict[SplitPart, str] = {
    "test": TEST_PREDICTIONS_FILE,
    "validation": VALIDATION_PREDICTIONS_FILE,
}
FURTHER_PREDICTIONS_FILE = "predictions_val_more.csv"  # of the part validation_more
OTHER_FILMS_FILE = "predictions_other.csv"
SPLIT_FILE = "split.csv"
HISTORY_FILE = "history.csv"
LOCALISATION_FILE, MARKS_FILE = "localisation.csv", "marks.csv"
CARD_FILE = "MODEL_CARD.md"
# Those of training's that are only looked at; training loads PyTorch, and a page must not wait.
_CONFIG, _RESUME, WEIGHTS_FILE = "config.json", "resume.pt", "model.safetensors"
_MAX_BYTES = 1 << 28  # of a table; NIH's whole collection takes 15 MB
_MAX_CARD_BYTES = 1 << 20
_MAX_WEIGHTS_BYTES = 1 << 32
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


@dataclass(frozen=True)
class RunFolder:
    """A run folder; each of its files is read and validated once, when it is first asked for.

    Attributes:
        path: of the folder.
        strict: somebody named it who does not sit at this machine: a link in it counts as absent,
            as does a file that is too large.
    """

    path: Path
    strict: bool = False

    @property
    def part(self) -> SplitPart | None:
        """The films whose predictions the folder shows: its test films, or without these its
        validation films (a run held from the test); None where it has neither."""
        return next((part for part, name in PREDICTION_FILES.items() if self.has(name)), None)

    def has(self, name: str) -> bool:
        """Whether a file lies in the folder."""
        path = self.path / name
        return _is_own_file(path) if self.strict else _is_file(path)

    @cached_property
    def model(self) -> ModelMetadata:
        """What ``model.json`` says.

        Raises:
            CheckpointError: it is not there, or cannot be used.
        """
        return load_metadata(self.path)

    @property
    def metadata(self) -> ModelMetadata | None:
        """The same; None where there is no ``model.json``."""
        return self.model if self.has(METADATA_FILE) else None

    @property
    def card(self) -> str:
        """The text of the model card; "" where there is none that can be read."""
        if not self.has(CARD_FILE):
            return ""
        try:
            with open_regular(self.path / CARD_FILE) as file:
                return file.read(_MAX_CARD_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def predictions_bytes(self, part: SplitPart) -> bytes:
        """The bytes of a predictions table.

        Raises:
            DataError: it cannot be read, or is too large to be one.
        """
        path = self.path / PREDICTION_FILES[part]
        try:
            with open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                if size <= _MAX_BYTES:
                    return file.read()
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

    def predictions_sha256(self) -> set[str]:
        """Hashes of the predictions tables that lie in the folder."""
        return {
            hashlib.sha256((self.path / name).read_bytes()).hexdigest()
            for name in (*PREDICTION_FILES.values(), FURTHER_PREDICTIONS_FILE)
            if self.has(name)
        }

    @cached_property
    def validation(self) -> pd.DataFrame | None:
        """The validation films, validated; None where there is no table of them.

        Raises:
            DataError: it is there and breaks the contract.
        """
        return self._predictions(VALIDATION_PREDICTIONS_FILE)

    @cached_property
    def further_patients(self) -> pd.DataFrame | None:
        """The films of ``validation_more``, validated; None where there is no table of them.

        Raises:
            DataError: it is there and breaks the contract.
        """
        return self._predictions(FURTHER_PREDICTIONS_FILE)

    def _predictions(self, name: str) -> pd.DataFrame | None:
        return read_predictions(self.path / name) if self.has(name) else None

    @cached_property
    def other_films(self) -> pd.DataFrame | None:
        """What the model said of other hospitals' films; None where there is no table of them.

        Raises:
            DataError: it is there and cannot be used.
        """
        has_films = self.has(OTHER_FILMS_FILE)
        return read_other_films(self.path / OTHER_FILMS_FILE) if has_films else None

    @cached_property
    def split(self) -> pd.DataFrame | None:
        """The part of every film, as ``data.split_files.read_split``; None without ``split.csv``.

        Raises:
            DataError: it is there and cannot be used.
        """
        return read_split(self.path / SPLIT_FILE) if self.has(SPLIT_FILE) else None

    @cached_property
    def split_labels(self) -> list[SplitLabels]:
        """Labels of the training, validation and test set; empty without ``split.csv``.

        Raises:
            DataError: it is there and cannot be used.
        """
        if not self.has(SPLIT_FILE):
            return []
        return split_labels(read_split_labels(self.path / SPLIT_FILE))

    @cached_property
    def localisation(self) -> pd.DataFrame | None:
        """Where each boxed film's evidence peaked; None without ``localisation.csv``.

        Raises:
            DataError: it is not as ``train.py`` writes it.
        """
        has_maps = self.has(LOCALISATION_FILE)
        return read_localisation(self.path / LOCALISATION_FILE) if has_maps else None

    @cached_property
    def marks(self) -> pd.DataFrame | None:
        """The maps' marks on boxed and on negative films; None without ``marks.csv``, which
        earlier versions did not write.

        Raises:
            DataError: it is not as ``train.py`` writes it.
        """
        return read_marks(self.path / MARKS_FILE) if self.has(MARKS_FILE) else None

    @cached_property
    def history(self) -> pd.DataFrame:
        """The epochs, a row each; empty where there is no readable ``history.csv``."""
        if not self.has(HISTORY_FILE):
            return pd.DataFrame()
        try:
            return read_history(self.path / HISTORY_FILE)
        except DataError:  # absent, empty or no such table
            return pd.DataFrame()

    @property
    def progress(self) -> RunProgress:
        """How far the run has come."""
        planned = _planned(self.path) if self.has(_CONFIG) else None
        done = len(self.history)
        # A run writes its weights, reads its films for minutes, and writes model.json at the end.
        begun = self.has(_RESUME) or (planned is not None and done < planned)
        return RunProgress(done, planned, begun and not self.has(METADATA_FILE))

    def stamp(self, name: str) -> str:
        """Tells a file, as it lies there now, from another; for caches."""
        try:
            status = (self.path / name).stat()
        except OSError:
            return str(self.path)
        return f"{self.path} {status.st_mtime_ns} {status.st_size}"

    def verify_weights(self) -> None:
        """Refuse weights that are not those that ``model.json`` was written for.

        A folder without weights passes: its tables can be read all the same.

        Raises:
            CheckpointError: the file has another hash, or cannot be read.
        """
        path = self.path / WEIGHTS_FILE
        if not self.has(WEIGHTS_FILE):
            return
        try:
            with open_regular(path) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CheckpointError(
                "The weights file cannot be read",
                value=f"{path} ({error.strerror})",
                remedy="Check that the app has permission to read it.",
            ) from error
        if found != self.model.weights_sha256:
            raise CheckpointError(
                "The weights file does not match model.json",
                value=f"SHA-256 {found[:12]}…, expected {self.model.weights_sha256[:12]}… ({path})",
                remedy="Restore the folder as train.py wrote it, or open another run.",
            )


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


def _is_own_file(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    limit = _MAX_WEIGHTS_BYTES if path.name == WEIGHTS_FILE else _MAX_BYTES
    return stat.S_ISREG(status.st_mode) and status.st_size <= limit


def _planned(folder: Path) -> int | None:
    try:
        epochs = read_json(folder / _CONFIG)["train"]["epochs"]
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not train.py's
        return None
    return epochs if isinstance(epochs, int) else None
