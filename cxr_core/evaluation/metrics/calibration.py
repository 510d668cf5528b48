"""How far the probabilities of one finding can be taken at their word, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from cxr_core.arrays import Floats
from cxr_core.config import Calibration
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
    percentile_interval,
    proportion_intervals,
    resampled_ratios,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.ranking import cumulative_weights, is_estimable
from cxr_core.evaluation.predictions import (
    calibrated_logits_of,
    has_logits,
    keys_of,
    labels_of,
    logits_of,
    probabilities_of,
)
from cxr_core.evaluation.scoring import sigmoid

_Terms = tuple[Floats, Floats]  # covariates (., J), and an offset (.,)
MAX_LOGIT_GROUPS = 256  # of films with neighbouring logits, in the resamples of a larger table
MAX_FAILED_SHARE = 0.025  # a larger share of the resamples than an interval's end can spare
_MAX_ITERATIONS = 40
_TOLERANCE = 1e-10
_RIDGE = 1e-12  # on shares of films: keeps a saturated Hessian invertible, moves no estimate
N_BINS = 10  # of equal width


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

    The figures are exact. In the resamples of over ``MAX_LOGIT_GROUPS`` films, neighbours in the
    order of
    their logits share their mean logit, which moves an end by less than a thousandth of its width.

    Args:
        labels: (N,) of 0 and 1.
        logits: (N,) of the probabilities that are judged; infinite where one is 0 or 1.
        resamples: of these N films' patients.

    Returns:
        Slope and intercept. Not estimable: both, with too few positives, negatives or patients
        of either (``sufficiency``), or an infinite logit; the slope where one logit separates the
        classes; either where over 2.5 % of the resamples have no finite solution.
    """
    y, z = np.asarray(labels).astype(bool), np.asarray(logits, dtype=np.float64)
    if not is_estimable(y, resamples) or not np.isfinite(z).all():
        return NOT_ESTIMABLE, NOT_ESTIMABLE
    order = np.argsort(z, kind="stable")
    bounds = np.unique(np.linspace(0, len(z), min(len(z), MAX_LOGIT_GROUPS) + 1).astype(np.intp))
    centres = np.add.reduceat(z[order], bounds[:-1]) / np.diff(bounds)  # (K,)
    shares = _group_weights(order, bounds, resamples)  # (R, K)
    intercept = _fit_last_parameter(y, z, centres, shares, resamples, _intercept_terms)
    if not _classes_overlap(y, z):
        return NOT_ESTIMABLE, _interval_if_solved(*intercept)
    centre, spread = float(z.mean()), float(z.std())

    def terms(values: Floats) -> _Terms:
        standard = (values - centre) / spread
        return np.column_stack([np.ones(len(values)), standard]), np.zeros(len(values))

    slope, drawn = _fit_last_parameter(y, z, centres, shares, resamples, terms)
    return _interval_if_solved(slope / spread, drawn / spread), _interval_if_solved(*intercept)


def _intercept_terms(values: Floats) -> _Terms:
    return np.ones((len(values), 1)), values


def _fit_last_parameter(
    y: NDArray[np.bool_],
    z: Floats,
    centres: Floats,
    shares: Floats,
    resamples: Resamples,
    terms: Callable[[Floats], _Terms],
) -> tuple[float, Floats]:
    """The last parameter of a regression on all films, and of its resamples, (R,).

    Args:
        centres: (K,) mean logits of the groups.
        shares: (R, K) each group's share of a resample's films.
        terms: logits -> covariates (., J) and offset (.,).
    """
    design, offset = terms(z)  # (N, J), (N,)
    even, start = np.full((1, len(y)), 1.0 / len(y)), np.zeros(design.shape[1])
    (estimate,) = _newton(design, offset, even, even @ (design * y[:, None]), start)  # (J,)
    # The score at the estimate is taken film by film, so that grouping touches no more than the
    # way from there to a resample's own solution.
    residual = design * (y - sigmoid(design @ estimate + offset))[:, None]
    score = resampled_ratios(residual, np.ones_like(residual), resamples)  # (R, J)
    design, offset = terms(centres)  # (K, J), (K,)
    fitted = shares @ (design * sigmoid(design @ estimate + offset)[:, None])
    drawn = _newton(design, offset, shares, score + fitted, estimate)
    return float(estimate[-1]), drawn[:, -1]


