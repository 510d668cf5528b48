"""An evaluation as text that a terminal of 100 columns can show."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cxr_core.evaluation.full_report import (
    ErrorCount,
    FullReport,
    group_by_finding,
    multi_label_share,
)
from cxr_core.evaluation.metrics.bootstrap import MAX_WIDTH, Interval, make_interval
from cxr_core.evaluation.metrics.labels import SplitLabels
from cxr_core.evaluation.metrics.subgroups import SubgroupMetrics, shortcut_sentence
from cxr_core.findings import ALL_IN_WORDS, KEYS, LABELS

if TYPE_CHECKING:
    from cxr_core.evaluation.comparison import AurocComparison, Comparison, PairedIntervals
    from cxr_core.evaluation.report import EvaluationReport

WIDTH = 100
_MAX_VALUE_LENGTH = 28  # longest text of a subgroup's name
_MIN_NAME_WIDTH = 12  # letters of a group's name, however wide its figures are
_MAX_GROUP_LENGTH = 60  # longest text of a group's name


def summary_text(report: EvaluationReport, *, extra_tables: Sequence[str] = ()) -> str:
    """The whole report as lines of at most 100 characters.

    Args:
        extra_tables: more tables, which stand before the notes.
    """
    parts = [_head(report), _areas(report), _calibration(report)]
    if report.operating_points:
        parts += [_confusion(report), _rates(report), _sklearn(report)]
    if len(report.subgroups):
        parts.append(_subgroups(report))
    parts += [*extra_tables, _notes(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def align_columns(rows: Sequence[Sequence[str]], n_left: int = 1) -> str:
    """Rows of cells as aligned columns.

    Args:
        rows: the first is the header; all of one length.
        n_left: how many columns stand to the left; the others stand to the right.
    """
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if j < n_left else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _head(report: EvaluationReport) -> str:
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    return wrap_text(
        f"{report.n_films:,} films{patients}. Intervals are 95 %, from {report.n_resamples:,} "
        f"resamples of {report.resampled} (seed {report.seed}). Verdict: enough; wide (the AUROC's "
        f"interval spans over {MAX_WIDTH:.2f}); too few (under 10 positives, negatives or "
        f"{report.resampled}: not estimable)."
    )


def _areas(report: EvaluationReport) -> str:
    rows = [["Finding", "positive", "prevalence", "AUROC", "average precision", "verdict"]]
    for key in KEYS:
        count = report.label_distribution[key]
        rows.append(
            [
                LABELS[key],
                f"{count.positives:,}",
                f"{count.prevalence:.1%}",
                report.auroc[key].text(3),
                report.average_precision[key].text(3),
                count.verdict,
            ]
        )
    return "Labels and areas\n" + align_columns(rows)


def _calibration(report: EvaluationReport) -> str:
    kinds = (("before", report.calibration_before), ("after", report.calibration_after))
    errors = [["Finding", "", "error (ECE)", "by chance", "Brier score", "of prevalence"]]
    slopes = [["Finding", "", "slope", "intercept"]]
    for key in KEYS:
        for kind, measures in kinds:
            if key not in measures:
                continue
            one, name = measures[key], [LABELS[key], kind]
            error, chance, reference = "not estimable", "–", "–"
            if one.brier.estimable:
                error, chance = f"{one.ece:.3f}", f"{one.expected_ece:.3f}"
                reference = f"{one.brier_of_prevalence.estimate:.3f}"
            errors.append([*name, error, chance, one.brier.text(3), reference])
            slopes.append([*name, one.slope.text(), one.intercept.text()])
    if not report.calibration_before:
        return ""
    return (
        "Calibration: 0 is perfect; an error as large as by chance is none\n"
        + align_columns(errors, n_left=2)
        + "\n\nCalibration slope (1 is perfect) and intercept with the slope at 1 (0 is perfect)\n"
        + align_columns(slopes, n_left=2)
    )


def _confusion(report: EvaluationReport) -> str:
    rows = [["Finding", "cut-off", "aim", "TP", "FN", "FP", "TN"]]
    for key, counts in report.confusion.items():
        point = report.operating_points[key]
        rows.append(
            [
                LABELS[key],
                f"{point.threshold:.3f}",
                f"{point.criterion} >= {point.target:.2f}",
                *(f"{films:,}" for films in (counts.tp, counts.fn, counts.fp, counts.tn)),
            ]
        )
    return (
        "Confusion matrices at the operating points (above: probability >= cut-off)\n"
        + align_columns(rows)
    )


def _rates(report: EvaluationReport) -> str:
    rows = [["Finding", "sensitivity", "specificity", "PPV", "NPV"]]
    for key, rates in report.rates.items():
        intervals = (rates.sensitivity, rates.specificity, rates.ppv, rates.npv)
        rows.append([LABELS[key], *(interval.text() for interval in intervals)])
    return "At the operating points\n" + align_columns(rows)


def _sklearn(report: EvaluationReport) -> str:
    if report.classification_report is None:
        return ""
    return "scikit-learn's classification report\n" + report.classification_report.text.rstrip()


def _subgroups(report: EvaluationReport) -> str:
    rows = [["By", "Films", "Finding", "n", "positive", "AUROC", "verdict"]]
    rows += _subgroup_rows(report)
    return "AUROC within subgroups\n" + align_columns(rows, n_left=3)


def _subgroup_rows(report: EvaluationReport) -> Iterator[list[str]]:
    for row in report.subgroups.to_dict("records"):
        area = make_interval(row["estimate"], row["low"], row["high"])
        yield [
            row["by"],
            textwrap.shorten(row["value"], _MAX_VALUE_LENGTH, placeholder="…"),
            LABELS[row["finding"]],
            f"{row['n']:,}",
            f"{row['positives']:,}",
            area.text(3),
            row["verdict"],
        ]


def _notes(report: EvaluationReport) -> str:
    if not report.notes:
        return ""
    return "Notes\n" + "\n".join(wrap_text(note, bullet="- ") for note in report.notes)


def wrap_text(text: str, bullet: str = "") -> str:
    """A sentence as lines of at most 100 characters, the first behind ``bullet``."""
    indent = " " * len(bullet)
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=indent)


# The page's tables as text that a terminal of 100 columns can show.


def metrics_text(metrics: FullReport) -> str:
    """Everything that was gathered, as lines of at most 100 characters."""
    further = [
        _likelihood_ratios(metrics),
        _errors(metrics),
        *_groups(metrics),
        _view_alone(metrics),
        _splits(metrics.splits),
        _co_occurrence(metrics),
        _labels_a_film(metrics),
        _localisation(metrics),
    ]
    report = replace(metrics.report, notes=metrics.notes)
    return summary_text(report, extra_tables=[part for part in further if part])


def _likelihood_ratios(metrics: FullReport) -> str:
    if not metrics.at_operating_points:
        return ""
    rows = [["Finding", "above the cut-off", "below it"]]
    for key, found in metrics.at_operating_points.items():
        rows.append(
            [
                LABELS[key],
                found.positive_likelihood_ratio.text(),
                found.negative_likelihood_ratio.text(),
            ]
        )
    return "Likelihood ratios at the operating points\n" + align_columns(rows)


def _errors(metrics: FullReport) -> str:
    if not metrics.missed:
        return ""
    rows = [["Finding", "missed", "surest miss", "false alarms", "surest false alarm"]]
    for key, missed in metrics.missed.items():
        alarms = metrics.false_alarms[key]
        rows.append([LABELS[key], *_count(missed), *_count(alarms)])
    return "Errors at the operating points, the surest by its margin in logits\n" + align_columns(
        rows
    )


def _count(errors: ErrorCount) -> tuple[str, str]:
    margin = "none" if math.isnan(errors.margin) else f"{errors.margin:+.2f}"
    return f"{errors.films:,}", margin


def _groups(metrics: FullReport) -> Iterator[str]:
    at_point = bool(metrics.report.operating_points)
    for key, groups in group_by_finding(metrics.groups).items():
        rows = [["Films", "n", "with it", "AUROC"]]
        rows[0] += ["sensitivity", "specificity"] if at_point else []
        for one in groups:
            figures = (one.auroc, one.sensitivity, one.specificity)[: 3 if at_point else 1]
            rows.append(
                [
                    _group_name(one),
                    f"{one.n:,}",
                    f"{one.positives:,}",
                    *(figure.text() for figure in figures),
                ]
            )
        yield f"{LABELS[key]} within groups of films\n" + align_columns(_shorten_names(rows))


def _group_name(group: SubgroupMetrics) -> str:
    if group.by in ("films", "label", "follow_up"):  # their values tell what they are
        return group.value
    return f"{group.by} {group.value}"


def _shorten_names(rows: list[list[str]]) -> list[list[str]]:
    """Names shortened to what the figures leave them of the line."""
    others = sum(2 + max(len(row[j]) for row in rows) for j in range(1, len(rows[0])))
    left = max(_MIN_NAME_WIDTH, WIDTH - others)
    return [[textwrap.shorten(row[0], left, placeholder="…"), *row[1:]] for row in rows]


def _view_alone(metrics: FullReport) -> str:
    if not metrics.shortcuts:
        return ""
    rows = [["Finding", "model", "view alone", "model less view"]]
    for one in metrics.shortcuts:
        rows.append([LABELS[one.finding], one.model.text(), one.view_alone.text(), one.gain.text()])
    origin = (
        "these very films, which flatters the view"
        if metrics.shortcuts[0].fitted_here
        else "validation films"
    )
    title = f"AUROC of films whose view is known; the view's shares are those of {origin}"
    said = [wrap_text(shortcut_sentence(one), bullet="- ") for one in metrics.shortcuts]
    return "\n".join([wrap_text(title), align_columns(rows), *said])


def _splits(splits: Sequence[SplitLabels]) -> str:
    if not splits:
        return ""
    rows = [["Finding", *(f"{part.part} ({part.n_films:,} films)" for part in splits)]]
    for key in KEYS:
        counts = [part.counts[key] for part in splits]
        rows.append([LABELS[key], *(f"{one.positives:,}, {one.verdict}" for one in counts)])
    return "Labels in each part of the run, and what so many can bear\n" + align_columns(rows)


def _co_occurrence(metrics: FullReport) -> str:
    both = metrics.co_occurrence.tolist()
    rows = [["Of the films with", *(f"also {LABELS[key]}" for key in KEYS)]]
    for k, key in enumerate(KEYS):
        films = both[k][k]
        cells = [
            "-" if other == k else f"{both[k][other]:,} ({both[k][other] / films:.1%})"
            for other in range(len(KEYS))
            if films
        ]
        rows.append([f"{LABELS[key]} ({films:,})", *(cells or ["-"] * len(KEYS))])
    return "Films with two labels at once\n" + align_columns(rows)


def _localisation(metrics: FullReport) -> str:
    if not metrics.localisation.hit_rates:
        return ""
    rows = [["Finding", "boxed", "map's peak", "best fixed spot", "peak less spot"]]
    for key, found in metrics.localisation.hit_rates.items():
        pointed = (found.peak, found.fixed_spot, found.gain)
        shares = [share.text() for share in pointed]
        rows.append([LABELS[key], f"{found.n:,}", *shares])
    return "Share of boxed films with the pointer inside a box\n" + align_columns(rows)


def _labels_a_film(metrics: FullReport) -> str:
    films, total = metrics.labels_per_film, metrics.report.n_films
    share = multi_label_share(films)
    several = (
        "no film has any"
        if math.isnan(share)
        else f"{share:.1%} of those with any have two or more"
    )
    rows = [
        ["Labels", *(f"{n} of the {ALL_IN_WORDS}" for n in range(len(films)))],
        ["Films", *(f"{n:,} ({n / total:.1%})" for n in films)],
    ]
    return f"How many labels a film has; {several}\n" + align_columns(rows)


# A comparison as text that a terminal of 100 columns can show.


def comparison_text(comparison: Comparison) -> str:
    """The whole comparison as lines of at most 100 characters."""
    parts = [
        _comparison_head(comparison),
        _comparison_areas("AUROC of", comparison.overall),
        _comparison_areas("AUROC of films that are", comparison.abnormal),
        *(_comparison_areas("AUROC within view", films) for films in comparison.views.values()),
        *(_comparison_areas("AUROC within group", films) for films in comparison.groups.values()),
        _comparison_calibration(comparison),
        _comparison_localisation(comparison),
        _comparison_notes(comparison),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def signed_text(difference: Interval, digits: int = 3) -> str:
    """Return "+0.012 (-0.005 to +0.029)", or "not estimable"."""
    if not difference.estimable:
        return difference.text()
    # A rounded zero has no sign: "-0.000" would seem to leave 0 out.
    ends = (difference.estimate, difference.low, difference.high)
    figure, low, high = (f"{end:+.{digits}f}" if round(end, digits) else f"{0:.{digits}f}"
                         for end in ends)  # fmt: skip
    return f"{figure} ({low} to {high})"


def _comparison_head(comparison: Comparison) -> str:
    patients = "" if comparison.n_patients is None else f" of {comparison.n_patients:,} patients"
    return _wrapped(
        f"{comparison.n_films:,} films{patients}. Intervals are 95 %, from "
        f"{comparison.n_resamples:,} resamples of {comparison.resampled} (seed {comparison.seed}), "
        "the same ones for A and B. They tell how far a figure would move with other "
        f"{comparison.resampled}, not with another training run; of many differences one in "
        f"twenty leaves out 0 by chance. Not estimable: under 10 positives, negatives or "
        f"{comparison.resampled}."
    )


def _comparison_areas(what: str, films: AurocComparison) -> str:
    rows = [["Finding", "positive", "A", "B", "B - A"]]
    rows += [
        [LABELS[key], f"{films.positives[key]:,}", *_cells(area)]
        for key, area in films.auroc.items()
    ]
    if films.mean is not None:
        rows.append(["Mean", "", *_cells(films.mean)])
    name = textwrap.shorten(films.name, _MAX_GROUP_LENGTH, placeholder="…")
    return f"{what} {name}, n = {films.n:,}\n" + align_columns(rows)


def _comparison_calibration(comparison: Comparison) -> str:
    sides = [
        (f"{side} {when}", errors)
        for side, ece in (("A", comparison.ece_a), ("B", comparison.ece_b))
        if ece is not None
        for when, errors in (("before", ece.before), ("after", ece.after))
        if errors
    ]
    if not sides:
        return ""
    rows = [["Finding", *(name for name, _ in sides)]]
    rows += [[LABELS[key], *(f"{errors[key]:.3f}" for _, errors in sides)] for key in KEYS]
    rows.append(["Mean", *(f"{sum(errors.values()) / len(errors):.3f}" for _, errors in sides)])
    title = "Expected calibration error (10 bins, 0 is perfect), before and after calibration"
    return f"{title}\n" + align_columns(rows)


def _comparison_localisation(comparison: Comparison) -> str:
    if not comparison.localisation:
        return ""
    rows = [["Finding", "boxed", "A", "B", "B - A"]]
    rows += [
        [LABELS.get(key, "All together"), f"{found.n:,}", *_cells(found.rate)]
        for key, found in comparison.localisation.items()
    ]
    return "Share of boxed films whose evidence peaks inside a box\n" + align_columns(rows)


def _comparison_notes(comparison: Comparison) -> str:
    if not comparison.notes:
        return ""
    return "Notes\n" + "\n".join(_wrapped(note, bullet="- ") for note in comparison.notes)


def _cells(figure: PairedIntervals) -> list[str]:
    return [figure.a.text(3), figure.b.text(3), signed_text(figure.difference)]


def _wrapped(text: str, bullet: str = "") -> str:
    indent = " " * len(bullet)
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=indent)
