"""Every figure of merit of one predictions table, laid out once, for page, text, card and files.

A new figure is one function here and its name in ``EVALUATION_TABLES``.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from cxr_core.evaluation.full_report import (
    ErrorCount,
    FullReport,
)
from cxr_core.evaluation.metrics.at_threshold import ThresholdMetrics
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, NOT_LABELLED, Interval
from cxr_core.evaluation.metrics.calibration import CalibrationMetrics
from cxr_core.evaluation.metrics.errors import ErrorKind, FilmError
from cxr_core.evaluation.metrics.subgroups import ALL_FILMS
from cxr_core.evaluation.metrics.sufficiency import MAX_WIDTH
from cxr_core.evaluation.render.decision_figures import alerts, at_site, net_benefit
from cxr_core.evaluation.render.flag_figures import CUT_OFFS, bands, flags
from cxr_core.evaluation.render.further_figures import further_films
from cxr_core.evaluation.render.subset_figures import (
    FINDING,
    POSITIVE,
    SAMPLE_SIZE,
    SAMPLE_SIZES,
    co_occurrence,
    crossed_subgroups,
    finding_name,
    free_response,
    gaps,
    label_counts,
    labels_per_film,
    overlaps,
    pointing,
    resampling_caption,
    split_labels,
    subgroups,
    view_alone,
)
from cxr_core.evaluation.render.table import Cell, Column, Row, Table
from cxr_core.evaluation.report import EvaluationReport
from cxr_core.findings import label_of

DISCRIMINATION, CALIBRATION = "discrimination", "calibration"
ERRORS = "errors"
ERROR_TITLES: dict[ErrorKind, str] = {
    "missed": "Most confident misses",
    "false alarm": "Most confident false alarms",
}
ERROR_MEANINGS: dict[ErrorKind, str] = {
    "missed": "labelled {label}, not flagged",
    "false alarm": "not labelled {label}, flagged",
}


def _row(report: EvaluationReport, key: str, cells: Sequence[Cell], *, suffix: str = "") -> Row:
    """A finding among all films that have its label."""
    count = report.label_distribution[key]
    name = finding_name(report, key)
    return Row((name, *cells), key, ALL_FILMS, count.n, count.positives, suffix)


def _rows(
    report: EvaluationReport, columns: Sequence[Column], cells: Mapping[str, Sequence[Cell]]
) -> list[Row]:
    """A row a finding; every cell of one that has no label, or no cut-off, says so."""
    rows = []
    for key, count in report.label_distribution.items():
        absent = NOT_ESTIMABLE if count.n else NOT_LABELLED
        known = count.n and key in cells
        rows.append(_row(report, key, cells[key] if known else [absent] * (len(columns) - 1)))
    return rows


def discrimination(full: FullReport) -> Iterator[Table]:
    """AUROC and average precision, beside what so many films can bear."""
    report = full.report
    columns = (
        FINDING,
        Column("AUROC", "auroc", print_digits=3),
        Column("Average precision", "average_precision", print_digits=3),
        Column("Prevalence", "prevalence", digits=1, is_percent=True),
        POSITIVE,
        SAMPLE_SIZE,
    )
    cells = {}
    for key, count in report.label_distribution.items():
        areas = (report.auroc[key], report.average_precision[key])
        cells[key] = (*areas, count.prevalence, count.positives, SAMPLE_SIZES[count.verdict])
    yield Table(
        DISCRIMINATION,
        "Discrimination",
        columns,
        _rows(report, columns, cells),
        f"{report.n_films:,} films; {resampling_caption(report)}. Sample size: wide where the "
        f"AUROC's interval spans more than {MAX_WIDTH:.2f}",
        on_card=True,
    )


def calibration(full: FullReport) -> Iterator[Table]:
    """Calibration errors, Brier score, slope and intercept, before and after a calibration."""
    report = full.report
    if not report.calibration_before:
        return
    columns = (
        FINDING,
        Column("Calibration", is_text=True),
        Column("ECE", "calibration_error", digits=3),
        Column("ECE by chance", digits=3),
        Column("Brier score", "brier", digits=3),
        Column("Brier of prevalence", "brier_of_prevalence", digits=3),
        Column("Slope", "slope"),
        Column("Intercept", "intercept"),
    )
    before = "before" if report.calibration_after else "as given"
    kinds = (
        (before, "_before", report.calibration_before),
        ("after", "_after", report.calibration_after),
    )
    yield Table(
        CALIBRATION,
        "Calibration: 0 is perfect; an ECE no larger than by chance may be chance",
        columns,
        [
            _row(report, key, (name, *_calibration_cells(metrics[key])), suffix=suffix)
            for key in report.keys
            for name, suffix, metrics in kinds
            if key in metrics
        ],
        f"Calibration on {report.n_films:,} films; {resampling_caption(report)}",
        on_card=True,
    )


def _calibration_cells(one: CalibrationMetrics) -> tuple[Cell, ...]:
    scores = (one.brier, one.brier_of_prevalence)
    if one.brier.verdict == "not labelled":
        return NOT_LABELLED, NOT_LABELLED, *scores, one.slope, one.intercept
    return one.ece, one.expected_ece, *scores, one.slope, one.intercept


def confusion(full: FullReport) -> Iterator[Table]:
    """The counts at each finding's cut-off."""
    report = full.report
    if not report.confusion:
        return
    columns = (
        FINDING,
        Column("Cut-off", "operating_point", digits=3, judged=False),
        Column("Target", is_text=True),
        *(Column(name.upper(), name) for name in ("tp", "fn", "fp", "tn")),
    )
    cells: dict[str, Sequence[Cell]] = {}
    for key, counts in report.confusion.items():
        point = report.operating_points[key]
        cut_off = Interval(point.threshold, point.low, point.high, "enough")
        target = f"{point.criterion} ≥ {point.target:.2f}"
        cells[key] = (cut_off, target, counts.tp, counts.fn, counts.fp, counts.tn)
    title = "Confusion matrices at the cut-offs (flagged: probability ≥ cut-off)"
    yield Table(CUT_OFFS, title, columns, _rows(report, columns, cells), on_card=True)


