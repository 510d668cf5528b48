"""Subgroups: the films they hold, and the shortcuts that they show."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.ranking import auroc
from cxr_core.evaluation.metrics.subgroups import subgroup_auroc, subgroups_of
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.evaluation.report import subgroup_notes
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS


@pytest.fixture
def table() -> pd.DataFrame:
    """Films whose No Finding score knows nothing but the view, which confounds it."""
    rng = np.random.default_rng(0)
    n = 400
    ap = rng.random(n) < 0.5
    normal = rng.random(n) < np.where(ap, 0.8, 0.2)
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(n)]})
    table["age"] = np.resize([5.0, 17.9, 18.0, 64.9, 65.0, 90.0, np.nan], n)
    table["sex"] = np.resize(["F", "M", "F", ""], n)
    table["view"] = np.where(ap, "AP", "PA")
    for k, name in enumerate(LABEL_COLUMNS):
        table[name] = normal if k == 3 else ~normal & (rng.random(n) < 0.5)
    for k, name in enumerate(LOGIT_COLUMNS):
        # The three findings' scores only tell No Finding from the rest.
        table[name] = np.where(ap if k == 3 else ~normal, 2.0, -2.0) + rng.normal(size=n)
    return validate_predictions(table.astype(dict.fromkeys(LABEL_COLUMNS, int)))


def areas(table: pd.DataFrame) -> pd.DataFrame:
    resamples = resample_units(table["image"].to_numpy(), n_resamples=50)
    return subgroup_auroc(table, resamples).set_index(["by", "value", "finding"])


def test_the_area_of_a_shortcut_falls_to_chance_within_its_films(table: pd.DataFrame) -> None:
    found = areas(table)
    assert auroc(table["label_no_finding"], table["logit_no_finding"]) > 0.7
    for view in ("PA", "AP"):
        row = found.loc[("view", view, "no_finding"), :]
        assert row["low"] < 0.5 < row["high"]
    assert auroc(table["label_effusion"], table["logit_effusion"]) > 0.7
    row = found.loc[("label", "not No Finding", "effusion"), :]
    assert row["low"] < 0.5 < row["high"]


def test_a_row_is_the_area_of_its_own_films(table: pd.DataFrame) -> None:
    some = table[table["view"] == "PA"]
    row = areas(table).loc[("view", "PA", "atelectasis"), :]
    assert row["n"] == len(some)
    assert row["positives"] == some["label_atelectasis"].sum()
    assert row["estimate"] == auroc(some["label_atelectasis"], some["logit_atelectasis"])
    assert row["low"] < row["estimate"] < row["high"]


def test_films_that_are_not_no_finding_are_judged_for_three_findings(table: pd.DataFrame) -> None:
    first = next(subgroups_of(table))
    assert first.keys == KEYS[:3]
    assert first.mask.sum() == (table["label_no_finding"] == 0).sum()


def test_age_bands_by_hand(table: pd.DataFrame) -> None:
    bands = {s.value: set(table["age"][s.mask]) for s in subgroups_of(table) if s.by == "age"}
    assert bands == {"under 18": {5.0, 17.9}, "18 to 64": {18.0, 64.9}, "65 and over": {65.0, 90.0}}


def test_follow_up_bands_by_hand(table: pd.DataFrame) -> None:
    counted = table.assign(follow_up=np.resize([0.0, 1.0, 9.0, 10.0, 148.0, np.nan, -1.0], 400))
    parts = [s for s in subgroups_of(counted) if s.by == "follow_up"]
    assert {s.value: set(counted["follow_up"][s.mask]) for s in parts} == {
        "first film": {0.0},
        "film 2 to 10": {1.0, 9.0},
        "film 11 or later": {10.0, 148.0},
    }
    assert "57 of 400 films have no follow_up; they are in no subgroup." in subgroup_notes(counted)


def test_an_unknown_sex_is_in_no_subgroup_and_a_note_says_so(table: pd.DataFrame) -> None:
    sexes = [s.value for s in subgroups_of(table) if s.by == "sex"]
    assert sexes == ["F", "M"]
    assert "100 of 400 films have no sex; they are in no subgroup." in subgroup_notes(table)


def test_a_missing_column_masks_its_rows_and_a_note_says_so(table: pd.DataFrame) -> None:
    bare = table.drop(columns=["view", "age", "sex"])
    assert {s.by for s in subgroups_of(bare)} == {"label"}
    assert subgroup_notes(bare) == [
        f"The table has no column {name}: no subgroups by {name}."
        for name in ("view", "sex", "age", "follow_up", "group")
    ]


def test_a_column_of_many_kinds_shows_the_commonest(table: pd.DataFrame) -> None:
    kinds = np.resize([f"ward {i:02}" for i in range(25)], 390).tolist() + ["ward 24"] * 10
    many = table.assign(group=kinds)
    shown = [s.value for s in subgroups_of(many) if s.by == "group"]
    assert len(shown) == 20
    assert "ward 24" in shown
    assert "The table has 25 values of group; the 20 most common are shown." in subgroup_notes(many)


def test_a_small_subgroup_is_not_estimable(table: pd.DataFrame) -> None:
    few = table.assign(group=["tiny"] * 12 + [""] * 388)
    row = areas(few).loc[("group", "tiny", "effusion"), :]
    assert row["n"] == 12
    assert row["verdict"] == "too few"
    assert np.isnan(row[["estimate", "low", "high"]].astype(float)).all()