def _interval_if_solved(estimate: float, drawn: Floats) -> Interval:
    """The interval, as long as the resamples without a solution could not have been its ends."""
    found = percentile_interval(estimate, drawn)
    return found if found.left_out <= MAX_FAILED_SHARE * len(drawn) else NOT_ESTIMABLE


def _newton(
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
    active = np.arange(len(shares))
    for _ in range(_MAX_ITERATIONS):
        p = sigmoid(found[active] @ design.T + offset)  # (r, K)
        weighted = shares[active] * p
        gradient = weighted @ design - target[active]  # (r, J)
        hessian = ((weighted * (1.0 - p)) @ squares).reshape(-1, size, size) + _RIDGE * np.eye(size)
        # From a flat part a whole step could overshoot; a bounded one comes back.
        step = np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -1.0, 1.0)
        found[active] -= step
        active = active[np.abs(step).max(axis=1) > _TOLERANCE]
        if len(active) == 0:
            break
    found[active] = np.nan
    return found


def _group_weights(
    order: NDArray[np.intp], bounds: NDArray[np.intp], resamples: Resamples
) -> Floats:
    """Each group's share of the films of a resample, (R, K); groups are runs of ``order``."""
    parts = []
    for (weights,) in resamples.weights(order):  # (r, N)
        sums = np.diff(cumulative_weights(weights)[:, bounds], axis=1)  # (r, K)
        parts.append(sums / sums.sum(axis=1, keepdims=True))
    return np.concatenate(parts)


def _classes_overlap(y: NDArray[np.bool_], z: Floats) -> bool:
    """Whether no logit separates the classes: else the slope is infinite (Albert and Anderson
    1984)."""
    positives, negatives = z[y], z[~y]
    return bool(positives.min() < negatives.max() and negatives.min() < positives.max())


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


def reliability_bins(
    probabilities: ArrayLike, labels: ArrayLike, *, n_bins: int = N_BINS
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width with at least one film, as scikit-learn's ``calibration_curve``.

    Args:
        probabilities: (N,) of one finding, 0 to 1.
        labels: (N,) of 0 and 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    which = bin_indices(p, n_bins=n_bins)  # (N,)
    counts = np.bincount(which, minlength=n_bins)
    predicted = np.bincount(which, weights=p, minlength=n_bins)
    observed = np.bincount(which, weights=y, minlength=n_bins)
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


def bin_indices(probabilities: ArrayLike, *, n_bins: int = N_BINS) -> NDArray[np.intp]:
    """Each film's bin, (N,) from 0, of ``n_bins`` of equal width."""
    inner = np.linspace(0.0, 1.0, n_bins + 1)[1:-1]
    return np.searchsorted(inner, np.asarray(probabilities, dtype=np.float64))


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, n_bins: int = N_BINS
) -> float:
    """Mean of |predicted - observed| over the bins, weighted by their films; 0 is perfect.

    Naeini et al. 2015, for the probability of one finding. It is nan without films.

    Args:
        probabilities: (N,), 0 to 1.
        labels: (N,) of 0 and 1.
    """
    filled = reliability_bins(probabilities, labels, n_bins=n_bins)
    films = sum(b.n for b in filled)
    if films == 0:
        return float("nan")
    return sum(b.n * abs(b.predicted - b.observed) for b in filled) / films


def reliability_intervals(
    probabilities: ArrayLike, labels: ArrayLike, resamples: Resamples, *, n_bins: int = N_BINS
) -> tuple[Interval, ...]:
    """The observed share of every bin of ``reliability_bins``, with its 95 % interval.

    The bins stay where they are while patients are resampled.

    Args:
        probabilities: (N,), 0 to 1.
        labels: (N,) of 0 and 1.
        resamples: of these N films' patients.

    Returns:
        One a filled bin; "too few" where it holds under 10 films, or films of under 10 patients.
    """
    which = bin_indices(probabilities, n_bins=n_bins)
    member = which[:, None] == np.unique(which)  # (N, B)
    hits = member & np.asarray(labels).astype(bool)[:, None]
    return tuple(proportion_intervals(hits, member, resamples))