def rates(full: FullReport) -> Iterator[Table]:
    """Sensitivity, specificity and predictive values at the cut-offs."""
    report = full.report
    if not report.rates:
        return
    columns = (
        FINDING,
        Column("Sensitivity", "sensitivity"),
        Column("Specificity", "specificity"),
        Column("PPV", "positive_predictive_value"),
        Column("NPV", "negative_predictive_value"),
    )
    cells = {
        key: (one.sensitivity, one.specificity, one.ppv, one.npv)
        for key, one in report.rates.items()
    }
    rows = _rows(report, columns, cells)
    caption = f"Performance at the cut-offs; {resampling_caption(report)}"
    yield Table(CUT_OFFS, "Performance at the cut-offs", columns, rows, caption, on_card=True)


def likelihood_ratios(full: FullReport) -> Iterator[Table]:
    """How far a flag, and no flag, move the odds."""
    if not full.at_operating_points:
        return
    columns = (
        FINDING,
        Column("Positive (LR+)", "likelihood_ratio_above"),
        Column("Negative (LR−)", "likelihood_ratio_below"),
    )
    cells = {
        key: (one.positive_likelihood_ratio, one.negative_likelihood_ratio)
        for key, one in full.at_operating_points.items()
    }
    rows = _rows(full.report, columns, cells)
    yield Table(CUT_OFFS, "Likelihood ratios at the cut-offs", columns, rows)


def classification_report(full: FullReport) -> Iterator[Table]:
    """scikit-learn's own report; the averages after the findings."""
    if full.report.classification_report is None:
        return
    metrics = ("precision", "recall", "f1-score")
    columns = (
        Column("", is_text=True),
        *(
            Column(title, f"report_{metric}")
            for title, metric in zip(("Precision", "Recall", "F1"), metrics, strict=True)
        ),
        POSITIVE,
    )
    rows: list[Row] = []
    values = full.report.classification_report.values
    of_label = {label_of(key): key for key in full.report.keys}
    for name, found in values.items():  # the findings, then the averages
        if not isinstance(found, dict):  # the accuracy, of one finding alone
            continue
        cells: list[Cell] = [float(found[metric]) for metric in metrics]
        cells.append(int(found["support"]))
        key = of_label.get(name)
        if key is not None and full.report.label_distribution[key].n == 0:
            cells = [NOT_LABELLED] * len(cells)
        rows.append(
            Row((name, *cells), part=None) if key is None else _row(full.report, key, cells)
        )
    title = "scikit-learn's classification report, each finding at its cut-off"
    notes = []
    if "samples avg" in values:  # what cannot be divided is left out, so the films differ
        notes.append(
            "samples avg: the mean over films; precision of those with some flag, recall of those "
            "with some label, F1 of those with either."
        )
    yield Table(CUT_OFFS, title, columns, rows, notes=notes)


