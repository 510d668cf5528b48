"""An area's standard error without resampling: DeLong's, with patients as clusters.

The variance is that of placement values (DeLong, DeLong and Clarke-Pearson, Biometrics 1988),
added up within each patient (Obuchowski, Biometrics 1997). With one film a patient it is DeLong's
own. It stands beside the resampled intervals as a cross-check, and verdicts rest on it, as it uses
no random numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit

from cxr_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class AreaParts:
    """How patients and films move an area, or a sum of areas of the same films.

    Attributes:
        estimate: the area, or the difference.
        patients: (P,) each patient's part; the variance is the sum of their squares.
        films: (N,) by how much it is larger with a film than without it; 0 where the film takes no
            part.
    """

    estimate: float
    patients: Floats
    films: Floats

    @property
    def se(self) -> float:
        """Standard error."""
        return math.sqrt(float((self.patients**2).sum()))

    def __sub__(self, other: "AreaParts") -> "AreaParts":
        return AreaParts(
            self.estimate - other.estimate,
            self.patients - other.patients,
            self.films - other.films,
        )

    def without_one_film(self) -> float:
        """The figure without the film that speaks most for its sign."""
        if len(self.films) == 0:
            return self.estimate
        reach = self.films.max() if self.estimate > 0 else self.films.min()
        return float(self.estimate - reach)


def interval_width(area: AreaParts, n_independent: int) -> float:
    """Width of the area's 95 % interval on the scale of its logit, as ``bootstrap.logit_interval``
    lays it out, with this standard error in place of the resamples' spread.

    Args:
        area: of one model, 0 to 1.
        n_independent: patients with a film of the rarer class.

    Returns:
        0 at an area of 0 or 1, where no film is out of place.
    """
    if not 0.0 < area.estimate < 1.0:
        return 0.0
    scale = area.se / (area.estimate * (1.0 - area.estimate))
    half = float(stdtrit(max(n_independent, 2) - 1, 0.975)) * scale
    centre = float(logit(area.estimate))
    return float(expit(centre + half) - expit(centre - half))


def mean_parts(parts: Sequence[AreaParts]) -> AreaParts:
    """The mean of areas of the same films and patients."""
    return AreaParts(
        float(np.mean([one.estimate for one in parts])),
        np.mean([one.patients for one in parts], axis=0),
        np.mean([one.films for one in parts], axis=0),
    )


def area_parts(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, n_patients: int
) -> AreaParts:
    """The parts of one AUROC.

    Args:
        labels: (N,) of 0 and 1; a film with any other label takes no part.
        scores: (N,) finite where there is a label.
        patients: (N,) index of each film's patient, 0 to ``n_patients`` - 1.

    Returns:
        All nan where a class has under two films or patients.
    """
    y, s = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    index = np.asarray(patients)
    sides = [np.flatnonzero(y == 1), np.flatnonzero(y == 0)]
    units = [len(np.unique(index[side])) for side in sides]
    if min(units) < 2:
        nan = np.nan
        return AreaParts(nan, np.full(n_patients, nan), np.full(len(y), nan))
    positive, negative = (np.sort(s[side]) for side in sides)
    # How often each positive outscores a negative, and each negative is outscored; ties half.
    wins = _ranks(negative, s[sides[0]]) / len(negative)  # (m,)
    losses = 1.0 - _ranks(positive, s[sides[1]]) / len(positive)  # (n,)
    area = float(wins.mean())
    by_patient, films = np.zeros(n_patients), np.zeros(len(y))
    for side, values, k in zip(sides, (wins, losses), units, strict=True):
        apart = values - area
        part = np.bincount(index[side], weights=apart / len(side), minlength=n_patients)
        by_patient += math.sqrt(k / (k - 1)) * part
        films[side] = apart / max(1, len(side) - 1)
    return AreaParts(area, by_patient, films)


def _ranks(rising: Floats, values: Floats) -> Floats:
    """How many of the rising ones lie below each value, ties counted half."""
    below = np.searchsorted(rising, values, side="left")
    result: Floats = (below + np.searchsorted(rising, values, side="right")) / 2
    return result
