"""The films that have a label of a finding: what is measured of it is measured on these alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.evaluation.metrics.bootstrap import (
    NOT_ESTIMABLE,
    NOT_LABELLED,
    Interval,
    Resamples,
)
from cxr_core.evaluation.predictions import contradictions_of, is_labelled
from cxr_core.findings import label_of
from cxr_core.wording import listed


@dataclass(frozen=True, eq=False)
class LabelledFilms:
    """The n of N films that have a label of one finding.

    Attributes:
        mask: bool (N,), which they are.
        labels: (n,) of 0 and 1.
        resamples: of their patients: the same draws as of all films, so that findings stay paired.
    """

    mask: NDArray[np.bool_]
    labels: NDArray[np.int64]
    resamples: Resamples

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.labels)

    @property
    def absent(self) -> Interval:
        """What stands for a figure where there are none: there is no label, or no film at all."""
        return NOT_LABELLED if len(self.mask) else NOT_ESTIMABLE


def labelled_films(labels: ArrayLike, column: int, resamples: Resamples) -> LabelledFilms:
    """The films with a label of one finding.

    Args:
        labels: (N, 4) as ``predictions.labels_of`` gives them.
        column: of the finding.
        resamples: of the N films' patients.
    """
    y = np.asarray(labels)[:, column]
    mask = is_labelled(y)
    return LabelledFilms(mask, y[mask].astype(np.int64), resamples.subset(mask))


def missing_label_notes(labels: ArrayLike, keys: Sequence[str]) -> list[str]:
    """Sentences on the findings that some or all films have no label of; none of a complete table.

    Args:
        labels: (N, K) as ``predictions.labels_of`` gives them.
        keys: of the K findings.
    """
    known = is_labelled(labels)  # (N, 4)
    films, told = len(known), dict(zip(keys, known.sum(axis=0).tolist(), strict=True))
    notes = [
        f"{label_of(key)} is not labelled: no film has a label of it, so nothing of it is measured."
        for key, n in told.items()
        if n == 0
    ]
    partly = [f"{label_of(key)} is labelled on {n:,}" for key, n in told.items() if 0 < n < films]
    if partly:
        rest = [text.replace(" is labelled on ", " on ") for text in partly[1:]]
        named = listed([f"{partly[0]} of {films:,} films", *rest])
        notes.append(f"{named}{',' if rest else ''} and measured on these.")
    return notes


def contradiction_notes(table: pd.DataFrame) -> list[str]:
    """The sentence on films labelled both No Finding and a finding, with their number and the first
    of them; none where there are none.

    Args:
        table: a validated predictions table.
    """
    both = contradictions_of(table)
    n_films = int(both.sum())
    if n_films == 0:
        return []
    which = "1 film is" if n_films == 1 else f"{n_films:,} films are"
    return [
        f"{which} labelled both No Finding and a finding, which NIH's labels never are. They count "
        "as both; figures on films that are not No Finding leave them out."
    ]
