"""Whom the model fails: area, sensitivity and specificity within each kind of film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.areas import auroc_interval
from cxr_core.evaluation.bootstrap import (
    FEWEST,
    NOT_ESTIMABLE,
    Interval,
    Resamples,
)
from cxr_core.evaluation.predictions import labels_of, scores_of
from cxr_core.evaluation.ratios import ratio_intervals
from cxr_core.evaluation.subgroups import Subgroup, subgroups_of
from cxr_core.findings import KEYS

ALL_FILMS = "all films"


@dataclass(frozen=True)
class GroupRates:
    """One finding among some of the films.

    Attributes:
        by, value: which films, as in ``Subgroup``; both are told for all films too.
        finding: its key.
        n: films among them.
        positives: of these, films with the finding.
        area: AUROC.
        sensitivity, specificity: at the operating point; not estimable without one, or where
            under 10 films, or films of under 10 patients, are in the denominator.
    """

    by: str
    value: str
    finding: str
    n: int
    positives: int
    area: Interval
    sensitivity: Interval
    specificity: Interval


def parts_of(table: pd.DataFrame) -> list[Subgroup]:
    """All films as one part, then the subgroups of a validated table."""
    return [Subgroup("films", ALL_FILMS, np.full(len(table), True)), *subgroups_of(table)]


def group_rates(
    table: pd.DataFrame,
    above: ArrayLike | None,
    resamples: Resamples,
    *,
    parts: Sequence[Subgroup] | None = None,
) -> Iterator[list[GroupRates]]:
    """The figures of one part after the other, so that a page can show how far it got.

    Args:
        table: a validated predictions table.
        above: bool (N, 4), whether a film is above the finding's operating point; None where
            there are no operating points.
        resamples: of the films' patients; every part uses the same draws.
        parts: of the table's films; ``parts_of`` it without them.

    Yields:
        A part's findings, in their order.
    """
    labels, scores = labels_of(table) == 1, scores_of(table)  # (N, 4), (N, 4)
    called = None if above is None else np.asarray(above, dtype=bool)  # (N, 4)
    for part in parts_of(table) if parts is None else parts:
        columns = [KEYS.index(key) for key in part.keys]
        within, films = resamples.of(part.films), part.films
        ill, raw = labels[films][:, columns], scores[films][:, columns]  # (n, K)
        rates = [NOT_ESTIMABLE] * (2 * len(columns))
        if called is not None:
            rates = _rates(ill, called[films][:, columns], within)
        found = [
            GroupRates(
                by=part.by,
                value=part.value,
                finding=key,
                n=len(ill),
                positives=int(ill[:, j].sum()),
                area=auroc_interval(ill[:, j], raw[:, j], within),
                sensitivity=rates[j],
                specificity=rates[len(columns) + j],
            )
            for j, key in enumerate(part.keys)
        ]
        yield found


def _rates(
    ill: NDArray[np.bool_], called: NDArray[np.bool_], resamples: Resamples
) -> list[Interval]:
    """(n, K) -> K sensitivities, then K specificities; a cell whose own films are of under 10
    patients is masked."""
    among = np.concatenate([ill, ~ill], axis=1)  # (n, 2K)
    hits = np.concatenate([called & ill, ~called & ~ill], axis=1)  # (n, 2K)
    found = ratio_intervals(hits, among, resamples)
    return [
        share if resamples.of(among[:, j]).n_patients() >= FEWEST else NOT_ESTIMABLE
        for j, share in enumerate(found)
    ]
