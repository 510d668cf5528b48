"""Whom the model fails: the area within each kind of film, so that a shortcut shows.

A score that only knew the view, or only told No Finding from the rest, looks good over all
films together and falls to chance within them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats
from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    Interval,
    Resamples,
    logit_interval,
    proportion_intervals,
)
from cxr_core.evaluation.metrics.labelled import LabelledFilms, labelled_films
from cxr_core.evaluation.metrics.ranking import (
    auroc,
    auroc_interval,
    is_estimable,
    n_limiting_patients,
    resampled_auroc,
)
from cxr_core.evaluation.predictions import is_labelled, keys_of, labels_of, scores_of
from cxr_core.findings import NORMAL_KEY, abnormal_of, label_of

AGE_BANDS = (("under 18", 0.0, 18.0), ("18 to 64", 18.0, 65.0), ("65 and over", 65.0, np.inf))
# NIH counts a patient's films from 0, the first.
FOLLOW_UP_BANDS = (
    ("first film", 0.0, 1.0),
    ("film 2 to 10", 1.0, 10.0),
    ("film 11 or later", 10.0, np.inf),
)
MAX_CATEGORIES = 20  # kinds of one column that get their own rows, the commonest first
SUBGROUP_COLUMNS = ("view", "sex", "age", "follow_up", "group")
ABNORMAL_FILMS = f"not {label_of(NORMAL_KEY)}"
ALL_FILMS = "all films"


@dataclass(frozen=True)
class Subgroup:
    """Some of the films.

    Attributes:
        by: what they were told apart by: ``label``, ``view``, ``sex``, ``age``, ``follow_up`` or
            ``group``.
        value: which of them, e.g. ``PA``.
        mask: bool (N,), True where a film belongs to it.
        keys: findings that can be judged in it.
    """

    by: str
    value: str
    mask: NDArray[np.bool_]
    keys: tuple[str, ...]


def subgroups_of(table: pd.DataFrame) -> Iterator[Subgroup]:
    """The subgroups of a validated predictions table, as far as its columns tell.

    First the films that are not No Finding, for the other findings; then each view (where No
    Finding is judged within PA and within AP), sex, age band, follow-up and group. Films without a
    value belong to none; so does, in the first, a film without a label of No Finding, whatever its
    other labels: it may be empty.
    """
    keys = keys_of(table)
    if NORMAL_KEY in keys and len(keys) > 1:
        abnormal = (table[f"label_{NORMAL_KEY}"] == 0).to_numpy()
        yield Subgroup("label", ABNORMAL_FILMS, abnormal, abnormal_of(keys))
    for name in ("view", "sex"):
        yield from _by_value(table, name)
    yield from _by_band(table, "age", AGE_BANDS)
    yield from _by_band(table, "follow_up", FOLLOW_UP_BANDS)
    yield from _by_value(table, "group")


def subgroup_auroc(table: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """AUROC of each finding in each subgroup.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients.

    Returns:
        DataFrame ``by, value, finding, n, positives, estimate, low, high, verdict``, n the films
        that have a label of the finding; the numbers are nan and the verdict is "too few" where
        the area is not estimable, "not labelled" where no film of the subgroup has a label of it.
    """
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    rows, keys = [], keys_of(table)
    for subgroup in subgroups_of(table):
        within = resamples.subset(subgroup.mask)
        for key in subgroup.keys:
            k = keys.index(key)
            films = labelled_films(labels[subgroup.mask], k, within)
            y = films.labels
            area = _auroc(films, scores[subgroup.mask, k])
            rows.append(
                {
                    "by": subgroup.by,
                    "value": subgroup.value,
                    "finding": key,
                    "n": len(y),
                    "positives": int(y.sum()),
                    "estimate": area.estimate,
                    "low": area.low,
                    "high": area.high,
                    "verdict": area.verdict,
                }
            )
    return pd.DataFrame(rows)


def _auroc(films: LabelledFilms, scores: Floats) -> Interval:
    """Of the films of a part, whose scores are (N,)."""
    if films.n == 0:
        return films.absent
    return auroc_interval(films.labels, scores[films.mask], films.resamples)


def _by_band(
    table: pd.DataFrame, name: str, bands: tuple[tuple[str, float, float], ...]
) -> Iterator[Subgroup]:
    if name not in table:
        return
    values = table[name].to_numpy(dtype=np.float64)
    for band, low, high in bands:
        films = (values >= low) & (values < high)  # nan belongs to none
        if films.any():
            yield Subgroup(name, band, films, keys_of(table))


def _by_value(table: pd.DataFrame, name: str) -> Iterator[Subgroup]:
    if name not in table:
        return
    counts = table.loc[table[name] != "", name].value_counts()
    for value in sorted(counts.index[:MAX_CATEGORIES]):
        yield Subgroup(name, str(value), (table[name] == value).to_numpy(), keys_of(table))


# Whom the model fails: area, sensitivity and specificity within each kind of film.


@dataclass(frozen=True)
class SubgroupMetrics:
    """One finding among some of the films.

    Attributes:
        by, value: which films, as in ``Subgroup``; both are told for all films too.
        finding: its key.
        n: films among them that have a label of the finding.
        positives: of these, films with the finding.
        auroc: AUROC.
        sensitivity, specificity: at the operating point; not estimable without one, or where
            under 10 films, or films of under 10 patients, are in the denominator.
    """

    by: str
    value: str
    finding: str
    n: int
    positives: int
    auroc: Interval
    sensitivity: Interval
    specificity: Interval


def all_films_and_subgroups(table: pd.DataFrame) -> list[Subgroup]:
    """All films as one part, then the subgroups of a validated table."""
    return [
        Subgroup("films", ALL_FILMS, np.full(len(table), True), keys_of(table)),
        *subgroups_of(table),
    ]


def subgroup_metrics(
    table: pd.DataFrame,
    flagged: ArrayLike | None,
    resamples: Resamples,
    *,
    subgroups: Sequence[Subgroup] | None = None,
    of_all_films: Mapping[str, Interval] | None = None,
) -> Iterator[list[SubgroupMetrics]]:
    """The figures of one part after the other, so that a page can show how far it got.

    Args:
        table: a validated predictions table.
        flagged: bool (N, 4), whether a film is above the finding's operating point; None where
            there are no operating points.
        resamples: of the films' patients; every part uses the same draws.
        subgroups: of the table's films; ``all_films_and_subgroups`` it without them.
        of_all_films: areas of all films from the same draws, by finding key, where known already.

    Yields:
        A part's findings, in their order.
    """
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    keys, known = keys_of(table), of_all_films or {}
    flagged_films = None if flagged is None else np.asarray(flagged, dtype=bool)  # (N, 4)
    for part in all_films_and_subgroups(table) if subgroups is None else subgroups:
        found = []
        for key in part.keys:
            k = keys.index(key)
            films = labelled_films(labels[part.mask], k, resamples.subset(part.mask))
            rates = [NOT_ESTIMABLE] * 2
            if flagged_films is not None:
                rates = _rates(films, flagged_films[part.mask, k][films.mask])
            found.append(
                SubgroupMetrics(
                    by=part.by,
                    value=part.value,
                    finding=key,
                    n=films.n,
                    positives=int(films.labels.sum()),
                    auroc=known[key]
                    if key in known and part.by == "films"
                    else _auroc(films, scores[part.mask, k]),
                    sensitivity=rates[0],
                    specificity=rates[1],
                )
            )
        yield found


def _rates(films: LabelledFilms, called: NDArray[np.bool_]) -> list[Interval]:
    """Sensitivity and specificity of (n,) calls."""
    if films.n == 0:
        return [films.absent] * 2
    ill, resamples = films.labels == 1, films.resamples
    among = np.stack([ill, ~ill], axis=1)  # (n, 2)
    hits = np.stack([called & ill, ~called & ~ill], axis=1)  # (n, 2)
    return proportion_intervals(hits, among, resamples)


# The mean AUROC over the findings within each kind of film, with its interval.


@dataclass(frozen=True)
class MeanAuroc:
    """One subgroup's films.

    Attributes:
        n: films in it.
        auroc: mean AUROC of the findings that any film of the table has a label of; not estimable
            where one of them is not.
    """

    n: int
    auroc: Interval


def subgroup_mean_auroc(
    table: pd.DataFrame, resamples: Resamples, *, by: str
) -> dict[str, MeanAuroc]:
    """Mean AUROC of the labelled findings in each subgroup of one kind, by its value, e.g. ``AP``.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients; the mean is taken within each resample.
        by: ``view``, ``sex``, ``age``, ``follow_up`` or ``group``; empty where the
            table does not tell it.
    """
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    found = {}
    for part in subgroups_of(table):
        if part.by != by:
            continue
        mean = _mean_auroc(labels, scores, resamples, part.mask)
        found[part.value] = MeanAuroc(int(part.mask.sum()), mean)
    return found


def mean_auroc(table: pd.DataFrame, resamples: Resamples) -> Interval:
    """Mean AUROC over all films of the findings that any of them has a label of (all four in a
    complete table); not estimable where one of them is not.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients; the mean is taken within each resample.
    """
    return _mean_auroc(labels_of(table), scores_of(table), resamples, np.full(len(table), True))


def _mean_auroc(
    labels: NDArray[np.int64], scores: Floats, resamples: Resamples, part: NDArray[np.bool_]
) -> Interval:
    """Of (N, 4) labels and scores, among the films of a (N,) part."""
    within = resamples.subset(part)
    found = [
        (labelled_films(labels[part], int(k), within), scores[part, k])
        for k in np.flatnonzero(is_labelled(labels).any(axis=0))
    ]
    if not all(is_estimable(films.labels, films.resamples) for films, _ in found):
        return NOT_ESTIMABLE
    films_and_scores = [(films, s[films.mask]) for films, s in found]
    areas = [auroc(films.labels, s) for films, s in films_and_scores]
    drawn = [resampled_auroc(films.labels, s, films.resamples) for films, s in films_and_scores]
    n_independent = min(n_limiting_patients(films.labels, films.resamples) for films, _ in found)
    return logit_interval(
        float(np.mean(areas)), np.mean(drawn, axis=0), n_independent=n_independent
    )
