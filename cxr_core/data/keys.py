"""Image names and patient identifiers in one form, so that tables can be joined."""

import pandas as pd


def identifier_key(cells: pd.Series) -> pd.Series:
    """Return numbered identifiers in one form: "00000013", "13.0" and "13" are one patient.

    Numbers lose leading zeros and a spreadsheet's ".0". Should two hospitals mean different
    people by "013" and "13", they stay together, which can never leak.
    """
    return cells.str.strip().str.replace(r"^0*(\d+?)(?:\.0+)?$", r"\1", regex=True)


def image_key(cells: pd.Series) -> pd.Series:
    """Return bare file names: folders before a name are cut off."""
    names = cells.str.strip()
    if names.str.contains(r"[/\\]", regex=True).any():
        names = names.str.replace(r"^.*[/\\]", "", regex=True)
    return names
