"""All figures of a table as one JSON document, every number in full.

The document is strict JSON: what is not estimable is ``null``, never NaN. Its parts, all of them
always there, dictionaries by finding key unless said otherwise (a finding that no film has a label
of is left out where it has no cut-off, and else "not labelled"):

    format, format_version   ``cxr_core metrics``, 2; a part that changes its meaning raises it
    made, program            when (ISO 8601 with its zone) and by which version
    table                    sha256 of the file, films, patients (null: the table names none),
                             columns (as what somebody's columns were read, as in a mapping; null of
                             a run's own table)
    model                    sha256 of model.json, null where it is not known; calibration_from and
                             cutoffs_from ("the model", "these films" or null: none);
                             wrote_this_table (false: they are of another model than the table; null
                             where no model was applied)
    intervals                level 0.95, resampled (patients or images), n_resamples, seed
    labels                   n (films that have a label of it: all of the finding's figures are of
                             these), positives, negatives, prevalence, verdict
    auroc, average_precision an interval
    calibration_error        before, after (empty where no calibration was applied); 10 bins
    calibration              before, after: ece and expected_ece, plain numbers, and the intervals
                             brier, brier_of_prevalence, brier_skill_score,
                             mean_calibration_error, slope, intercept; or empty
    operating_points         threshold with low and high, criterion, target, what validation showed
    operating_points_fitted_here  true: on these very films, optimistic; null without any
    sensitive_points         the same of the sensitive cut-offs; empty where there are none
    flag_worth               bands: by finding and band, n, positives and the interval share; rates:
                             by setting and finding, n and the intervals flagged, flagged_normal,
                             with_label; any_finding: the same of any of them; or empty
    alerts                   prevalence, and the intervals per_100 (flags per 100 films) and
                             per_finding (flags per film that is flagged and has the finding)
    at_site                  with --prevalence: prevalence and here (of these films), cutoff (moved
                             there), mean_probability and recalibrated, metrics and alerts there
    decision_curves          a list: threshold, and the net benefits model and all_flagged, an
                             interval each; flagging none has 0; empty where not measured
    confusion                tp, fp, fn, tn
    rates                    sensitivity, specificity, ppv, npv, positive_likelihood_ratio,
                             negative_likelihood_ratio: an interval each
    errors                   missed and false_alarms: films, and the surest one's margin in logits
    classification_report    scikit-learn's output_dict; null without operating points
    groups                   a list: by, value, finding, n, positives, and the intervals auroc,
                             sensitivity, specificity; empty where not measured
    groups_crossed           the same of films told apart by two attributes at once
    group_gaps               compared (how many differences), correction (Holm), gaps: a list: by,
                             value, reference (the largest group of its kind), finding, n,
                             n_reference, the differences auroc, sensitivity, specificity, and
                             survives: names of those shown after the correction too
    view_alone               a list: finding, the intervals model, view_alone, gain, within (by
                             view), and fitted_here; empty where not measured
    co_occurrence            films with both labels, by finding and finding
    labels_per_film          a list: films with 0, 1, 2, … of the labels, of those that
                             lack none that others have
    multi_label_share        of the films with a label, the share with two or more
    splits                   a list: the run's parts with their labels; empty without a run
    localisation             n and the intervals peak, fixed_spot, centre, random_point, shuffled,
                             gain (peak less fixed spot) of boxed films; empty without boxes
    overlaps                 by measure (iobb, iou) and finding, a list: n, threshold, and the
                             intervals map_box, fixed_box, centre_box, random_box, shuffled, gain
    froc                     by finding: n_boxes, n_boxed, n_negative; the curve found (share of
                             boxes) over false_marks (per negative film), by_chance beside it; its
                             band low, high over grid; at, the intervals by false marks; empty
                             without marks
    comparison_of            a, the table above, and b, the second one: sha256 each; or null
    comparison               with a second table, as ``comparison.Comparison``; null without;
                             n_labelled, films with a label, where some have none
    tables                   a list: the tables of the page, each with topic, title, columns
                             (title, and figure as in the CSV), rows (finding, part, n, positives,
                             cells) and notes
    notes                    a list of sentences

An interval is ``{"estimate", "low", "high", "verdict", "left_out", "status"}``: the estimate with
its 95 % interval; verdict ``enough``, ``wide`` (over 0.10), ``too few`` or ``not labelled``;
resamples left out because a class vanished in them; status ``estimable``, or ``not estimable`` or
``not labelled``, and then the three numbers are null. Any other null number is not estimable too,
or not told by the table.

A difference is an interval with ``p_value``, ``direction`` (of the first against the second:
``higher``, ``lower``, ``not shown``, ``not estimable``, ``not labelled``) and, for areas,
``cross_check_low`` and ``cross_check_high``: the interval by DeLong's variance with patients as
clusters (null elsewhere). Differences are every ``gain``, ``difference`` and those of
``group_gaps``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from cxr_core.evaluation.comparison import Comparison
from cxr_core.evaluation.full_report import FullReport, multi_label_share
from cxr_core.evaluation.metrics.auroc_comparison import OMIT_EMPTY
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.metrics.gaps import n_compared
from cxr_core.evaluation.render.comparison_figures import comparison_tables
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import to_document
from cxr_core.version import PROGRAM, VERSION

FORMAT, FORMAT_VERSION = "cxr_core metrics", 2
COMPARISON_FORMAT, COMPARISON_FORMAT_VERSION = "cxr_core comparison", 1
_RATIOS = ("positive_likelihood_ratio", "negative_likelihood_ratio")


def metrics_json(metrics: FullReport, *, created_at: datetime) -> str:
    """The document as text, keys in their order, ended by a line break."""
    return (
        json.dumps(metrics_document(metrics, created_at=created_at), indent=1, allow_nan=False)
        + "\n"
    )


def metrics_document(metrics: FullReport, *, created_at: datetime) -> dict[str, Any]:
    """The document as plain values: dictionaries, lists, texts, numbers and None.

    Args:
        created_at: when, with its time zone.
    """
    report = metrics.report
    classified = report.classification_report
    comparison_of = None
    if metrics.comparison is not None:
        comparison_of = {"a": metrics.table_sha256, "b": metrics.other_table_sha256}
    tables = list(evaluation_tables(metrics))
    if metrics.comparison is not None:
        tables += comparison_tables(metrics.comparison)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made": created_at.isoformat(timespec="seconds"),
        "program": f"{PROGRAM} {VERSION}",
        "table": {
            "sha256": metrics.table_sha256,
            "films": report.n_films,
            "patients": report.n_patients,
            "columns": metrics.origin and metrics.origin.columns,
        },
        "model": _model_of(metrics),
        "intervals": {
            "level": 0.95,
            "resampled": report.resampled,
            "n_resamples": report.n_resamples,
            "seed": report.seed,
        },
        "labels": {
            key: {
                "n": count.n,
                "positives": count.positives,
                "negatives": count.negatives,
                "prevalence": count.prevalence,
                "verdict": count.verdict,
            }
            for key, count in report.label_distribution.items()
        },
        "auroc": report.auroc,
        "average_precision": report.average_precision,
        "calibration_error": {"before": report.ece_before, "after": report.ece_after},
        "calibration": {"before": report.calibration_before, "after": report.calibration_after},
        "operating_points": report.operating_points,
        "operating_points_fitted_here": metrics.fitted_here,
        "sensitive_points": (metrics.cutoffs and metrics.cutoffs.sensitive) or {},
        "flag_worth": metrics.flag_worth,
        "alerts": metrics.alerts,
        "at_site": metrics.at_site,
        "decision_curves": metrics.decision_curves,
        "confusion": report.confusion,
        "rates": {
            key: {
                **_fields(rates),
                **{name: getattr(metrics.at_operating_points[key], name) for name in _RATIOS},
            }
            for key, rates in report.rates.items()
        },
        "errors": {
            key: {"missed": metrics.missed[key], "false_alarms": metrics.false_alarms[key]}
            for key in metrics.missed
        },
        "classification_report": None if classified is None else classified.values,
        "groups": metrics.groups,
        "groups_crossed": metrics.crossed,
        "group_gaps": {
            "compared": n_compared(metrics.gaps),
            "correction": "Holm",
            "gaps": metrics.gaps,
        },
        "view_alone": metrics.shortcuts,
        "co_occurrence": {
            key: dict(zip(report.keys, row, strict=True))
            for key, row in zip(report.keys, metrics.co_occurrence, strict=True)
        },
        "labels_per_film": metrics.labels_per_film,
        "multi_label_share": multi_label_share(metrics.labels_per_film),
        "splits": metrics.splits,
        "localisation": metrics.localisation.hit_rates,
        "overlaps": metrics.localisation.overlaps,
        "froc": metrics.localisation.froc,
        "further_patients": metrics.further_patients,
        "other_sources": metrics.other_sources,
        "comparison_of": comparison_of,
        "comparison": metrics.comparison,
        "tables": [to_document(table) for table in tables],
        "notes": metrics.notes,
    }
    result: dict[str, Any] = to_plain_values(content)
    return result


def _model_of(metrics: FullReport) -> dict[str, object]:
    applied = metrics.model_sha256 is not None
    cutoffs_from = None
    if metrics.fitted_here is not None:
        cutoffs_from = "the model" if applied else "these films"
    own = True if applied else None
    return {
        "sha256": metrics.model_sha256,
        "calibration_from": "the model" if metrics.report.ece_after else None,
        "cutoffs_from": cutoffs_from,
        "wrote_this_table": own if metrics.origin is None else metrics.origin.of_model,
    }


def comparison_json(
    comparison: Comparison, a_sha256: str, b_sha256: str, *, created_at: datetime
) -> str:
    """A comparison alone as strict JSON, as it stands in the larger document.

    Args:
        a_sha256, b_sha256: of the two tables' files.
        created_at: when, with its time zone.
    """
    content = {
        "format": COMPARISON_FORMAT,
        "format_version": COMPARISON_FORMAT_VERSION,
        "made": created_at.isoformat(timespec="seconds"),
        "program": f"{PROGRAM} {VERSION}",
        "intervals": {
            "level": 0.95,
            "resampled": comparison.resampled,
            "n_resamples": comparison.n_resamples,
            "seed": comparison.seed,
        },
        "comparison_of": {"a": a_sha256, "b": b_sha256},
        "comparison": comparison,
        "tables": [to_document(table) for table in comparison_tables(comparison)],
        "notes": comparison.notes,
    }
    return json.dumps(to_plain_values(content), indent=1, allow_nan=False) + "\n"


def comparisons_json(
    comparisons: Sequence[Comparison], sha256s: Sequence[str], *, created_at: datetime
) -> str:
    """Several models against the first: a list of documents as ``comparison_json`` makes them.

    Args:
        sha256s: of the tables' files, the first one's first.
    """
    first, *others = sha256s
    documents = [
        json.loads(comparison_json(one, first, other, created_at=created_at))
        for one, other in zip(comparisons, others, strict=True)
    ]
    return json.dumps(documents, indent=1, allow_nan=False) + "\n"


def to_plain_values(value: object) -> Any:
    """Dataclasses, tables and arrays, however nested, as values that strict JSON has."""
    if isinstance(value, Interval):
        status = "estimable" if value.estimable else value.text()
        return {**to_plain_values(_fields(value)), "status": status}
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain_values(_fields(value))
    if isinstance(value, pd.DataFrame):
        return to_plain_values(value.to_dict("records"))
    if isinstance(value, Mapping):
        return {str(key): to_plain_values(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain_values(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _fields(value: Any) -> dict[str, object]:
    named = {field.name: getattr(value, field.name) for field in fields(value)}
    omitted = [f.name for f in fields(value) if f.metadata.get(OMIT_EMPTY) and not named[f.name]]
    return {name: item for name, item in named.items() if name not in omitted}
