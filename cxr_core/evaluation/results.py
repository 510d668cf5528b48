"""What an evaluation found: plain values, for pages, model cards and terminals."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.bootstrap import Interval, Verdict
from cxr_core.evaluation.calibration_measures import CalibrationMeasures
from cxr_core.evaluation.operating_points import Confusion
from cxr_core.evaluation.summary import summary_text


@dataclass(frozen=True)
class LabelCount:
    """One finding's labels.

    Attributes:
        n: films.
        positives: films with the finding.
        verdict: what its AUROC can bear: ``enough``, ``wide`` or ``too few``.
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
        """Share of films with the finding: the floor of the average precision."""
        return self.positives / self.n


@dataclass(frozen=True)
class Rates:
    """What one operating point does, with intervals; "too few" where under 10 films count."""

    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval


@dataclass(frozen=True)
class ClassificationReport:
    """scikit-learn's classification report of the four findings at their operating points.

    Attributes:
        text: as scikit-learn prints it.
        values: as its ``output_dict=True``; a value without films in its denominator is nan, and
            averages leave it out.
    """

    text: str
    values: dict[str, Any]


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Figures of merit of one predictions table; dictionaries are by finding key.

    Attributes:
        n_films: rows of the table.
        n_patients: None where the table does not tell the patients.
        resampled: what the intervals resample.
        n_resamples, seed: how they were drawn.
        auroc, average_precision: estimate with interval; nan and "too few" where not estimable.
        label_distribution: counts and verdict.
        ece_before: expected calibration error of the plain sigmoid, or of the probabilities given.
        ece_after: after the calibration; empty where none was applied.
        operating_points: as given; empty where none were, as are the next two.
        confusion: films by label and call at the operating points.
        rates: sensitivity, specificity and predictive values there.
        classification_report: None without operating points.
        subgroups: AUROC by ``by, value, finding``; see ``subgroups.subgroup_areas``; empty where
            they were not asked for.
        notes: whole sentences on what was absent or left out.
        measures_before, measures_after: calibration measures with intervals, of the same
            probabilities as ``ece_before`` and ``ece_after``; empty where not asked for.
    """

    n_films: int
    n_patients: int | None
    resampled: Literal["patients", "images"]
    n_resamples: int
    seed: int
    auroc: dict[str, Interval]
    average_precision: dict[str, Interval]
    label_distribution: dict[str, LabelCount]
    ece_before: dict[str, float]
    ece_after: dict[str, float]
    operating_points: dict[str, OperatingPoint]
    confusion: dict[str, Confusion]
    rates: dict[str, Rates]
    classification_report: ClassificationReport | None
    subgroups: pd.DataFrame
    notes: tuple[str, ...]
    measures_before: dict[str, CalibrationMeasures] = field(default_factory=dict)
    measures_after: dict[str, CalibrationMeasures] = field(default_factory=dict)

    def text(self) -> str:
        """The printed summary, at most 100 columns wide."""
        return summary_text(self)
