"""Rates within groups: scikit-learn's values, and masks where films are few."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.subgroups import all_films_and_subgroups, subgroup_metrics
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS
from tests.helpers.predictions import make_predictions


def films(n: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """Known by view and follow-up alone."""
    table = make_predictions(n, seed=seed).assign(follow_up=np.arange(n) % 12)
    return validate_predictions(table.drop(columns=["age", "sex", "group"]))


def rates_of(table: pd.DataFrame, above=None):
    drawn = resample_patients(table, n_resamples=100)
    return {
        (rates.by, rates.value, rates.finding): rates
        for part in subgroup_metrics(table, above, drawn)
        for rates in part
    }


def test_rates_within_a_view_are_scikit_learns() -> None:
    table = films()
    above = (table[list(LOGIT_COLUMNS)] > 0.4).to_numpy()
    found = rates_of(table, above)
    inside = (table["view"] == "AP").to_numpy()
    for k, key in enumerate(KEYS):
        y, called = table[LABEL_COLUMNS[k]][inside], above[inside, k]
        rates = found["view", "AP", key]
        assert (rates.n, rates.positives) == (inside.sum(), y.sum())
        expected = roc_auc_score(y, table[LOGIT_COLUMNS[k]][inside])
        assert rates.auroc.estimate == pytest.approx(expected, abs=1e-9)
        assert rates.sensitivity.estimate == pytest.approx(recall_score(y, called), abs=1e-9)
        specificity = recall_score(y, called, pos_label=0)
        assert rates.specificity.estimate == pytest.approx(specificity, abs=1e-9)
        assert rates.sensitivity.low < rates.sensitivity.estimate < rates.sensitivity.high


def test_all_films_come_first_and_no_finding_is_not_judged_among_the_rest() -> None:
    table = films(60)
    first, second, *_ = subgroup_metrics(table, None, resample_patients(table, n_resamples=10))
    assert [rates.value for rates in first] == ["all films"] * 4
    assert [rates.finding for rates in second] == list(KEYS[:3])
    assert len(all_films_and_subgroups(table)) == 2 + 2 + 3  # two views, three bands of follow-up


def test_films_of_few_patients_are_masked_in_their_own_cell() -> None:
    table = films(200)
    table["label_effusion"] = 0
    table.loc[:19, "label_effusion"] = 1
    table.loc[:19, "patient"] = [f"p{i % 9}" for i in range(20)]  # 20 films of 9 patients
    table.loc[20:, "patient"] = [f"q{i}" for i in range(180)]
    rates = rates_of(table, np.ones((200, 4), dtype=bool))["films", "all films", "effusion"]
    assert not rates.sensitivity.estimable
    assert np.isnan(rates.sensitivity.estimate)
    assert rates.specificity.estimate == 0.0
    assert rates.specificity.high > 0.0  # Wilson's, since resampling shows no spread


@pytest.mark.parametrize("n", [1, 3])
def test_a_tiny_table_has_no_figure_and_never_half(n: int) -> None:
    found = rates_of(films(n, seed=1), np.zeros((n, 4), dtype=bool))
    intervals = [i for r in found.values() for i in (r.auroc, r.sensitivity, r.specificity)]
    assert intervals
    assert all(np.isnan(i.estimate) and i.verdict == "too few" for i in intervals)


def test_without_operating_points_only_the_area_is_told() -> None:
    rates = rates_of(films())["films", "all films", "effusion"]
    assert rates.auroc.estimable
    assert not rates.sensitivity.estimable
    assert not rates.specificity.estimable
