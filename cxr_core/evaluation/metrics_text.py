"""The page's tables as text that a terminal of 100 columns can show."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cxr_core.evaluation.group_rates import GroupRates
from cxr_core.evaluation.label_tables import SplitLabels
from cxr_core.evaluation.metrics import ErrorCount, Metrics, by_finding, multi_label_share
from cxr_core.evaluation.shortcuts import shortcut_sentence
from cxr_core.evaluation.summary import WIDTH, columns, summary_text, wrapped
from cxr_core.findings import KEYS, LABELS

_LEAST_NAME = 12  # letters of a group's name, however wide its figures are


def metrics_text(metrics: Metrics) -> str:
    """Everything that was gathered, as lines of at most 100 characters."""
    further = [
        _likelihood_ratios(metrics),
        _errors(metrics),
        *_groups(metrics),
        _view_alone(metrics),
        _splits(metrics.splits),
        _together(metrics),
        _labels_a_film(metrics),
        _localisation(metrics),
    ]
    report = replace(metrics.report, notes=metrics.notes)
    return summary_text(report, further=[part for part in further if part])


def _likelihood_ratios(metrics: Metrics) -> str:
    if not metrics.at_points:
        return ""
    rows = [["Finding", "above the cut-off", "below it"]]
    for key, found in metrics.at_points.items():
        rows.append([LABELS[key], found.positive_ratio.text(), found.negative_ratio.text()])
    return "Likelihood ratios at the operating points\n" + columns(rows)


def _errors(metrics: Metrics) -> str:
    if not metrics.misses:
        return ""
    rows = [["Finding", "missed", "surest miss", "false alarms", "surest false alarm"]]
    for key, missed in metrics.misses.items():
        alarms = metrics.false_alarms[key]
        rows.append([LABELS[key], *_count(missed), *_count(alarms)])
    return "Errors at the operating points, the surest by its margin in logits\n" + columns(rows)


def _count(errors: ErrorCount) -> tuple[str, str]:
    margin = "none" if math.isnan(errors.margin) else f"{errors.margin:+.2f}"
    return f"{errors.films:,}", margin


def _groups(metrics: Metrics) -> Iterator[str]:
    at_point = bool(metrics.report.operating_points)
    for key, groups in by_finding(metrics.groups).items():
        rows = [["Films", "n", "with it", "AUROC"]]
        rows[0] += ["sensitivity", "specificity"] if at_point else []
        for one in groups:
            figures = (one.area, one.sensitivity, one.specificity)[: 3 if at_point else 1]
            rows.append(
                [
                    _group_name(one),
                    f"{one.n:,}",
                    f"{one.positives:,}",
                    *(figure.text() for figure in figures),
                ]
            )
        yield f"{LABELS[key]} within groups of films\n" + columns(_fitted(rows))


def _group_name(group: GroupRates) -> str:
    if group.by in ("films", "label", "follow_up"):  # their values tell what they are
        return group.value
    return f"{group.by} {group.value}"


def _fitted(rows: list[list[str]]) -> list[list[str]]:
    """Names shortened to what the figures leave them of the line."""
    others = sum(2 + max(len(row[j]) for row in rows) for j in range(1, len(rows[0])))
    left = max(_LEAST_NAME, WIDTH - others)
    return [[textwrap.shorten(row[0], left, placeholder="…"), *row[1:]] for row in rows]


def _view_alone(metrics: Metrics) -> str:
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
    said = [wrapped(shortcut_sentence(one), bullet="- ") for one in metrics.shortcuts]
    return "\n".join([wrapped(title), columns(rows), *said])


def _splits(splits: Sequence[SplitLabels]) -> str:
    if not splits:
        return ""
    rows = [["Finding", *(f"{part.part} ({part.n_films:,} films)" for part in splits)]]
    for key in KEYS:
        counts = [part.counts[key] for part in splits]
        rows.append([LABELS[key], *(f"{one.positives:,}, {one.verdict}" for one in counts)])
    return "Labels in each part of the run, and what so many can bear\n" + columns(rows)


def _together(metrics: Metrics) -> str:
    both = metrics.together.tolist()
    rows = [["Of the films with", *(f"also {LABELS[key]}" for key in KEYS)]]
    for k, key in enumerate(KEYS):
        films = both[k][k]
        cells = [
            "-" if other == k else f"{both[k][other]:,} ({both[k][other] / films:.1%})"
            for other in range(len(KEYS))
            if films
        ]
        rows.append([f"{LABELS[key]} ({films:,})", *(cells or ["-"] * len(KEYS))])
    return "Films with two labels at once\n" + columns(rows)


def _localisation(metrics: Metrics) -> str:
    if not metrics.boxed.peaks:
        return ""
    rows = [["Finding", "boxed", "map's peak", "best fixed spot", "peak less spot"]]
    for key, found in metrics.boxed.peaks.items():
        pointed = (found.peak, found.fixed_spot, found.gain)
        shares = [share.text() for share in pointed]
        rows.append([LABELS[key], f"{found.n:,}", *shares])
    return "Share of boxed films with the pointer inside a box\n" + columns(rows)


def _labels_a_film(metrics: Metrics) -> str:
    films, total = metrics.labels_a_film, metrics.report.n_films
    share = multi_label_share(films)
    several = (
        "no film has any"
        if math.isnan(share)
        else f"{share:.1%} of those with any have two or more"
    )
    rows = [
        ["Labels", *(f"{n} of the four" for n in range(len(films)))],
        ["Films", *(f"{n:,} ({n / total:.1%})" for n in films)],
    ]
    return f"How many labels a film has; {several}\n" + columns(rows)
