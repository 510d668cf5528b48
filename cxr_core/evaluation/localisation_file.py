"""Reading ``localisation.csv`` of a run folder: where each boxed film's evidence peaked."""

from pathlib import Path

import pandas as pd

from cxr_core.data.tables import examples, read_columns, read_header
from cxr_core.errors import DataError
from cxr_core.evaluation.localisation import LOCALISATION_COLUMNS
from cxr_core.evaluation.overlap_row import OVERLAP_COLUMNS
from cxr_core.evaluation.prediction_checks import as_number

_TEXTS = ("image", "finding")
_MAY_BE_EMPTY = ("fixed_spot_inside", *OVERLAP_COLUMNS)
_REMEDY = "Write it again with train.py --finish and the boxes."


def read_localisation(path: Path) -> pd.DataFrame:
    """The table that ``write_localisation`` wrote.

    Returns:
        DataFrame of ``LOCALISATION_COLUMNS`` and those of ``OVERLAP_COLUMNS`` that the file has:
        earlier versions wrote none. What is not known, as a fixed spot without training boxes,
        is nan; all other numbers are 0 to 1.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds a cell that is no number or a
            film twice for one finding.
    """
    header = [name.casefold() for name in read_header(path)]
    missing = [name for name in LOCALISATION_COLUMNS if name not in header]
    if missing:
        raise DataError(
            "The table of boxed films lacks columns that it needs",
            value=f"{', '.join(missing)} (file {path.name})",
            remedy=_REMEDY,
        )
    wanted = [*LOCALISATION_COLUMNS, *(name for name in OVERLAP_COLUMNS if name in header)]
    rows = read_columns(path, {name: header.index(name) for name in wanted})
    for name in wanted[len(_TEXTS) :]:
        numbers = as_number(rows[name])
        unknown = rows[name].str.strip().eq("") & (name in _MAY_BE_EMPTY)
        if not (numbers.between(0.0, 1.0) | unknown).all():
            raise DataError(
                "The table of boxed films holds a cell that is no number from 0 to 1",
                value=f"column {name} (file {path.name})",
                remedy=_REMEDY,
            )
        rows[name] = numbers
    if (twice := rows.duplicated(["image", "finding"])).any():
        raise DataError(
            "A film stands in the table of boxed films twice for one finding",
            value=f"{examples(rows['image'][twice])} (file {path.name})",
            remedy="Keep one row a film and finding.",
        )
    return rows
