"""Intervals by resampling patients: how far a figure would move with other patients.

Films of one patient are alike, so patients are drawn, with replacement, and bring all their
films. A resample is kept as counts (how often each patient was drawn), and every figure is
computed with these counts as weights, which equals repeating the rows.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from cxr_core.arrays import Floats
from cxr_core.errors import ConfigError
from cxr_core.evaluation.metrics.sufficiency import Verdict, has_enough, verdict_of_width
from cxr_core.evaluation.predictions import patients_of

Z_95 = NormalDist().inv_cdf(0.975)  # 1.96, of a two-sided 95 % interval
_MAX_FLOATS = 1 << 24  # counts that are held as float64, too
_WHOLE = "_whole"  # in a subset's attributes: the draws that it is a part of
_CHUNK = 1 << 20  # weights held at once: a few MB, so that a chunk stays in the cache


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval, by resampling patients.

    Attributes:
        estimate: the figure on the films themselves; nan where it is not estimable.
        low, high: of ``logit_interval`` for shares and areas, else the 2.5 % and 97.5 % of the
            resamples; nan where not estimable.
        verdict: ``enough`` or ``wide``, or ``too few`` or ``not labelled``, which are not
            estimable (``sufficiency``).
        left_out: resamples without a value, because a class vanished in them.
    """

    estimate: float
    low: float
    high: float
    verdict: Verdict
    left_out: int = 0

    @property
    def estimable(self) -> bool:
        """Whether there is a figure at all."""
        return self.verdict not in ("too few", "not labelled")

    def text(self, digits: int = 2) -> str:
        """Return "0.83 (0.79 to 0.87)", "not estimable" or "not labelled"."""
        if not self.estimable:
            return "not labelled" if self.verdict == "not labelled" else "not estimable"
        # Rounded first, and a zero added, so that no figure is shown as "-0.00".
        ends = (
            round_half_percent(end, digits) + 0.0 for end in (self.estimate, self.low, self.high)
        )
        figure, low, high = (f"{end:.{digits}f}" for end in ends)
        return f"{figure} ({low} to {high})"


def round_half_percent(value: float, digits: int) -> float:
    """``value`` as a percentage would round it: 38 of 80 is 0.48, as it is 48 %.

    Python's own ``round`` makes .475 to .47, since the nearest float lies below it.
    """
    scale: int = 10**digits
    return round(value * scale) / scale if math.isfinite(value) else value


NOT_ESTIMABLE = Interval(float("nan"), float("nan"), float("nan"), "too few")
# Of a finding that none of the films has a label of.
NOT_LABELLED = replace(NOT_ESTIMABLE, verdict="not labelled")


