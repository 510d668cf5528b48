"""A predictions table -> every figure of merit; also ``python -m cxr_core.evaluation.report``."""

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.config import Calibration, OperatingPoint
from cxr_core.evaluation.metrics.bootstrap import (
    Interval,
    proportion_intervals,
    resample_patients,
)
from cxr_core.evaluation.metrics.calibration import (
    CalibrationMetrics,
    calibration_metrics_by_finding,
    expected_calibration_error,
)
from cxr_core.evaluation.metrics.labelled import (
    LabelledFilms,
    contradiction_notes,
    labelled_films,
    missing_label_notes,
)
from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.evaluation.metrics.operating_points import ConfusionMatrix, count_confusion
from cxr_core.evaluation.metrics.ranking import auroc_interval, average_precision_interval
from cxr_core.evaluation.metrics.subgroups import MAX_CATEGORIES, SUBGROUP_COLUMNS, subgroup_auroc
from cxr_core.evaluation.predictions import (
    NUMERIC_COLUMNS,
    has_logits,
    is_labelled,
    keys_of,
    labels_of,
    look_like_probabilities,
    patients_of,
    probabilities_of,
    scores_of,
    validate_predictions,
)
from cxr_core.findings import label_of

# What an evaluation found: plain values, for pages, model cards and terminals.


@dataclass(frozen=True)
class RateIntervals:
    """What one operating point does, with intervals; "too few" where under 10 films count."""

    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval


@dataclass(frozen=True)
class ClassificationReport:
    """scikit-learn's classification report of the findings at their operating points.

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
        label_distribution: counts and verdict; its ``n`` are the films that have a label of the
            finding, on which alone all of its figures are measured.
        ece_before: expected calibration error of the plain sigmoid, or of the probabilities given;
            nan without labels.
        ece_after: after the calibration; empty where none was applied.
        operating_points: as given, without those of findings that have no label; empty where none
            were given, as are the next two.
        confusion: films by label and call at the operating points.
        rates: sensitivity, specificity and predictive values there.
        classification_report: None without operating points.
        subgroups: AUROC by ``by, value, finding``; see ``subgroups.subgroup_auroc``; empty where
            they were not asked for.
        notes: whole sentences on what was absent or left out.
        calibration_before, calibration_after: calibration measures with intervals, of the same
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
    confusion: dict[str, ConfusionMatrix]
    rates: dict[str, RateIntervals]
    classification_report: ClassificationReport | None
    subgroups: pd.DataFrame
    notes: tuple[str, ...]
    calibration_before: dict[str, CalibrationMetrics] = field(default_factory=dict)
    calibration_after: dict[str, CalibrationMetrics] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The table's findings, in their order."""
        return tuple(self.label_distribution)


# What a predictions table could not tell, in whole sentences.

PROBABLY_PROBABILITIES = (
    "All logits lie between 0 and 1, so they may be probabilities under a wrong name. If they are, "
    "name the columns probability_…; no probability below is right."
)


def report_notes(
    table: pd.DataFrame,
    operating_points: Mapping[str, OperatingPoint],
    calibration: Calibration | None,
    *,
    auroc: Mapping[str, Interval],
    subgroups: bool,
) -> list[str]:
    """Sentences on what was absent, assumed or left out, so that nothing is missing in silence.

    Args:
        table: a validated predictions table.
        operating_points: the operating points; empty where none were given.
        auroc: by finding key.
        subgroups: whether the subgroups were asked for.
    """
    notes = missing_label_notes(labels_of(table), keys_of(table)) + contradiction_notes(table)
    if patients_of(table) is None:
        notes.append(
            "The table names no patients, so images are resampled. Intervals are too narrow if "
            "patients have several films."
        )
    elif (alone := int((table["patient"] == "").sum())) > 0:
        notes.append(f"{alone:,} films have no patient ID; each counts as its own patient.")
    if look_like_probabilities(table):
        notes.append(PROBABLY_PROBABILITIES)
    if not has_logits(table):
        notes.append("The table holds probabilities; they are used as given, without calibration.")
    elif calibration is None:
        notes.append("No calibration was given; probabilities are the sigmoid of the logits.")
    if not operating_points:
        notes.append(
            "No cut-offs were given, so there is no confusion matrix and no classification report. "
            "0.5 is not a valid cut-off here."
        )
    else:
        without = [
            label_of(key)
            for key, known in zip(keys_of(table), is_labelled(labels_of(table)).T, strict=True)
            if known.any() and key not in operating_points
        ]
        if without:
            notes.append(
                f"No cut-off for {', '.join(without)}: no figure at a cut-off is given for it."
            )
    for key, area in auroc.items():
        if area.left_out:
            notes.append(
                f"{label_of(key)}: {area.left_out:,} resamples held only one class and were left "
                "out."
            )
    return notes + (subgroup_notes(table) if subgroups else [])


