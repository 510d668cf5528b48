"""All that the Performance page tells of one table, gathered, so that it can be taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.comparison import Comparison
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.further_films import FurtherPatients, OtherSource
from cxr_core.evaluation.localisation.rates import LocalisationMetrics
from cxr_core.evaluation.metrics.at_threshold import ThresholdMetrics, threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import resample_patients
from cxr_core.evaluation.metrics.errors import ErrorKind, most_confident_errors
from cxr_core.evaluation.metrics.flag_worth import FlagWorth, flag_worth
from cxr_core.evaluation.metrics.gaps import Gap
from cxr_core.evaluation.metrics.labelled import LabelledFilms, labelled_films
from cxr_core.evaluation.metrics.labels import (
    SplitLabels,
    co_labelled,
    co_occurrence,
    labels_per_film,
)
from cxr_core.evaluation.metrics.net_benefit import AlertBurden, DecisionPoint, alert_burden
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics
from cxr_core.evaluation.metrics.view_alone import ViewShortcut
from cxr_core.evaluation.predictions import keys_of, labels_of
from cxr_core.evaluation.report import EvaluationReport, subgroup_notes
from cxr_core.evaluation.table_mapping import TableMapping

FITTED_HERE_NOTE = (
    "The cut-offs were fitted on these same films, so their results here are optimistic."
)


@dataclass(frozen=True)
class ErrorCount:
    """A finding's errors of one kind.

    Attributes:
        films: how many.
        margin: how far the surest of them lies from the cut-off, logits; nan without one.
    """

    films: int
    margin: float


@dataclass(frozen=True)
class SiteFigures:
    """One finding's figures where it is as common as somebody says.

    Sensitivity and specificity stay at the cut-off. The cut-off, and every probability, are moved
    with the odds of the prevalences (``at_threshold.adjust_for_prevalence``), so the same films are
    flagged.

    Attributes:
        prevalence: there, 0 to 1; ``here``: of these films.
        cutoff: on the probabilities as they are there.
        mean_probability: of these films as they are, and ``recalibrated``, weighed as the films are
            there: near ``prevalence`` where the probabilities are calibrated.
        metrics, alerts: predictive values and flags there.
    """

    prevalence: float
    here: float
    cutoff: float
    mean_probability: float
    recalibrated: float
    metrics: ThresholdMetrics
    alerts: AlertBurden


@dataclass(frozen=True)
class Origin:
    """Where a table comes from that is not a run's own.

    Attributes:
        columns: as what its columns were read.
        said: whole sentences on what was taken for what.
        cautions: whole sentences that the figures cannot be read without.
        of_model: whether it is one of the predictions tables in the folder of the model whose
            calibration and cut-offs were applied; None where none were.
    """

    columns: TableMapping | None
    said: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    of_model: bool | None = None


@dataclass(frozen=True, eq=False)
class FullReport:
    """One table's figures; dictionaries are by finding key, and hold nothing without cut-offs.

    Attributes:
        table_sha256: of the predictions file, as it was read.
        model_sha256: of the model whose table it is; None where that is not known.
        report: areas, calibration errors, confusion, rates, classification report.
        fitted_here: the operating points were fitted on these very films; None without any.
        at_operating_points: likelihood ratios and all else at the operating points.
        missed, false_alarms: errors at the operating points.
        co_occurrence: (K, K) films with both labels; the diagonal is the films with each.
        co_labelled: (K, K) films with the row's finding that have a label of the column's.
        labels_per_film: films with 0, 1, 2, … of the labels, of those that have a label
            of every finding that is labelled at all.
        notes: whole sentences on what was absent, assumed or left out.
        groups: area, sensitivity and specificity of every group, all films first; empty where
            they were not measured.
        crossed: the same of films told apart by two attributes at once, as far as n bears it.
        gaps: each group against the largest of its kind; empty where not measured.
        shortcuts: the view alone beside the model; empty where it was not measured, or the table
            tells fewer than two views.
        splits: labels of the run's parts; empty for a table without a run.
        localisation: the maps against radiologists' boxes; nothing in it without boxes.
        further_patients: of films beside the test set; None where the run has none.
        other_sources: other hospitals' films, one entry a source.
        comparison: with a second table; None without one.
        other_table_sha256: of that table's file; None without one.
        cutoffs: both cut-offs of each finding; None where none were given.
        flag_worth: how often films of a band carry the label, and how many are flagged; nothing
            in it without cut-offs.
        alerts: flags per 100 films and per true finding at the cut-offs, on these films.
        decision_curves: net benefit over thresholds; empty where it was not measured.
        at_site: by finding key, at prevalences that somebody gave; empty without.
        origin: how the table was read and whose it is; None where it is a run's own.
    """

    table_sha256: str
    model_sha256: str | None
    report: EvaluationReport
    fitted_here: bool | None
    at_operating_points: dict[str, ThresholdMetrics]
    missed: dict[str, ErrorCount]
    false_alarms: dict[str, ErrorCount]
    co_occurrence: NDArray[np.int64]
    co_labelled: NDArray[np.int64]
    labels_per_film: tuple[int, ...]
    notes: tuple[str, ...]
    groups: tuple[SubgroupMetrics, ...] = ()
    crossed: tuple[SubgroupMetrics, ...] = ()
    gaps: tuple[Gap, ...] = ()
    shortcuts: tuple[ViewShortcut, ...] = ()
    splits: tuple[SplitLabels, ...] = ()
    localisation: LocalisationMetrics = field(default_factory=LocalisationMetrics)
    further_patients: FurtherPatients | None = None
    other_sources: tuple[OtherSource, ...] = ()
    comparison: Comparison | None = None
    other_table_sha256: str | None = None
    cutoffs: Cutoffs | None = None
    flag_worth: FlagWorth = field(default_factory=FlagWorth)
    alerts: dict[str, AlertBurden] = field(default_factory=dict)
    decision_curves: dict[str, tuple[DecisionPoint, ...]] = field(default_factory=dict)
    origin: Origin | None = None
    at_site: dict[str, SiteFigures] = field(default_factory=dict)


def build_full_report(
    table: pd.DataFrame,
    probabilities: NDArray[np.float64],
    report: EvaluationReport,
    *,
    table_sha256: str,
    model_sha256: str | None = None,
    fitted_here: bool = False,
    cutoffs: Cutoffs | None = None,
) -> FullReport:
    """Add to a report what is quickly computed; the rest is added with ``dataclasses.replace``.

    Args:
        table: the validated predictions table of the report.
        probabilities: (N, K) that its operating points belong to.
        fitted_here: whether these were fitted on the table itself.
        cutoffs: the report's operating points and the sensitive ones; the former alone without.
    """
    keys, labels, points = keys_of(table), labels_of(table), report.operating_points  # …, (N, K)
    resamples = resample_patients(table, n_resamples=report.n_resamples, seed=report.seed)
    if cutoffs is None and points:
        cutoffs = Cutoffs(points)
    optimistic = (FITTED_HERE_NOTE,) if points and fitted_here else ()

    def count(key: str, kind: ErrorKind) -> ErrorCount:
        most_confident, films = most_confident_errors(
            table, probabilities, points, key, kind, limit=1
        )
        return ErrorCount(films, most_confident[0].margin if most_confident else float("nan"))

    return FullReport(
        table_sha256=table_sha256,
        model_sha256=model_sha256,
        report=report,
        fitted_here=fitted_here if points else None,
        at_operating_points={
            key: _at_own_cutoff(
                labelled_films(labels, k, resamples), probabilities[:, k], points[key].threshold
            )
            for k, key in enumerate(keys)
            if key in points
        },
        missed={key: count(key, "missed") for key in points},
        false_alarms={key: count(key, "false alarm") for key in points},
        co_occurrence=co_occurrence(labels),
        co_labelled=co_labelled(labels),
        labels_per_film=labels_per_film(labels),
        notes=(*report.notes, *optimistic),
        cutoffs=cutoffs,
        flag_worth=FlagWorth()
        if cutoffs is None
        else flag_worth(labels, probabilities, cutoffs, resamples, keys),
        alerts={
            key: _alerts(
                labelled_films(labels, k, resamples), probabilities[:, k], points[key].threshold
            )
            for k, key in enumerate(keys)
            if key in points
        },
    )


def _alerts(
    films: LabelledFilms, probabilities: NDArray[np.float64], threshold: float
) -> AlertBurden:
    return alert_burden(films.labels, probabilities[films.mask], threshold, films.resamples)


def _at_own_cutoff(
    films: LabelledFilms, probabilities: NDArray[np.float64], threshold: float
) -> ThresholdMetrics:
    return threshold_metrics(films.labels, probabilities[films.mask], threshold, films.resamples)


def with_subgroups(
    full: FullReport,
    table: pd.DataFrame,
    groups: Sequence[SubgroupMetrics],
    shortcuts: Sequence[ViewShortcut],
    *,
    crossed: Sequence[SubgroupMetrics] = (),
    gaps: Sequence[Gap] = (),
) -> FullReport:
    """Add what was measured of the subgroups, and the sentences on what the table lacks for it."""
    said, further = full.report.notes, full.notes[len(full.report.notes) :]
    notes = dict.fromkeys((*said, *(subgroup_notes(table) if groups else ()), *further))
    return replace(
        full,
        groups=tuple(groups),
        shortcuts=tuple(shortcuts),
        notes=tuple(notes),
        crossed=tuple(crossed),
        gaps=tuple(gaps),
    )


def file_stem(name: str, table_sha256: str) -> str:
    """The start of a file name that leaves the program: it names figure and table, never a film
    or a patient, e.g. ``metrics_1a2b3c4d``."""
    return f"{name}_{table_sha256[:8]}"


def multi_label_share(films: Sequence[int]) -> float:
    """Of the films with a label, the share that has two or more; nan where no film has any.

    Args:
        films: how many have 0, 1, 2, … labels.
    """
    some = sum(films[1:])
    return sum(films[2:]) / some if some else float("nan")


def group_by_finding(groups: Sequence[SubgroupMetrics]) -> Mapping[str, list[SubgroupMetrics]]:
    """Groups by finding key, each in its order; only findings that have any."""
    found = {
        key: [one for one in groups if one.finding == key]
        for key in dict.fromkeys(one.finding for one in groups)
    }
    return {key: rows for key, rows in found.items() if rows}
