"""Resampling patients: what is drawn, and how a verdict is reached."""

import math

import numpy as np
import pytest

from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.bootstrap import (
    Interval,
    Resamples,
    percentile_interval,
    percentiles,
    resample_units,
)
from cxr_core.wording import percent

PATIENTS = ["a", "b", "a", "c", "b", "a"]


def test_every_resample_draws_as_many_patients_as_there_are() -> None:
    resamples = resample_units(PATIENTS, n_resamples=500)
    assert resamples.counts.shape == (500, 3)
    assert (resamples.counts.sum(axis=1) == 3).all()
    # With 3 patients a resample misses a given one with probability (2/3)^3 = 0.296.
    assert (resamples.counts == 0).mean() == pytest.approx(0.296, abs=0.04)


def test_films_of_a_patient_come_together() -> None:
    resamples = resample_units(PATIENTS, n_resamples=50)
    (weights,) = np.concatenate(list(resamples.weights(np.arange(6))), axis=1)
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, 0] + weights[:, 1] + weights[:, 3] == 3).all()


def test_chunks_do_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    resamples = resample_units(PATIENTS, n_resamples=50)
    whole = np.concatenate([w for (w,) in resamples.weights(np.arange(6))])
    monkeypatch.setattr("cxr_core.evaluation.metrics.bootstrap._CHUNK", 20)
    chunks = [w for (w,) in resamples.weights(np.arange(6))]
    assert len(chunks) == 17
    assert (np.concatenate(chunks) == whole).all()


def test_the_seed_decides_and_the_order_of_films_does_not() -> None:
    one, same = resample_units(PATIENTS, seed=1), resample_units(PATIENTS[::-1], seed=1)
    assert (one.counts == same.counts).all()
    assert (one.patient_index == same.patient_index[::-1]).all()
    assert (resample_units(PATIENTS, seed=2).counts != one.counts).any()


def test_a_subgroup_keeps_the_draws() -> None:
    resamples = resample_units(PATIENTS, n_resamples=20)
    some = resamples.subset(np.array([True, False, True, True, False, False]))
    assert some.counts is resamples.counts
    assert some.patient_index.tolist() == [0, 0, 2]
    assert some.n_patients() == 2


def test_numbers_are_patients_too() -> None:
    assert resample_units(np.array([7, 7, 8])).patient_index.tolist() == [0, 0, 1]


def test_no_resample_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        resample_units(PATIENTS, n_resamples=0)
    assert raised.value.problem == "The number of resamples must be at least 1"
    assert raised.value.value == 0
    assert raised.value.remedy == "Give 2000, or at least 1."


def test_percentiles_by_hand() -> None:
    assert percentiles(np.arange(41.0)) == (1.0, 39.0)
    assert percentiles(np.array([*np.arange(41.0), np.nan])) == (1.0, 39.0)
    assert all(map(math.isnan, percentiles(np.array([np.nan]))))


def test_verdicts() -> None:
    assert percentile_interval(0.8, np.array([0.76, 0.84])).verdict == "enough"
    assert percentile_interval(0.8, np.array([0.7, 0.9])).verdict == "wide"
    nothing = percentile_interval(float("nan"), np.array([np.nan, np.nan]))
    assert (nothing.verdict, nothing.left_out, nothing.estimable) == ("too few", 2, False)
    assert percentile_interval(0.8, np.array([0.76, 0.84, np.nan])).left_out == 1


def test_interval_as_words() -> None:
    assert Interval(0.834, 0.791, 0.876, "enough").text() == "0.83 (0.79 to 0.88)"
    assert Interval(0.834, 0.791, 0.876, "enough").text(3) == "0.834 (0.791 to 0.876)"
    assert Interval(math.nan, math.nan, math.nan, "too few").text() == "not estimable"
    assert Interval(2.5, 1.0, math.inf, "wide").text() == "2.50 (1.00 to inf)"
    assert Interval(-0.001, -0.004, 0.3, "wide").text() == "0.00 (0.00 to 0.30)"


@pytest.mark.parametrize("films", [40, 80, 160, 200, 400])
def test_a_share_reads_the_same_as_a_figure_and_as_a_percentage(films: int) -> None:
    for found in range(films // 50, films - films // 50):
        figure = Interval(found / films, 0.0, 1.0, "wide").text()[:4]
        assert f"{100 * float(figure):.0f} %" == percent(found / films), (found, films)


def test_weights_of_two_orders_are_the_same_resample() -> None:
    resamples = Resamples(np.array([[2, 0], [1, 1]], np.uint8), np.array([0, 1, 1]))
    ((left, right),) = resamples.weights(np.array([0]), np.array([2, 1]))
    assert left.tolist() == [[2], [1]]
    assert right.tolist() == [[0, 0], [1, 1]]
