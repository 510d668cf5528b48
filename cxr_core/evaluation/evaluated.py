"""A predictions table, evaluated once: what pages, commands and the model card show."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.arrays import Floats
from cxr_core.config import Calibration
from cxr_core.errors import ConfigError
from cxr_core.evaluation.cutoffs import Cutoffs, cutoffs_of_model
from cxr_core.evaluation.full_report import (
    FullReport,
    Origin,
    SiteFigures,
    build_full_report,
    with_subgroups,
)
from cxr_core.evaluation.further_films import (
    FurtherPatients,
    OtherSource,
    measure_further_patients,
    measure_other_sources,
)
from cxr_core.evaluation.localisation.rates import localisation_metrics
from cxr_core.evaluation.metrics.at_threshold import adjust_for_prevalence, threshold_metrics
from cxr_core.evaluation.metrics.bootstrap import Resamples, resample_patients
from cxr_core.evaluation.metrics.gaps import CROSS, crossed_subgroups, subgroup_gaps
from cxr_core.evaluation.metrics.net_benefit import DecisionPoint, alert_burden, decision_curve
from cxr_core.evaluation.metrics.operating_points import cutoffs_of_table
from cxr_core.evaluation.metrics.subgroups import (
    SubgroupMetrics,
    all_films_and_subgroups,
    subgroup_metrics,
)
from cxr_core.evaluation.metrics.view_alone import view_shortcuts
from cxr_core.evaluation.predictions import (
    has_logits,
    is_labelled,
    keys_of,
    labels_of,
    probabilities_of,
)
from cxr_core.evaluation.report import EvaluationReport, evaluate_validated, flagged_films
from cxr_core.evaluation.run_folder import RunFolder
from cxr_core.model.metadata import ModelMetadata

# Wraps the subgroups with a display of how far they are; given them and their number.
Progress = Callable[[Iterable[list[SubgroupMetrics]], int], Iterable[list[SubgroupMetrics]]]


@dataclass(frozen=True, eq=False)
class EvaluatedTable:
    """One evaluated table.

    Attributes:
        table: a validated predictions table.
        probabilities: (N, K) that the operating points belong to.
        full: its figures of merit, without those that take long.
        fitted_on_this_table: the operating points were fitted on these very films, so what they
            reach here is better than on new ones.
        cache_key: hash of the table and of what was applied to it.
    """

    table: pd.DataFrame
    probabilities: Floats
    full: FullReport
    fitted_on_this_table: bool
    cache_key: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The table's findings, in their order."""
        return keys_of(self.table)

    @property
    def report(self) -> EvaluationReport:
        """The figures of ``evaluate_predictions``."""
        return self.full.report

    def labelled(self, key: str) -> tuple[NDArray[np.int64], Floats]:
        """(n,) labels and probabilities of the films that have a label of a finding."""
        k = self.keys.index(key)
        labels = labels_of(self.table)[:, k]
        known = is_labelled(labels)
        return labels[known], self.probabilities[known, k]

    def resamples(self, key: str) -> Resamples:
        """The draws behind the report's intervals, of the patients of these films."""
        films = resample_patients(
            self.table, n_resamples=self.report.n_resamples, seed=self.report.seed
        )
        return films.subset(is_labelled(labels_of(self.table)[:, self.keys.index(key)]))

    def is_labelled(self, key: str) -> bool:
        """Whether any film has a label of a finding."""
        return self.report.label_distribution[key].n > 0


def evaluate_table(
    table: pd.DataFrame,
    sha256: str,
    *,
    calibration: Calibration | None = None,
    cutoffs: Cutoffs | None = None,
    fitted_on_these_films: bool = False,
    model_sha256: str | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    calibration_metrics: bool = True,
) -> EvaluatedTable:
    """Evaluate a table, without any cache.

    Args:
        table: a validated predictions table.
        sha256: of its file.
        calibration: applied where the table holds raw logits.
        cutoffs: without them, cut-offs are fitted on the table itself.
        fitted_on_these_films: the points given were chosen by these very films.
        model_sha256: of the model that both belong to.
        calibration_metrics: whether to compute the calibration measures, which take long.

    Raises:
        ConfigError: no resample is asked for.
    """
    applied = calibration if has_logits(table) else None
    probabilities = probabilities_of(table, applied)  # (N, K)
    fitted_here = cutoffs is None or fitted_on_these_films
    if cutoffs is None:
        cutoffs = cutoffs_of_table(table, probabilities)
    report = evaluate_validated(
        table,
        operating_points=None if cutoffs is None else cutoffs.specific,
        calibration=calibration,
        n_resamples=n_resamples,
        seed=seed,
        subgroups=False,  # ``measure_subgroups`` tells the same areas, and more
        calibration_metrics=calibration_metrics,
    )
    full = build_full_report(
        table,
        probabilities,
        report,
        table_sha256=sha256,
        model_sha256=model_sha256,
        fitted_here=fitted_here,
        cutoffs=cutoffs,
    )
    identity = repr((sha256, applied, cutoffs, fitted_here)).encode()
    cache_key = hashlib.sha256(identity).hexdigest()[:16]
    return EvaluatedTable(table, probabilities, full, fitted_here, cache_key)


