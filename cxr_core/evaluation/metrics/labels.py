"""Labels themselves: how many films of each part carry them, and which come together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.data.csv_files import read_columns, read_header, require_once
from cxr_core.data.splits import PART_TITLES
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import Z_95
from cxr_core.evaluation.metrics.sufficiency import Verdict, has_enough, verdict_of_width
from cxr_core.evaluation.predictions import is_labelled
from cxr_core.evaluation.table_cells import as_labels
from cxr_core.findings import KEYS, LABEL_COLUMNS

EXPECTED_AUROC = 0.80  # about what the findings reach; the width hardly depends on it


@dataclass(frozen=True)
class LabelCount:
    """One finding's labels.

    Attributes:
        n: films that have a label of it.
        positives: films with the finding.
        verdict: what its AUROC can bear: ``enough``, ``wide`` or ``too few``; ``not labelled``
            where no film has a label of it.
    """

    n: int
    positives: int
    verdict: Verdict

    @property
    def negatives(self) -> int:
        """Films without the finding."""
        return self.n - self.positives

    @property
    def prevalence(self) -> float:
        """Share with the finding: the floor of the average precision; nan without films."""
        return self.positives / self.n if self.n else float("nan")


@dataclass(frozen=True)
class SplitLabels:
    """One part of a split.

    Attributes:
        part: one of ``PART_TITLES``.
        n_films: films in it.
        n_patients: None where the file does not name them.
        counts: by finding key; the verdict is ``expected_verdict``'s.
    """

    part: str
    n_films: int
    n_patients: int | None
    counts: dict[str, LabelCount]


def read_split_labels(path: Path) -> pd.DataFrame:
    """Read ``split.csv`` of a run folder with its labels.

    Returns:
        DataFrame ``image, split, label_effusion, …`` and, where the file has it, ``patient``.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a label other than 0 and 1.
    """
    header = [name.casefold() for name in read_header(path)]
    wanted = ("image", "split", *LABEL_COLUMNS)
    missing = [name for name in wanted if name not in header]
    require_once(header, (*wanted, "patient"), path)
    if missing:
        raise DataError(
            "The split lacks columns that are needed for its labels",
            value=f"{', '.join(missing)} (file {path.name})",
            remedy="Write it again with train.py.",
        )
    names = [*wanted, *(["patient"] if "patient" in header else [])]
    rows = read_columns(path, {name: header.index(name) for name in names})
    return rows.assign(**{name: as_labels(rows[name], rows["image"]) for name in LABEL_COLUMNS})


def split_labels(rows: pd.DataFrame) -> list[SplitLabels]:
    """How many films of each part carry each label; a part without films is left out.

    Args:
        rows: as ``read_split_labels`` returns them.
    """
    found = []
    for part in PART_TITLES:
        films = rows[rows["split"] == part]
        if films.empty:
            continue
        patients = int(films["patient"].nunique()) if "patient" in films else None
        counts = {}
        for key, column in zip(KEYS, LABEL_COLUMNS, strict=True):
            n, positive = len(films), films[column] == 1
            positives = int(positive.sum())
            n_independent = min(positives, n - positives)
            if patients is not None:
                sides = films["patient"][positive], films["patient"][~positive]
                n_independent = min(side.nunique() for side in sides)
            counts[key] = LabelCount(
                n, positives, expected_verdict(positives, n - positives, n_independent)
            )
        found.append(SplitLabels(part, len(films), patients, counts))
    return found


def expected_verdict(positives: int, negatives: int, n_patients: int) -> Verdict:
    """What an area of 0.80 on so many films could bear, before any model is tried.

    By the rule of ``sufficiency``, its interval as wide as ``expected_width`` says.

    Args:
        positives, negatives: films with the finding, and without it.
        n_patients: of those of the two that are of fewer patients.
    """
    if not has_enough(positives, negatives, n_patients):
        return "too few"
    return verdict_of_width(expected_width(positives, negatives))


def expected_width(positives: int, negatives: int) -> float:
    """Width of an AUROC's 95 % interval if films were independent (Hanley and McNeil,
    Radiology 1982, eq. 1 and 2); films of the same patients make it wider."""
    auroc = EXPECTED_AUROC
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = (
        auroc * (1 - auroc) + (positives - 1) * (q1 - auroc**2) + (negatives - 1) * (q2 - auroc**2)
    ) / (positives * negatives)
    return float(2 * Z_95 * np.sqrt(variance))


def co_occurrence(labels: ArrayLike) -> NDArray[np.int64]:
    """(N, 4) labels -> (4, 4) films with both; the diagonal is the films with each."""
    y = (np.asarray(labels) == 1).astype(np.int64)
    result: NDArray[np.int64] = y.T @ y
    return result


def co_labelled(labels: ArrayLike) -> NDArray[np.int64]:
    """(N, 4) labels -> (4, 4) films with the row's finding that have a label of the column's."""
    positive, known = np.asarray(labels) == 1, is_labelled(labels)
    result: NDArray[np.int64] = positive.T.astype(np.int64) @ known.astype(np.int64)
    return result


def labels_per_film(labels: ArrayLike) -> tuple[int, ...]:
    """(N, 4) labels -> films with 0, 1, 2, … of the K labels.

    Of the films with a label of every finding that any film has one of: how many of them a
    film has cannot be said where one of them is missing.
    """
    y, known = np.asarray(labels), is_labelled(labels)
    complete = known[:, known.any(axis=0)].all(axis=1)  # (N,)
    counts = (y[complete] == 1).sum(axis=1)
    return tuple(int(films) for films in np.bincount(counts, minlength=y.shape[1] + 1))
