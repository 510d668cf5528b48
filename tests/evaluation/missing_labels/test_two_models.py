"""Two models compared where labels are missing."""

import json

import numpy as np
import pandas as pd
import pytest

from cxr_core.errors import DataError
from cxr_core.evaluation.comparison import Comparison, compare_predictions
from cxr_core.evaluation.metrics.bootstrap import NOT_LABELLED
from cxr_core.evaluation.render.json_document import to_plain_values
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from tests.helpers.missing_labels import (
    N_RESAMPLES,
    without_label,
)


def compared(a: pd.DataFrame, b: pd.DataFrame) -> Comparison:
    return compare_predictions(a, b, n_resamples=N_RESAMPLES)


@pytest.fixture(scope="module")
def other(complete: pd.DataFrame) -> pd.DataFrame:
    """What a second model said of the same films, in another order."""
    noise = np.random.default_rng(9).normal(size=len(complete))
    return complete.assign(logit_effusion=complete["logit_effusion"] + noise)[::-1]


@pytest.mark.parametrize("key", ABNORMAL_KEYS)
def test_a_comparison_equals_that_of_the_table_without_these_films(
    complete: pd.DataFrame, other: pd.DataFrame, rows: pd.Series, key: str
) -> None:
    found = compared(without_label(complete, key, rows), without_label(other, key, rows))
    reduced = compared(complete[~rows], other)
    whole = compared(complete, other)
    assert found.overall.auroc[key] == reduced.overall.auroc[key]
    assert found.abnormal.auroc[key] == reduced.abnormal.auroc[key]
    assert found.overall.n_labelled == {key: (~rows).sum()}
    assert f"{LABELS[key]} ({(~rows).sum()} films)" in comparison_text(found)
    for another in set(KEYS) - {key}:
        assert found.overall.auroc[another] == whole.overall.auroc[another]


def test_a_label_that_one_table_lacks_is_the_others(
    complete: pd.DataFrame, other: pd.DataFrame, rows: pd.Series
) -> None:
    found, whole = (
        compared(without_label(complete, "effusion", rows), other),
        compared(complete, other),
    )
    assert to_plain_values(found.overall) == to_plain_values(whole.overall)
    assert f"{rows.sum()} labels that one table lacks are taken from the other." in found.notes
    wrong = other.assign(label_effusion=1 - other["label_effusion"])
    with pytest.raises(DataError, match="different labels"):
        compared(without_label(complete, "effusion", rows), wrong)


def test_a_comparison_without_a_finding_names_it(
    complete: pd.DataFrame, other: pd.DataFrame
) -> None:
    found = compared(*(without_label(t, "no_finding", slice(None)) for t in (complete, other)))
    whole = compared(complete, other)
    assert found.overall.auroc["effusion"] == whole.overall.auroc["effusion"]
    assert found.overall.auroc["no_finding"].difference.verdict == NOT_LABELLED.verdict
    assert found.overall.mean is not None
    assert found.overall.mean.difference.estimable
    text = comparison_text(found)
    assert "No Finding is not labelled" in text
    assert "Mean of the labelled" in text
    assert json.dumps(to_plain_values(found), allow_nan=False)


def test_a_complete_comparison_has_no_further_keys(
    complete: pd.DataFrame, other: pd.DataFrame
) -> None:
    assert "n_labelled" not in to_plain_values(compared(complete, other))["overall"]
