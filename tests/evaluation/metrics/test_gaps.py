"""Differences between groups: by hand, paired where films are, and Holm over all of them."""

import numpy as np
import pandas as pd
import pytest

from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.metrics.delong import area_parts
from cxr_core.evaluation.metrics.differences import holm
from cxr_core.evaluation.metrics.gaps import (
    FIGURES,
    Gap,
    crossed_subgroups,
    n_compared,
    subgroup_gaps,
)
from cxr_core.evaluation.metrics.shares import wilson_bounds
from cxr_core.evaluation.metrics.subgroups import subgroup_metrics, subgroups_of
from cxr_core.evaluation.predictions import labels_of, scores_of, validate_predictions
from tests.helpers.predictions import make_predictions


def unfair(n: int = 900) -> pd.DataFrame:
    """Women's films with Effusion score lower: their sensitivity is worse."""
    table = make_predictions(n, seed=3).assign(patient=[f"p{i}" for i in range(n)])
    worse = (table["sex"] == "F") & (table["label_effusion"] == 1)
    table.loc[worse, "logit_effusion"] -= 1.5
    return validate_predictions(table.drop(columns=["group", "follow_up"]))


def measured(table: pd.DataFrame) -> tuple[list[Gap], np.ndarray]:
    resamples = resample_units(table["patient"].to_numpy(), n_resamples=40)
    flagged = scores_of(table) > 0.0
    parts = [*subgroups_of(table), *crossed_subgroups(table)]
    rates = [one for part in subgroup_metrics(table, flagged, resamples, subgroups=parts)
             for one in part]  # fmt: skip
    return subgroup_gaps(table, flagged, resamples, parts, rates), flagged


@pytest.fixture(scope="module")
def found() -> tuple[list[Gap], np.ndarray]:
    return measured(unfair())


def test_a_gap_by_hand(found: tuple[list[Gap], np.ndarray]) -> None:
    table, (gaps, flagged) = unfair(), found
    (gap,) = (one for one in gaps if (one.by, one.finding) == ("sex", "effusion"))
    sexes = table["sex"].value_counts()
    assert (gap.value, gap.reference) == (sexes.index[1], sexes.index[0])
    assert (gap.n, gap.n_reference) == (sexes.iloc[1], sexes.iloc[0])
    ill = labels_of(table)[:, 0] == 1
    sides = [
        flagged[ill & (table["sex"] == sex).to_numpy(), 0] for sex in (gap.value, gap.reference)
    ]
    a, b = (side.mean() for side in sides)
    assert gap.sensitivity.estimate == pytest.approx(a - b, abs=1e-12)
    # Newcombe's interval of independent shares, as statsmodels' method "newcomb" has it.
    (low_a, high_a), (low_b, high_b) = (wilson_bounds(x.mean(), len(x)) for x in sides)
    assert gap.sensitivity.low == pytest.approx(
        a - b - np.sqrt((a - low_a) ** 2 + (high_b - b) ** 2), abs=1e-12
    )
    assert gap.sensitivity.high == pytest.approx(
        a - b + np.sqrt((high_a - a) ** 2 + (b - low_b) ** 2), abs=1e-12
    )
    # The area's p-value is that of DeLong's independent variances.
    errors = []
    for sex in (gap.value, gap.reference):
        mask = (table["sex"] == sex).to_numpy()
        parts = area_parts(labels_of(table)[mask, 0], scores_of(table)[mask, 0],
                           np.arange(mask.sum()), n_patients=int(mask.sum()))  # fmt: skip
        errors.append(parts.se)
    reach = 1.959963984540054 * float(np.sqrt(errors[0] ** 2 + errors[1] ** 2))
    assert gap.auroc.cross_check_low == pytest.approx(gap.auroc.estimate - reach, rel=1e-9)
    expected = "lower" if gap.value == "F" else "higher"
    assert gap.direction("sensitivity") == gap.direction("auroc") == expected


def test_holm_is_over_every_difference_and_marks_the_large_ones(
    found: tuple[list[Gap], np.ndarray],
) -> None:
    gaps, _ = found
    told = [(gap, figure) for gap in gaps for figure in FIGURES if getattr(gap, figure).estimable]
    assert n_compared(gaps) == len(told) > 50
    adjusted = holm([getattr(gap, figure).p_value for gap, figure in told])
    for (gap, figure), p in zip(told, adjusted, strict=True):
        shown = gap.direction(figure) in ("higher", "lower")
        assert (figure in gap.survives) == (p < 0.05 and shown)
    (sex,) = (one for one in gaps if (one.by, one.finding) == ("sex", "effusion"))
    assert "sensitivity" in sex.survives
    others = [gap for gap in gaps if gap.finding != "effusion"]
    assert not any(gap.survives for gap in others)  # nothing was planted there


def test_patients_with_films_in_both_groups_are_paired() -> None:
    table = unfair(600)
    twice = pd.concat([table.assign(view="PA"), table.assign(view="AP")], ignore_index=True)
    twice["image"] = [f"{i}.png" for i in range(len(twice))]
    twice["logit_effusion"] += np.random.default_rng(0).normal(scale=0.05, size=len(twice))
    gaps, _ = measured(validate_predictions(twice))
    (gap,) = (one for one in gaps if (one.by, one.finding) == ("view", "effusion"))
    apart = twice.assign(patient=[f"p{i}" for i in range(len(twice))])
    (other,) = (
        one
        for one in measured(validate_predictions(apart))[0]
        if (one.by, one.finding) == ("view", "effusion")
    )
    for figure in FIGURES:
        paired, independent = getattr(gap, figure), getattr(other, figure)
        assert paired.estimate == independent.estimate
        assert paired.high - paired.low < 0.5 * (independent.high - independent.low)


def test_crossed_groups_hold_both_and_enough() -> None:
    table = unfair(200)
    parts = list(crossed_subgroups(table))
    assert {part.by for part in parts} == {"view × sex", "view × age", "sex × age"}
    (one,) = (part for part in parts if part.value == "AP × F")
    assert (one.mask == ((table["view"] == "AP") & (table["sex"] == "F"))).all()
    labels = labels_of(table)
    for part in parts:
        counts = [(labels[part.mask] == side).sum(axis=0) for side in (0, 1)]
        assert (np.min(counts, axis=0) >= 10).any()
    # Of 20 films none of these parts has ten of either.
    assert list(crossed_subgroups(unfair(20))) == []


def test_without_cut_offs_only_areas_are_compared() -> None:
    table = unfair(300)
    resamples = resample_units(table["patient"].to_numpy(), n_resamples=50)
    parts = list(subgroups_of(table))
    rates = [x for part in subgroup_metrics(table, None, resamples, subgroups=parts) for x in part]
    gaps = subgroup_gaps(table, None, resamples, parts, rates)
    assert n_compared(gaps) == sum(gap.auroc.estimable for gap in gaps) > 0
