"""A predictions table as a user names it: a file in any columns, or a run folder."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxr_core.errors import DataError
from cxr_core.evaluation.mapping_guess import join_labels, map_table
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.raw_table import read_raw_table
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, RunFolder
from cxr_core.evaluation.table_mapping import TableMapping
from cxr_core.model.metadata import METADATA_FILE


@dataclass(frozen=True, eq=False)
class InputTable:
    """A predictions table as a user names it: a file, or a run folder with what belongs to it.

    Attributes:
        predictions: a validated predictions table.
        sha256: of its file.
        model: the folder of its calibration and operating points; None without one.
        run: the folder whose other tables belong to it; None for a table from elsewhere.
        mapping: as what the columns of a table from elsewhere were read.
        said, cautions: whole sentences on how it was read.
    """

    predictions: pd.DataFrame
    sha256: str
    model: RunFolder | None
    run: RunFolder | None
    mapping: TableMapping | None = None
    said: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def of_model(self) -> bool | None:
        """Whether the table is one of its model's own; None without a model."""
        if self.model is None:
            return None
        if self.run is not None and self.run.path.resolve() == self.model.path.resolve():
            return True
        return self.sha256 in self.model.predictions_sha256()

    @property
    def split(self) -> pd.DataFrame | None:
        """The split of the run that the table lies in, where it tells one."""
        return None if self.run is None else self.run.split


def read_input_table(
    path: Path,
    model: Path | None = None,
    *,
    mapping: TableMapping | None = None,
    labels: Path | None = None,
) -> InputTable:
    """Read a table, or the test films of a run folder.

    Args:
        model: folder of a calibration and operating points; a run folder's own without it.
        mapping: of a table in other columns; guessed without it.
        labels: a table of labels to be joined by image.

    Raises:
        DataError: no table, or one that breaks the contract, or whose columns are not certain.
    """
    run = None
    if path.is_dir():
        run, path = RunFolder(path), path / TEST_PREDICTIONS_FILE
        if not path.is_file():
            raise DataError(
                "The folder has no predictions for its test films",
                value=path,
                remedy="Write them with train.py --finalize, or give the table itself.",
            )
    of_model = run if run is not None and run.has(METADATA_FILE) else None
    if model is not None:
        of_model = RunFolder(model)
    if run is not None and mapping is None and labels is None:
        films = read_predictions(path)
        return InputTable(films, hashlib.sha256(path.read_bytes()).hexdigest(), of_model, run)
    raw = read_raw_table(path)
    if labels is not None:
        raw = join_labels(raw, read_raw_table(labels))
    mapped = map_table(raw, mapping, name=path.name.split(".")[0])
    return InputTable(
        mapped.table, raw.sha256, of_model, run, mapped.mapping, mapped.said, mapped.cautions
    )
