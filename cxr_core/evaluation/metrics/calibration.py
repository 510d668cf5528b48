"""How far the probabilities of one finding can be taken at their word, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.config import Calibration
from cxr_core.evaluation.metrics.bootstrap import (
    FEWEST,
    NOT_ESTIMABLE,
    Floats,
    Interval,
    Resamples,
    interval,
    ratio_intervals,
    resampled_ratios,
)
from cxr_core.evaluation.metrics.ranking import cumulated, is_estimable
from cxr_core.evaluation.predictions import has_logits, labels_of, logits_of, probabilities_of
from cxr_core.evaluation.scoring import calibrate, sigmoid
from cxr_core.findings import KEYS

Terms = tuple[Floats, Floats]  # covariates (., J), and an offset (.,)
GROUPS = 256  # of films with neighbouring logits, in the resamples of a larger table
MOST_UNSETTLED = 0.025  # a larger share of the resamples than an interval's end can spare
_STEPS = 40
_SETTLED = 1e-10
_RIDGE = 1e-12  # on shares of films: keeps a saturated Hessian invertible, moves no estimate
BINS = 10  # of equal width


# Calibration slope and calibration in the large (Cox 1958; Van Calster et al. 2019).
#
# The slope b comes from the logistic regression of the label on the logit of the probability,
# label ~ a + b * logit, without penalty: 1 is perfect, under 1 the probabilities are too far apart
# (too sure), over 1 too close together. The intercept a comes from the same regression with b held
# at 1: 0 is perfect, under 0 the probabilities are too high, over 0 too low.


def slope_and_intercept(
    labels: ArrayLike, logits: ArrayLike, resamples: Resamples
) -> tuple[Interval, Interval]:
    """Slope, and intercept with the slope held at 1, with 95 % percentile intervals.

    The figures are exact. In the resamples of over ``GROUPS`` films, neighbours in the order of
    their logits share their mean logit, which moves an end by less than a thousandth of its width.

    Args:
        labels: (N,) of 0 and 1.
        logits: (N,) of the probabilities that are judged; infinite where one is 0 or 1.
        resamples: of these N films' patients.

    Returns:
        Slope and intercept. Not estimable: both, with under 10 positives, negatives or patients
        or an infinite logit; the slope where one logit separates the classes; either where
        over 2.5 % of the resamples have no finite solution.
    """
    y, z = np.asarray(labels).astype(bool), np.asarray(logits, dtype=np.float64)
    if not is_estimable(y, resamples) or not np.isfinite(z).all():
        return NOT_ESTIMABLE, NOT_ESTIMABLE
    order = np.argsort(z, kind="stable")
    bounds = np.unique(np.linspace(0, len(z), min(len(z), GROUPS) + 1).astype(np.intp))
    centres = np.add.reduceat(z[order], bounds[:-1]) / np.diff(bounds)  # (K,)
    shares = _group_shares(order, bounds, resamples)  # (R, K)
    intercept = _fitted(y, z, centres, shares, resamples, _intercept_terms)
    if not _overlapping(y, z):
        return NOT_ESTIMABLE, _spared(*intercept)
    middle, spread = float(z.mean()), float(z.std())

    def terms(values: Floats) -> Terms:
        standard = (values - middle) / spread
        return np.column_stack([np.ones(len(values)), standard]), np.zeros(len(values))

    slope, drawn = _fitted(y, z, centres, shares, resamples, terms)
    return _spared(slope / spread, drawn / spread), _spared(*intercept)


def _intercept_terms(values: Floats) -> Terms:
    return np.ones((len(values), 1)), values


def _fitted(
    y: NDArray[np.bool_],
    z: Floats,
    centres: Floats,
    shares: Floats,
    resamples: Resamples,
    terms: Callable[[Floats], Terms],
) -> tuple[float, Floats]:
    """The last parameter of a regression on all films, and of its resamples, (R,).

    Args:
        centres: (K,) mean logits of the groups.
        shares: (R, K) each group's share of a resample's films.
        terms: logits -> covariates (., J) and offset (.,).
    """
    design, offset = terms(z)  # (N, J), (N,)
    even, start = np.full((1, len(y)), 1.0 / len(y)), np.zeros(design.shape[1])
    (estimate,) = _settle(design, offset, even, even @ (design * y[:, None]), start)  # (J,)
    # The score at the estimate is taken film by film, so that grouping touches no more than the
    # way from there to a resample's own solution.
    residual = design * (y - sigmoid(design @ estimate + offset))[:, None]
    score = resampled_ratios(residual, np.ones_like(residual), resamples)  # (R, J)
    design, offset = terms(centres)  # (K, J), (K,)
    fitted = shares @ (design * sigmoid(design @ estimate + offset)[:, None])
    drawn = _settle(design, offset, shares, score + fitted, estimate)
    return float(estimate[-1]), drawn[:, -1]


def _spared(estimate: float, drawn: Floats) -> Interval:
    """The interval, as long as the resamples without a solution could not have been its ends."""
    found = interval(estimate, drawn)
    return found if found.left_out <= MOST_UNSETTLED * len(drawn) else NOT_ESTIMABLE


def _settle(
    design: Floats, offset: Floats, shares: Floats, target: Floats, start: Floats
) -> Floats:
    """Newton's method on R weighted logistic regressions at once.

    Args:
        design: (K, J) covariates.
        offset: (K,)
        shares: (R, K) weights, of sum 1.
        target: (R, J) weighted sums of the covariates over the positive films.
        start: (J,)

    Returns:
        (R, J) parameters; nan where they run away, as without an overlap of the classes.
    """
    size = design.shape[1]
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)  # (K, J * J)
    found = np.tile(start, (len(shares), 1))
    open_ = np.arange(len(shares))
    for _ in range(_STEPS):
        p = sigmoid(found[open_] @ design.T + offset)  # (r, K)
        mass = shares[open_] * p
        gradient = mass @ design - target[open_]  # (r, J)
        hessian = ((mass * (1.0 - p)) @ squares).reshape(-1, size, size) + _RIDGE * np.eye(size)
        # From a flat part a whole step could overshoot; a bounded one comes back.
        step = np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -1.0, 1.0)
        found[open_] -= step
        open_ = open_[np.abs(step).max(axis=1) > _SETTLED]
        if len(open_) == 0:
            break
    found[open_] = np.nan
    return found


def _group_shares(
    order: NDArray[np.intp], bounds: NDArray[np.intp], resamples: Resamples
) -> Floats:
    """Each group's share of the films of a resample, (R, K); groups are runs of ``order``."""
    parts = []
    for (weights,) in resamples.weights(order):  # (r, N)
        sums = np.diff(cumulated(weights)[:, bounds], axis=1)  # (r, K)
        parts.append(sums / sums.sum(axis=1, keepdims=True))
    return np.concatenate(parts)


