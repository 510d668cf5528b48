"""The errors that a model was surest of: where a reader should look first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats
from cxr_core.config import OperatingPoint
from cxr_core.evaluation.metrics.bootstrap import wilson_interval
from cxr_core.evaluation.metrics.sufficiency import has_enough
from cxr_core.evaluation.predictions import is_labelled, keys_of, labels_of
from cxr_core.evaluation.scoring import finite_logit
from cxr_core.findings import in_words, label_of

# Fewer make the interval too wide to say anything, more are no longer similar
# (docs/experiments.md, "Smaller choices").
N_SIMILAR = 50
ErrorKind = Literal["missed", "false alarm"]


# What became of the test films that scored as a film does: how many carried the label.


@dataclass(frozen=True)
class SimilarFilms:
    """Test films with scores near a film's, one film a patient.

    Attributes:
        n: films, each of another patient.
        n_positive: of them, those with the label.
        low, high: Wilson's 95 % interval of carried / n, 0 to 1.
        min_score, max_score: the lowest and the highest of their scores.
        prevalence: share of the label among all test films that have one, 0 to 1.
    """

    n: int
    n_positive: int
    low: float
    high: float
    min_score: float
    max_score: float
    prevalence: float


def similar_films(
    score: float,
    scores: ArrayLike,
    labels: ArrayLike,
    patients: ArrayLike,
    *,
    n: int = N_SIMILAR,
) -> SimilarFilms | None:
    """The ``n`` patients whose nearest films score closest to ``score``.

    A patient's films are alike, so only the one with the nearest score counts. It is chosen by
    score alone, never by label, so the share stays honest, and the films are independent, so
    Wilson's interval holds. Raw and calibrated logits give the same films, as one scale is
    shared. Of films equally near, the one that stands first in the table counts.

    Args:
        score: logit of the film.
        scores: (N,) logits of the test films.
        labels: (N,) of 0 and 1; films without a label take no part.
        patients: (N,) each film's patient; give the images' names where patients are unknown.

    Returns:
        None with under 10 patients.
    """
    known = is_labelled(labels)
    values, y = np.asarray(scores, dtype=np.float64)[known], np.asarray(labels)[known]
    nearest_first = np.argsort(np.abs(values - score), kind="stable")  # (N,)
    _, first = np.unique(np.asarray(patients)[known][nearest_first], return_index=True)
    chosen = nearest_first[np.sort(first)[:n]]  # (n,)
    if not has_enough(len(chosen)):
        return None
    n_positive = int(y[chosen].sum())
    low, high = wilson_interval(n_positive, len(chosen))
    return SimilarFilms(
        n=len(chosen),
        n_positive=n_positive,
        low=low,
        high=high,
        min_score=float(values[chosen].min()),
        max_score=float(values[chosen].max()),
        prevalence=float(y.mean()),
    )


@dataclass(frozen=True)
class FilmError:
    """One film on the wrong side of a finding's cut-off.

    Attributes:
        image: the table's name of it.
        probability, cutoff: 0 to 1.
        margin: how far the film is from the cut-off, logits; above it is positive.
        labels: labels of the film, e.g. ``Effusion, Infiltration``, or ``none of the four``; what
            it has no label of stands behind them, e.g. ``none (not labelled: No Finding)``.
        view: "" where the table does not tell.
        age: years; nan where the table does not tell.
    """

    image: str
    probability: float
    cutoff: float
    margin: float
    labels: str
    view: str
    age: float


def most_confident_errors(
    table: pd.DataFrame,
    probabilities: Floats,
    operating_points: Mapping[str, OperatingPoint],
    key: str,
    kind: ErrorKind,
    *,
    limit: int = 10,
) -> tuple[list[FilmError], int]:
    """The errors of one finding that lie farthest from its cut-off, farthest first.

    Args:
        table: a validated predictions table.
        probabilities: (N, 4) that the operating points belong to.
        operating_points: by finding key.
        kind: ``missed``: with the finding and below; ``false alarm``: without it and not below.
        limit: how many at most.

    Returns:
        The errors, and how many there are altogether; none where the finding has no operating
        point. A film without a label of the finding is no error.
    """
    if key not in operating_points:
        return [], 0
    keys = keys_of(table)
    k = keys.index(key)
    labels, p = labels_of(table), np.asarray(probabilities, dtype=np.float64)[:, k]  # (N, 4), (N,)
    above = p >= operating_points[key].threshold  # (N,)
    ill, well = labels[:, k] == 1, labels[:, k] == 0  # (N,), (N,)
    wrong = np.flatnonzero(ill & ~above if kind == "missed" else well & above)
    margin = finite_logit(p) - finite_logit(operating_points[key].threshold)  # (N,)
    farthest = wrong[np.argsort(-np.abs(margin[wrong]), kind="stable")][:limit]
    views = table["view"] if "view" in table else pd.Series([""] * len(table))
    ages = table["age"] if "age" in table else pd.Series([np.nan] * len(table))
    errors = [
        FilmError(
            image=str(table["image"].iloc[row]),
            probability=float(p[row]),
            cutoff=operating_points[key].threshold,
            margin=float(margin[row]),
            labels=_label_names(keys, labels[row]),
            view=str(views.iloc[row]),
            age=float(ages.iloc[row]),
        )
        for row in farthest
    ]
    return errors, len(wrong)


def _label_names(keys: Sequence[str], labels: NDArray[np.int64]) -> str:
    held = [label_of(key) for key, label in zip(keys, labels, strict=True) if label == 1]
    known = zip(keys, is_labelled(labels), strict=True)
    missing = [label_of(key) for key, told in known if not told]
    if not missing:
        return ", ".join(held) or f"none of the {in_words(len(keys))}"
    return f"{', '.join(held) or 'none'} (not labelled: {', '.join(missing)})"
