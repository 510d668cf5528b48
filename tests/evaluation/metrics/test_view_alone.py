"""A model that saw only the view: made up, by hand, and in words."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.view_alone import (
    prevalence_by_view,
    shortcut_sentence,
    view_shortcuts,
)
from cxr_core.evaluation.predictions import validate_predictions
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS


def films(*, learnt: str, n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Three of four AP films carry every label, one of four PA films; ``learnt`` by the scores."""
    rng = np.random.default_rng(seed)
    ap = np.arange(n) % 2 == 0
    ill = (np.arange(n) // 2 % 4 < np.where(ap, 3, 1)).astype(int)
    known = {"view": ap, "label": ill, "both": ill + 0.0}[learnt]
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(n)]})
    table["view"] = np.where(ap, "AP", "PA")
    for label, logit in zip(LABEL_COLUMNS, LOGIT_COLUMNS, strict=True):
        table[label] = ill
        table[logit] = 2.0 * known + rng.normal(size=n)
    return validate_predictions(table)


def shortcuts(table: pd.DataFrame, validation: pd.DataFrame | None = None):
    return view_shortcuts(table, resample_patients(table, n_resamples=200), validation)


def test_the_view_alone_by_hand() -> None:
    # P(ill in AP) = 3/4 of the ill, P(well in AP) = 1/4: 3/4 * 3/4 + half of (3/16 + 3/16).
    found = shortcuts(films(learnt="label"))
    assert [s.finding for s in found] == list(KEYS)
    assert all(s.view_alone.estimate == pytest.approx(0.75) for s in found)
    assert all(s.fitted_here for s in found)
    assert prevalence_by_view(films(learnt="view")).loc["AP", "effusion"] == pytest.approx(0.75)


def test_a_model_of_the_view_is_told_from_one_of_the_finding() -> None:
    cheat, honest = shortcuts(films(learnt="view"))[0], shortcuts(films(learnt="label"))[0]
    assert cheat.model.low > 0.5
    assert cheat.gain.low < 0
    assert "may have learnt the view" in shortcut_sentence(cheat)
    assert all(area.low <= 0.5 <= area.high for area in cheat.within.values())
    assert honest.gain.low > 0
    assert set(honest.within) == {"AP", "PA"}
    assert shortcut_sentence(honest) == (
        "Effusion: better than the view alone, and better than chance within AP and within PA."
    )


def test_the_shares_are_those_of_validation_films_where_there_are_any() -> None:
    table, other = films(learnt="label"), films(learnt="label", n=80)
    turned = other.assign(view=other["view"].map({"AP": "PA", "PA": "AP"}))
    found = shortcuts(table, turned)[0]
    assert not found.fitted_here
    assert found.view_alone.estimate == pytest.approx(0.25)  # the shares are the wrong way round
    lacking = other[other["view"] == "AP"]
    assert shortcuts(table, lacking)[0].fitted_here
    assert shortcuts(table, other.drop(columns="view"))[0].fitted_here


def test_films_without_a_view_are_left_out() -> None:
    table = films(learnt="label")
    more = pd.concat([table, table.assign(image="x" + table["image"], view="")], ignore_index=True)
    assert shortcuts(more)[0].model.estimate == shortcuts(table)[0].model.estimate


def test_without_two_views_there_is_nothing_to_compare() -> None:
    table = films(learnt="view", n=40)
    assert shortcuts(table.drop(columns="view")) == []
    assert shortcuts(table.assign(view="PA")) == []
    assert shortcuts(table.assign(view="")) == []


def test_few_films_cannot_tell() -> None:
    few = shortcuts(films(learnt="view", n=12))[0]
    assert np.isnan(few.gain.estimate)
    assert "too few films" in shortcut_sentence(few)
