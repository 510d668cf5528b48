"""Differences of shares without random numbers: paired by film, or between groups of films.

McNemar's mid-p and Newcombe's paired interval are not in scipy or scikit-learn (statsmodels has
McNemar's test without mid-p, and Newcombe's interval for independent shares alone), so they are
here, in a form that knows that films of one patient are alike; where every patient has one film
they are the published ones to the last digit.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binom

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import Z_95
from cxr_core.evaluation.metrics.differences import Difference, make_difference, no_difference
from cxr_core.evaluation.metrics.differences import two_sided_p as p_of_z
from cxr_core.evaluation.metrics.sufficiency import has_enough

Bounds = tuple[float, float]
_SMALLEST_Z = 1e-9
_LARGEST_Z = 38.0  # beyond it the normal tail is 0 in double precision


def mcnemar_mid_p(gains: ArrayLike) -> float:
    """Two-sided mid-p of McNemar's exact test, with patients as units.

    Each patient's films together favour the one by ``gains`` of them. Were the two alike, each
    gain would have either sign with the same chance; the sum's distribution follows exactly. With
    one film a patient it is McNemar's exact test, and the mid-p that of Fagerland, Lydersen and
    Laake (BMC Medical Research Methodology 2013).

    Args:
        gains: (P,) whole numbers: films that favour the one less those that favour the other.

    Returns:
        0 to 1; 1 where they are equal.
    """
    sums = np.asarray(gains, dtype=np.int64)
    sizes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    distribution = np.ones(1)  # of the sum, centred
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        steps = np.zeros(2 * size * count + 1)
        steps[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = np.convolve(distribution, steps)
    centre = len(distribution) // 2
    at = centre + abs(int(sums.sum()))
    return float(min(1.0, 2 * distribution[at + 1 :].sum() + distribution[at]))


def wilson_bounds(share: float, n: float, z: float = Z_95) -> Bounds:
    """Wilson's score interval of a share of n independent units, which need not be whole."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def square_and_add(
    shares: Bounds, first: Bounds, second: Bounds, correlation: float = 0.0
) -> Bounds:
    """The interval of a difference out of its two sides' own (Newcombe, Statistics in Medicine
    1998, pages 873 and 2635; Zou and Donner, ibid. 2008).

    Args:
        shares: the two figures; the difference is the first less the second.
        first, second: low and high of each.
        correlation: of the two estimates; 0 where they share no patient.
    """
    a, b = shares
    (low_a, high_a), (low_b, high_b) = first, second

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))

    return (
        max(-1.0, a - b - reach(a - low_a, high_b - b)),
        min(1.0, a - b + reach(high_a - a, b - low_b)),
    )


def newcombe_paired(table: Sequence[float]) -> Bounds:
    """Newcombe's interval of a difference of paired shares (Statistics in Medicine 1998, page
    2635, method 10).

    Args:
        table: films on which both hit, only the first, only the second, and neither; after a
            design effect they need not be whole.

    Returns:
        Low and high of the first's share less the second's.
    """
    both, first, second, neither = table
    n = sum(table)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    excess = both * neither - first * second
    if excess > 0:
        excess = max(0.0, excess - n / 2)  # towards 0, as he found to cover better
    phi = excess / math.sqrt(margins) if margins > 0 else 0.0
    a, b = (both + first) / n, (both + second) / n
    return square_and_add((a, b), wilson_bounds(a, n), wilson_bounds(b, n), phi)


def by_patient(values: ArrayLike, patients: NDArray[np.intp]) -> Floats:
    """(N,) values of films, added up over each patient, (P,)."""
    weights = np.asarray(values, dtype=np.float64)
    return np.asarray(np.bincount(patients, weights=weights), dtype=np.float64)


def design_effect(values: ArrayLike, patients: NDArray[np.intp]) -> float:
    """How many times the variance of a mean grows because films of a patient are alike; at least 1.

    The variance of the mean with patients as clusters, over that of independent films (Rao and
    Scott, Biometrics 1992). Where all values are one, nothing tells it, and each patient counts
    once, as in ``bootstrap.proportion_intervals``.

    Args:
        values: (N,) of 0 and 1, or -1, 0 and 1.
        patients: (N,) index of each film's patient.
    """
    x = np.asarray(values, dtype=np.float64)
    n, p = len(x), len(np.unique(patients))
    spread = x - x.mean()
    independent = float((spread**2).sum()) * n / (n - 1)
    if independent == 0:
        return n / p
    clustered = float((by_patient(spread, patients) ** 2).sum()) * p / (p - 1)
    return max(1.0, clustered / independent)


