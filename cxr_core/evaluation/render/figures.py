"""Every figure of merit of one predictions table, laid out once, for page, text, card and files.

A new figure is one function here and its name in ``EVALUATION_TABLES``.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from cxr_core.evaluation.full_report import (
    ErrorCount,
    FullReport,
    group_by_finding,
    multi_label_share,
)
from cxr_core.evaluation.localisation.overlap import Measure
from cxr_core.evaluation.metrics.at_threshold import ThresholdMetrics
from cxr_core.evaluation.metrics.bootstrap import MAX_WIDTH, Interval
from cxr_core.evaluation.metrics.calibration import CalibrationMetrics
from cxr_core.evaluation.metrics.errors import ErrorKind, FilmError
from cxr_core.evaluation.metrics.labels import LabelCount
from cxr_core.evaluation.metrics.subgroups import ALL_FILMS, SubgroupMetrics, shortcut_sentence
from cxr_core.evaluation.render.table import Cell, Column, Row, Share, Table
from cxr_core.evaluation.report import EvaluationReport
from cxr_core.findings import KEYS, LABELS
from cxr_core.wording import percent

DISCRIMINATION, CUT_OFFS, CALIBRATION = "discrimination", "cut-offs", "calibration"
SUBGROUPS, LABEL_COUNTS, LOCALISATION, ERRORS = "subgroups", "labels", "localisation", "errors"
SAMPLE_SIZES = {"enough": "enough", "wide": "wide interval", "too few": "too few"}
KNOWN_VIEW, BOXED_FILMS = "films of a known view", "films with a box of it"
POINTERS = {
    "peak": "Map's peak",
    "fixed_spot": "Best fixed spot",
    "centre": "Centre",
    "random_point": "Random point",
    "shuffled": "Randomized weights",
}
BOXES = {
    "map_box": "Map's box",
    "fixed_box": "Best fixed box",
    "centre_box": "Box in the centre",
    "random_box": "Random box",
    "shuffled": "Randomized weights",
}
MEASURES: dict[Measure, str] = {
    "iobb": "intersection over the map's box (IoBB)",
    "iou": "intersection over union (IoU)",
}
_FINDING = Column("Finding", is_text=True)
_POSITIVE = Column("Positive")
_SAMPLE_SIZE = Column("Sample size", is_text=True)
ERROR_TITLES: dict[ErrorKind, str] = {
    "missed": "Most confident misses",
    "false alarm": "Most confident false alarms",
}
ERROR_MEANINGS: dict[ErrorKind, str] = {
    "missed": "labelled {label}, not flagged",
    "false alarm": "not labelled {label}, flagged",
}
_COLUMN_LABELS = {
    "view": "View",
    "sex": "Sex",
    "age": "Age",
    "follow_up": "Follow-up",
    "group": "Group",
}


def _resampling(report: EvaluationReport) -> str:
    return f"95 % intervals from resampling {report.resampled}, {report.n_resamples:,} times"


def _row(report: EvaluationReport, key: str, cells: Sequence[Cell], *, suffix: str = "") -> Row:
    """A finding among all films."""
    count = report.label_distribution[key]
    return Row((LABELS[key], *cells), key, ALL_FILMS, count.n, count.positives, suffix)


def discrimination(full: FullReport) -> Iterator[Table]:
    """AUROC and average precision, beside what so many films can bear."""
    report = full.report
    columns = (
        _FINDING,
        Column("AUROC", "auroc", print_digits=3),
        Column("Average precision", "average_precision", print_digits=3),
        Column("Prevalence", "prevalence", digits=1, is_percent=True),
        _POSITIVE,
        _SAMPLE_SIZE,
    )
    rows = []
    for key, count in report.label_distribution.items():
        areas = (report.auroc[key], report.average_precision[key])
        words = SAMPLE_SIZES[count.verdict]
        rows.append(_row(report, key, (*areas, count.prevalence, count.positives, words)))
    yield Table(
        DISCRIMINATION,
        "Discrimination",
        columns,
        rows,
        f"{report.n_films:,} films; {_resampling(report)}. Sample size: wide where the AUROC's "
        f"interval spans more than {MAX_WIDTH:.2f}",
        on_card=True,
    )


def calibration(full: FullReport) -> Iterator[Table]:
    """Calibration errors, Brier score, slope and intercept, before and after a calibration."""
    report = full.report
    if not report.calibration_before:
        return
    columns = (
        _FINDING,
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
            for key in KEYS
            for name, suffix, metrics in kinds
            if key in metrics
        ],
        f"Calibration on {report.n_films:,} films; {_resampling(report)}",
        on_card=True,
    )


def _calibration_cells(one: CalibrationMetrics) -> tuple[Cell, ...]:
    scores = (one.brier, one.brier_of_prevalence)
    return one.ece, one.expected_ece, *scores, one.slope, one.intercept


def confusion(full: FullReport) -> Iterator[Table]:
    """The four counts at each finding's cut-off."""
    report = full.report
    if not report.confusion:
        return
    columns = (
        _FINDING,
        Column("Cut-off", "operating_point", digits=3, judged=False),
        Column("Target", is_text=True),
        *(Column(name.upper(), name) for name in ("tp", "fn", "fp", "tn")),
    )
    rows = []
    for key, counts in report.confusion.items():
        point = report.operating_points[key]
        cut_off = Interval(point.threshold, point.low, point.high, "enough")
        target = f"{point.criterion} >= {point.target:.2f}"
        films = (counts.tp, counts.fn, counts.fp, counts.tn)
        rows.append(_row(report, key, (cut_off, target, *films)))
    title = "Confusion matrices at the cut-offs (flagged: probability >= cut-off)"
    yield Table(CUT_OFFS, title, columns, rows, on_card=True)


