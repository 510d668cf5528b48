"""Evening out the classes, among the training films only."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.errors import DataError
from cxr_core.findings import (
    ABNORMAL_INDICES,
    ABNORMAL_KEYS,
    KEYS,
    LABEL_COLUMNS,
    LABELS,
    NORMAL_INDEX,
    NORMAL_KEY,
)

MAX_POS_WEIGHT = 20.0  # a rarer finding would make single films shake the training


def class_counts(table: pd.DataFrame) -> dict[str, int]:
    """Count films, films with each finding (by key), and films with none of the four.

    Returns:
        ``{"films": ..., "effusion": ..., ..., "other_only": ...}``
    """
    labels = _labels(table)  # (N, 4)
    counts = dict(zip(KEYS, labels.sum(axis=0).tolist(), strict=True))
    other_only = int((labels.sum(axis=1) == 0).sum())
    return {"films": len(table), **counts, "other_only": other_only}


def undersample(train_table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw No Finding down to the size of the largest of the three findings.

    Only films that carry nothing but No Finding are left out; all others stay, in order.

    Args:
        train_table: training rows with label columns.
        seed: of the draw.

    Raises:
        DataError: rows of validation or test among them, or no film has any of the three
            findings (then nothing would be left of No Finding).
    """
    surplus, normal_only = _surplus_normals(train_table)
    if surplus <= 0:
        return train_table.reset_index(drop=True)
    dropped = np.random.default_rng(seed).choice(normal_only, size=surplus, replace=False)
    keep = np.ones(len(train_table), dtype=bool)
    keep[dropped] = False
    return train_table[keep].reset_index(drop=True)


def redraw_normals(
    train_table: pd.DataFrame, group: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.bool_], int]:
    """What ``undersample`` leaves out once can be drawn anew in each epoch.

    Args:
        group: bool (N,), the films to balance among themselves; None for all.

    Returns:
        bool (N,), the films of the group that carry nothing but No Finding; and how many of them
        an epoch takes.

    Raises:
        DataError: as ``undersample``.
    """
    places = np.arange(len(train_table)) if group is None else np.flatnonzero(group)
    surplus, normal_only = _surplus_normals(train_table.iloc[places].reset_index(drop=True))
    optional = np.zeros(len(train_table), dtype=bool)
    optional[places[normal_only]] = True
    return optional, len(normal_only) - surplus


def _surplus_normals(train_table: pd.DataFrame) -> tuple[int, NDArray[np.intp]]:
    """How many films must go for No Finding to be as many as the largest of the three, and which
    films (indices) carry nothing but No Finding."""
    _require_training_part(train_table)
    counts = class_counts(train_table)
    largest = max(counts[key] for key in ABNORMAL_KEYS)
    if largest == 0:
        *first, last = (LABELS[key] for key in ABNORMAL_KEYS)
        raise DataError(
            f"No training film has {', '.join(first)} or {last}",
            value=f"{len(train_table):,} training films",
            remedy="Check the labels and the split.",
        )
    labels = _labels(train_table)  # (N, 4)
    normal_only = np.flatnonzero(
        (labels[:, ABNORMAL_INDICES].sum(axis=1) == 0) & (labels[:, NORMAL_INDEX] == 1)
    )
    return min(max(counts[NORMAL_KEY] - largest, 0), len(normal_only)), normal_only


def sampler_weights(train_table: pd.DataFrame) -> NDArray[np.float64]:
    """Return draw weights that even out the classes, for a weighted sampler.

    They are those of drawing a class evenly (the findings that occur, and "none of the four"
    where it occurs), then one of its films evenly: a film's weight is the sum of 1 / n over
    its classes of n films each.

    Returns:
        float (N,), positive, mean 1.

    Raises:
        DataError: rows of validation or test among them, or no row.
    """
    _require_training_part(train_table)
    labels = _labels(train_table)  # (N, 4)
    none = (labels.sum(axis=1, keepdims=True) == 0).astype(np.int64)  # (N, 1)
    classes = np.concatenate([labels, none], axis=1)  # (N, 5)
    sizes = classes.sum(axis=0)  # (5,)
    weights = (classes / np.maximum(sizes, 1)).sum(axis=1)  # (N,)
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def pos_weight(train_table: pd.DataFrame) -> NDArray[np.float64]:
    """Return negatives per positive, as BCEWithLogitsLoss's ``pos_weight`` wants them.

    At most 20, so that a rare finding's few films do not dominate a batch's gradient; 1 for
    a finding without any positive, where the weight has no effect.

    Returns:
        float (4,), in the order of the findings.

    Raises:
        DataError: rows of validation or test among them, or no row.
    """
    _require_training_part(train_table)
    positives = _labels(train_table).sum(axis=0)  # (4,)
    ratio = (len(train_table) - positives) / np.maximum(positives, 1)
    weights = np.where(positives > 0, np.minimum(ratio, MAX_POS_WEIGHT), 1.0)
    return np.asarray(weights, dtype=np.float64)


def _labels(table: pd.DataFrame) -> NDArray[np.int64]:
    return table[list(LABEL_COLUMNS)].to_numpy(dtype=np.int64)


def _require_training_part(table: pd.DataFrame) -> None:
    n_other = 0 if "split" not in table.columns else int((table["split"] != "train").sum())
    if n_other or table.empty:
        raise DataError(
            "Balance is for training films only" if n_other else "There are no training films",
            value=f"{n_other:,} of {len(table):,} films are not",
            remedy="Give the rows whose split is train.",
        )
