"""Reading ``localisation.csv`` of a run folder: where each boxed film's evidence peaked."""

from pathlib import Path

import pandas as pd

from cxr_core.data.tables import read_columns, read_header
from cxr_core.errors import DataError
from cxr_core.evaluation.localisation import LOCALISATION_COLUMNS
from cxr_core.evaluation.prediction_checks import as_number

_TEXTS = ("image", "finding")


def read_localisation(path: Path) -> pd.DataFrame:
    """The table that ``write_localisation`` wrote.

    Returns:
        DataFrame of ``LOCALISATION_COLUMNS``; ``fixed_spot_inside`` is nan where there was no
        fixed spot, all other numbers are finite.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds a cell that is no number.
    """
    header = [name.casefold() for name in read_header(path)]
    missing = [name for name in LOCALISATION_COLUMNS if name not in header]
    if missing:
        raise DataError(
            "The table of boxed films lacks columns that it needs",
            value=f"{', '.join(missing)} (file {path.name})",
            remedy="Write it again with train.py --finish and the boxes.",
        )
    rows = read_columns(path, {name: header.index(name) for name in LOCALISATION_COLUMNS})
    numbers = [name for name in LOCALISATION_COLUMNS if name not in _TEXTS]
    rows = rows.assign(**{name: as_number(rows[name]) for name in numbers})
    for name in numbers:
        if name != "fixed_spot_inside" and not rows[name].between(0.0, 1.0).all():
            raise DataError(
                "The table of boxed films holds a cell that is no number from 0 to 1",
                value=f"column {name} (file {path.name})",
                remedy="Write it again with train.py --finish and the boxes.",
            )
    return rows