def rates(full: FullReport) -> Iterator[Table]:
    """Sensitivity, specificity and predictive values at the cut-offs."""
    report = full.report
    if not report.rates:
        return
    columns = (
        _FINDING,
        Column("Sensitivity", "sensitivity"),
        Column("Specificity", "specificity"),
        Column("PPV", "positive_predictive_value"),
        Column("NPV", "negative_predictive_value"),
    )
    rows = [
        _row(report, key, (one.sensitivity, one.specificity, one.ppv, one.npv))
        for key, one in report.rates.items()
    ]
    caption = f"Performance at the cut-offs; {_resampling(report)}"
    yield Table(CUT_OFFS, "Performance at the cut-offs", columns, rows, caption, on_card=True)


def likelihood_ratios(full: FullReport) -> Iterator[Table]:
    """How far a flag, and no flag, move the odds."""
    if not full.at_operating_points:
        return
    columns = (
        _FINDING,
        Column("Positive (LR+)", "likelihood_ratio_above"),
        Column("Negative (LR−)", "likelihood_ratio_below"),
    )
    rows = [
        _row(full.report, key, (one.positive_likelihood_ratio, one.negative_likelihood_ratio))
        for key, one in full.at_operating_points.items()
    ]
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
        _POSITIVE,
    )
    rows: list[Row] = []
    values = full.report.classification_report.values
    for k, (name, found) in enumerate(values.items()):  # the findings, then the averages
        cells: list[Cell] = [float(found[metric]) for metric in metrics]
        cells.append(int(found["support"]))
        is_finding = k < len(KEYS)
        rows.append(
            _row(full.report, KEYS[k], cells) if is_finding else Row((name, *cells), part=None)
        )
    title = "scikit-learn's classification report, each finding at its cut-off"
    yield Table(CUT_OFFS, title, columns, rows)


def errors(full: FullReport) -> Iterator[Table]:
    """How many errors of either kind, and how far off the most confident one is."""
    if not full.missed:
        return
    columns = (
        _FINDING,
        Column("Missed"),
        Column("Most confident miss", signed=True),
        Column("False alarms"),
        Column("Most confident false alarm", signed=True),
    )

    def cells(counted: ErrorCount) -> tuple[Cell, Cell]:
        return counted.films, counted.margin if counted.films else None

    rows = [
        Row((LABELS[key], *cells(missed), *cells(full.false_alarms[key])), key)
        for key, missed in full.missed.items()
    ]
    title = (
        "Errors at the cut-offs; the most confident with its distance from the cut-off (log-odds)"
    )
    yield Table(ERRORS, title, columns, rows)