@dataclass(frozen=True)
class Resamples:
    """Patients drawn with replacement, once for all figures, so that figures can be paired.

    Attributes:
        counts: uint8 (R, P), how often patient p is in resample r; each row sums to P.
        patient_index: int (N,), each film's column of ``counts``.
    """

    counts: NDArray[np.uint8]
    patient_index: NDArray[np.intp]

    @cached_property
    def float_counts(self) -> Floats | None:
        """``counts`` as float64, once for all figures of the same draws; None where they would
        take over 128 MB."""
        whole: Resamples = self.__dict__.get(_WHOLE, self)
        if whole is not self:
            return whole.float_counts
        return self.counts.astype(np.float64) if self.counts.size <= _MAX_FLOATS else None

    @property
    def n_resamples(self) -> int:
        """Number of resamples, R."""
        return len(self.counts)

    def subset(self, films: ArrayLike) -> "Resamples":
        """The same draws for some of the films (index or boolean mask)."""
        part = Resamples(self.counts, self.patient_index[np.asarray(films)])
        part.__dict__[_WHOLE] = self.__dict__.get(_WHOLE, self)
        return part

    def n_patients(self) -> int:
        """Patients who have a film here (fewer than P in a subgroup)."""
        return len(np.unique(self.patient_index))

    def weights(self, *orders: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.uint8], ...]]:
        """For each chunk of resamples the films' weights, uint8 (r, n), one array an order.

        Args:
            orders: indices of films, e.g. sorted by score.
        """
        columns = [self.patient_index[order] for order in orders]
        rows = max(1, _CHUNK // max(1, sum(map(len, columns))))
        for start in range(0, self.n_resamples, rows):
            part = self.counts[start : start + rows]
            yield tuple(np.take(part, column, axis=1) for column in columns)


def resample_units(
    units: Sequence[object] | NDArray[np.generic], *, n_resamples: int = 2000, seed: int = 0
) -> Resamples:
    """Draw as many patients as there are, with replacement, ``n_resamples`` times.

    The draws depend on ``seed`` and on the set of patients only, not on the order of films.

    Args:
        units: (N,) each film's patient; give the images' names where patients are unknown.

    Raises:
        ConfigError: no resample is asked for.
    """
    if n_resamples < 1:
        raise ConfigError(
            "The number of resamples must be at least 1",
            value=n_resamples,
            remedy="Give 2000, or at least 1.",
        )
    names, patient_of_film = np.unique(np.asarray(units).astype(str), return_inverse=True)
    size = len(names)
    rng = np.random.default_rng(seed)
    counts = np.empty((n_resamples, size), dtype=np.uint8)
    for row in counts:
        # uint8 holds every count: a patient drawn over 255 times does not happen (e^-1 / 256!).
        row[:] = np.bincount(rng.integers(0, size, size=size), minlength=size)
    return Resamples(counts, patient_of_film.astype(np.intp))


def percentiles(values: Floats) -> tuple[float, float]:
    """95 % percentile interval of the finite values, (nan, nan) when there are none."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


def percentile_interval(estimate: float, resampled: Floats) -> Interval:
    """An estimate and the resamples around it -> ``Interval`` with its verdict."""
    low, high = percentiles(resampled)
    return make_interval(estimate, low, high, left_out=int((~np.isfinite(resampled)).sum()))


def logit_interval(estimate: float, resampled: Floats, *, n_independent: int) -> Interval:
    """A share or an area, 0 to 1, with an interval on the scale of its logit.

    logit(A) +/- t * sd(A) / (A (1 - A)): sd is the resamples' standard deviation, enlarged by
    sqrt(n / (n - 1)), and t is Student's of n - 1. On so few patients percentiles are too narrow
    and lie too high near 1 (``bench/coverage.py``); on the logit scale the figure is nearer to
    symmetric, and no end leaves 0 to 1 (Pepe, The Statistical Evaluation of Medical Tests,
    2003, on areas; here with the spread of resampled patients). At 0 or 1 the logit is infinite,
    and without spread there is nothing to scale: then it is the percentiles.

    Args:
        estimate: the figure on the films themselves.
        resampled: (R,) in the resamples; nan where there is none.
        n_independent: n, independent units that decide it: patients with the finding for an area,
            those with a film in the denominator for a share.
    """
    finite = resampled[np.isfinite(resampled)]
    spread = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    if spread == 0.0 or not 0.0 < estimate < 1.0:
        return percentile_interval(estimate, resampled)
    n = max(n_independent, 2)
    centre = float(logit(estimate))
    scale = math.sqrt(n / (n - 1)) / (estimate * (1.0 - estimate))
    half = float(stdtrit(n - 1, 0.975)) * spread * scale
    low, high = (float(expit(end)) for end in (centre - half, centre + half))
    return make_interval(estimate, low, high, left_out=len(resampled) - len(finite))


def make_interval(estimate: float, low: float, high: float, *, left_out: int = 0) -> Interval:
    """Give an interval its verdict; one without finite ends is not estimable."""
    if not np.isfinite([estimate, low, high]).all():
        return Interval(float("nan"), float("nan"), float("nan"), "too few", left_out)
    return Interval(estimate, low, high, verdict_of_width(high - low), left_out)


# Shares (sensitivity, predictive values, hit rates) with intervals by resampling patients.


def proportion_intervals(
    numerators: ArrayLike, denominators: ArrayLike, resamples: Resamples
) -> list[Interval]:
    """Ratios of sums over films, e.g. sensitivity = true positives / positives.

    Where all or none of the films hit, resampling shows no spread; the interval is then
    Wilson's (1927), with the patients in the denominator as n, since they are independent.

    Args:
        numerators: (N, J) or (N,), each film's part of J numerators, e.g. 1 for a true positive.
        denominators: same shape, 1 where the film counts.
        resamples: of these N films' patients.

    Returns:
        J intervals; "too few", nan, where under 10 films count, or films of under 10 patients.
    """
    top, bottom = _columns(numerators), _columns(denominators)  # (N, J), (N, J)
    drawn = resampled_ratios(top, bottom, resamples)  # (R, J)
    intervals = []
    for j in range(top.shape[1]):
        denominator = float(bottom[:, j].sum())
        patients = resamples.subset(bottom[:, j] > 0).n_patients()
        if not has_enough(denominator, patients):
            intervals.append(NOT_ESTIMABLE)
            continue
        estimate = float(top[:, j].sum()) / denominator
        intervals.append(share_interval(estimate, drawn[:, j], patients))
    return intervals


def share_interval(estimate: float, resampled: Floats, patients: int) -> Interval:
    """One share's interval: on the logit scale, or Wilson's where the resamples show no spread.

    Args:
        estimate: the share on the films themselves.
        resampled: (R,) in the resamples.
        patients: with a film in the denominator.
    """
    found = logit_interval(estimate, resampled, n_independent=patients)
    if estimate in (0.0, 1.0) and found.low == found.high:
        return make_interval(estimate, *wilson_interval(estimate * patients, patients))
    return found


def resampled_ratios(
    numerators: ArrayLike, denominators: ArrayLike, resamples: Resamples
) -> Floats:
    """The ratios in every resample, (R, J); nan where no film counts."""
    sums = np.concatenate([_columns(numerators), _columns(denominators)], axis=1)  # (N, 2J)
    size = resamples.counts.shape[1]
    # A patient's films always come together, so they are added up before anything is drawn.
    by_patient = np.stack(
        [np.bincount(resamples.patient_index, weights=c, minlength=size) for c in sums.T], axis=1
    )  # (P, 2J)
    if (counts := resamples.float_counts) is not None:
        drawn = counts @ by_patient  # (R, 2J)
    else:
        rows = max(1, (1 << 22) // size)
        drawn = np.concatenate(
            [
                resamples.counts[start : start + rows].astype(np.float64) @ by_patient
                for start in range(0, resamples.n_resamples, rows)
            ]
        )
    top, bottom = np.split(drawn, 2, axis=1)
    result: Floats = top / np.where(bottom == 0, np.nan, bottom)
    return result


def wilson_interval(hits: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share of independent units (Wilson, JASA 1927)."""
    z, p = Z_95, hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return max(0.0, centre - half), min(1.0, centre + half)


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


# The resamples of a predictions table: of its patients, or of its images where it names none.


def resample_patients(table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0) -> Resamples:
    """The same draws as ``evaluate_predictions`` makes with this seed, so that what is computed
    later (a band, a moved threshold) belongs to the intervals already shown.

    Args:
        table: a validated predictions table of N rows.

    Raises:
        ConfigError: no resample is asked for.
    """
    patients = patients_of(table)
    units = table["image"].to_numpy() if patients is None else patients
    return resample_units(units, n_resamples=n_resamples, seed=seed)
