"""The mean AUROC over the four findings within each kind of film, with its interval."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxr_core.evaluation.areas import deciding, is_estimable, resampled_auroc
from cxr_core.evaluation.bootstrap import NOT_ESTIMABLE, Interval, Resamples, share_interval
from cxr_core.evaluation.curves import auroc
from cxr_core.evaluation.predictions import labels_of, scores_of
from cxr_core.evaluation.subgroups import subgroups_of
from cxr_core.findings import KEYS


@dataclass(frozen=True)
class MeanArea:
    """One subgroup's films.

    Attributes:
        n: films in it.
        mean: mean AUROC of the four findings; not estimable where one of them is not.
    """

    n: int
    mean: Interval


def subgroup_means(table: pd.DataFrame, resamples: Resamples, *, by: str) -> dict[str, MeanArea]:
    """Mean AUROC of the four findings in each subgroup of one kind, by its value, e.g. ``AP``.

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
        y, s, within = labels[part.films], scores[part.films], resamples.of(part.films)
        mean = NOT_ESTIMABLE
        if all(is_estimable(y[:, k], within) for k in range(len(KEYS))):
            areas = [auroc(y[:, k], s[:, k]) for k in range(len(KEYS))]
            drawn = [resampled_auroc(y[:, k], s[:, k], within) for k in range(len(KEYS))]
            units = min(deciding(y[:, k], within) for k in range(len(KEYS)))
            mean = share_interval(float(np.mean(areas)), np.mean(drawn, axis=0), units=units)
        found[part.value] = MeanArea(len(y), mean)
    return found
