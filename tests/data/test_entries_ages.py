import math

import pandas as pd
import pytest

from cxr_core.data.entries import parse_ages


@pytest.mark.parametrize(
    ("cell", "years"),
    [
        ("58", 58.0),
        ("058Y", 58.0),
        ("011M", 11 / 12),
        ("013D", 13 / 365.25),
        ("002W", 14 / 365.25),
        (" 60y ", 60.0),
        ("0", 0.0),
        ("120", 120.0),
        ("57.5", 57.5),
    ],
)
def test_an_age_becomes_years(cell: str, years: float) -> None:
    ages, impossible = parse_ages(pd.Series([cell]))
    assert ages[0] == pytest.approx(years)
    assert impossible == 0


@pytest.mark.parametrize("cell", ["414", "-1", "148Y", "121", "old", "Y", "nan", "inf"])
def test_an_impossible_age_becomes_missing_and_is_counted(cell: str) -> None:
    ages, impossible = parse_ages(pd.Series(["40", cell, cell]))
    assert ages[0] == 40.0
    assert math.isnan(ages[1])
    assert impossible == 2


def test_an_empty_age_is_missing_but_not_impossible() -> None:
    ages, impossible = parse_ages(pd.Series(["", "  "]))
    assert ages.isna().all()
    assert impossible == 0