def subgroup_notes(table: pd.DataFrame) -> list[str]:
    """Sentences on what the table does not tell, for the subgroups."""
    notes = []
    for name in SUBGROUP_COLUMNS:
        if name not in table:
            notes.append(f"The table has no column {name}: no subgroups by {name}.")
            continue
        told = table[name].notna() if name in NUMERIC_COLUMNS else table[name] != ""
        unknown = int((~told).sum())
        if unknown:
            notes.append(
                f"{unknown:,} of {len(table):,} films have no {name}; they are in no subgroup."
            )
        kinds = table.loc[told, name].nunique()
        if name not in NUMERIC_COLUMNS and kinds > MAX_CATEGORIES:
            notes.append(
                f"The table has {kinds:,} values of {name}; the {MAX_CATEGORIES} most common are "
                "shown."
            )
    return notes


def evaluate_predictions(
    table: pd.DataFrame,
    *,
    operating_points: Mapping[str, OperatingPoint] | None = None,
    calibration: Calibration | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    subgroups: bool = True,
    calibration_metrics: bool = True,
) -> EvaluationReport:
    """Everything that a predictions table can tell.

    Args:
        table: a predictions table; checked by ``validate_predictions``.
        operating_points: by finding key, on the calibrated probability. Without them there is
            no confusion matrix and no classification report: 0.5 is no cut-off. A finding that has
            none is left out of them, and a note says so.
        calibration: applied to raw logits. A table of probabilities is taken as it is.
        n_resamples: resamples of the patients, or of the images where patients are absent.
        subgroups: whether to compute the areas within subgroups, the slowest part.
        calibration_metrics: whether to compute the calibration measures with their intervals.

    Raises:
        DataError: the table breaks the contract.
        ConfigError: no resample is asked for.
    """
    return evaluate_validated(
        validate_predictions(table),
        operating_points=operating_points,
        calibration=calibration,
        n_resamples=n_resamples,
        seed=seed,
        subgroups=subgroups,
        calibration_metrics=calibration_metrics,
    )


def evaluate_validated(
    table: pd.DataFrame,
    *,
    operating_points: Mapping[str, OperatingPoint] | None = None,
    calibration: Calibration | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    subgroups: bool = True,
    calibration_metrics: bool = True,
) -> EvaluationReport:
    """``evaluate_predictions`` of a table that was validated when it was read."""
    patients = patients_of(table)
    resamples = resample_patients(table, n_resamples=n_resamples, seed=seed)
    labels, scores = labels_of(table), scores_of(table)  # (N, 4), (N, 4)
    keys = keys_of(table)
    films = {key: labelled_films(labels, j, resamples) for j, key in enumerate(keys)}
    pairs = {
        key: (films[key].labels, scores[films[key].mask, j], films[key].resamples)
        for j, key in enumerate(keys)
    }
    auroc = {key: auroc_interval(*pairs[key]) for key in keys}
    calibrated = calibration is not None and has_logits(table)
    plain = probabilities_of(table)  # (N, 4)
    probabilities = probabilities_of(table, calibration) if calibrated else plain
    points = _checked_points(operating_points, films)
    return EvaluationReport(
        n_films=len(table),
        n_patients=None if patients is None else resamples.n_patients(),
        resampled="images" if patients is None else "patients",
        n_resamples=n_resamples,
        seed=seed,
        auroc=auroc,
        average_precision={key: average_precision_interval(*pairs[key]) for key in keys},
        label_distribution={
            key: LabelCount(films[key].n, int(films[key].labels.sum()), auroc[key].verdict)
            for key in keys
        },
        ece_before=_calibration_errors(plain, films),
        ece_after=_calibration_errors(probabilities, films) if calibrated else {},
        operating_points=points,
        confusion={
            key: count_confusion(
                films[key].labels, probabilities[films[key].mask, j], points[key].threshold
            )
            for j, key in enumerate(keys)
            if key in points
        },
        rates={
            key: _rates(films[key], probabilities[films[key].mask, j], points[key])
            for j, key in enumerate(keys)
            if key in points
        },
        classification_report=_sklearn_report(keys, labels, probabilities, points)
        if points
        else None,
        subgroups=subgroup_auroc(table, resamples) if subgroups else pd.DataFrame(),
        notes=tuple(report_notes(table, points, calibration, auroc=auroc, subgroups=subgroups)),
        calibration_before=calibration_metrics_by_finding(table, resamples)
        if calibration_metrics
        else {},
        calibration_after=calibration_metrics_by_finding(table, resamples, calibration)
        if calibration_metrics and calibrated
        else {},
    )


