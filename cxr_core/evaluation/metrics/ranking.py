"""ROC and precision-recall curves, their areas, and intervals by resampling patients.

The curves are scikit-learn's. Resampling is our own, fast enough for 2,000 draws: the negatives
and the positives are sorted once. In a resample, the weight of the negatives below a positive is
a cumulated sum, read at the place where that positive stands among them, so that no resample is
sorted again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_curve,
)

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
    logit_interval,
)
from cxr_core.evaluation.metrics.delong import area_parts, interval_width
from cxr_core.evaluation.metrics.sufficiency import has_enough, verdict_of_width

BAND_STEPS = 100  # places of a band


# ROC and precision-recall of one finding: plain arrays, no drawing.
#
# Scores may be logits or probabilities, since only their order counts; a film is called positive
# at a threshold when its score is >= the threshold. Ties count half, as in scikit-learn.


@dataclass(frozen=True)
class RocCurve:
    """Points from (0, 0) to (1, 1), thresholds falling; empty when a class is missing.

    Attributes:
        fpr: (T,) false positive rate, 1 - specificity, 0 to 1.
        tpr: (T,) true positive rate, sensitivity, 0 to 1.
        thresholds: (T,) finite. The first is the next number above the largest score, at which
            no film is positive.
    """

    fpr: Floats
    tpr: Floats
    thresholds: Floats


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Points of rising recall, thresholds falling; empty when there is no positive film.

    Attributes:
        precision: (T,) positive predictive value, 0 to 1; 1 at the first point by convention.
        recall: (T,) sensitivity, 0 to 1, from 0.
        thresholds: (T,) finite, the first just above the largest score.
    """

    precision: Floats
    recall: Floats
    thresholds: Floats


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC: how often a film with the finding outscores one without.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.

    Returns:
        0 to 1, ties counted half (Mann and Whitney's U); nan when a class is missing.
    """
    y, s = _as_arrays(labels, scores)
    if y.all() or not y.any():
        return float("nan")
    ranked = _rank(y, s)
    twice_below = int(ranked.before.sum() + ranked.after.sum())
    return twice_below / (2 * len(ranked.negative) * len(ranked.positive))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Sum of (R_n - R_{n-1}) P_n over thresholds; by chance it is the prevalence.

    Returns:
        0 to 1; nan when a class is missing.
    """
    y, s = _as_arrays(labels, scores)
    return float("nan") if y.all() or not y.any() else float(average_precision_score(y, s))


def roc(labels: ArrayLike, scores: ArrayLike, *, drop_collinear: bool = True) -> RocCurve:
    """ROC curve of one finding.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
        drop_collinear: leave out points in the middle of a straight line, which a plot and
            an area do not need.
    """
    y, s = _as_arrays(labels, scores)
    if y.all() or not y.any():
        return RocCurve(np.empty(0), np.empty(0), np.empty(0))
    fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=drop_collinear)
    return RocCurve(fpr, tpr, np.append(_above_all(s), thresholds[1:]))


