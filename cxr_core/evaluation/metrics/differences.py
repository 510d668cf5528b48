"""Differences between two figures, and the one rule by which one of them is called higher.

A difference is called shown where all of this holds, so that no verdict hangs on the seed of the
resampling or on one film:

1. its 95 % interval leaves out 0, also as it is printed;
2. the test that belongs to it, which uses no random numbers, has p < 0.05. Where the interval is
   of resampled patients, the test must hold by the resampling's own error too (``MONTE_CARLO``);
3. the test holds as well when the one film that speaks most for the difference is taken away, or
   judged otherwise.

Everything else is "not shown", which does not mean equal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_LABELLED,
    Z_95,
    Interval,
    percentiles,
)
from cxr_core.evaluation.metrics.sufficiency import Verdict, verdict_of_width

Direction = Literal["higher", "lower", "not shown", "not estimable", "not labelled"]
SIGNIFICANT = 0.05  # two-sided
PRINTED_DIGITS = 3  # an end that is printed as 0.000 does not leave 0 out
MONTE_CARLO = 3.0  # standard errors of a resampled end that a verdict must bear
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Difference(Interval):
    """A difference with its 95 % interval and what it shows.

    Attributes:
        p_value: two-sided, of the test that belongs to it; nan where not estimable.
        direction: of the first figure against the second: ``higher``, ``lower``, ``not shown``;
            or ``not estimable`` or ``not labelled``.
        cross_check_low, cross_check_high: for areas, the interval by DeLong's variance, with
            patients as clusters, beside the resampled one; None elsewhere.
    """

    p_value: float = float("nan")
    direction: Direction = "not estimable"
    cross_check_low: float | None = None
    cross_check_high: float | None = None


def no_difference(verdict: Verdict = "too few") -> Difference:
    """What stands where there is none: not estimable, or not labelled."""
    nan = float("nan")
    labelled = verdict != "not labelled"
    return Difference(
        nan, nan, nan, verdict, direction="not estimable" if labelled else "not labelled"
    )


def direction_of(difference: Interval) -> Direction:
    """What a difference shows. A plain interval, as of published figures, has no test: its ends
    tell."""
    if isinstance(difference, Difference):
        return difference.direction
    if not difference.estimable:
        return "not labelled" if difference.verdict == NOT_LABELLED.verdict else "not estimable"
    return _by_ends(difference.low, difference.high)


def _by_ends(low: float, high: float) -> Direction:
    if round(low, PRINTED_DIGITS) > 0:
        return "higher"
    return "lower" if round(high, PRINTED_DIGITS) < 0 else "not shown"


def make_difference(
    estimate: float,
    low: float,
    high: float,
    *,
    p_value: float,
    p_without_one_film: float,
    left_out: int = 0,
    cross_check: tuple[float, float] | None = None,
    critical_p: float = SIGNIFICANT,
) -> Difference:
    """A difference with its verdict, by the rule above.

    Args:
        p_without_one_film: of the test without the film that speaks most for the difference; 1
            where the difference then has the other sign.
        critical_p: below which both must lie.
    """
    if not np.isfinite([estimate, low, high]).all():
        return no_difference()
    shown = max(p_value, p_without_one_film) < critical_p
    checked = cross_check or (None, None)
    return Difference(
        float(estimate),
        float(low),
        float(high),
        verdict_of_width(high - low),
        left_out,
        p_value,
        _by_ends(low, high) if shown else "not shown",
        *checked,
    )


def two_sided_p(z: float) -> float:
    """Of a standard normal deviate."""
    return 2.0 * _NORMAL.cdf(-abs(z))


def resampled_difference(
    estimate: float, drawn: Floats, *, se: float, without_one_film: float
) -> Difference:
    """A difference of areas: percentiles of the resamples, and a verdict that they cannot turn.

    The verdict is that of z = estimate / se, held to the interval's critical value plus three
    standard errors of a resampled 2.5 % percentile, which is sqrt(0.025 * 0.975 / R) over the
    normal density there, in units of se.

    Args:
        drawn: (R,) the difference in the resamples; nan where there is none.
        se: its standard error without resampling (``delong``).
        without_one_film: the difference without the film that speaks most for it.
    """
    low, high = percentiles(drawn)
    left_out = int((~np.isfinite(drawn)).sum())
    same_sign = estimate * without_one_film > 0
    return make_difference(
        estimate,
        low,
        high,
        p_value=p_of_estimate(estimate, se),
        p_without_one_film=p_of_estimate(without_one_film, se) if same_sign else 1.0,
        left_out=left_out,
        cross_check=(estimate - Z_95 * se, estimate + Z_95 * se),
        critical_p=resampled_critical_p(len(drawn)),
    )


def resampled_critical_p(n_resamples: int) -> float:
    """The p-value below which a verdict beside a resampled interval must lie: that of the critical
    value plus three standard errors of a 2.5 % percentile of so many resamples."""
    error = math.sqrt(0.025 * 0.975 / n_resamples) / _NORMAL.pdf(Z_95)
    return two_sided_p(Z_95 + MONTE_CARLO * error)


def p_of_estimate(estimate: float, se: float) -> float:
    """Two-sided, of an estimate with a standard error, which may be 0."""
    if se > 0:
        return two_sided_p(estimate / se)
    # No film moves it: certain where there is a difference, and nothing where there is none.
    return 0.0 if estimate else 1.0


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Holm's step-down adjusted p-values (Scandinavian Journal of Statistics 1979).

    Args:
        p_values: n of them, none nan.

    Returns:
        (n,) in the same order; below 0.05 survives at a family-wise error of 5 %.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
