"""Whom the model fails: the area within each kind of film, so that a shortcut shows.

A score that only knew the view, or only told No Finding from the rest, looks good over all
films together and falls to chance within them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.areas import auroc_interval
from cxr_core.evaluation.bootstrap import Resamples
from cxr_core.evaluation.predictions import labels_of, scores_of
from cxr_core.findings import ABNORMAL_KEYS, KEYS

AGE_BANDS = (("under 18", 0.0, 18.0), ("18 to 64", 18.0, 65.0), ("65 and over", 65.0, np.inf))
# NIH counts a patient's films from 0, the first.
FOLLOW_UP_BANDS = (
    ("first film", 0.0, 1.0),
    ("film 2 to 10", 1.0, 10.0),
    ("film 11 or later", 10.0, np.inf),
)
MOST_VALUES = 20  # kinds of one column that get their own rows, the commonest first
COLUMNS = ("view", "sex", "age", "follow_up", "group")
NOT_NORMAL = "not No Finding"


@dataclass(frozen=True)
class Subgroup:
    """Some of the films.

    Attributes:
        by: what they were told apart by: ``label``, ``view``, ``sex``, ``age``, ``follow_up`` or
            ``group``.
        value: which of them, e.g. ``PA``.
        films: bool (N,), True where a film belongs to it.
        keys: findings that can be judged in it.
    """

    by: str
    value: str
    films: NDArray[np.bool_]
    keys: tuple[str, ...] = KEYS


def subgroups_of(table: pd.DataFrame) -> Iterator[Subgroup]:
    """The subgroups of a validated predictions table, as far as its columns tell.

    First the films that are not No Finding, for the three findings; then each view (where No
    Finding is judged within PA and within AP), sex, age band, follow-up and group. Films without a
    value belong to none.
    """
    abnormal = (table["label_no_finding"] == 0).to_numpy()
    yield Subgroup("label", NOT_NORMAL, abnormal, ABNORMAL_KEYS)
    for name in ("view", "sex"):
        yield from _by_value(table, name)
    yield from _by_band(table, "age", AGE_BANDS)
    yield from _by_band(table, "follow_up", FOLLOW_UP_BANDS)
    yield from _by_value(table, "group")


def subgroup_areas(table: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """AUROC of each finding in each subgroup.

    Args:
        table: a validated predictions table.
        resamples: of its films' patients.

    Returns:
        DataFrame ``by, value, finding, n, positives, estimate, low, high, verdict``; the
        numbers are nan and the verdict is "too few" where the area is not estimable.
    """
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    rows = []
    for subgroup in subgroups_of(table):
        within = resamples.of(subgroup.films)
        for key in subgroup.keys:
            k = KEYS.index(key)
            y = labels[subgroup.films, k]
            area = auroc_interval(y, scores[subgroup.films, k], within)
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


def _by_band(
    table: pd.DataFrame, name: str, bands: tuple[tuple[str, float, float], ...]
) -> Iterator[Subgroup]:
    if name not in table:
        return
    values = table[name].to_numpy(dtype=np.float64)
    for band, low, high in bands:
        films = (values >= low) & (values < high)  # nan belongs to none
        if films.any():
            yield Subgroup(name, band, films)


def _by_value(table: pd.DataFrame, name: str) -> Iterator[Subgroup]:
    if name not in table:
        return
    counts = table.loc[table[name] != "", name].value_counts()
    for value in sorted(counts.index[:MOST_VALUES]):
        yield Subgroup(name, str(value), (table[name] == value).to_numpy())