def precision_recall(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecallCurve:
    """Precision-recall curve of one finding, one point a distinct score.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
    """
    y, s = _as_arrays(labels, scores)
    if not y.any():
        return PrecisionRecallCurve(np.empty(0), np.empty(0), np.empty(0))
    precision, recall, thresholds = precision_recall_curve(y, s)
    return PrecisionRecallCurve(
        precision[::-1], recall[::-1], np.append(_above_all(s), thresholds[::-1])
    )


def _above_all(scores: Floats) -> float:
    """A threshold that no film reaches: scikit-learn has inf there, which JSON does not."""
    return float(np.nextafter(scores.max(), np.inf))


def _as_arrays(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    return np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)


def is_estimable(labels: ArrayLike, resamples: Resamples) -> bool:
    """Whether positive and negative films are enough, and of enough patients each."""
    y = np.asarray(labels).astype(bool)
    positives = int(y.sum())
    return has_enough(positives, len(y) - positives) and has_enough(
        n_limiting_patients(y, resamples)
    )


def n_limiting_patients(labels: ArrayLike, resamples: Resamples) -> int:
    """Patients with a film of the rarer class: on how many units an area rests."""
    y = np.asarray(labels).astype(bool)
    return min(resamples.subset(which).n_patients() for which in (y, ~y))


def auroc_interval(
    labels: ArrayLike, scores: ArrayLike, resamples: Resamples, *, drawn: Floats | None = None
) -> Interval:
    """AUROC of one finding, with its 95 % interval (``bootstrap.logit_interval``).

    Whether it is wide is told by DeLong's interval, which is as wide but for what the draws do by
    chance: near the limit the word would hang on the seed.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite; logits or probabilities.
        resamples: of these N films' patients.
        drawn: (R,) what ``resampled_auroc`` gives of them, where it is known already.

    Returns:
        Not estimable, never 0.5, with too few positives, negatives or patients of either; not
        labelled without any film.
    """
    interval = _area_interval(
        labels, scores, resamples, auroc, resampled_auroc if drawn is None else lambda *_: drawn
    )
    if not interval.estimable:
        return interval
    size = resamples.counts.shape[1]
    parts = area_parts(labels, scores, resamples.patient_index, n_patients=size)
    width = interval_width(parts, n_limiting_patients(labels, resamples))
    return replace(interval, verdict=verdict_of_width(width))


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
        sums = cumulative_weights(w_neg)  # (r, n + 1)
        twice_below = 2 * sums[:, ranked.before]  # (r, p)
        if len(ranked.tied):
            at = ranked.tied
            twice_below[:, at] += sums[:, ranked.after[at]] - sums[:, ranked.before[at]]
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
        neg, pos = cumulative_weights(w_neg), cumulative_weights(w_pos)  # (r, n + 1), (r, p + 1)
        true = pos[:, -1:] - pos[:, ranked.first]  # (r, p) positives that score as high
        predicted_positive = true + neg[:, -1:] - neg[:, ranked.before]  # (r, p) films that do
        # No film is called only where this positive itself was not drawn, and so weighs 0.
        precision = true / np.maximum(predicted_positive, 1)  # (r, p)
        weighted_precision = np.einsum("ij,ij->i", precision, w_pos)  # (r,)
        areas.append(np.where(neg[:, -1] > 0, _ratio(weighted_precision, pos[:, -1]), np.nan))
    return np.concatenate(areas)


@dataclass(frozen=True)
class _Ranked:
    """Films in the order of their scores, and where the positives stand among them.

    Attributes:
        negative, positive: (n,), (p,) indices of films, scores rising.
        before, after: (p,) negatives below each positive, without and with its ties.
        first: (p,) positives below each positive.
        tied: (t,) of the positives, those that tie with a negative.
    """

    negative: NDArray[np.intp]
    positive: NDArray[np.intp]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    first: NDArray[np.intp]

    @cached_property
    def tied(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.before != self.after)


def _rank(labels: ArrayLike, scores: ArrayLike) -> _Ranked:
    y, s = _as_arrays(labels, scores)
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
    if np.size(labels) == 0:
        return NOT_LABELLED
    if not is_estimable(labels, resamples):
        return NOT_ESTIMABLE
    drawn = resampled(labels, scores, resamples)
    return logit_interval(
        area(labels, scores), drawn, n_independent=n_limiting_patients(labels, resamples)
    )


def cumulative_weights(weights: NDArray[np.uint8]) -> NDArray[np.int32]:
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


# 95 % bands around the ROC and the precision-recall curve, by resampling patients.
#
# In every resample both curves are read at fixed places: the sensitivity at 1 - specificity of
# 0, 0.01, …, 1, and the precision at a recall of 0.01, …, 1. A band joins the 2.5 and 97.5
# percentiles of each place, so it is pointwise: one place lies within it in 95 of 100 studies,
# the whole curve less often.


@dataclass(frozen=True)
class Band:
    """A pointwise 95 % band.

    Attributes:
        x: (G,) places on the horizontal axis, rising, 0 to 1.
        low, high: (G,) 2.5 and 97.5 percentiles of the curve there, 0 to 1.
    """

    x: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Bands:
    """Both bands of one finding.

    Attributes:
        roc: sensitivity over 1 - specificity.
        precision_recall: precision over recall.
    """

    roc: Band
    precision_recall: Band


def confidence_bands(labels: ArrayLike, scores: ArrayLike, resamples: Resamples) -> Bands | None:
    """Bands of one finding; None with too few positives, negatives or patients of either.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite; logits or probabilities.
        resamples: of these N films' patients.
    """
    if not is_estimable(labels, resamples):
        return None
    sensitivity, precision = resampled_curves(labels, scores, resamples)
    places = np.arange(BAND_STEPS + 1) / BAND_STEPS
    return Bands(_band(places, sensitivity), _band(places[1:], precision))


def resampled_curves(
    labels: ArrayLike, scores: ArrayLike, resamples: Resamples
) -> tuple[Floats, Floats]:
    """Both curves in every resample; rows of nan where a class vanished.

    Returns:
        The sensitivity at 1 - specificity 0, 0.01, …, 1, (R, 101), joined by straight lines
        as the ROC is, and at a vertical part its upper end; and the precision at recall 0.01,
        …, 1, (R, 100): that of the highest threshold that reaches the recall, as in the
        average precision.
    """
    films = _order(labels, scores)
    sensitivity, precision = [], []
    for w_neg, w_pos in resamples.weights(films.negative, films.positive):  # (r, n), (r, p)
        fp, tp = cumulative_weights(w_neg), cumulative_weights(w_pos)  # (r, n + 1), (r, p + 1)
        complete = (fp[:, -1] > 0) & (tp[:, -1] > 0)  # (r,) both classes are there
        curves = np.full((len(fp), BAND_STEPS + 1), np.nan), np.full((len(fp), BAND_STEPS), np.nan)
        curves[0][complete] = _sensitivity(fp[complete], tp[complete], films)
        curves[1][complete] = _precision(fp[complete], tp[complete], films)
        sensitivity.append(curves[0])
        precision.append(curves[1])
    return np.concatenate(sensitivity), np.concatenate(precision)


@dataclass(frozen=True)
class _Ordered:
    """Films in falling order of their scores.

    Attributes:
        negative, positive: (n,), (p,) indices of films.
        above: by negative, (2, n): negatives, and positives, that score strictly higher.
        level: the same with those that score as high.
        reached: by positive, (2, p): negatives, and positives, that score as high or higher.
    """

    negative: NDArray[np.intp]
    positive: NDArray[np.intp]
    above: NDArray[np.intp]
    level: NDArray[np.intp]
    reached: NDArray[np.intp]


def _order(labels: ArrayLike, scores: ArrayLike) -> _Ordered:
    y, s = _as_arrays(labels, scores)
    falling = np.argsort(-s, kind="stable")
    negative, positive = falling[~y[falling]], falling[y[falling]]
    ranks = -s[negative], -s[positive]  # rising
    return _Ordered(
        negative,
        positive,
        above=np.stack([np.searchsorted(rank, ranks[0], side="left") for rank in ranks]),
        level=np.stack([np.searchsorted(rank, ranks[0], side="right") for rank in ranks]),
        reached=np.stack([np.searchsorted(rank, ranks[1], side="right") for rank in ranks]),
    )


def _sensitivity(
    fp: NDArray[np.int32], tp: NDArray[np.int32], films: _Ordered
) -> Floats:  # (r, n + 1), (r, p + 1) -> (r, 101)
    # Whole numbers as long as possible: 0.29 of 100 films must be 29, not 28.999….
    scaled = fp[:, -1:].astype(np.int64) * np.arange(BAND_STEPS + 1)  # (r, 101)
    allowed = (scaled // BAND_STEPS).astype(fp.dtype)
    # The first negative that is one too many; the curve runs from just above it to its level.
    first_excess = np.stack(
        [np.searchsorted(f, a, side="right") - 1 for f, a in zip(fp, allowed, strict=True)]
    )  # (r, 101), n where none is
    at = np.minimum(first_excess, len(films.negative) - 1)
    fp_low, fp_high = (_read(fp, index[0][at]) for index in (films.above, films.level))
    tp_low, tp_high = (_read(tp, index[1][at]) for index in (films.above, films.level))
    fraction = (scaled / BAND_STEPS - fp_low) / np.maximum(fp_high - fp_low, 1)
    reached = (tp_low + fraction * (tp_high - tp_low)) / tp[:, -1:]
    result: Floats = np.where(first_excess < len(films.negative), reached, 1.0)
    return result


def _precision(
    fp: NDArray[np.int32], tp: NDArray[np.int32], films: _Ordered
) -> Floats:  # (r, n + 1), (r, p + 1) -> (r, 100)
    scaled = tp[:, -1:].astype(np.int64) * np.arange(1, BAND_STEPS + 1)  # (r, 100)
    needed = (-(-scaled // BAND_STEPS)).astype(tp.dtype)  # rounded up
    at = np.stack([np.searchsorted(t, q) - 1 for t, q in zip(tp, needed, strict=True)])
    true_positives = _read(tp, films.reached[1][at])  # (r, 100)
    false_positives = _read(fp, films.reached[0][at])
    result: Floats = true_positives / (true_positives + false_positives)
    return result


def _read(sums: NDArray[np.int32], index: NDArray[np.intp]) -> Floats:
    return np.take_along_axis(sums, index, axis=1).astype(np.float64)


def _band(places: Floats, curves: Floats) -> Band:
    """(G,) places, (R, G) curves -> their percentiles; curves of nan are left out."""
    whole = curves[np.isfinite(curves[:, -1])]
    low, high = np.quantile(whole, [0.025, 0.975], axis=0)
    return Band(places, low, high)
