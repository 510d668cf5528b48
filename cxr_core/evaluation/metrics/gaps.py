"""Fairness gaps: how far sensitivity, specificity and area differ between groups of films.

Each group is held against the largest of its kind (the other sex, the commoner view). Patients
with films in both are accounted for, so a difference is paired where the films are and independent
where they are not. Of many differences some leave out 0 by chance; which ones survive Holm's
correction over all of them is told.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import Z_95, Interval, Resamples
from cxr_core.evaluation.metrics.delong import area_parts
from cxr_core.evaluation.metrics.differences import (
    SIGNIFICANT,
    Difference,
    Direction,
    holm,
    make_difference,
    no_difference,
    two_sided_p,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.shares import group_difference, square_and_add
from cxr_core.evaluation.metrics.subgroups import Subgroup, SubgroupMetrics, subgroups_of
from cxr_core.evaluation.metrics.sufficiency import has_enough
from cxr_core.evaluation.predictions import keys_of, labels_of, scores_of

FIGURES = ("auroc", "sensitivity", "specificity")
CROSSED_COLUMNS = ("view", "sex", "age")  # two of them at a time
CROSS = " × "  # between the two attributes, and between their values


@dataclass(frozen=True)
class Gap:
    """One finding's figures in one group, less those in the group that it is held against.

    Attributes:
        by, value: the group, as in ``Subgroup``; ``view × sex`` and ``AP × F`` where crossed.
        reference: the value of the largest group of its kind.
        finding: its key.
        n, n_reference: films of either that have a label of the finding.
        auroc, sensitivity, specificity: the differences; not estimable where either side is not.
        survives: names of the figures whose difference is shown, and still by Holm's correction
            over all differences of the table.
    """

    by: str
    value: str
    reference: str
    finding: str
    n: int
    n_reference: int
    auroc: Difference
    sensitivity: Difference
    specificity: Difference
    survives: tuple[str, ...] = ()

    def direction(self, figure: str) -> Direction:
        """What the difference of one of ``FIGURES`` shows."""
        difference: Difference = getattr(self, figure)
        return difference.direction


def crossed_subgroups(table: pd.DataFrame) -> Iterator[Subgroup]:
    """Films told apart by two of view, sex and age at once, with the findings that can be judged in
    them; the others are left out, as n does not bear them.

    Args:
        table: a validated predictions table.
    """
    labels = labels_of(table)  # (N, 4)
    parts = [part for part in subgroups_of(table) if part.by in CROSSED_COLUMNS]
    for one, other in combinations(CROSSED_COLUMNS, 2):
        for a in (part for part in parts if part.by == one):
            for b in (part for part in parts if part.by == other):
                both = a.mask & b.mask
                sides = [(labels[both] == side).sum(axis=0) for side in (0, 1)]
                counts = zip(a.keys, *sides, strict=True)
                if keys := tuple(key for key, *of_key in counts if has_enough(*of_key)):
                    value = f"{a.value}{CROSS}{b.value}"
                    yield Subgroup(f"{one}{CROSS}{other}", value, both, keys)


def subgroup_gaps(
    table: pd.DataFrame,
    flagged: ArrayLike | None,
    resamples: Resamples,
    parts: Sequence[Subgroup],
    measured: Sequence[SubgroupMetrics],
) -> list[Gap]:
    """Every group against the largest of its kind, with Holm's correction over all of them.

    Areas: the resampled intervals of both sides, squared and added; the p-value is DeLong's with
    patients as clusters. Shares: ``shares.group_difference``.

    Args:
        table: a validated predictions table of N rows.
        flagged: bool (N, 4); None where there are no cut-offs.
        resamples: of the films' patients.
        parts: groups of the table's films.
        measured: what ``subgroup_metrics`` told of them.
    """
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    calls = None if flagged is None else np.asarray(flagged, dtype=bool)
    areas = {(one.by, one.value, one.finding): one.auroc for one in measured}
    found, keys = [], keys_of(table)
    for part in parts:
        for key in part.keys:
            reference = _largest(parts, part.by, key)
            if reference is part:
                continue
            k = keys.index(key)
            y = labels[:, k]
            pair = [(part.mask, part.value), (reference.mask, reference.value)]
            n, n_reference = (labelled_films(y[mask][:, None], 0, resamples.subset(mask)).n
                              for mask, _ in pair)  # fmt: skip
            intervals = [areas[part.by, value, key] for _, value in pair]
            rates = [no_difference(), no_difference()]
            if calls is not None:
                hits = [calls[:, k], ~calls[:, k]]
                rates = [
                    _share_gap(pair[0][0], pair[1][0], y == side, hit, resamples)
                    for side, hit in zip((1, 0), hits, strict=True)
                ]
            found.append(
                Gap(
                    by=part.by,
                    value=part.value,
                    reference=reference.value,
                    finding=key,
                    n=n,
                    n_reference=n_reference,
                    auroc=area_gap(pair[0][0], pair[1][0], y, scores[:, k], resamples, intervals),
                    sensitivity=rates[0],
                    specificity=rates[1],
                )
            )
    return _with_holm(found)


def n_compared(gaps: Sequence[Gap]) -> int:
    """How many differences could be measured: the family of Holm's correction."""
    return sum(getattr(gap, figure).estimable for gap in gaps for figure in FIGURES)


