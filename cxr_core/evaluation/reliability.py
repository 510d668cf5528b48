"""Reliability: of the films of which a model says about 30 %, how many have the finding?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.bootstrap import FEWEST, NOT_ESTIMABLE, Interval, Resamples
from cxr_core.evaluation.ratios import ratio_intervals

BINS = 10  # of equal width


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
