"""All that the Performance page tells of one table, gathered, so that it can be taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.comparison import Comparison
from cxr_core.evaluation.localisation.rates import BoxedFilms
from cxr_core.evaluation.metrics.at_threshold import AtThreshold, at_threshold
from cxr_core.evaluation.metrics.bootstrap import draw
from cxr_core.evaluation.metrics.errors import Kind, surest_errors
from cxr_core.evaluation.metrics.labels import SplitLabels, co_occurrence, labels_a_film
from cxr_core.evaluation.metrics.subgroups import GroupRates, ViewShortcut
from cxr_core.evaluation.predictions import labels_of
from cxr_core.evaluation.report import EvaluationReport, subgroup_notes
from cxr_core.findings import KEYS

FITTED_HERE = (
    "The operating points were fitted on these very films, so what they reach here is optimistic."
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


@dataclass(frozen=True, eq=False)
class Metrics:
    """One table's figures; dictionaries are by finding key, and hold nothing without cut-offs.

    Attributes:
        table_sha256: of the predictions file, as it was read.
        model_sha256: of the model whose table it is; None where that is not known.
        report: areas, calibration errors, confusion, rates, classification report.
        fitted_here: the operating points were fitted on these very films; None without any.
        at_points: likelihood ratios and all else at the operating points.
        misses, false_alarms: errors at the operating points.
        together: (4, 4) films with both labels; the diagonal is the films with each.
        labels_a_film: films with 0, 1, 2, 3 and 4 of the four labels.
        groups: area, sensitivity and specificity of every group, all films first; empty where
            they were not measured.
        shortcuts: the view alone beside the model; empty where it was not measured, or the table
            tells fewer than two views.
        splits: labels of the run's parts; empty for a table without a run.
        boxed: the maps against radiologists' boxes; nothing in it without boxes.
        comparison: with a second table; None without one.
        against_sha256: of that table's file; None without one.
        notes: whole sentences on what was absent, assumed or left out.
    """

    table_sha256: str
    model_sha256: str | None
    report: EvaluationReport
    fitted_here: bool | None
    at_points: dict[str, AtThreshold]
    misses: dict[str, ErrorCount]
    false_alarms: dict[str, ErrorCount]
    together: NDArray[np.int64]
    labels_a_film: tuple[int, ...]
    groups: tuple[GroupRates, ...]
    shortcuts: tuple[ViewShortcut, ...]
    splits: tuple[SplitLabels, ...]
    boxed: BoxedFilms
    comparison: Comparison | None
    against_sha256: str | None
    notes: tuple[str, ...]


def gather(
    table: pd.DataFrame,
    probabilities: NDArray[np.float64],
    report: EvaluationReport,
    *,
    table_sha256: str,
    model_sha256: str | None = None,
    fitted_here: bool = False,
    groups: Sequence[GroupRates] = (),
    shortcuts: Sequence[ViewShortcut] = (),
    splits: Sequence[SplitLabels] = (),
    boxed: BoxedFilms | None = None,
    comparison: Comparison | None = None,
    against_sha256: str | None = None,
    notes: Sequence[str] = (),
) -> Metrics:
    """Add to a report what is quickly computed, and to that what was measured before.

    Args:
        table: the validated predictions table of the report.
        probabilities: (N, 4) that its operating points belong to.
        fitted_here: whether these were fitted on the table itself.
        groups, shortcuts, splits, boxed, comparison, against_sha256: as in ``Metrics``, where
            they were measured.
        notes: further sentences, behind the report's own.
    """
    labels, points = labels_of(table), report.operating_points  # (N, 4)
    resamples = draw(table, n_resamples=report.n_resamples, seed=report.seed)
    # A report without areas within subgroups has no notes on them yet.
    on_groups = subgroup_notes(table) if groups else []
    optimistic = [FITTED_HERE] if points and fitted_here else []
    said = dict.fromkeys((*report.notes, *on_groups, *optimistic, *notes))

    def count(key: str, kind: Kind) -> ErrorCount:
        surest, films = surest_errors(table, probabilities, points, key, kind, most=1)
        return ErrorCount(films, surest[0].margin if surest else float("nan"))

    return Metrics(
        table_sha256=table_sha256,
        model_sha256=model_sha256,
        report=report,
        fitted_here=fitted_here if points else None,
        at_points={
            key: at_threshold(labels[:, k], probabilities[:, k], points[key].threshold, resamples)
            for k, key in enumerate(KEYS)
            if points
        },
        misses={key: count(key, "missed") for key in points},
        false_alarms={key: count(key, "false alarm") for key in points},
        together=co_occurrence(labels),
        labels_a_film=labels_a_film(labels),
        groups=tuple(groups),
        shortcuts=tuple(shortcuts),
        splits=tuple(splits),
        boxed=boxed or BoxedFilms(),
        comparison=comparison,
        against_sha256=against_sha256,
        notes=tuple(said),
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


def by_finding(groups: Sequence[GroupRates]) -> Mapping[str, list[GroupRates]]:
    """Groups by finding key, each in its order; only findings that have any."""
    found = {key: [one for one in groups if one.finding == key] for key in KEYS}
    return {key: rows for key, rows in found.items() if rows}
