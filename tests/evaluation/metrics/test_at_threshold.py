"""Figures at a threshold: by hand, by scikit-learn, and by a plain loop over repeated rows."""

import numpy as np
import pytest
from sklearn.metrics import class_likelihood_ratios, confusion_matrix

from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.at_threshold import threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import resample_units
from tests.helpers.intervals import logit_interval


def hundred() -> tuple[np.ndarray, np.ndarray]:
    """100 films: of 20 with the finding 16 are above, of 80 without it 8 are."""
    labels = np.repeat([1, 1, 0, 0], [16, 4, 8, 72])
    return labels, np.repeat([0.9, 0.1, 0.9, 0.1], [16, 4, 8, 72])


def test_figures_by_hand() -> None:
    resamples = resample_units(np.arange(100), n_resamples=200)
    found = threshold_metrics(*hundred(), 0.5, resamples, prevalence=0.02)
    assert (found.confusion.tp, found.confusion.fn, found.confusion.fp, found.confusion.tn) == (
        16,
        4,
        8,
        72,
    )
    assert found.sensitivity.estimate == pytest.approx(0.8)
    assert found.specificity.estimate == pytest.approx(0.9)
    assert found.ppv.estimate == pytest.approx(16 / 24)
    assert found.npv.estimate == pytest.approx(72 / 76)
    assert found.positive_likelihood_ratio.estimate == pytest.approx(8.0)
    assert found.negative_likelihood_ratio.estimate == pytest.approx(0.2 / 0.9)
    # 10,000 films at 2 %: 160 found, 40 missed, 980 false alarms, 8,820 rightly below.
    assert found.ppv_at_prevalence.estimate == pytest.approx(160 / 1140)
    assert found.npv_at_prevalence.estimate == pytest.approx(8820 / 8860)


def test_likelihood_ratios_equal_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    labels, probabilities = rng.integers(0, 2, 200), rng.random(200)
    found = threshold_metrics(
        labels, probabilities, 0.4, resample_units(range(200), n_resamples=50)
    )
    expected = class_likelihood_ratios(labels, probabilities >= 0.4)
    assert found.positive_likelihood_ratio.estimate == pytest.approx(expected[0], abs=1e-12)
    assert found.negative_likelihood_ratio.estimate == pytest.approx(expected[1], abs=1e-12)


def test_at_the_films_own_prevalence_the_predictive_values_are_their_own() -> None:
    resamples = resample_units(np.arange(100), n_resamples=50)
    found = threshold_metrics(*hundred(), 0.5, resamples, prevalence=0.2)
    assert found.ppv_at_prevalence.estimate == pytest.approx(found.ppv.estimate)
    assert found.npv_at_prevalence.estimate == pytest.approx(found.npv.estimate)


def test_intervals_are_of_the_figures_over_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    patients, labels = rng.integers(0, 80, 240), rng.integers(0, 2, 240)
    probabilities = (rng.random(240) + 0.6 * labels) / 1.6
    resamples = resample_units(patients, n_resamples=120)
    naive = []
    for counts in resamples.counts:
        rows = np.repeat(np.arange(240), counts[resamples.patient_index])
        above = probabilities[rows] >= 0.5
        ((tn, fp), (fn, tp)) = confusion_matrix(labels[rows], above)
        sens, spec = tp / (tp + fn), tn / (tn + fp)
        elsewhere = (
            0.1 * sens / (0.1 * sens + 0.9 * (1 - spec)),
            0.9 * spec / (0.9 * spec + 0.1 * (1 - sens)),
        )
        ratios = (sens / (1 - spec), (1 - sens) / spec)
        naive.append((sens, spec, tp / (tp + fp), tn / (tn + fn), *ratios, *elsewhere))
    found = threshold_metrics(labels, probabilities, 0.5, resamples, prevalence=0.1)
    intervals = (
        found.sensitivity,
        found.specificity,
        found.ppv,
        found.npv,
        found.positive_likelihood_ratio,
        found.negative_likelihood_ratio,
        found.ppv_at_prevalence,
        found.npv_at_prevalence,
    )
    above, ill = probabilities >= 0.5, labels == 1
    units = [len(set(patients[among])) for among in (ill, ~ill, above, ~above)]
    for place, (interval, values) in enumerate(zip(intervals, np.array(naive).T, strict=True)):
        expected = (
            logit_interval(interval.estimate, values, units[place])  # shares of the films
            if place < len(units)
            else tuple(np.quantile(values, [0.025, 0.975]))
        )
        assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-9)


def test_a_ratio_without_a_false_alarm_or_a_miss_is_not_estimable() -> None:
    resamples = resample_units(np.arange(100), n_resamples=100)
    labels, probabilities = hundred()
    nobody = threshold_metrics(labels, probabilities, 0.95, resamples, prevalence=0.1)
    assert nobody.positive_likelihood_ratio.text() == "not estimable"  # 0 / 0
    assert nobody.ppv_at_prevalence.text() == nobody.ppv.text() == "not estimable"
    everybody = threshold_metrics(labels, probabilities, 0.05, resamples, prevalence=0.1)
    assert everybody.negative_likelihood_ratio.text() == "not estimable"
    perfect = threshold_metrics(labels, labels * 0.8, 0.5, resamples, prevalence=0.1)
    assert perfect.positive_likelihood_ratio.text() == "not estimable"  # infinite
    assert perfect.negative_likelihood_ratio.text() == "not estimable"  # 0, from no spread at all
    assert perfect.ppv_at_prevalence.text() == "not estimable"
    # The rates themselves keep Wilson's interval: 20 patients, all found.
    assert perfect.sensitivity.text() == "1.00 (0.84 to 1.00)"


def test_a_ratio_that_is_often_infinite_has_no_upper_end() -> None:
    # One false alarm among 80: in 37 of 100 resamples there is none.
    labels, probabilities = hundred()
    probabilities[16 + 4 : 16 + 4 + 7] = 0.1
    resamples = resample_units(np.arange(100), n_resamples=200)
    found = threshold_metrics(labels, probabilities, 0.5, resamples)
    assert found.confusion.fp == 1
    assert found.positive_likelihood_ratio.text() == "not estimable"
    assert found.negative_likelihood_ratio.estimable


def test_too_few_films_of_a_class() -> None:
    labels = np.arange(100) < 9
    found = threshold_metrics(labels, labels * 0.5, 0.3, resample_units(range(100), n_resamples=20))
    for interval in (
        found.sensitivity,
        found.positive_likelihood_ratio,
        found.negative_likelihood_ratio,
        found.ppv_at_prevalence,
    ):
        assert interval.text() == "not estimable"


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1])
def test_an_impossible_prevalence_is_refused(prevalence: float) -> None:
    with pytest.raises(ConfigError, match="prevalence"):
        threshold_metrics(
            *hundred(), 0.5, resample_units(range(100), n_resamples=2), prevalence=prevalence
        )
