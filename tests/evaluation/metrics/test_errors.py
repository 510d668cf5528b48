"""The surest errors by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.metrics.errors import most_confident_errors
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.findings import KEYS, LABEL_COLUMNS, PROBABILITY_COLUMNS

POINTS = {key: OperatingPoint(0.5, 0.4, 0.6, "sensitivity", 0.8, 0.8, 0.7) for key in KEYS}


@pytest.fixture
def table() -> pd.DataFrame:
    table = pd.DataFrame({"image": list("abcdef"), "view": ["PA", "AP"] * 3})
    table["age"] = [40, 50, 60, np.nan, 70, 80]
    table[list(LABEL_COLUMNS)] = 0
    table["label_effusion"] = [1, 1, 1, 0, 0, 0]
    table.loc[1, "label_infiltration"] = 1
    table[list(PROBABILITY_COLUMNS)] = 0.1
    table["probability_effusion"] = [0.4, 0.2, 0.5, 0.5, 1.0, 0.3]
    return validate_predictions(table)


def errors(table: pd.DataFrame, kind, **more):
    p = table[list(PROBABILITY_COLUMNS)].to_numpy()
    return most_confident_errors(table, p, POINTS, "effusion", kind, **more)


def test_misses_by_margin(table: pd.DataFrame) -> None:
    found, total = errors(table, "missed")
    assert total == 2  # c stands on its cut-off, and so is found
    assert [error.image for error in found] == ["b", "a"]
    first = found[0]
    assert first.margin == pytest.approx(math.log(0.25))
    assert (first.probability, first.cutoff, first.view, first.age) == (0.2, 0.5, "AP", 50.0)
    assert first.labels == "Effusion, Infiltration"


def test_false_alarms_by_margin(table: pd.DataFrame) -> None:
    found, total = errors(table, "false alarm")
    assert [error.image for error in found] == ["e", "d"]
    assert total == 2
    assert math.isfinite(found[0].margin)  # a probability of 1
    assert found[1].margin == 0.0
    assert found[1].labels == "none of the four"
    assert math.isnan(found[1].age)


def test_the_list_is_cut_and_the_total_is_not(table: pd.DataFrame) -> None:
    found, total = errors(table, "missed", limit=1)
    assert (len(found), total) == (1, 2)


def test_what_the_table_does_not_tell_stays_open(table: pd.DataFrame) -> None:
    found, _ = errors(table.drop(columns=["view", "age"]), "missed")
    assert found[0].view == ""
    assert math.isnan(found[0].age)
    assert errors(table.assign(label_effusion=0), "missed") == ([], 0)
