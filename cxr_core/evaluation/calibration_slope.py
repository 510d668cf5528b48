"""Calibration slope and calibration in the large (Cox 1958; Van Calster et al. 2019).

The slope b comes from the logistic regression of the label on the logit of the probability,
label ~ a + b * logit, without penalty: 1 is perfect, under 1 the probabilities are too far apart
(too sure), over 1 too close together. The intercept a comes from the same regression with b held
at 1: 0 is perfect, under 0 the probabilities are too high, over 0 too low.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.areas import cumulated, is_estimable
from cxr_core.evaluation.bootstrap import NOT_ESTIMABLE, Floats, Interval, Resamples, interval
from cxr_core.evaluation.calibration import sigmoid
from cxr_core.evaluation.ratios import resampled_ratios

Terms = tuple[Floats, Floats]  # covariates (., J), and an offset (.,)

GROUPS = 256  # of films with neighbouring logits, in the resamples of a larger table
MOST_UNSETTLED = 0.025  # a larger share of the resamples than an interval's end can spare
_STEPS = 40
_SETTLED = 1e-10
_RIDGE = 1e-12  # on shares of films: keeps a saturated Hessian invertible, moves no estimate


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
