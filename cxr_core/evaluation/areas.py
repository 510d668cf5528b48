"""AUROC and average precision with intervals by resampling patients.

The negatives and the positives are sorted once. In a resample, the weight of the negatives
below a positive is a cumulated sum, read at the place where that positive stands among them,
so that no resample is sorted again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.bootstrap import (
    FEWEST,
    NOT_ESTIMABLE,
    Floats,
    Interval,
    Resamples,
    share_interval,
)
from cxr_core.evaluation.curves import auroc, average_precision


def is_estimable(labels: ArrayLike, resamples: Resamples) -> bool:
    """Whether there are at least 10 positive films, 10 negative films and 10 patients."""
    y = np.asarray(labels).astype(bool)
    positives = int(y.sum())
    if min(positives, len(y) - positives) < FEWEST:
        return False
    return resamples.n_patients() >= FEWEST


def deciding(labels: ArrayLike, resamples: Resamples) -> int:
    """Patients with a film of the rarer class: on how many units an area rests."""
    y = np.asarray(labels).astype(bool)
    return min(resamples.of(which).n_patients() for which in (y, ~y))


def auroc_interval(labels: ArrayLike, scores: ArrayLike, resamples: Resamples) -> Interval:
    """AUROC of one finding, with its 95 % interval (``bootstrap.share_interval``).

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite; logits or probabilities.
        resamples: of these N films' patients.

    Returns:
        Not estimable, never 0.5, with under 10 positives, negatives or patients.
    """
    return _area_interval(labels, scores, resamples, auroc, resampled_auroc)


def average_precision_interval(
    labels: ArrayLike, scores: ArrayLike, resamples: Resamples
) -> Interval:
    """Average precision of one finding; arguments and limits as ``auroc_interval``."""
    return _area_interval(labels, scores, resamples, average_precision, resampled_average_precision)


def resampled_auroc(labels: ArrayLike, scores: ArrayLike, resamples: Resamples) -> Floats:
    """AUROC in every resample, (R,), equal to scikit-learn's on the repeated rows.

    Ties between a positive and negatives count half (the midrank). Where a class vanished
    the value is nan.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
        resamples: of these N films' patients.
    """
    ranked = _rank(labels, scores)
    areas = []
    for w_neg, w_pos in resamples.weights(ranked.negative, ranked.positive):  # (r, n), (r, p)
        sums = cumulated(w_neg)  # (r, n + 1)
        twice_below = sums[:, ranked.before] + sums[:, ranked.after]  # (r, p)
        pairs = np.einsum("ij,ij->i", twice_below, w_pos, dtype=np.int64)  # (r,)
        positives = w_pos.sum(axis=1, dtype=np.int64)  # (r,)
        areas.append(_ratio(pairs, 2 * positives * sums[:, -1]))
    return np.concatenate(areas)


def resampled_average_precision(
    labels: ArrayLike, scores: ArrayLike, resamples: Resamples
) -> Floats:
    """Average precision in every resample, (R,); arguments and nan as ``resampled_auroc``."""
    ranked = _rank(labels, scores)
    areas = []
    for w_neg, w_pos in resamples.weights(ranked.negative, ranked.positive):  # (r, n), (r, p)
        neg, pos = cumulated(w_neg), cumulated(w_pos)  # (r, n + 1), (r, p + 1)
        true = pos[:, -1:] - pos[:, ranked.first]  # (r, p) positives that score as high
        called = true + neg[:, -1:] - neg[:, ranked.before]  # (r, p) films that do
        # No film is called only where this positive itself was not drawn, and so weighs 0.
        precision = true / np.maximum(called, 1)  # (r, p)
        gained = np.einsum("ij,ij->i", precision, w_pos)  # (r,)
        areas.append(np.where(neg[:, -1] > 0, _ratio(gained, pos[:, -1]), np.nan))
    return np.concatenate(areas)


@dataclass(frozen=True)
class _Ranked:
    """Films in the order of their scores, and where the positives stand among them.

    Attributes:
        negative, positive: (n,), (p,) indices of films, scores rising.
        before, after: (p,) negatives below each positive, without and with its ties.
        first: (p,) positives below each positive.
    """

    negative: NDArray[np.intp]
    positive: NDArray[np.intp]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    first: NDArray[np.intp]


def _rank(labels: ArrayLike, scores: ArrayLike) -> _Ranked:
    y, s = np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)
    rising = np.argsort(s, kind="stable")
    negative, positive = rising[~y[rising]], rising[y[rising]]
    return _Ranked(
        negative,
        positive,
        before=np.searchsorted(s[negative], s[positive], side="left"),
        after=np.searchsorted(s[negative], s[positive], side="right"),
        first=np.searchsorted(s[positive], s[positive], side="left"),
    )


def _area_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    resamples: Resamples,
    area: Callable[[ArrayLike, ArrayLike], float],
    resampled: Callable[[ArrayLike, ArrayLike, Resamples], Floats],
) -> Interval:
    if not is_estimable(labels, resamples):
        return NOT_ESTIMABLE
    drawn = resampled(labels, scores, resamples)
    return share_interval(area(labels, scores), drawn, units=deciding(labels, resamples))


def cumulated(weights: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(r, n) -> (r, n + 1) sums of the first 0, 1, …, n weights."""
    sums = np.zeros((len(weights), weights.shape[1] + 1), dtype=np.int32)
    np.cumsum(weights, axis=1, dtype=np.int32, out=sums[:, 1:])
    return sums


def _ratio(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Elementwise, nan where the denominator is 0."""
    bottom = np.asarray(denominator, dtype=np.float64)
    safe = np.where(bottom == 0, np.nan, bottom)
    result: Floats = np.asarray(numerator, dtype=np.float64) / safe
    return result