def _overlapping(y: NDArray[np.bool_], z: Floats) -> bool:
    """Whether no logit separates the classes: else the slope is infinite (Albert and Anderson
    1984)."""
    with_it, without = z[y], z[~y]
    return bool(with_it.min() < without.max() and without.min() < with_it.max())


# Reliability: of the films of which a model says about 30 %, how many have the finding?


@dataclass(frozen=True)
class ReliabilityBin:
    """Films whose probabilities lie close together.

    Attributes:
        low, high: the bin's edges, 0 to 1; a value on an inner edge is in the lower bin.
        n: films in it, at least 1.
        predicted: their mean probability.
        observed: the share of them that has the finding.
    """

    low: float
    high: float
    n: int
    predicted: float
    observed: float


def reliability(
    probabilities: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width with at least one film, as scikit-learn's ``calibration_curve``.

    Args:
        probabilities: (N,) of one finding, 0 to 1.
        labels: (N,) of 0 and 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    which = bin_of(p, bins=bins)  # (N,)
    counts = np.bincount(which, minlength=bins)
    predicted = np.bincount(which, weights=p, minlength=bins)
    observed = np.bincount(which, weights=y, minlength=bins)
    return tuple(
        ReliabilityBin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            n=int(counts[b]),
            predicted=float(predicted[b] / counts[b]),
            observed=float(observed[b] / counts[b]),
        )
        for b in np.flatnonzero(counts)
    )


def bin_of(probabilities: ArrayLike, *, bins: int = BINS) -> NDArray[np.intp]:
    """Each film's bin, (N,) from 0, of ``bins`` of equal width."""
    inner = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(inner, np.asarray(probabilities, dtype=np.float64))


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS
) -> float:
    """Mean of |predicted - observed| over the bins, weighted by their films; 0 is perfect.

    Naeini et al. 2015, for the probability of one finding. It is nan without films.

    Args:
        probabilities: (N,), 0 to 1.
        labels: (N,) of 0 and 1.
    """
    filled = reliability(probabilities, labels, bins=bins)
    films = sum(b.n for b in filled)
    if films == 0:
        return float("nan")
    return sum(b.n * abs(b.predicted - b.observed) for b in filled) / films


def reliability_intervals(
    probabilities: ArrayLike, labels: ArrayLike, resamples: Resamples, *, bins: int = BINS
) -> tuple[Interval, ...]:
    """The observed share of every bin of ``reliability``, with its 95 % interval.

    The bins stay where they are while patients are resampled.

    Args:
        probabilities: (N,), 0 to 1.
        labels: (N,) of 0 and 1.
        resamples: of these N films' patients.

    Returns:
        One a filled bin; "too few" where it holds under 10 films, or films of under 10 patients.
    """
    which = bin_of(probabilities, bins=bins)
    member = which[:, None] == np.unique(which)  # (N, B)
    hits = member & np.asarray(labels).astype(bool)[:, None]
    patients = [resamples.of(column).n_patients() for column in member.T]
    return tuple(
        found if held >= FEWEST else NOT_ESTIMABLE
        for found, held in zip(ratio_intervals(hits, member, resamples), patients, strict=True)
    )


