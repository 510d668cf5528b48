"""AUROC of two models among the same films, and their difference, from the same resamples."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
    logit_interval,
)
from cxr_core.evaluation.metrics.delong import AreaParts, area_parts, mean_parts
from cxr_core.evaluation.metrics.differences import (
    Difference,
    no_difference,
    resampled_difference,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.ranking import (
    auroc,
    is_estimable,
    n_limiting_patients,
    resampled_auroc,
)
from cxr_core.evaluation.metrics.subgroups import Subgroup
from cxr_core.findings import KEYS

OMIT_EMPTY = "omit empty"  # marks a field that a document leaves out where it holds nothing


@dataclass(frozen=True)
class PairedIntervals:
    """One figure of A, of B, and B - A, of the same films."""

    a: Interval
    b: Interval
    difference: Difference


def not_compared(absent: Interval = NOT_ESTIMABLE) -> PairedIntervals:
    """What stands where there is no figure: not estimable, or not labelled."""
    return PairedIntervals(absent, absent, no_difference(absent.verdict))


@dataclass(frozen=True, eq=False)
class AurocComparison:
    """AUROC among some of the films.

    Attributes:
        name: which films, e.g. ``PA``.
        n: how many.
        positives: by finding key; of them, those with the finding.
        auroc: by finding key, for the findings that are judged among these films, each on those
            that have its label.
        mean: over these findings but those not labelled, averaged within each resample; not
            estimable where one of them is not; None where it is not asked for.
        n_labelled: by finding key, films with a label of it; findings that all of them have one of
            are left out.
    """

    name: str
    n: int
    positives: dict[str, int]
    auroc: dict[str, PairedIntervals]
    mean: PairedIntervals | None = None
    n_labelled: dict[str, int] = field(default_factory=dict, metadata={OMIT_EMPTY: True})


def compare_auroc(
    subgroup: Subgroup,
    labels: NDArray[np.int64],
    scores: Floats,
    resamples: Resamples,
    *,
    keys: Sequence[str] = KEYS,
    mean: bool = False,
) -> AurocComparison:
    """AUROC of the part's findings among its films.

    Args:
        subgroup: which of the N films, and which findings.
        labels: (N, K) as ``predictions.labels_of`` gives them.
        scores: (2, N, K) of A and of B, finite where there is a label.
        resamples: of the N films' patients.
        keys: of the K findings.
        mean: whether to add the mean over the part's findings, taken within each resample.
    """
    y, s = labels[subgroup.mask], scores[:, subgroup.mask]  # (n, K), (2, n, K)
    within = resamples.subset(subgroup.mask)
    at = {key: list(keys).index(key) for key in subgroup.keys}
    films = {key: labelled_films(y, k, within) for key, k in at.items()}
    found = {
        key: _auroc_pair(one.labels, s[:, one.mask, at[key]], one.resamples)
        for key, one in films.items()
    }
    parts = {key: _parts(y[:, k], s[:, :, k], within) for key, k in at.items()}
    n_independent = {
        key: n_limiting_patients(one.labels, one.resamples) for key, one in films.items()
    }
    unlabelled = [key for key, one in films.items() if one.n == 0 and len(y) > 0]
    averaged = [key for key in films if key not in unlabelled]
    pair = None
    if mean and averaged:
        # A finding without a value, as a whole or in a resample, leaves their mean without one.
        pair = paired_intervals(
            np.mean([found[key][0] for key in averaged], axis=0),
            np.mean([found[key][1] for key in averaged], axis=0),
            mean_parts([parts[key] for key in averaged]),
            n_independent=min(n_independent[key] for key in averaged),
        )
    return AurocComparison(
        name=subgroup.value,
        n=len(y),
        positives={key: int(one.labels.sum()) for key, one in films.items()},
        auroc={
            key: not_compared(NOT_LABELLED)
            if key in unlabelled
            else paired_intervals(*found[key], parts[key], n_independent=n_independent[key])
            for key in films
        },
        mean=pair,
        n_labelled={key: one.n for key, one in films.items() if one.n < len(y)},
    )


def paired_intervals(
    estimates: Floats, drawn: Floats, parts: AreaParts, *, n_independent: int
) -> PairedIntervals:
    """Intervals of A, of B and of B - A, whose own is one of percentiles.

    Args:
        estimates: (2,) of A and of B; nan where not estimable.
        drawn: (2, R), both from the same resamples; nan where a class vanished.
        parts: of B - A, on which its verdict rests.
        n_independent: patients that decide either, as for ``logit_interval``.
    """
    if not np.isfinite(estimates).all():
        return not_compared()
    a, b = map(float, estimates)
    of_a, of_b = (
        logit_interval(one, values, n_independent=n_independent)
        for one, values in zip((a, b), drawn, strict=True)
    )
    difference = resampled_difference(
        b - a, drawn[1] - drawn[0], se=parts.se, without_one_film=parts.without_one_film()
    )
    return PairedIntervals(of_a, of_b, difference)


def _parts(labels: NDArray[np.int64], scores: Floats, resamples: Resamples) -> AreaParts:
    """Of B - A: (n,) labels, (2, n) scores."""
    a, b = (
        area_parts(labels, side, resamples.patient_index, n_patients=resamples.counts.shape[1])
        for side in scores
    )
    return b - a


def _auroc_pair(
    labels: NDArray[np.int64], scores: Floats, resamples: Resamples
) -> tuple[Floats, Floats]:
    """Labels (n,), scores (2, n) -> AUROC (2,) and in every resample (2, R); nan if too few."""
    if not is_estimable(labels, resamples):
        return np.full(2, np.nan), np.full((2, resamples.n_resamples), np.nan)
    drawn = np.stack([resampled_auroc(labels, side, resamples) for side in scores])
    return np.array([auroc(labels, side) for side in scores]), drawn
