"""How far the probabilities of one finding can be taken at their word, with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxr_core.config import Calibration
from cxr_core.evaluation.areas import is_estimable
from cxr_core.evaluation.bootstrap import (
    NOT_ESTIMABLE,
    Floats,
    Interval,
    Resamples,
    interval,
)
from cxr_core.evaluation.calibration import calibrate
from cxr_core.evaluation.calibration_slope import slope_and_intercept
from cxr_core.evaluation.predictions import has_logits, labels_of, logits_of, probabilities_of
from cxr_core.evaluation.ratios import resampled_ratios
from cxr_core.evaluation.reliability import BINS, bin_of, expected_calibration_error
from cxr_core.findings import KEYS


@dataclass(frozen=True)
class CalibrationMeasures:
    """One finding's measures; each is "too few" where it is not estimable.

    Attributes:
        ece: expected calibration error over 10 bins, 0 is perfect. It has no interval: a sum of
            absolute errors grows when it is resampled, and near 0 no interval held the truth.
        ece_by_chance: what a perfectly calibrated model would show on so many films; both are nan
            where the others are not estimable.
        brier: mean squared difference of probability and label, 0 is perfect.
        brier_of_prevalence: the Brier score of giving every film the prevalence.
        skill: 1 - brier / brier_of_prevalence, of the same resamples; over 0 is better.
        excess: mean probability minus the share with the finding; over 0 is too high.
        slope, intercept: see ``calibration_slope``.
    """

    ece: float
    ece_by_chance: float
    brier: Interval
    brier_of_prevalence: Interval
    skill: Interval
    excess: Interval
    slope: Interval
    intercept: Interval


def calibration_measures(
    labels: ArrayLike,
    probabilities: ArrayLike,
    resamples: Resamples,
    *,
    logits: ArrayLike | None = None,
) -> CalibrationMeasures:
    """Every measure of one finding's probabilities.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,), 0 to 1.
        resamples: of these N films' patients.
        logits: (N,) of these probabilities, where they are known better than from rounding.

    Returns:
        Not estimable with under 10 positives, negatives or patients.
    """
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if not is_estimable(y, resamples):
        none, nan = NOT_ESTIMABLE, float("nan")
        return CalibrationMeasures(nan, nan, none, none, none, none, none, none)
    slope, intercept = slope_and_intercept(y, _logits(p) if logits is None else logits, resamples)
    member = bin_of(p)[:, None] == np.arange(BINS)  # (N, BINS)
    columns = np.column_stack([member * (p - y)[:, None], (p - y) ** 2, y])  # (N, BINS + 2)
    every = resampled_ratios(columns, np.ones_like(columns), resamples)  # (R, BINS + 2)
    apart, brier, share = every[:, :BINS], every[:, BINS], every[:, BINS + 1]
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of one class has no skill
        skill = 1.0 - brier / (share * (1.0 - share))
    itself, prevalence = float(np.mean((p - y) ** 2)), float(y.mean())
    return CalibrationMeasures(
        ece=expected_calibration_error(p, y),
        ece_by_chance=ece_by_chance(p),
        brier=interval(itself, brier),
        brier_of_prevalence=interval(prevalence * (1 - prevalence), share * (1 - share)),
        skill=interval(1.0 - itself / (prevalence * (1 - prevalence)), skill),
        excess=interval(float(p.mean()) - prevalence, apart.sum(axis=1)),
        slope=slope,
        intercept=intercept,
    )


def measures_of(
    table: pd.DataFrame, resamples: Resamples, calibration: Calibration | None = None
) -> dict[str, CalibrationMeasures]:
    """The measures of all four findings, by key.

    Args:
        table: a validated predictions table of N rows.
        resamples: of its films' patients.
        calibration: applied to raw logits first; without it the plain sigmoid is judged, or the
            probabilities as they are given.

    Raises:
        DataError: a calibration is given, but the table holds probabilities only.
    """
    labels, probabilities = labels_of(table), probabilities_of(table, calibration)  # (N, 4) each
    logits = logits_of(table) if has_logits(table) else None
    if logits is not None and calibration is not None:
        logits = calibrate(logits, calibration)
    return {
        key: calibration_measures(
            labels[:, k],
            probabilities[:, k],
            resamples,
            logits=None if logits is None else logits[:, k],
        )
        for k, key in enumerate(KEYS)
    }


def ece_by_chance(probabilities: ArrayLike) -> float:
    """The expected calibration error that chance leaves a perfectly calibrated model.

    In a bin the films with the finding then differ from the sum of the probabilities by a
    variance of sum p (1 - p); the mean absolute value of a normal deviate is sqrt(2 / pi) of its
    standard deviation. Films are taken for independent, so with several a patient it is low.

    Args:
        probabilities: (N,), 0 to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    variance = np.bincount(bin_of(p), weights=p * (1.0 - p), minlength=BINS)
    return float(np.sqrt(2.0 / np.pi * variance).sum() / len(p))


def _logits(p: Floats) -> Floats:
    """Infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        result: Floats = np.log(p) - np.log1p(-p)
    return result
