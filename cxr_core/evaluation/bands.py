"""95 % bands around the ROC and the precision-recall curve, by resampling patients.

In every resample both curves are read at fixed places: the sensitivity at 1 - specificity of
0, 0.01, …, 1, and the precision at a recall of 0.01, …, 1. A band joins the 2.5 and 97.5
percentiles of each place, so it is pointwise: one place lies within it in 95 of 100 studies,
the whole curve less often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.areas import cumulated, is_estimable
from cxr_core.evaluation.bootstrap import Floats, Resamples

STEPS = 100  # places of a band


@dataclass(frozen=True)
class Band:
    """A pointwise 95 % band.

    Attributes:
        at: (G,) places on the horizontal axis, rising, 0 to 1.
        low, high: (G,) 2.5 and 97.5 percentiles of the curve there, 0 to 1.
    """

    at: Floats
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


def curve_bands(labels: ArrayLike, scores: ArrayLike, resamples: Resamples) -> Bands | None:
    """Bands of one finding; None with under 10 positives, negatives or patients.

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite; logits or probabilities.
        resamples: of these N films' patients.
    """
    if not is_estimable(labels, resamples):
        return None
    sensitivity, precision = resampled_curves(labels, scores, resamples)
    places = np.arange(STEPS + 1) / STEPS
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
    films = _rank(labels, scores)
    sensitivity, precision = [], []
    for w_neg, w_pos in resamples.weights(films.negative, films.positive):  # (r, n), (r, p)
        fp, tp = cumulated(w_neg), cumulated(w_pos)  # (r, n + 1), (r, p + 1)
        whole = (fp[:, -1] > 0) & (tp[:, -1] > 0)  # (r,) both classes are there
        curves = np.full((len(fp), STEPS + 1), np.nan), np.full((len(fp), STEPS), np.nan)
        curves[0][whole] = _sensitivity(fp[whole], tp[whole], films)
        curves[1][whole] = _precision(fp[whole], tp[whole], films)
        sensitivity.append(curves[0])
        precision.append(curves[1])
    return np.concatenate(sensitivity), np.concatenate(precision)


@dataclass(frozen=True)
class _Ranked:
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


def _rank(labels: ArrayLike, scores: ArrayLike) -> _Ranked:
    y, s = np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)
    falling = np.argsort(-s, kind="stable")
    negative, positive = falling[~y[falling]], falling[y[falling]]
    ranks = -s[negative], -s[positive]  # rising
    return _Ranked(
        negative,
        positive,
        above=np.stack([np.searchsorted(rank, ranks[0], side="left") for rank in ranks]),
        level=np.stack([np.searchsorted(rank, ranks[0], side="right") for rank in ranks]),
        reached=np.stack([np.searchsorted(rank, ranks[1], side="right") for rank in ranks]),
    )


def _sensitivity(
    fp: NDArray[np.int32], tp: NDArray[np.int32], films: _Ranked
) -> Floats:  # (r, n + 1), (r, p + 1) -> (r, 101)
    # Whole numbers as long as possible: 0.29 of 100 films must be 29, not 28.999….
    hundredfold = fp[:, -1:].astype(np.int64) * np.arange(STEPS + 1)  # (r, 101)
    allowed = (hundredfold // STEPS).astype(fp.dtype)
    # The first negative that is one too many; the curve runs from just above it to its level.
    excess = np.stack(
        [np.searchsorted(f, a, side="right") - 1 for f, a in zip(fp, allowed, strict=True)]
    )  # (r, 101), n where none is
    at = np.minimum(excess, len(films.negative) - 1)
    fp_low, fp_high = (_read(fp, index[0][at]) for index in (films.above, films.level))
    tp_low, tp_high = (_read(tp, index[1][at]) for index in (films.above, films.level))
    way = (hundredfold / STEPS - fp_low) / np.maximum(fp_high - fp_low, 1)
    reached = (tp_low + way * (tp_high - tp_low)) / tp[:, -1:]
    result: Floats = np.where(excess < len(films.negative), reached, 1.0)
    return result


def _precision(
    fp: NDArray[np.int32], tp: NDArray[np.int32], films: _Ranked
) -> Floats:  # (r, n + 1), (r, p + 1) -> (r, 100)
    hundredfold = tp[:, -1:].astype(np.int64) * np.arange(1, STEPS + 1)  # (r, 100)
    needed = (-(-hundredfold // STEPS)).astype(tp.dtype)  # rounded up
    at = np.stack([np.searchsorted(t, q) - 1 for t, q in zip(tp, needed, strict=True)])
    found = _read(tp, films.reached[1][at])  # (r, 100)
    alarms = _read(fp, films.reached[0][at])
    result: Floats = found / (found + alarms)
    return result


def _read(sums: NDArray[np.int32], index: NDArray[np.intp]) -> Floats:
    return np.take_along_axis(sums, index, axis=1).astype(np.float64)


def _band(places: Floats, curves: Floats) -> Band:
    """(G,) places, (R, G) curves -> their percentiles; curves of nan are left out."""
    whole = curves[np.isfinite(curves[:, -1])]
    low, high = np.quantile(whole, [0.025, 0.975], axis=0)
    return Band(places, low, high)