def evaluate_with_model(
    table: pd.DataFrame,
    sha256: str,
    metadata: ModelMetadata | None,
    *,
    fitted_on_these_films: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
    calibration_metrics: bool = True,
) -> EvaluatedTable:
    """``evaluate_table`` at a model's own calibration and operating points.

    Args:
        metadata: without it, operating points are fitted on the table itself.
    """
    return evaluate_table(
        table,
        sha256,
        calibration=None if metadata is None else metadata.calibration,
        cutoffs=None if metadata is None else cutoffs_of_model(metadata),
        fitted_on_these_films=fitted_on_these_films,
        model_sha256=None if metadata is None else metadata.model_sha256,
        n_resamples=n_resamples,
        seed=seed,
        calibration_metrics=calibration_metrics,
    )


def with_origin(evaluated: EvaluatedTable, origin: Origin) -> EvaluatedTable:
    """The evaluated table with where it comes from; what is said of that joins its notes."""
    notes = dict.fromkeys((*evaluated.full.notes, *origin.said, *origin.cautions))
    full = replace(evaluated.full, origin=origin, notes=tuple(notes))
    return replace(evaluated, full=full)


def measure_subgroups(
    evaluated: EvaluatedTable, run: RunFolder | None, *, progress: Progress | None = None
) -> FullReport:
    """The report with every subgroup, and the view alone beside the model.

    Args:
        run: whose validation films tell the prevalence within each view; None for a table from
            elsewhere.

    Raises:
        DataError: the run's validation films are there and break the contract.
    """
    table, report = evaluated.table, evaluated.report
    resamples = resample_patients(table, n_resamples=report.n_resamples, seed=report.seed)
    flagged = None  # (N, K)
    if points := report.operating_points:
        flagged = flagged_films(evaluated.keys, evaluated.probabilities, points)
    plain = all_films_and_subgroups(table)
    parts = [*plain, *crossed_subgroups(table)]
    measured: Iterable[list[SubgroupMetrics]] = subgroup_metrics(
        table, flagged, resamples, subgroups=parts, of_all_films=report.auroc
    )
    if progress is not None:
        measured = progress(measured, len(parts))
    found = [one for part in measured for one in part]
    shortcuts = view_shortcuts(table, resamples, None if run is None else run.validation)
    return with_subgroups(
        evaluated.full,
        table,
        [one for one in found if CROSS not in one.by],
        shortcuts,
        crossed=[one for one in found if CROSS in one.by],
        gaps=subgroup_gaps(table, flagged, resamples, parts[1:], found),
    )


def measure_decision_curves(evaluated: EvaluatedTable) -> dict[str, tuple[DecisionPoint, ...]]:
    """Net benefit over thresholds, by finding key that has a label, at these films' prevalence."""
    return {
        key: decision_curve(*evaluated.labelled(key), evaluated.resamples(key))
        for key in evaluated.keys
        if evaluated.is_labelled(key)
    }


def measure_at_site(
    evaluated: EvaluatedTable, prevalences: Mapping[str, float]
) -> dict[str, SiteFigures]:
    """Figures at other prevalences, of the findings that have a cut-off.

    Args:
        prevalences: by finding key, 0 to 1.

    Raises:
        ConfigError: a finding is not the table's or has no cut-off, or a prevalence is none.
    """
    found = {}
    points = evaluated.report.operating_points
    for key, share in prevalences.items():
        if key not in points:
            raise ConfigError(
                "There is no cut-off of this finding, so nothing can be told at a prevalence",
                value=key,
                remedy=f"Give one of {', '.join(points) or 'none'}.",
            )
        (labels, p), threshold = evaluated.labelled(key), points[key].threshold
        resamples, here = evaluated.resamples(key), float(labels.mean())
        at_site = threshold_metrics(labels, p, threshold, resamples, prevalence=share)
        moved = np.array(
            [
                adjust_for_prevalence(float(one), from_prevalence=here, to_prevalence=share)
                for one in (threshold, *p)
            ]
        )
        weights = np.where(labels == 1, share / here, (1 - share) / (1 - here))  # (n,)
        found[key] = SiteFigures(
            prevalence=share,
            here=here,
            cutoff=float(moved[0]),
            mean_probability=float(p.mean()),
            recalibrated=float(np.average(moved[1:], weights=weights)),
            metrics=at_site,
            alerts=alert_burden(labels, p, threshold, resamples, prevalence=share),
        )
    return found


def measure_all(
    evaluated: EvaluatedTable, run: RunFolder | None, *, progress: Progress | None = None
) -> FullReport:
    """The report with all that its run folder tells, too.

    Raises:
        DataError: a file of the run is there and cannot be used.
    """
    full, report = measure_subgroups(evaluated, run, progress=progress), evaluated.report
    full = replace(full, decision_curves=measure_decision_curves(evaluated))
    if run is None:
        return full
    boxed = localisation_metrics(
        run.localisation,
        evaluated.table,
        marks=run.marks,
        n_resamples=report.n_resamples,
        seed=report.seed,
    )
    further, others = measure_further_films(run, seed=report.seed, n_resamples=report.n_resamples)
    return replace(
        full,
        splits=tuple(run.split_labels),
        localisation=boxed,
        further_patients=further,
        other_sources=others,
    )


def measure_further_films(
    run: RunFolder, *, n_resamples: int = 2000, seed: int = 0
) -> tuple[FurtherPatients | None, tuple[OtherSource, ...]]:
    """What a run tells of films beside its test set.

    Raises:
        DataError: a table of them is there and cannot be used.
    """
    further = None
    if run.further_patients is not None:
        further = measure_further_patients(run.further_patients, n_resamples=n_resamples, seed=seed)
    others: tuple[OtherSource, ...] = ()
    if run.other_films is not None:
        others = tuple(measure_other_sources(run.other_films, n_resamples=n_resamples, seed=seed))
    return further, others