def paired_difference(hits: ArrayLike, others: ArrayLike, patients: NDArray[np.intp]) -> Difference:
    """How much more often (N,) ``hits`` are 1 than (N,) ``others``, paired by film.

    Interval: Newcombe's, of as many films as the design effect of the difference leaves. Test:
    ``mcnemar_mid_p``. The same films give the same verdict, whatever the seed.

    Args:
        hits, others: of 0 and 1; nan where it is not known, and then nothing can be said.
        patients: (N,) index of each film's patient.

    Returns:
        Not estimable where the films, or their patients, are too few.
    """
    a, b = np.asarray(hits, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if not np.isfinite([a, b]).all() or not has_enough(len(a), len(np.unique(patients))):
        return no_difference()
    gain = a - b  # (N,)
    total = float(gain.sum())
    n, effect = len(gain), design_effect(gain, patients)
    counts = np.array([(a * b).sum(), (gain > 0).sum(), (gain < 0).sum(), 0.0])
    counts[3] = n - counts.sum()
    low, high = newcombe_paired(list(counts / effect))
    sums = by_patient(gain, patients)
    return make_difference(
        total / n,
        low,
        high,
        p_value=mcnemar_mid_p(np.rint(sums)),
        p_without_one_film=_p_without_one(np.rint(sums)),
    )


def _p_without_one(sums: Floats) -> float:
    """The largest p where one of the films that favour the leader favours neither."""
    total = sums.sum()
    if total == 0:
        return 1.0
    sign = np.sign(total)
    largest = 0.0
    for size in np.unique(sums[sums * sign > 0]):
        changed = sums.copy()
        changed[np.flatnonzero(sums == size)[0]] -= sign
        largest = max(largest, mcnemar_mid_p(changed))
    return largest


def group_difference(
    first: ArrayLike,
    second: ArrayLike,
    patients_first: NDArray[np.intp],
    patients_second: NDArray[np.intp],
) -> Difference:
    """The share of one group's films that hit, less that of another's.

    The two Wilson intervals, each of as many films as its design effect leaves, squared and added;
    where patients have films in both groups, with the correlation that they bring. The p-value is
    that of the confidence at which the interval just reaches 0.

    Args:
        first, second: (n,), (m,) of 0 and 1.
        patients_first, patients_second: index of each film's patient, the same in both.
    """
    groups = [
        (np.asarray(values, dtype=np.float64), patients)
        for values, patients in ((first, patients_first), (second, patients_second))
    ]
    if not has_enough(*(n for x, p in groups for n in (len(x), len(np.unique(p))))):
        return no_difference()
    a, b = (float(x.mean()) for x, _ in groups)
    sizes = [len(x) / design_effect(x, patients) for x, patients in groups]
    size = 1 + max(int(patients.max()) for _, patients in groups)
    parts = [
        np.bincount(patients, weights=(x - x.mean()) / len(x), minlength=size)
        for x, patients in groups
    ]
    spread = math.sqrt(float((parts[0] ** 2).sum()) * float((parts[1] ** 2).sum()))
    correlation = float((parts[0] * parts[1]).sum()) / spread if spread else 0.0

    def interval(a: float, b: float, z: float = Z_95) -> Bounds:
        first, second = wilson_bounds(a, sizes[0], z), wilson_bounds(b, sizes[1], z)
        return square_and_add((a, b), first, second, correlation)

    def p_value(a: float, b: float) -> float:
        def nearest_end(z: float) -> float:
            low, high = interval(a, b, z)
            return low if a > b else -high

        if nearest_end(_SMALLEST_Z) <= 0:  # equal, but for rounding
            return 1.0
        if nearest_end(_LARGEST_Z) > 0:
            return 0.0
        return p_of_z(float(brentq(nearest_end, _SMALLEST_Z, _LARGEST_Z)))

    sign = 1 if a > b else -1
    # One film of either group judged otherwise, against the difference.
    less = [
        (min(1.0, max(0.0, a - sign / len(groups[0][0]))), b),
        (a, min(1.0, max(0.0, b + sign / len(groups[1][0])))),
    ]
    without = max(1.0 if (x - y) * sign <= 0 else p_value(x, y) for x, y in less)
    low, high = interval(a, b)
    return make_difference(a - b, low, high, p_value=p_value(a, b), p_without_one_film=without)
