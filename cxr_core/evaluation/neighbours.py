"""What became of the test films that scored as a film does: how many carried the label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.evaluation.bootstrap import FEWEST
from cxr_core.evaluation.ratios import wilson

# Of 333 test patients 50 span a median of 6 points of probability around a film, with an interval
# 20 points wide; 20 would be 2 and 31 points, 100 would be 11 and 15.
NEAREST = 50


@dataclass(frozen=True)
class Neighbours:
    """Test films with scores near a film's, one film a patient.

    Attributes:
        n: films, each of another patient.
        carried: of them, those with the label.
        low, high: Wilson's 95 % interval of carried / n, 0 to 1.
        least, most: the lowest and the highest of their scores.
        prevalence: share of the label among all test films, 0 to 1.
    """

    n: int
    carried: int
    low: float
    high: float
    least: float
    most: float
    prevalence: float


def neighbours(
    score: float,
    scores: ArrayLike,
    labels: ArrayLike,
    patients: ArrayLike,
    *,
    n: int = NEAREST,
) -> Neighbours | None:
    """The ``n`` patients whose nearest films score closest to ``score``.

    A patient's films are alike, so only the one with the nearest score counts. It is chosen by
    score alone, never by label, so the share stays honest, and the films are independent, so
    Wilson's interval holds. Raw and calibrated logits give the same films, as one scale is
    shared. Of films equally near, the one that stands first in the table counts.

    Args:
        score: logit of the film.
        scores: (N,) logits of the test films.
        labels: (N,) of 0 and 1.
        patients: (N,) each film's patient; give the images' names where patients are unknown.

    Returns:
        None with under 10 patients.
    """
    values, y = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    nearest_first = np.argsort(np.abs(values - score), kind="stable")  # (N,)
    _, first = np.unique(np.asarray(patients)[nearest_first], return_index=True)
    chosen = nearest_first[np.sort(first)[:n]]  # (n,)
    if len(chosen) < FEWEST:
        return None
    carried = int(y[chosen].sum())
    low, high = wilson(carried, len(chosen))
    return Neighbours(
        n=len(chosen),
        carried=carried,
        low=low,
        high=high,
        least=float(values[chosen].min()),
        most=float(values[chosen].max()),
        prevalence=float(y.mean()),
    )