def subgroup_name(by: str, value: str) -> str:
    """What a group of films is called, e.g. ``View: AP``."""
    if by == "films":
        return ALL_FILMS.capitalize()
    if by == "label":
        return f"{value[0].upper()}{value[1:]}"
    return f"{_COLUMN_LABELS.get(by, by)}: {value}"


def subgroups(full: FullReport) -> Iterator[Table]:
    """AUROC, sensitivity and specificity of each subgroup, a table a finding."""
    at_cutoff = bool(full.report.operating_points)
    columns = [
        Column("Subgroup", is_text=True),
        Column("Films"),
        _POSITIVE,
        Column("AUROC", "auroc"),
        *([Column("Sensitivity", "sensitivity")] if at_cutoff else []),
        *([Column("Specificity", "specificity")] if at_cutoff else []),
    ]
    resampled = full.report.resampled
    for key, groups in group_by_finding(full.groups).items():
        title = f"{LABELS[key]} by subgroup"
        yield Table(
            SUBGROUPS,
            title,
            columns,
            [_subgroup_row(one, at_cutoff=at_cutoff) for one in groups],
            f"{title} (95 % interval, {resampled} resampled). Not estimable with under 10 films or "
            f"{resampled} in a denominator",
            on_card=True,
        )


def _subgroup_row(one: SubgroupMetrics, *, at_cutoff: bool) -> Row:
    part = ALL_FILMS if one.by == "films" else f"{one.by}: {one.value}"
    figures = (one.auroc, one.sensitivity, one.specificity)[: 3 if at_cutoff else 1]
    name = subgroup_name(one.by, one.value)
    return Row((name, one.n, one.positives, *figures), one.finding, part, one.n, one.positives)


def view_alone(full: FullReport) -> Iterator[Table]:
    """The model beside a baseline that knows the view and nothing else."""
    if not full.shortcuts:
        return
    columns = (
        _FINDING,
        Column("Model", "auroc"),
        Column("View alone", "auroc_of_view_alone"),
        Column("Model − view", "auroc_less_view_alone"),
        *(Column(f"Model within {view}") for view in full.shortcuts[0].within),
    )
    rows = [
        Row(
            (LABELS[one.finding], one.model, one.view_alone, one.gain, *one.within.values()),
            one.finding,
            KNOWN_VIEW,
        )
        for one in full.shortcuts
    ]
    origin = (
        "these same films, which flatters the baseline"
        if full.shortcuts[0].fitted_here
        else "the model's validation films"
    )
    title = f"AUROC on films whose view is known; prevalence by view from {origin}"
    notes = [shortcut_sentence(one) for one in full.shortcuts]
    yield Table(SUBGROUPS, title, columns, rows, notes=notes)


def split_labels(full: FullReport) -> Iterator[Table]:
    """Labels of the run's training, validation and test set."""
    if not full.splits:
        return
    columns = [_FINDING]
    for part in full.splits:
        patients = "" if part.n_patients is None else f", {part.n_patients:,} patients"
        columns.append(Column(f"{part.part.capitalize()}: {part.n_films:,} films{patients}",
                              digits=0))  # fmt: skip
    yield Table(
        LABEL_COUNTS,
        "Labels by set, and whether they are enough",
        columns,
        [
            Row((LABELS[key], *(_label_share(part.counts[key]) for part in full.splits)), key)
            for key in KEYS
        ],
        "Films with the label, and whether they are enough to measure an AUROC of 0.80: enough, "
        "wide interval (it would span over 0.10, by Hanley and McNeil's formula) or too few (under "
        "10 with it, without it, or patients). The model's own intervals are under Discrimination",
    )


def label_counts(full: FullReport) -> Iterator[Table]:
    """Labels of the films themselves, where no split tells those of the other sets."""
    if full.splits:
        return
    counts = full.report.label_distribution
    yield Table(
        LABEL_COUNTS,
        "Labels of these films, and whether they are enough",
        (_FINDING, Column("These films", digits=0)),
        [Row((LABELS[key], _label_share(count)), key) for key, count in counts.items()],
        "Films with the label, and the sample size: enough, wide interval (AUROC's over 0.10) or "
        "too few (under 10 with it, without it, or patients)",
    )


