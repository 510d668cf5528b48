"""Net benefit and alerts: Vickers and Elkin's formula by hand, and on rows that are repeated."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.at_threshold import adjust_for_prevalence, threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import Resamples, resample_units
from cxr_core.evaluation.metrics.net_benefit import (
    THRESHOLDS,
    alert_burden,
    decision_curve,
)


def films() -> tuple[np.ndarray, np.ndarray, Resamples]:
    """150 films of about 60 patients."""
    rng = np.random.default_rng(1)
    y = (rng.random(150) < 0.3).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=150) + 1.5 * y - 1.2)))
    return y, p, resample_units(rng.integers(0, 60, 150), n_resamples=200)


def by_sklearn(y: np.ndarray, p: np.ndarray, t: float, weights: np.ndarray | None = None) -> float:
    _, fp, _, tp = confusion_matrix(y, p >= t, sample_weight=weights).ravel()
    n = len(y) if weights is None else weights.sum()
    return float(tp / n - fp / n * t / (1 - t))


def test_net_benefit_is_the_published_formula() -> None:
    y, p, resamples = films()
    curve = decision_curve(y, p, resamples)
    assert [one.threshold for one in curve] == list(THRESHOLDS)
    for one in curve:
        t = one.threshold
        assert one.model.estimate == pytest.approx(by_sklearn(y, p, t), abs=1e-12)
        everyone = y.mean() - (1 - y.mean()) * t / (1 - t)
        assert one.all_flagged.estimate == pytest.approx(everyone, abs=1e-12)


def test_intervals_are_those_of_repeated_rows() -> None:
    y, p, resamples = films()
    (one,) = decision_curve(y, p, resamples, thresholds=[0.2])
    weights = resamples.counts[:, resamples.patient_index].astype(float)
    drawn = [by_sklearn(y, p, 0.2, row) for row in weights]
    assert (one.model.low, one.model.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def test_another_prevalence() -> None:
    y, p, resamples = films()
    (one,) = decision_curve(y, p, resamples, prevalence=0.05, thresholds=[0.1])
    moved = np.array(
        [adjust_for_prevalence(x, from_prevalence=y.mean(), to_prevalence=0.05) for x in p]
    )
    flagged = moved >= 0.1
    sensitivity, false_alarms = flagged[y == 1].mean(), flagged[y == 0].mean()
    expected = 0.05 * sensitivity - 0.95 * false_alarms * 0.1 / 0.9
    assert one.model.estimate == pytest.approx(expected, abs=1e-12)
    assert one.all_flagged.estimate == pytest.approx(0.05 - 0.95 / 9, abs=1e-12)
    assert one.all_flagged.low == one.all_flagged.high == pytest.approx(0.05 - 0.95 / 9)
    # At these films' own prevalence nothing moves.
    own, same = (decision_curve(y, p, resamples, prevalence=x) for x in (None, float(y.mean())))
    assert [x.model.estimate for x in own] == pytest.approx([x.model.estimate for x in same])


def test_alerts_by_hand() -> None:
    y = np.repeat([1, 1, 0, 0], [15, 5, 20, 60])
    p = np.repeat([0.9, 0.1, 0.9, 0.1], [15, 5, 20, 60])
    resamples = resample_units(np.arange(100), n_resamples=300)
    here = alert_burden(y, p, 0.5, resamples)
    assert here.prevalence == 0.2
    assert here.per_100.estimate == pytest.approx(35.0)
    assert here.per_finding.estimate == pytest.approx(35 / 15)
    site = alert_burden(y, p, 0.5, resamples, prevalence=0.05)
    assert site.per_100.estimate == pytest.approx(100 * (0.05 * 0.75 + 0.95 * 0.25))
    found = threshold_metrics(y, p, 0.5, resamples, prevalence=0.05)
    assert site.per_finding.estimate == pytest.approx(1 / found.ppv_at_prevalence.estimate)
    ends = 1 / found.ppv_at_prevalence.high, 1 / found.ppv_at_prevalence.low
    assert (site.per_finding.low, site.per_finding.high) == pytest.approx(ends, rel=0.02)


def test_what_cannot_be_said() -> None:
    y, p, resamples = films()
    few = resample_units(np.arange(150) % 9, n_resamples=10)
    assert not decision_curve(y, p, few)[0].model.estimable
    assert not alert_burden(y, p, 0.5, few).per_100.estimable
    assert (
        alert_burden([], [], 0.5, resamples.subset(np.empty(0, int))).per_100.verdict
        == "not labelled"
    )
    # No film is flagged: no alert, and no ratio to a true finding.
    none = alert_burden(y, p, 1.5, resamples)
    assert (none.per_100.estimate, none.per_finding.estimable) == (0.0, False)
    with pytest.raises(ConfigError, match="prevalence must lie between"):
        decision_curve(y, p, resamples, prevalence=1.0)
