"""The errors that a model was surest of: where a reader should look first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.calibration import Floats
from cxr_core.evaluation.margins import cut_offs
from cxr_core.evaluation.predictions import labels_of
from cxr_core.findings import KEYS, LABELS

Kind = Literal["missed", "false alarm"]
_LEAST = 1e-15  # a probability of 0 or 1 would be infinitely far from its cut-off


@dataclass(frozen=True)
class FilmError:
    """One film on the wrong side of a finding's cut-off.

    Attributes:
        image: the table's name of it.
        probability, cut_off: 0 to 1.
        margin: how far the film is from the cut-off, logits; above it is positive.
        labels: labels of the film, e.g. ``Effusion, Infiltration``, or ``none of the four``.
        view: "" where the table does not tell.
        age: years; nan where the table does not tell.
    """

    image: str
    probability: float
    cut_off: float
    margin: float
    labels: str
    view: str
    age: float


def surest_errors(
    table: pd.DataFrame,
    probabilities: Floats,
    points: Mapping[str, OperatingPoint],
    key: str,
    kind: Kind,
    *,
    most: int = 10,
) -> tuple[list[FilmError], int]:
    """The errors of one finding that lie farthest from its cut-off, farthest first.

    Args:
        table: a validated predictions table.
        probabilities: (N, 4) that the operating points belong to.
        points: by finding key.
        kind: ``missed``: with the finding and below; ``false alarm``: without it and not below.
        most: how many at most.

    Returns:
        The errors, and how many there are altogether.
    """
    k = KEYS.index(key)
    labels, p = labels_of(table), np.asarray(probabilities, dtype=np.float64)[:, k]  # (N, 4), (N,)
    ill, above = labels[:, k] == 1, p >= points[key].threshold  # (N,), (N,)
    wrong = np.flatnonzero(ill & ~above if kind == "missed" else ~ill & above)
    inside = np.clip(p, _LEAST, 1 - _LEAST)
    margin = np.log(inside) - np.log1p(-inside) - cut_offs(points)[k]  # (N,)
    farthest = wrong[np.argsort(-np.abs(margin[wrong]), kind="stable")][:most]
    views = table["view"] if "view" in table else pd.Series([""] * len(table))
    ages = table["age"] if "age" in table else pd.Series([np.nan] * len(table))
    errors = [
        FilmError(
            image=str(table["image"].iloc[row]),
            probability=float(p[row]),
            cut_off=points[key].threshold,
            margin=float(margin[row]),
            labels=_held(labels[row]),
            view=str(views.iloc[row]),
            age=float(ages.iloc[row]),
        )
        for row in farthest
    ]
    return errors, len(wrong)


def _held(labels: Floats) -> str:
    names = [LABELS[key] for key, held in zip(KEYS, labels, strict=True) if held]
    return ", ".join(names) or "none of the four"
