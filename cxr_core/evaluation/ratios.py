"""Shares (sensitivity, predictive values, hit rates) with intervals by resampling patients."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.evaluation.bootstrap import (
    FEWEST,
    NOT_ESTIMABLE,
    Floats,
    Interval,
    Resamples,
    judged,
    share_interval,
)


def ratio_intervals(
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
        J intervals; "too few", nan, where under 10 films count, or of under 10 patients.
    """
    top, bottom = _columns(numerators), _columns(denominators)  # (N, J), (N, J)
    drawn = resampled_ratios(top, bottom, resamples)  # (R, J)
    intervals = []
    for j in range(top.shape[1]):
        films = float(bottom[:, j].sum())
        if min(films, resamples.n_patients()) < FEWEST:
            intervals.append(NOT_ESTIMABLE)
            continue
        estimate = float(top[:, j].sum()) / films
        patients = resamples.of(bottom[:, j] > 0).n_patients()
        found = share_interval(estimate, drawn[:, j], units=patients)
        if estimate in (0.0, 1.0) and found.low == found.high:
            found = judged(estimate, *wilson(estimate * patients, patients))
        intervals.append(found)
    return intervals


def resampled_ratios(
    numerators: ArrayLike, denominators: ArrayLike, resamples: Resamples
) -> Floats:
    """The ratios in every resample, (R, J); nan where no film counts."""
    sums = np.concatenate([_columns(numerators), _columns(denominators)], axis=1)  # (N, 2J)
    size = resamples.counts.shape[1]
    # A patient's films always come together, so they are added up before anything is drawn.
    by_patient = np.stack(
        [np.bincount(resamples.patient_of_film, weights=c, minlength=size) for c in sums.T], axis=1
    )  # (P, 2J)
    rows = max(1, (1 << 22) // size)
    drawn = np.concatenate(
        [
            resamples.counts[start : start + rows].astype(np.float64) @ by_patient
            for start in range(0, resamples.n_resamples, rows)
        ]
    )  # (R, 2J)
    top, bottom = np.split(drawn, 2, axis=1)
    result: Floats = top / np.where(bottom == 0, np.nan, bottom)
    return result


def wilson(hits: float, n: float, *, alpha: float = 0.05) -> tuple[float, float]:
    """Wilson's score interval of a share of independent units (Wilson, JASA 1927)."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return max(0.0, centre - half), min(1.0, centre + half)


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
