"""AUROC of two models among the same films, and their difference, from the same resamples."""

import numpy as np
from numpy.typing import NDArray

from cxr_core.evaluation.areas import deciding, is_estimable, resampled_auroc
from cxr_core.evaluation.bootstrap import NOT_ESTIMABLE, Floats, Resamples, interval, share_interval
from cxr_core.evaluation.compare_results import ComparedFilms, Paired
from cxr_core.evaluation.curves import auroc
from cxr_core.evaluation.subgroups import Subgroup
from cxr_core.findings import KEYS


def compared_areas(
    part: Subgroup,
    labels: NDArray[np.int64],
    scores: Floats,
    resamples: Resamples,
    *,
    mean: bool = False,
) -> ComparedFilms:
    """AUROC of the part's findings among its films.

    Args:
        part: which of the N films, and which findings.
        labels: (N, 4) of 0 and 1.
        scores: (2, N, 4) of A and of B, finite.
        resamples: of the N films' patients.
        mean: whether to add the mean over the part's findings, taken within each resample.
    """
    y, s = labels[part.films], scores[:, part.films]  # (n, 4), (2, n, 4)
    within = resamples.of(part.films)
    which = [KEYS.index(key) for key in part.keys]
    found = [_areas(y[:, k], s[:, :, k], within) for k in which]
    units = [deciding(y[:, k], within) for k in which]
    estimates = np.stack([estimate for estimate, _ in found])  # (K, 2)
    drawn = np.stack([values for _, values in found])  # (K, 2, R)
    return ComparedFilms(
        name=part.value,
        n=len(y),
        positives={key: int(y[:, k].sum()) for key, k in zip(part.keys, which, strict=True)},
        auroc={
            key: paired(estimates[j], drawn[j], units=units[j]) for j, key in enumerate(part.keys)
        },
        # A finding without a value, as a whole or in a resample, leaves their mean without one.
        mean=paired(estimates.mean(axis=0), drawn.mean(axis=0), units=min(units)) if mean else None,
    )


def paired(estimates: Floats, drawn: Floats, *, units: int) -> Paired:
    """Intervals of A, of B and of B - A, whose own is one of percentiles.

    Args:
        estimates: (2,) of A and of B; nan where not estimable.
        drawn: (2, R), both from the same resamples; nan where a class vanished.
        units: patients that decide either, as for ``share_interval``.
    """
    if not np.isfinite(estimates).all():
        return Paired(NOT_ESTIMABLE, NOT_ESTIMABLE, NOT_ESTIMABLE)
    a, b = map(float, estimates)
    of_a, of_b = (
        share_interval(one, values, units=units) for one, values in zip((a, b), drawn, strict=True)
    )
    return Paired(of_a, of_b, interval(b - a, drawn[1] - drawn[0]))


def _areas(
    labels: NDArray[np.int64], scores: Floats, resamples: Resamples
) -> tuple[Floats, Floats]:
    """Labels (n,), scores (2, n) -> AUROC (2,) and in every resample (2, R); nan if too few."""
    if not is_estimable(labels, resamples):
        return np.full(2, np.nan), np.full((2, resamples.n_resamples), np.nan)
    drawn = np.stack([resampled_auroc(labels, side, resamples) for side in scores])
    return np.array([auroc(labels, side) for side in scores]), drawn
