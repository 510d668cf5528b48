"""What a comparison of two models on the same films found: plain values."""

from dataclasses import dataclass
from typing import Literal

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.compare_text import comparison_text


@dataclass(frozen=True)
class Paired:
    """One figure of A, of B, and B - A, all from the same resampled patients."""

    a: Interval
    b: Interval
    difference: Interval


@dataclass(frozen=True, eq=False)
class ComparedFilms:
    """AUROC among some of the films.

    Attributes:
        name: which films, e.g. ``PA``.
        n: how many.
        positives: by finding key; of them, those with the finding.
        auroc: by finding key, for the findings that are judged among these films.
        mean: over these findings, averaged within each resample; not estimable where one of
            them is not; None where it is not asked for.
    """

    name: str
    n: int
    positives: dict[str, int]
    auroc: dict[str, Paired]
    mean: Paired | None = None


@dataclass(frozen=True)
class CalibrationErrors:
    """Expected calibration error by finding key, 0 is perfect.

    Attributes:
        before: of the plain sigmoid, or of the probabilities given.
        after: with the model's calibration; empty where the table holds no logits for it.
    """

    before: dict[str, float]
    after: dict[str, float]


@dataclass(frozen=True)
class ComparedRate:
    """How often the evidence's peak lies inside a box.

    Attributes:
        n: boxed films (of all findings together: a film counts once a boxed finding).
        rate: share of them, 0 to 1.
    """

    n: int
    rate: Paired


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two predictions tables over the same films.

    Attributes:
        n_films: films in both.
        n_patients: None where no table tells the patients.
        resampled: what the intervals resample.
        n_resamples, seed: how they were drawn.
        overall: the four findings among all films, and their mean.
        abnormal: the three findings among films that are not No Finding, and their mean.
        views: No Finding within ``PA`` and within ``AP``, as far as there are such films.
        groups: the four findings within each group.
        ece_a, ece_b: None where no model was given.
        localisation: by finding key; those of all together under ``all``. Empty where the two
            models have no boxed film of the tables in common.
        notes: whole sentences on what was absent or left out.
        only_a, only_b: films that stand in one table alone, and are in no figure here.
    """

    n_films: int
    n_patients: int | None
    resampled: Literal["patients", "images"]
    n_resamples: int
    seed: int
    overall: ComparedFilms
    abnormal: ComparedFilms
    views: dict[str, ComparedFilms]
    groups: dict[str, ComparedFilms]
    ece_a: CalibrationErrors | None
    ece_b: CalibrationErrors | None
    localisation: dict[str, ComparedRate]
    notes: tuple[str, ...]
    only_a: int = 0
    only_b: int = 0

    def text(self) -> str:
        """The printed comparison, at most 100 columns wide."""
        return comparison_text(self)
