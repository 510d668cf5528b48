"""A predictions table as a user names it: a file, or a run folder with all that belongs to it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxr_core.errors import DataError
from cxr_core.evaluation.label_tables import SplitLabels, read_split_labels, split_labels
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.run_folder import SPLIT_FILE, TEST_FILE, VALIDATION_FILE
from cxr_core.model.metadata import METADATA_FILE


@dataclass(frozen=True, eq=False)
class GivenTable:
    """One table and where it comes from.

    Attributes:
        films: a validated predictions table.
        sha256: of its file.
        model: folder of its calibration and operating points; None without one.
        run: folder whose other tables belong to it; None for a table from elsewhere.
    """

    films: pd.DataFrame
    sha256: str
    model: Path | None
    run: Path | None

    def validation(self) -> pd.DataFrame | None:
        """The run's validation films; None where it has none.

        Raises:
            DataError: they are there and break the contract.
        """
        path = None if self.run is None else self.run / VALIDATION_FILE
        return read_predictions(path) if path is not None and path.is_file() else None

    def splits(self) -> list[SplitLabels]:
        """Labels of the run's parts; empty where it has no ``split.csv``.

        Raises:
            DataError: it is there and cannot be used.
        """
        path = None if self.run is None else self.run / SPLIT_FILE
        return split_labels(read_split_labels(path)) if path is not None and path.is_file() else []


def read_given(path: Path, model: Path | None = None) -> GivenTable:
    """Read a table, or the test films of a run folder.

    Args:
        model: folder of a calibration and operating points; a run folder's own without it.

    Raises:
        DataError: no table, or one that breaks the contract.
    """
    run = None
    if path.is_dir():
        run, path = path, path / TEST_FILE
        if not path.is_file():
            raise DataError(
                "The folder has no table of its test films",
                value=path,
                remedy="Write it with train.py --finish, or give the table itself.",
            )
        if model is None and (run / METADATA_FILE).is_file():
            model = run
    films = read_predictions(path)
    return GivenTable(films, hashlib.sha256(path.read_bytes()).hexdigest(), model, run)
