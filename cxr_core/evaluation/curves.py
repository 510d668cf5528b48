"""ROC and precision-recall of one finding: plain arrays, no drawing.

Scores may be logits or probabilities, since only their order counts; a film is called positive
at a threshold when its score is >= the threshold. Ties count half, as in scikit-learn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RocCurve:
    """Points from (0, 0) to (1, 1), thresholds falling; empty when a class is missing.

    Attributes:
        fpr: (T,) false positive rate, 1 - specificity, 0 to 1.
        tpr: (T,) true positive rate, sensitivity, 0 to 1.
        thresholds: (T,) finite. The first is the next number above the largest score, at which
            no film is positive (scikit-learn has inf there, which JSON does not).
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
    y, s = _arrays(labels, scores)
    positives, negatives = s[y], np.sort(s[~y])
    if len(positives) == 0 or len(negatives) == 0:
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left").sum()
    not_above = np.searchsorted(negatives, positives, side="right").sum()
    return float((below + not_above) / (2.0 * len(positives) * len(negatives)))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Sum of (R_n - R_{n-1}) P_n over thresholds, as scikit-learn; its floor is the prevalence.

    Returns:
        0 to 1; nan when a class is missing.
    """
    y, s = _arrays(labels, scores)
    if y.all() or not y.any():
        return float("nan")
    curve = precision_recall(y, s)
    return float(np.sum(np.diff(curve.recall) * curve.precision[1:]))


def roc(labels: ArrayLike, scores: ArrayLike, *, drop_collinear: bool = True) -> RocCurve:
    """ROC curve of one finding.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
        drop_collinear: leave out points in the middle of a straight line, which a plot and
            an area do not need.
    """
    y, s = _arrays(labels, scores)
    if y.all() or not y.any():
        return RocCurve(np.empty(0), np.empty(0), np.empty(0))
    thresholds, tps, fps = _cumulated(y, s)
    if drop_collinear:
        bend = (np.diff(tps, 2) != 0) | (np.diff(fps, 2) != 0)
        kept = np.concatenate([[True], bend, [True]])
        kept[1] = True  # the highest score that occurs, as scikit-learn keeps it
        thresholds, tps, fps = thresholds[kept], tps[kept], fps[kept]
    return RocCurve(fpr=fps / fps[-1], tpr=tps / tps[-1], thresholds=thresholds)


def precision_recall(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecallCurve:
    """Precision-recall curve of one finding, one point a distinct score.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite.
    """
    y, s = _arrays(labels, scores)
    if not y.any():
        return PrecisionRecallCurve(np.empty(0), np.empty(0), np.empty(0))
    thresholds, tps, fps = _cumulated(y, s)
    precision = np.ones(len(tps))
    precision[1:] = tps[1:] / (tps[1:] + fps[1:])
    return PrecisionRecallCurve(precision, recall=tps / tps[-1], thresholds=thresholds)


def _cumulated(y: NDArray[np.bool_], s: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct thresholds falling, and how many positives and negatives reach each."""
    order = np.argsort(-s, kind="stable")
    ranked, hit = s[order], y[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # last film of each tie
    tps = np.cumsum(hit)[last]
    fps = last + 1 - tps
    nobody = np.nextafter(ranked[0], np.inf)
    return (
        np.concatenate([[nobody], ranked[last]]),
        np.concatenate([[0.0], tps]),
        np.concatenate([[0.0], fps]),
    )


def _arrays(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    return np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)