def _largest(parts: Sequence[Subgroup], by: str, key: str) -> Subgroup:
    """The group of a kind with the most films, among those that the finding is judged in."""
    of_kind = (part for part in parts if part.by == by and key in part.keys)
    return max(of_kind, key=lambda part: int(part.mask.sum()))


def _share_gap(
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    among: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    resamples: Resamples,
) -> Difference:
    a, b, index = first & among, second & among, resamples.patient_index
    return group_difference(hit[a], hit[b], index[a], index[b])


def area_gap(
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    labels: NDArray[np.int64],
    scores: Floats,
    resamples: Resamples,
    intervals: Sequence[Interval],
) -> Difference:
    """AUROC among (N,) ``first`` films less that among ``second``.

    Args:
        labels: (N,) of 0 and 1; a film with any other label takes no part.
        scores: (N,) finite where there is a label.
        resamples: of the N films' patients.
        intervals: the two areas, as ``subgroup_metrics`` told them.
    """
    a, b = intervals
    if not (a.estimable and b.estimable):
        unlabelled = "not labelled" in (a.verdict, b.verdict)
        return no_difference("not labelled" if unlabelled else "too few")
    index, n_patients = resamples.patient_index, resamples.counts.shape[1]
    one, other = (
        area_parts(np.where(mask, labels, -1), scores, index, n_patients=n_patients)
        for mask in (first, second)
    )
    spread = one.se * other.se
    correlation = float(one.patients @ other.patients) / spread if spread else 0.0
    low, high = square_and_add(
        (a.estimate, b.estimate), (a.low, a.high), (b.low, b.high), correlation
    )
    gap = one - other
    if gap.se == 0:
        p = without = 1.0
    else:
        p, least = two_sided_p(gap.estimate / gap.se), gap.without_one_film()
        without = two_sided_p(least / gap.se) if least * gap.estimate > 0 else 1.0
    reach = Z_95 * gap.se
    return make_difference(
        gap.estimate, low, high, p_value=p, p_without_one_film=without,
        cross_check=(gap.estimate - reach, gap.estimate + reach),
    )  # fmt: skip


def _with_holm(gaps: Sequence[Gap]) -> list[Gap]:
    family = [
        (place, figure)
        for place, gap in enumerate(gaps)
        for figure in FIGURES
        if math.isfinite(getattr(gap, figure).p_value)
    ]
    adjusted = holm([getattr(gaps[place], figure).p_value for place, figure in family])
    surviving = {one for one, p in zip(family, adjusted, strict=True) if p < SIGNIFICANT}
    return [
        replace(
            gap,
            survives=tuple(
                figure
                for figure in FIGURES
                if (place, figure) in surviving and gap.direction(figure) in ("higher", "lower")
            ),
        )
        for place, gap in enumerate(gaps)
    ]