@dataclass(frozen=True)
class CalibrationMetrics:
    """One finding's measures; each is "too few" where it is not estimable.

    Attributes:
        ece: expected calibration error over 10 bins, 0 is perfect. It has no interval: a sum of
            absolute errors grows when it is resampled, and near 0 no interval held the truth.
        expected_ece: what a perfectly calibrated model would show on so many films; both are nan
            where the others are not estimable.
        brier: mean squared difference of probability and label, 0 is perfect.
        brier_of_prevalence: the Brier score of giving every film the prevalence.
        brier_skill_score: 1 - brier / brier_of_prevalence, of the same resamples; over 0 is better.
        mean_calibration_error: mean probability minus the share with the finding; over 0 is too
            high.
        slope, intercept: see ``slope_and_intercept``.
    """

    ece: float
    expected_ece: float
    brier: Interval
    brier_of_prevalence: Interval
    brier_skill_score: Interval
    mean_calibration_error: Interval
    slope: Interval
    intercept: Interval


def calibration_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    resamples: Resamples,
    *,
    logits: ArrayLike | None = None,
) -> CalibrationMetrics:
    """Every measure of one finding's probabilities.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,), 0 to 1.
        resamples: of these N films' patients.
        logits: (N,) of these probabilities, where they are known better than from rounding.

    Returns:
        Not estimable with too few positives, negatives or patients of either (``sufficiency``);
        not labelled without any film.
    """
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if not is_estimable(y, resamples):
        none, nan = NOT_ESTIMABLE if len(y) else NOT_LABELLED, float("nan")
        return CalibrationMetrics(nan, nan, none, none, none, none, none, none)
    slope, intercept = slope_and_intercept(y, logit(p) if logits is None else logits, resamples)
    member = bin_indices(p)[:, None] == np.arange(N_BINS)  # (N, BINS)
    columns = np.column_stack([member * (p - y)[:, None], (p - y) ** 2, y])  # (N, BINS + 2)
    resampled = resampled_ratios(columns, np.ones_like(columns), resamples)  # (R, BINS + 2)
    calibration_gap, brier, share = (
        resampled[:, :N_BINS],
        resampled[:, N_BINS],
        resampled[:, N_BINS + 1],
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of one class has no skill
        skill = 1.0 - brier / (share * (1.0 - share))
    brier_score, prevalence = float(np.mean((p - y) ** 2)), float(y.mean())
    return CalibrationMetrics(
        ece=expected_calibration_error(p, y),
        expected_ece=expected_ece(p),
        brier=percentile_interval(brier_score, brier),
        brier_of_prevalence=percentile_interval(prevalence * (1 - prevalence), share * (1 - share)),
        brier_skill_score=percentile_interval(
            1.0 - brier_score / (prevalence * (1 - prevalence)), skill
        ),
        mean_calibration_error=percentile_interval(
            float(p.mean()) - prevalence, calibration_gap.sum(axis=1)
        ),
        slope=slope,
        intercept=intercept,
    )


def calibration_metrics_by_finding(
    table: pd.DataFrame, resamples: Resamples, calibration: Calibration | None = None
) -> dict[str, CalibrationMetrics]:
    """The measures of all findings, by key, each on the films that have its label.

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
        logits = calibrated_logits_of(table, calibration)
    found = {}
    for k, key in enumerate(keys_of(table)):
        films = labelled_films(labels, k, resamples)
        found[key] = calibration_metrics(
            films.labels,
            probabilities[films.mask, k],
            films.resamples,
            logits=None if logits is None else logits[films.mask, k],
        )
    return found


def expected_ece(probabilities: ArrayLike) -> float:
    """The expected calibration error that chance leaves a perfectly calibrated model.

    In a bin the films with the finding then differ from the sum of the probabilities by a
    variance of sum p (1 - p); the mean absolute value of a normal deviate is sqrt(2 / pi) of its
    standard deviation. Films are taken for independent, so with several a patient it is low.

    Args:
        probabilities: (N,), 0 to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    variance = np.bincount(bin_indices(p), weights=p * (1.0 - p), minlength=N_BINS)
    return float(np.sqrt(2.0 / np.pi * variance).sum() / len(p))
