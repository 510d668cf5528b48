"""Two tables of the same films: known differences, pairing, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxr_core.errors import ConfigError, DataError
from cxr_core.evaluation.comparison import Comparison, compare_predictions
from cxr_core.evaluation.metrics.auroc_comparison import PairedIntervals
from cxr_core.evaluation.metrics.bootstrap import resample_units
from cxr_core.evaluation.render.text import comparison_text
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABEL_COLUMNS, LOGIT_COLUMNS
from tests.helpers.intervals import logit_interval
from tests.helpers.predictions import make_predictions

SCORES = list(LOGIT_COLUMNS)


def make_table(n: int = 240) -> pd.DataFrame:
    """A table of two films a patient, the first twelve films of a small group."""
    patients = (np.arange(n) // 2).astype(str)
    small = np.where(np.arange(n) < 12, "small", "large")
    return make_predictions(n).assign(patient=patients, group=small)


def noisy(table: pd.DataFrame, spread: float = 0.5) -> pd.DataFrame:
    noise = np.random.default_rng(1).normal(scale=spread, size=(len(table), 4))
    return table.assign(**{name: table[name] + noise[:, k] for k, name in enumerate(SCORES)})


def figures(comparison: Comparison) -> list[PairedIntervals]:
    """Every area of the comparison."""
    parts = [comparison.overall, comparison.abnormal]
    parts += [*comparison.views.values(), *comparison.groups.values()]
    areas = [area for part in parts for area in part.auroc.values()]
    return areas + [part.mean for part in parts if part.mean is not None]


def ends(interval) -> tuple[float, float, float]:
    return interval.estimate, interval.low, interval.high


def test_a_table_differs_from_itself_by_exactly_nothing() -> None:
    found = figures(compare_predictions(make_table(), make_table(), n_resamples=50))
    assert sum(area.a.estimable for area in found) == 4 + 1 + 3 + 1 + 2 + 4
    for area in found:
        assert area.difference.estimable is area.a.estimable
        if area.a.estimable:
            assert area.a == area.b
            assert ends(area.difference) == (0.0, 0.0, 0.0)


def test_swapped_tables_give_the_negative() -> None:
    a, b = make_table(), noisy(make_table())
    there = figures(compare_predictions(a, b, n_resamples=100))
    back = figures(compare_predictions(b, a, n_resamples=100))
    for one, other in zip(there, back, strict=True):
        estimate, low, high = ends(one.difference)
        swapped = pytest.approx((-estimate, -high, -low), abs=1e-12, nan_ok=True)
        assert ends(other.difference) == swapped
        sides = pytest.approx([*ends(other.b), *ends(other.a)], abs=1e-12, nan_ok=True)
        assert [*ends(one.a), *ends(one.b)] == sides


def test_a_case_by_hand() -> None:
    # Ten films with and ten without. A ranks them all right. B puts one of the ten with below
    # all without: 90 of 100 pairs, and in a resample the share of the nine among those drawn.
    ill = [1] * 10 + [0] * 10
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(20)]})
    for label, logit in zip(LABEL_COLUMNS, SCORES, strict=True):
        table[label], table[logit] = ill, [2.0] * 10 + [1.0] * 10
    other = table.assign(logit_effusion=[0.0] + [2.0] * 9 + [1.0] * 10)
    found = compare_predictions(table, other, n_resamples=200)
    counts = resample_units(table["image"].to_numpy(), n_resamples=200)
    drawn = counts.counts[:, counts.patient_index[:10]].astype(float)
    low, high = np.quantile(-drawn[:, 0] / drawn.sum(axis=1), [0.025, 0.975])
    area = found.overall.auroc["effusion"]
    assert ends(area.a) == (1.0, 1.0, 1.0)
    assert area.b.estimate == 0.9
    assert ends(area.difference) == pytest.approx((-0.1, low, high))
    # The mean of four findings, of which one differs.
    assert found.overall.mean is not None
    assert ends(found.overall.mean.difference) == pytest.approx((-0.025, low / 4, high / 4))
    assert (found.overall.n, found.overall.positives["effusion"]) == (20, 10)
    assert (found.n_films, found.n_patients, found.resampled) == (20, None, "images")


def test_a_difference_of_means_equals_scikit_learns_on_repeated_rows() -> None:
    a, b = make_table(), noisy(make_table())
    found = compare_predictions(a, b, n_resamples=20, seed=3).abnormal
    ill = (a["label_no_finding"] == 0).to_numpy()
    resamples = resample_units(a["patient"].to_numpy(), n_resamples=20, seed=3)

    def areas(rows: np.ndarray) -> np.ndarray:
        """(2, 3): A and B, by finding."""
        pairs = [(f"label_{key}", f"logit_{key}") for key in ABNORMAL_KEYS]
        return np.array([[roc_auc_score(t[y][rows], t[s][rows]) for y, s in pairs] for t in (a, b)])

    drawn = []
    for counts in resamples.counts:
        repeated = np.repeat(np.arange(len(a)), counts[resamples.patient_index])
        drawn.append(areas(repeated[ill[repeated]]))
    estimates, means = areas(np.flatnonzero(ill)), np.array(drawn).mean(axis=2)  # (2, 3), (20, 2)
    assert found.n == ill.sum()
    assert tuple(found.auroc) == ABNORMAL_KEYS
    assert found.auroc["atelectasis"].a.estimate == pytest.approx(estimates[0, 1], abs=1e-12)
    assert found.mean is not None
    units = min(
        a.loc[ill & (a[f"label_{key}"] == label), "patient"].nunique()
        for key in ABNORMAL_KEYS
        for label in (0, 1)
    )
    for side in (0, 1):
        mean = estimates[side].mean()
        expected = (mean, *logit_interval(mean, means[:, side], units))
        assert ends((found.mean.a, found.mean.b)[side]) == pytest.approx(expected, abs=1e-9)
    low, high = np.quantile(means[:, 1] - means[:, 0], [0.025, 0.975])
    expected = (estimates[1].mean() - estimates[0].mean(), low, high)
    assert ends(found.mean.difference) == pytest.approx(expected, abs=1e-12)


def test_pairing_makes_the_interval_of_a_small_change_narrow() -> None:
    found = compare_predictions(make_table(), noisy(make_table(), 0.1), n_resamples=200)
    assert found.overall.mean is not None
    one, difference = found.overall.mean.a, found.overall.mean.difference
    assert difference.high - difference.low < (one.high - one.low) / 3


def test_the_order_of_rows_says_nothing() -> None:
    a, b = make_table(), noisy(make_table())
    shuffled = b.sample(frac=1, random_state=0)
    expected = comparison_text(compare_predictions(a, b, n_resamples=20))
    assert comparison_text(compare_predictions(a, shuffled, n_resamples=20)) == expected


def test_no_finding_is_judged_within_each_view() -> None:
    a = make_table()
    found = compare_predictions(a, noisy(a), n_resamples=20)
    assert list(found.views) == ["PA", "AP"]
    some = a[a["view"] == "AP"]
    assert list(found.views["AP"].auroc) == ["no_finding"]
    assert found.views["AP"].n == len(some)
    expected = roc_auc_score(some["label_no_finding"], some["logit_no_finding"])
    assert found.views["AP"].auroc["no_finding"].a.estimate == pytest.approx(expected, abs=1e-12)


def test_a_small_group_is_shown_with_its_n_and_not_estimable() -> None:
    found = compare_predictions(make_table(), noisy(make_table()), n_resamples=20)
    assert {name: part.n for name, part in found.groups.items()} == {"small": 12, "large": 228}
    assert not any(area.difference.estimable for area in found.groups["small"].auroc.values())
    section = (
        comparison_text(found).partition("AUROC, group small: 12 films\n")[2].splitlines()[1:5]
    )
    assert len(section) == len(KEYS)
    assert all(line.count("not estimable") == 3 for line in section)
    assert max(map(len, comparison_text(found).splitlines())) <= 100


def test_a_mean_wants_all_its_findings() -> None:
    rare = make_table().assign(label_effusion=[1] * 9 + [0] * 231)
    found = compare_predictions(rare, rare, n_resamples=20).overall
    assert found.auroc["atelectasis"].a.estimable
    assert found.mean is not None
    assert found.mean.a.text() == found.mean.difference.text() == "not estimable"


def test_films_of_one_patient_are_too_few() -> None:
    one = make_table().assign(
        label_effusion=[1] * 12 + [0] * 228, patient=["p"] * 12 + [*"abcdefghijkl"] * 19
    )
    found = compare_predictions(one, noisy(one), n_resamples=20)
    # Twelve positive films, but all of one patient: nothing is known of other patients.
    assert found.overall.auroc["effusion"].difference.verdict == "too few"
    assert found.overall.mean is not None
    assert found.overall.mean.difference.direction == "not estimable"


def test_no_resample_is_refused() -> None:
    with pytest.raises(ConfigError):
        compare_predictions(make_table(), make_table(), n_resamples=0)


def test_a_broken_table_is_refused() -> None:
    with pytest.raises(DataError, match="lacks required columns"):
        compare_predictions(make_table(), make_table().drop(columns="logit_effusion"))
