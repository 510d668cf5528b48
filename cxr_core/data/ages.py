"""Ages as tables write them (``58``, ``058Y``, ``011M``, ``013D``), in years."""

import numpy as np
import pandas as pd

OLDEST = 120.0  # years; NIH's first table has ages up to 414
_YEARS_PER_UNIT = {"Y": 1.0, "M": 1.0 / 12.0, "W": 7.0 / 365.25, "D": 1.0 / 365.25}


def parse_ages(cells: pd.Series) -> tuple[pd.Series, int]:
    """Turn age cells into years.

    Args:
        cells: str, (N,): a number of years, or a number with Y, M, W or D (DICOM's age form).

    Returns:
        float (N,) years, NaN where the cell is empty or impossible; and how many cells were
        impossible: not an age at all, negative, or over 120 years.
    """
    codes, distinct = pd.factorize(cells)
    parsed = np.array([_parse(str(cell)) for cell in distinct], dtype=np.float64)
    written = np.array([bool(str(cell).strip()) for cell in distinct])
    impossible = int((np.isnan(parsed) & written)[codes].sum())
    return pd.Series(parsed[codes], index=cells.index, name=cells.name), impossible


def _parse(cell: str) -> float:
    text = cell.strip().upper()
    factor = _YEARS_PER_UNIT.get(text[-1:])
    number = text if factor is None else text[:-1]
    try:
        years = float(number) * (1.0 if factor is None else factor)
    except ValueError:
        return float("nan")
    return years if 0.0 <= years <= OLDEST else float("nan")
