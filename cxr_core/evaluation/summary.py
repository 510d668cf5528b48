"""An evaluation as text that a terminal of 100 columns can show."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cxr_core.evaluation.bootstrap import WIDEST, judged
from cxr_core.findings import KEYS, LABELS

if TYPE_CHECKING:
    from cxr_core.evaluation.results import EvaluationReport

WIDTH = 100
_CELL = 28  # longest text of a subgroup's name


def summary_text(report: EvaluationReport, *, further: Sequence[str] = ()) -> str:
    """The whole report as lines of at most 100 characters.

    Args:
        further: more tables, which stand before the notes.
    """
    parts = [_head(report), _areas(report), _calibration(report)]
    if report.operating_points:
        parts += [_confusion(report), _rates(report), _sklearn(report)]
    if len(report.subgroups):
        parts.append(_subgroups(report))
    parts += [*further, _notes(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def columns(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of cells as aligned columns.

    Args:
        rows: the first is the header; all of one length.
        left: how many columns stand to the left; the others stand to the right.
    """
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if j < left else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _head(report: EvaluationReport) -> str:
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    return wrapped(
        f"{report.n_films:,} films{patients}. Intervals are 95 %, from {report.n_resamples:,} "
        f"resamples of {report.resampled} (seed {report.seed}). Verdict: enough; wide (the AUROC's "
        f"interval spans over {WIDEST:.2f}); too few (under 10 positives, negatives or "
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
    return "Labels and areas\n" + columns(rows)


def _calibration(report: EvaluationReport) -> str:
    kinds = (("before", report.measures_before), ("after", report.measures_after))
    errors = [["Finding", "", "error (ECE)", "by chance", "Brier score", "of prevalence"]]
    slopes = [["Finding", "", "slope", "intercept"]]
    for key in KEYS:
        for kind, measures in kinds:
            if key not in measures:
                continue
            one, name = measures[key], [LABELS[key], kind]
            error, chance, least = "not estimable", "–", "–"
            if one.brier.estimable:
                error, chance = f"{one.ece:.3f}", f"{one.ece_by_chance:.3f}"
                least = f"{one.brier_of_prevalence.estimate:.3f}"
            errors.append([*name, error, chance, one.brier.text(3), least])
            slopes.append([*name, one.slope.text(), one.intercept.text()])
    if not report.measures_before:
        return ""
    return (
        "Calibration: 0 is perfect; an error as large as by chance is none\n"
        + columns(errors, left=2)
        + "\n\nCalibration slope (1 is perfect) and intercept with the slope at 1 (0 is perfect)\n"
        + columns(slopes, left=2)
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
    return "Confusion matrices at the operating points (above: probability >= cut-off)\n" + columns(
        rows
    )


def _rates(report: EvaluationReport) -> str:
    rows = [["Finding", "sensitivity", "specificity", "PPV", "NPV"]]
    for key, rates in report.rates.items():
        intervals = (rates.sensitivity, rates.specificity, rates.ppv, rates.npv)
        rows.append([LABELS[key], *(interval.text() for interval in intervals)])
    return "At the operating points\n" + columns(rows)


def _sklearn(report: EvaluationReport) -> str:
    if report.classification_report is None:
        return ""
    return "scikit-learn's classification report\n" + report.classification_report.text.rstrip()


def _subgroups(report: EvaluationReport) -> str:
    rows = [["By", "Films", "Finding", "n", "positive", "AUROC", "verdict"]]
    rows += _subgroup_rows(report)
    return "AUROC within subgroups\n" + columns(rows, left=3)


def _subgroup_rows(report: EvaluationReport) -> Iterator[list[str]]:
    for row in report.subgroups.to_dict("records"):
        area = judged(row["estimate"], row["low"], row["high"])
        yield [
            row["by"],
            textwrap.shorten(row["value"], _CELL, placeholder="…"),
            LABELS[row["finding"]],
            f"{row['n']:,}",
            f"{row['positives']:,}",
            area.text(3),
            row["verdict"],
        ]


def _notes(report: EvaluationReport) -> str:
    if not report.notes:
        return ""
    return "Notes\n" + "\n".join(wrapped(note, bullet="- ") for note in report.notes)


def wrapped(text: str, bullet: str = "") -> str:
    """A sentence as lines of at most 100 characters, the first behind ``bullet``."""
    indent = " " * len(bullet)
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=indent)
