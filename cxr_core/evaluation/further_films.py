"""Films beside the test set: further patients of the same hospital, and other hospitals' films.

They say how far a model carries. Neither is a second test set: an epoch may have been chosen on the
further patients, and other hospitals have other labels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.csv_files import find_columns, read_columns, read_header, write_csv
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.bootstrap import (
    Interval,
    resample_patients,
    resample_units,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.ranking import auroc_interval
from cxr_core.evaluation.predictions import labels_of, patients_of, scores_of
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LOGIT_COLUMNS, NORMAL_INDEX

NORMAL_LABEL = "normal"  # what a table of other hospitals' films calls a normal film


@dataclass(frozen=True)
class FurtherPatients:
    """Films of patients whom the split gained later.

    Attributes:
        n_films, n_patients: how many.
        auroc: by finding key, over all films that have its label.
        positives: films with the finding, by key.
        n_abnormal: films that are not No Finding.
        abnormal_auroc: of the abnormal findings, among these films.
    """

    n_films: int
    n_patients: int | None
    auroc: dict[str, Interval]
    positives: dict[str, int]
    n_abnormal: int
    abnormal_auroc: dict[str, Interval]


@dataclass(frozen=True)
class OtherSource:
    """Films of another hospital, whose labels tell normal films from others.

    Attributes:
        source: as its table names it.
        n_films, n_normal: how many.
        others: what the films that are not normal are called.
        normal_auroc: of No Finding, normal films against the others; films are resampled, as
            patients are not known.
    """

    source: str
    n_films: int
    n_normal: int
    others: tuple[str, ...]
    normal_auroc: Interval


def measure_further_patients(
    table: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0
) -> FurtherPatients:
    """The areas of a validated predictions table, over all films and without No Finding."""
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    resamples = resample_patients(table, n_resamples=n_resamples, seed=seed)
    abnormal = labels[:, NORMAL_INDEX] == 0  # (N,)

    def area(k: int, part: NDArray[np.bool_]) -> Interval:
        films = labelled_films(labels[part], k, resamples.subset(part))
        if films.n == 0:
            return films.absent
        return auroc_interval(films.labels, scores[part, k][films.mask], films.resamples)

    everything = np.full(len(table), True)
    return FurtherPatients(
        n_films=len(table),
        n_patients=None if patients_of(table) is None else resamples.n_patients(),
        auroc={key: area(k, everything) for k, key in enumerate(KEYS)},
        positives={key: int((labels[:, k] == 1).sum()) for k, key in enumerate(KEYS)},
        n_abnormal=int(abnormal.sum()),
        abnormal_auroc={
            key: area(k, abnormal) for k, key in enumerate(KEYS) if key in ABNORMAL_KEYS
        },
    )


def write_other_films(rows: pd.DataFrame, path: Path) -> None:
    """Write what a model said of other hospitals' films: ``image, source, label, logit_…``."""
    write_csv(rows[["image", "source", "label", *LOGIT_COLUMNS]], path)


def read_other_films(path: Path) -> pd.DataFrame:
    """Read what ``write_other_films`` wrote.

    Raises:
        DataError: unreadable, columns missing, or a logit that is no number.
    """
    names = ("image", "source", "label", *LOGIT_COLUMNS)
    positions = find_columns(
        path, read_header(path), {name: (name,) for name in names}, required=names
    )
    rows = read_columns(path, positions)
    logits = rows[list(LOGIT_COLUMNS)].apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(logits.to_numpy(dtype=float)).all():
        raise DataError(
            "The table of other hospitals' films holds logits that are not numbers",
            value=path,
            remedy="Write it again with train.py --finalize.",
        )
    return rows.assign(**{name: logits[name] for name in LOGIT_COLUMNS})


def measure_other_sources(
    rows: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 0
) -> list[OtherSource]:
    """No Finding on each source that has both normal films and others.

    Args:
        rows: as ``read_other_films`` returns them.
    """
    found = []
    for source, films in rows.groupby("source", sort=True):
        normal = (films["label"].str.casefold() == NORMAL_LABEL).to_numpy()
        if normal.all() or not normal.any():
            continue
        resamples = resample_units(np.arange(len(films)), n_resamples=n_resamples, seed=seed)
        scores = films[LOGIT_COLUMNS[NORMAL_INDEX]].to_numpy(dtype=float)
        found.append(
            OtherSource(
                source=str(source),
                n_films=len(films),
                n_normal=int(normal.sum()),
                others=tuple(sorted(films.loc[~normal, "label"].unique())),
                normal_auroc=auroc_interval(normal, scores, resamples),
            )
        )
    return found
