"""A predictions table -> every figure of merit; also ``python -m cxr_core.evaluation.report``."""

import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import ConfigError
from cxr_core.evaluation.areas import auroc_interval, average_precision_interval
from cxr_core.evaluation.bootstrap import Resamples
from cxr_core.evaluation.calibration import Floats
from cxr_core.evaluation.calibration_measures import measures_of
from cxr_core.evaluation.draws import draw
from cxr_core.evaluation.notes import report_notes
from cxr_core.evaluation.operating_points import confusion
from cxr_core.evaluation.predictions import (
    has_logits,
    labels_of,
    patients_of,
    probabilities_of,
    scores_of,
    validate_predictions,
)
from cxr_core.evaluation.ratios import ratio_intervals
from cxr_core.evaluation.reliability import expected_calibration_error
from cxr_core.evaluation.results import ClassificationReport, EvaluationReport, LabelCount, Rates
from cxr_core.evaluation.subgroups import subgroup_areas
from cxr_core.findings import KEYS, LABELS

Labels = NDArray[np.int64]


def evaluate_predictions(
    table: pd.DataFrame,
    *,
    operating_points: Mapping[str, OperatingPoint] | None = None,
    calibration: Calibration | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    subgroups: bool = True,
    measures: bool = True,
) -> EvaluationReport:
    """Everything that a predictions table can tell.

    Args:
        table: contract 5; checked by ``validate_predictions``.
        operating_points: by finding key, on the calibrated probability. Without them there is
            no confusion matrix and no classification report: 0.5 is no cut-off.
        calibration: applied to raw logits. A table of probabilities is taken as it is.
        n_resamples: resamples of the patients, or of the images where patients are absent.
        subgroups: whether to compute the areas within subgroups, the slowest part.
        measures: whether to compute the calibration measures with their intervals.

    Raises:
        DataError: the table breaks the contract.
        ConfigError: an operating point is missing, or no resample is asked for.
    """
    table = validate_predictions(table)
    patients = patients_of(table)
    resamples = draw(table, n_resamples=n_resamples, seed=seed)
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    pairs = {key: (labels[:, j], scores[:, j]) for j, key in enumerate(KEYS)}
    auroc = {key: auroc_interval(*pairs[key], resamples) for key in KEYS}
    calibrated = calibration is not None and has_logits(table)
    plain = probabilities_of(table)  # (N, 4)
    probabilities = probabilities_of(table, calibration) if calibrated else plain
    points = _checked_points(operating_points)
    return EvaluationReport(
        n_films=len(table),
        n_patients=None if patients is None else resamples.n_patients(),
        resampled="images" if patients is None else "patients",
        n_resamples=n_resamples,
        seed=seed,
        auroc=auroc,
        average_precision={key: average_precision_interval(*pairs[key], resamples) for key in KEYS},
        label_distribution={
            key: LabelCount(len(table), int(labels[:, j].sum()), auroc[key].verdict)
            for j, key in enumerate(KEYS)
        },
        ece_before=_calibration_errors(plain, labels),
        ece_after=_calibration_errors(probabilities, labels) if calibrated else {},
        operating_points=points,
        confusion={
            key: confusion(labels[:, j], probabilities[:, j], points[key].threshold)
            for j, key in enumerate(KEYS)
            if points
        },
        rates=_rates(labels, probabilities, points, resamples) if points else {},
        classification_report=_sklearn_report(labels, probabilities, points) if points else None,
        subgroups=subgroup_areas(table, resamples) if subgroups else pd.DataFrame(),
        notes=tuple(report_notes(table, points, calibration, auroc=auroc, subgroups=subgroups)),
        measures_before=measures_of(table, resamples) if measures else {},
        measures_after=measures_of(table, resamples, calibration)
        if measures and calibrated
        else {},
    )


def _checked_points(points: Mapping[str, OperatingPoint] | None) -> dict[str, OperatingPoint]:
    if points is None:
        return {}
    missing = [key for key in KEYS if key not in points]
    if missing:
        raise ConfigError(
            "An operating point is missing",
            value=", ".join(missing),
            remedy="Give one for each of the four findings.",
        )
    return {key: points[key] for key in KEYS}


def _calibration_errors(probabilities: Floats, labels: Labels) -> dict[str, float]:
    return {
        key: expected_calibration_error(probabilities[:, j], labels[:, j])
        for j, key in enumerate(KEYS)
    }


def _called(probabilities: Floats, points: Mapping[str, OperatingPoint]) -> NDArray[np.bool_]:
    """(N, 4) True where a film is above its finding's cut-off."""
    result: NDArray[np.bool_] = probabilities >= np.array([points[key].threshold for key in KEYS])
    return result


def _rates(
    labels: Labels,
    probabilities: Floats,
    points: Mapping[str, OperatingPoint],
    resamples: Resamples,
) -> dict[str, Rates]:
    above, ill = _called(probabilities, points), labels == 1  # (N, 4)
    hits = np.concatenate([above & ill, ~above & ~ill, above & ill, ~above & ~ill], axis=1)
    among = np.concatenate([ill, ~ill, above, ~above], axis=1)  # (N, 16)
    found = ratio_intervals(hits, among, resamples)
    n = len(KEYS)
    return {
        key: Rates(found[j], found[n + j], found[2 * n + j], found[3 * n + j])
        for j, key in enumerate(KEYS)
    }


def _sklearn_report(
    labels: Labels, probabilities: Floats, points: Mapping[str, OperatingPoint]
) -> ClassificationReport:
    # Imported late: it takes a second, and only this table needs it.
    from sklearn.metrics import classification_report

    called = _called(probabilities, points).astype(int)  # (N, 4)
    names = [LABELS[key] for key in KEYS]
    text = classification_report(labels, called, target_names=names, zero_division=np.nan)
    values = classification_report(
        labels, called, target_names=names, zero_division=np.nan, output_dict=True
    )
    return ClassificationReport(text, values)


if __name__ == "__main__":
    # Imported late: the command evaluates through this very module.
    from cxr_core.evaluation.report_command import main

    sys.exit(main())