def _label_share(count: LabelCount) -> Share:
    return Share(count.positives, count.n, SAMPLE_SIZES[count.verdict])


def co_occurrence(full: FullReport) -> Iterator[Table]:
    """Films with two labels at once."""
    columns = [Column("Of the films with", is_text=True)]
    columns += [Column(f"also {LABELS[key]}", f"films_also_{key}", digits=0) for key in KEYS]
    rows = []
    for k, key in enumerate(KEYS):
        both = [int(films) for films in full.co_occurrence[k]]
        films = both[k]
        shares: list[Cell] = [None if j == k else Share(n, films) for j, n in enumerate(both)]
        rows.append(Row((f"{LABELS[key]} ({films:,})", *shares), key))
    n_films = full.report.n_films
    caption = f"Films with two labels at once, of the {n_films:,} shown; shares of each row"
    yield Table(LABEL_COUNTS, "Films with two labels at once", columns, rows, caption)


def labels_per_film(full: FullReport) -> Iterator[Table]:
    """How many labels a film has, and how many films and patients there are."""
    films, report = full.labels_per_film, full.report
    share = multi_label_share(films)
    several = (
        f"{percent(share)} of the labelled films have two or more"
        if films[0] < report.n_films
        else "no film has a label"
    )
    columns = [Column("", is_text=True), Column("All", "films"), Column("Patients", "patients")]
    columns += [
        Column(f"{n} label{'' if n == 1 else 's'}", f"films_with_{n}_labels", digits=0)
        for n in range(len(films))
    ]
    shares = [Share(n, report.n_films) for n in films]
    row = Row(("Films", report.n_films, report.n_patients, *shares))
    yield Table(LABEL_COUNTS, f"Labels per film; {several}", columns, [row])


def pointing(full: FullReport) -> Iterator[Table]:
    """How often the map's peak, and pointers that know nothing of the film, lie inside a box."""
    if not full.localisation.hit_rates:
        return
    columns = (
        _FINDING,
        Column("Boxed films"),
        *(Column(title, f"inside_{name}") for name, title in POINTERS.items()),
        Column("Peak − fixed spot", "peak_less_fixed_spot"),
    )
    rows = [
        Row(
            (LABELS[key], one.n, *(getattr(one, name) for name in POINTERS), one.gain),
            key,
            BOXED_FILMS,
            one.n,
        )
        for key, one in full.localisation.hit_rates.items()
    ]
    title = "Share of boxed test films on which the point lies inside a box"
    caption = f"{title} (95 % interval, patients resampled); the difference is paired by film"
    yield Table(LOCALISATION, title, columns, rows, caption, on_card=True)


def overlaps(full: FullReport) -> Iterator[Table]:
    """How often a box overlaps the radiologists' boxes enough, a table a measure."""
    columns = (
        _FINDING,
        Column("Threshold"),
        Column("Boxed films"),
        *(Column(title, name) for name, title in BOXES.items()),
        Column("Map − fixed box", "gain"),
    )
    for measure, found in full.localisation.overlaps.items():
        rows = []
        for key, at_thresholds in found.items():
            for one in at_thresholds:
                over = f"{one.threshold:g}"
                shares = [getattr(one, name) for name in BOXES]
                cells = (LABELS[key], over, one.n, *shares, one.gain)
                suffix = f"_{measure}_over_{over}"
                rows.append(Row(cells, key, BOXED_FILMS, one.n, suffix=suffix))
        title = (
            "Share of boxed test films on which the overlap exceeds the threshold: "
            + MEASURES[measure]
        )
        caption = f"{title} (95 % interval, patients resampled); the difference is paired by film"
        yield Table(LOCALISATION, title, columns, rows, caption)


EVALUATION_TABLES: list[Callable[[FullReport], Iterator[Table]]] = [
    discrimination,
    calibration,
    confusion,
    rates,
    classification_report,
    likelihood_ratios,
    errors,
    subgroups,
    view_alone,
    split_labels,
    label_counts,
    co_occurrence,
    labels_per_film,
    pointing,
    overlaps,
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
    caption = _resampling(report)
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