def _checked_points(
    points: Mapping[str, OperatingPoint] | None, films: Mapping[str, LabelledFilms]
) -> dict[str, OperatingPoint]:
    """Those of the labelled findings, in their order."""
    if points is None:
        return {}
    return {key: points[key] for key, of_finding in films.items() if of_finding.n and key in points}


def _calibration_errors(
    probabilities: Floats, films: Mapping[str, LabelledFilms]
) -> dict[str, float]:
    return {
        key: expected_calibration_error(probabilities[films[key].mask, j], films[key].labels)
        for j, key in enumerate(films)
    }


def flagged_films(
    keys: Sequence[str], probabilities: Floats, points: Mapping[str, OperatingPoint]
) -> NDArray[np.bool_]:
    """(N, K) True where a film is above its finding's cut-off; False for a finding without one."""
    thresholds = [points[key].threshold if key in points else np.inf for key in keys]
    result: NDArray[np.bool_] = probabilities >= np.array(thresholds)
    return result


def _rates(films: LabelledFilms, probabilities: Floats, point: OperatingPoint) -> RateIntervals:
    """One finding's, of the (n,) probabilities of its films."""
    flagged, positive = probabilities >= point.threshold, films.labels == 1  # (n,)
    right = flagged & positive, ~flagged & ~positive
    among = np.stack([positive, ~positive, flagged, ~flagged], axis=1)  # (n, 4)
    return RateIntervals(
        *proportion_intervals(np.stack([*right, *right], axis=1), among, films.resamples)
    )


def _sklearn_report(
    keys: Sequence[str],
    labels: NDArray[np.int64],
    probabilities: Floats,
    points: Mapping[str, OperatingPoint],
) -> ClassificationReport:
    # Imported late: it takes a second, and only this table needs it.
    from sklearn.metrics import classification_report

    known = is_labelled(labels)  # (N, K)
    # A labelled finding without a cut-off has no call that could be right or wrong.
    shown = [j for j, key in enumerate(keys) if key in points or not known[:, j].any()]
    # Neither precision nor recall counts a film that is not labelled and not called, so a film
    # whose label is missing takes no part as one.
    called = (flagged_films(keys, probabilities, points) & known).astype(int)[:, shown]  # (N, S)
    labels = np.where(known, labels, 0)[:, shown]
    options = {
        "labels": list(range(len(shown))) if len(shown) > 1 else [1],
        "target_names": [label_of(keys[j]) for j in shown],
        "zero_division": np.nan,
    }
    text = classification_report(labels, called, **options)
    values = classification_report(labels, called, output_dict=True, **options)
    return ClassificationReport(text, values)


if __name__ == "__main__":
    # The command lives in cxr_core.cli; this way to start it stays for those who use it.
    runpy.run_module("cxr_core.cli.evaluate", run_name="__main__")
