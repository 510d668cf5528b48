"""All figures of a table as one long CSV: a row a figure, for a spreadsheet or a statistician."""

from collections.abc import Iterator

import pandas as pd

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.findings import KEYS

METRICS_COLUMNS = ("finding", "part", "figure", "value", "low", "high", "n", "positives", "verdict")
ALL_FILMS, KNOWN_VIEW = "all films", "films of a known view"
BOXED_FILMS = "films with a box of it"
_NOT_ESTIMABLE = "not estimable"
_RATES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "positive_predictive_value",
    "npv": "negative_predictive_value",
}
_POINTERS = ("peak", "fixed_spot", "centre", "random_point", "shuffled")
_CALIBRATION_METRICS = ("brier", "brier_of_prevalence", "slope", "intercept")
_BOXES = ("map_box", "fixed_box", "centre_box", "random_box", "shuffled", "gain")
_SKLEARN_METRICS = ("precision", "recall", "f1-score")
Row = dict[str, object]


def metrics_csv(metrics: FullReport) -> str:
    """The table as text, every number in full."""
    return metrics_table(metrics).to_csv(index=False, lineterminator="\n")


def metrics_table(metrics: FullReport) -> pd.DataFrame:
    """A row a figure.

    Returns:
        DataFrame of ``METRICS_COLUMNS``: finding (key; "" for the table as a whole), part (``all
        films``
        or a group, e.g. ``view: AP``), figure, value with low and high (95 % interval), n and
        positives (films of the part, and those with the finding), verdict (``enough``, ``wide``,
        or ``not estimable``, and then there is no value). What does not apply is missing.
    """
    table = pd.DataFrame(_rows(metrics), columns=list(METRICS_COLUMNS), dtype=object)
    return table.astype({"n": "Int64", "positives": "Int64"})  # so that a count is no 421.0


def _rows(metrics: FullReport) -> Iterator[Row]:
    report = metrics.report
    yield _row("", ALL_FILMS, "films", report.n_films)
    if report.n_patients is not None:
        yield _row("", ALL_FILMS, "patients", report.n_patients)
    for labels, films in enumerate(metrics.labels_per_film):
        yield _row("", ALL_FILMS, f"films_with_{labels}_labels", films)
    for k, key in enumerate(KEYS):
        for row in (*_ranking(metrics, key), *_at_point(metrics, key), *_classified(metrics, key)):
            count = report.label_distribution[key]
            yield {**row, "n": count.n, "positives": count.positives}
        for other, films in zip(KEYS, metrics.co_occurrence[k], strict=True):
            if other != key:
                yield _row(key, ALL_FILMS, f"films_also_{other}", int(films))
    for group in metrics.groups:
        if group.by == "films":
            continue  # all films: these stand above already
        part = f"{group.by}: {group.value}"
        where = {"n": group.n, "positives": group.positives}
        figures = {"auroc": group.auroc}
        if report.operating_points:
            figures |= {"sensitivity": group.sensitivity, "specificity": group.specificity}
        for name, found in figures.items():
            yield {**_interval(group.finding, part, name, found), **where}
    for one in metrics.shortcuts:
        yield _interval(one.finding, KNOWN_VIEW, "auroc", one.model)
        yield _interval(one.finding, KNOWN_VIEW, "auroc_of_view_alone", one.view_alone)
        yield _interval(one.finding, KNOWN_VIEW, "auroc_less_view_alone", one.gain)
    yield from _pointing(metrics)


def _pointing(metrics: FullReport) -> Iterator[Row]:
    for key, found in metrics.localisation.hit_rates.items():
        for name in _POINTERS:
            yield {
                **_interval(key, BOXED_FILMS, f"inside_{name}", getattr(found, name)),
                "n": found.n,
            }
        yield {**_interval(key, BOXED_FILMS, "peak_less_fixed_spot", found.gain), "n": found.n}
    for measure, overlaps in metrics.localisation.overlaps.items():
        for key, rates in overlaps.items():
            for one in rates:
                for name in _BOXES:
                    figure = f"{name}_{measure}_over_{one.threshold:g}"
                    yield {**_interval(key, BOXED_FILMS, figure, getattr(one, name)), "n": one.n}


def _ranking(metrics: FullReport, key: str) -> Iterator[Row]:
    report = metrics.report
    yield _row(key, ALL_FILMS, "prevalence", report.label_distribution[key].prevalence)
    yield _interval(key, ALL_FILMS, "auroc", report.auroc[key])
    yield _interval(key, ALL_FILMS, "average_precision", report.average_precision[key])
    for when, errors in (("before", report.ece_before), ("after", report.ece_after)):
        if errors:
            yield _row(key, ALL_FILMS, f"calibration_error_{when}", errors[key])
    for when, measures in (
        ("before", report.calibration_before),
        ("after", report.calibration_after),
    ):
        for name in _CALIBRATION_METRICS if measures else ():
            yield _interval(key, ALL_FILMS, f"{name}_{when}", getattr(measures[key], name))


def _at_point(metrics: FullReport, key: str) -> Iterator[Row]:
    report = metrics.report
    if key not in report.operating_points:
        return
    point, counts = report.operating_points[key], report.confusion[key]
    row = _row(key, ALL_FILMS, "operating_point", point.threshold)
    yield {**row, "low": point.low, "high": point.high}
    for name in ("tp", "fp", "fn", "tn"):
        yield _row(key, ALL_FILMS, name, getattr(counts, name))
    for attribute, name in _RATES.items():
        yield _interval(key, ALL_FILMS, name, getattr(report.rates[key], attribute))
    found = metrics.at_operating_points[key]
    yield _interval(key, ALL_FILMS, "likelihood_ratio_above", found.positive_likelihood_ratio)
    yield _interval(key, ALL_FILMS, "likelihood_ratio_below", found.negative_likelihood_ratio)


def _classified(metrics: FullReport, key: str) -> Iterator[Row]:
    """The finding's own lines of scikit-learn's report; its names stand in the order of KEYS."""
    report = metrics.report.classification_report
    if report is None:
        return
    values = list(report.values.values())[KEYS.index(key)]
    for name in _SKLEARN_METRICS:
        yield _row(key, ALL_FILMS, f"report_{name}", float(values[name]))


def _row(finding: str, part: str, figure: str, value: float) -> Row:
    known = value == value  # nan is the one number that is not itself
    return {
        "finding": finding,
        "part": part,
        "figure": figure,
        "value": value if known else None,
        "verdict": "" if known else _NOT_ESTIMABLE,
    }


def _interval(finding: str, part: str, figure: str, found: Interval) -> Row:
    row = _row(finding, part, figure, found.estimate)
    if not found.estimable:
        return row
    return {**row, "low": found.low, "high": found.high, "verdict": found.verdict}
