"""What acting on a model is worth: net benefit over thresholds, and the alerts that it costs.

Net benefit (Vickers and Elkin, Medical Decision Making 2006) counts a false alarm as odds(t) of a
found case, t being the probability at which a reader would just act: TP / N - FP / N * t / (1 - t).
It means something only where the probabilities are calibrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.arrays import Floats
from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
    make_interval,
    percentile_interval,
    resampled_ratios,
)
from cxr_core.evaluation.metrics.ranking import is_estimable

THRESHOLDS = tuple(percent / 100 for percent in range(1, 61))
SHOWN_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)  # in tables


@dataclass(frozen=True)
class DecisionPoint:
    """Net benefit at one threshold, in found cases per film; flagging none has 0.

    Attributes:
        threshold: probability at which a reader would just act, 0 to 1.
        model: flagging films at or above it.
        all_flagged: flagging every film.
    """

    threshold: float
    model: Interval
    all_flagged: Interval


@dataclass(frozen=True)
class AlertBurden:
    """What a cut-off's flags cost at one prevalence.

    Attributes:
        prevalence: share of films with the finding, 0 to 1.
        per_100: flags per 100 films.
        per_finding: flags per film that is flagged and has the finding: 1 / PPV.
    """

    prevalence: float
    per_100: Interval
    per_finding: Interval


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    resamples: Resamples,
    *,
    prevalence: float | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[DecisionPoint, ...]:
    """Net benefit of one finding, with 95 % percentile intervals.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) calibrated to these films' prevalence.
        resamples: of these N films' patients.
        prevalence: elsewhere, 0 to 1: the probabilities are moved there by their odds, and
            sensitivity and specificity are taken to stay. None for these films' own.

    Raises:
        ConfigError: the prevalence is not between 0 and 1.
    """
    _check_prevalence(prevalence)
    y, p = np.asarray(labels) == 1, np.asarray(probabilities, dtype=np.float64)
    t = np.asarray(thresholds, dtype=np.float64)  # (T,)
    if not is_estimable(y, resamples):
        absent = NOT_ESTIMABLE if len(y) else NOT_LABELLED
        return tuple(DecisionPoint(float(one), absent, absent) for one in t)
    here = float(y.mean())
    odds = t / (1 - t)
    # A threshold on the moved probability, back on these films' own scale.
    moved = odds if prevalence is None else odds * _odds(here) / _odds(prevalence)
    flagged = p[:, None] >= moved / (1 + moved)  # (N, T)
    columns = np.concatenate([flagged & y[:, None], flagged & ~y[:, None], y[:, None]], axis=1)
    drawn = resampled_ratios(columns, np.ones(columns.shape), resamples)  # (R, 2T + 1)
    values = np.concatenate([columns.mean(axis=0)[None], drawn])  # the films themselves first
    true, false, share = values[:, : len(t)], values[:, len(t) : -1], values[:, -1:]
    if prevalence is not None:
        with np.errstate(divide="ignore", invalid="ignore"):  # a class may vanish in a resample
            true, false = prevalence * true / share, (1 - prevalence) * false / (1 - share)
        share = np.full_like(share, prevalence)
    model, everyone = true - false * odds, share - (1 - share) * odds  # (R + 1, T)
    return tuple(
        DecisionPoint(
            float(one),
            percentile_interval(float(model[0, j]), model[1:, j]),
            percentile_interval(float(everyone[0, j]), everyone[1:, j]),
        )
        for j, one in enumerate(t)
    )


def alert_burden(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    resamples: Resamples,
    *,
    prevalence: float | None = None,
) -> AlertBurden:
    """Flags per 100 films and per true finding at a cut-off, with 95 % percentile intervals.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) on the cut-off's scale; flagged is ``probability >= threshold``.
        resamples: of these N films' patients.
        prevalence: elsewhere, 0 to 1; None for these films' own.

    Raises:
        ConfigError: the prevalence is not between 0 and 1.
    """
    _check_prevalence(prevalence)
    y, flagged = np.asarray(labels) == 1, np.asarray(probabilities, dtype=np.float64) >= threshold
    here = float(y.mean()) if len(y) else float("nan")
    at = here if prevalence is None else prevalence
    if not is_estimable(y, resamples):
        absent = NOT_ESTIMABLE if len(y) else NOT_LABELLED
        return AlertBurden(at, absent, absent)
    columns = np.stack([flagged & y, flagged & ~y, y], axis=1)  # (N, 3)
    drawn = resampled_ratios(columns, np.ones(columns.shape), resamples)  # (R, 3)
    true, false, share = np.concatenate([columns.mean(axis=0)[None], drawn]).T  # (R + 1,) each
    if prevalence is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            true, false = prevalence * true / share, (1 - prevalence) * false / (1 - share)
    every = true + false
    with np.errstate(divide="ignore", invalid="ignore"):  # without a hit there is no ratio
        per_finding = every / true
    return AlertBurden(
        at,
        percentile_interval(float(100 * every[0]), 100 * every[1:]),
        _ratio_interval(per_finding),
    )


def _ratio_interval(values: Floats) -> Interval:
    """The figure and its resamples; infinite ones count as larger than all others."""
    drawn = values[1:][~np.isnan(values[1:])]
    if len(drawn) == 0:
        return NOT_ESTIMABLE
    with np.errstate(invalid="ignore"):  # between two infinite ones there is no number
        low, high = np.quantile(drawn, [0.025, 0.975])
    left_out = len(values) - 1 - len(drawn)
    return make_interval(float(values[0]), float(low), float(high), left_out=left_out)


def _odds(share: float) -> float:
    return share / (1 - share)


def _check_prevalence(prevalence: float | None) -> None:
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise ConfigError(
            "A prevalence must lie between 0 and 100 %",
            value=f"{100 * prevalence:g} %",
            remedy="Give a share of films between 0 and 100 %, for example 5 %.",
        )