def errors(full: FullReport) -> Iterator[Table]:
    """How many errors of either kind, and how far off the most confident one is."""
    if not full.missed:
        return
    columns = (
        FINDING,
        Column("Missed"),
        Column("Most confident miss", signed=True),
        Column("False alarms"),
        Column("Most confident false alarm", signed=True),
    )

    def cells(counted: ErrorCount) -> tuple[Cell, Cell]:
        return counted.films, counted.margin if counted.films else None

    rows = []
    for key, count in full.report.label_distribution.items():
        name = finding_name(full.report, key)
        absent = NOT_ESTIMABLE if count.n else NOT_LABELLED
        found: list[Cell] = [absent] * (len(columns) - 1)
        if key in full.missed:
            found = [*cells(full.missed[key]), *cells(full.false_alarms[key])]
        rows.append(Row((name, *found), key))
    title = (
        "Errors at the cut-offs; the most confident with its distance from the cut-off (log-odds)"
    )
    yield Table(ERRORS, title, columns, rows)


EVALUATION_TABLES: list[Callable[[FullReport], Iterator[Table]]] = [
    discrimination,
    calibration,
    bands,
    flags,
    confusion,
    rates,
    classification_report,
    likelihood_ratios,
    alerts,
    at_site,
    net_benefit,
    errors,
    subgroups,
    gaps,
    crossed_subgroups,
    view_alone,
    split_labels,
    label_counts,
    co_occurrence,
    labels_per_film,
    pointing,
    free_response,
    overlaps,
    further_films,
]


def evaluation_tables(full: FullReport, topic: str = "") -> Iterator[Table]:
    """All tables that there are of a report, or those of one topic."""
    for lay_out in EVALUATION_TABLES:
        yield from (table for table in lay_out(full) if topic in ("", table.topic))


# Tables that only a page can show: of a cut-off that is being moved, and of single films.


def at_cutoff(
    found: ThresholdMetrics, label: str, report: EvaluationReport, *, optimistic: bool
) -> Table:
    """Every figure of one finding at one cut-off, with its meaning."""
    elsewhere: list[tuple[str, Interval, str]] = []
    if found.prevalence is not None:
        share = f"{100 * found.prevalence:g}\N{NO-BREAK SPACE}%"
        meaning = f"the same at a prevalence of {share}"
        elsewhere = [
            (f"Positive predictive value at {share}", found.ppv_at_prevalence, meaning),
            (f"Negative predictive value at {share}", found.npv_at_prevalence, meaning),
        ]
    rows = [
        ("Sensitivity", found.sensitivity, f"of films with {label}, the share flagged"),
        ("Specificity", found.specificity, f"of films without {label}, the share not flagged"),
        ("Positive predictive value", found.ppv, "of flagged films, the share with the label"),
        ("Negative predictive value", found.npv, "of films not flagged, the share without it"),
        *elsewhere,
        (
            "Positive likelihood ratio (LR+)",
            found.positive_likelihood_ratio,
            f"how many times likelier a flag is with {label} than without",
        ),
        (
            "Negative likelihood ratio (LR−)",
            found.negative_likelihood_ratio,
            f"the same for no flag; the nearer to 0, the stronger it speaks against {label}",
        ),
    ]
    value = "Value (95 % interval), optimistic" if optimistic else "Value (95 % interval)"
    columns = (
        Column("At this cut-off", is_text=True),
        Column(value, is_text=True),
        Column("Meaning", is_text=True),
    )
    caption = resampling_caption(report)
    return Table(CUT_OFFS, caption, columns, [Row(cells) for cells in rows])


def error_films(found: Sequence[FilmError], label: str, kind: ErrorKind, *, total: int) -> Table:
    """The most confident errors of one finding, a film a row; it names films.

    Args:
        total: errors of this kind.
    """
    columns = (
        *(Column(title, is_text=True) for title in ("Film", "Labels", "View")),
        Column("Age", digits=0),
        Column("Probability", digits=1, is_percent=True),
        Column("Cut-off", digits=1, is_percent=True),
        Column("Distance above cut-off (log-odds)", signed=True),
    )
    rows = [
        Row(
            (
                one.image,
                one.labels,
                one.view or None,
                None if math.isnan(one.age) else one.age,
                one.probability,
                one.cutoff,
                one.margin,
            )
        )
        for one in found
    ]
    meaning = ERROR_MEANINGS[kind].format(label=label)
    title = f"{ERROR_TITLES[kind]} of {label}: {len(found):,} of {total:,} films {meaning}"
    return Table(ERRORS, title, columns, rows)