@dataclass(frozen=True)
class CalibrationMeasures:
    """One finding's measures; each is "too few" where it is not estimable.

    Attributes:
        ece: expected calibration error over 10 bins, 0 is perfect. It has no interval: a sum of
            absolute errors grows when it is resampled, and near 0 no interval held the truth.
        ece_by_chance: what a perfectly calibrated model would show on so many films; both are nan
            where the others are not estimable.
        brier: mean squared difference of probability and label, 0 is perfect.
        brier_of_prevalence: the Brier score of giving every film the prevalence.
        skill: 1 - brier / brier_of_prevalence, of the same resamples; over 0 is better.
        excess: mean probability minus the share with the finding; over 0 is too high.
        slope, intercept: see ``calibration_slope``.
    """

    ece: float
    ece_by_chance: float
    brier: Interval
    brier_of_prevalence: Interval
    skill: Interval
    excess: Interval
    slope: Interval
    intercept: Interval


def calibration_measures(
    labels: ArrayLike,
    probabilities: ArrayLike,
    resamples: Resamples,
    *,
    logits: ArrayLike | None = None,
) -> CalibrationMeasures:
    """Every measure of one finding's probabilities.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,), 0 to 1.
        resamples: of these N films' patients.
        logits: (N,) of these probabilities, where they are known better than from rounding.

    Returns:
        Not estimable with under 10 positives, negatives or patients.
    """
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if not is_estimable(y, resamples):
        none, nan = NOT_ESTIMABLE, float("nan")
        return CalibrationMeasures(nan, nan, none, none, none, none, none, none)
    slope, intercept = slope_and_intercept(y, _logits(p) if logits is None else logits, resamples)
    member = bin_of(p)[:, None] == np.arange(BINS)  # (N, BINS)
    columns = np.column_stack([member * (p - y)[:, None], (p - y) ** 2, y])  # (N, BINS + 2)
    every = resampled_ratios(columns, np.ones_like(columns), resamples)  # (R, BINS + 2)
    apart, brier, share = every[:, :BINS], every[:, BINS], every[:, BINS + 1]
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of one class has no skill
        skill = 1.0 - brier / (share * (1.0 - share))
    itself, prevalence = float(np.mean((p - y) ** 2)), float(y.mean())
    return CalibrationMeasures(
        ece=expected_calibration_error(p, y),
        ece_by_chance=ece_by_chance(p),
        brier=interval(itself, brier),
        brier_of_prevalence=interval(prevalence * (1 - prevalence), share * (1 - share)),
        skill=interval(1.0 - itself / (prevalence * (1 - prevalence)), skill),
        excess=interval(float(p.mean()) - prevalence, apart.sum(axis=1)),
        slope=slope,
        intercept=intercept,
    )


def measures_of(
    table: pd.DataFrame, resamples: Resamples, calibration: Calibration | None = None
) -> dict[str, CalibrationMeasures]:
    """The measures of all four findings, by key.

    Args:
        table: a validated predictions table of N rows.
        resamples: of its films' patients.
        calibration: applied to raw logits first; without it the plain sigmoid is judged, or the
            probabilities as they are given.

    Raises:
        DataError: a calibration is given, but the table holds probabilities only.
    """
    labels, probabilities = labels_of(table), probabilities_of(table, calibration)  # (N, 4) each
    logits = logits_of(table) if has_logits(table) else None
    if logits is not None and calibration is not None:
        logits = calibrate(logits, calibration)
    return {
        key: calibration_measures(
            labels[:, k],
            probabilities[:, k],
            resamples,
            logits=None if logits is None else logits[:, k],
        )
        for k, key in enumerate(KEYS)
    }


def ece_by_chance(probabilities: ArrayLike) -> float:
    """The expected calibration error that chance leaves a perfectly calibrated model.

    In a bin the films with the finding then differ from the sum of the probabilities by a
    variance of sum p (1 - p); the mean absolute value of a normal deviate is sqrt(2 / pi) of its
    standard deviation. Films are taken for independent, so with several a patient it is low.

    Args:
        probabilities: (N,), 0 to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    variance = np.bincount(bin_of(p), weights=p * (1.0 - p), minlength=BINS)
    return float(np.sqrt(2.0 / np.pi * variance).sum() / len(p))


def _logits(p: Floats) -> Floats:
    """Infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        result: Floats = np.log(p) - np.log1p(-p)
    return result
