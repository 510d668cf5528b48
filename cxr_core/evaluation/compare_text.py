"""A comparison as text that a terminal of 100 columns can show."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.summary import WIDTH, columns
from cxr_core.findings import KEYS, LABELS

if TYPE_CHECKING:
    from cxr_core.evaluation.compare_results import ComparedFilms, Comparison, Paired

_NAME = 60  # longest text of a group's name


def comparison_text(comparison: Comparison) -> str:
    """The whole comparison as lines of at most 100 characters."""
    parts = [
        _head(comparison),
        _areas("AUROC of", comparison.overall),
        _areas("AUROC of films that are", comparison.abnormal),
        *(_areas("AUROC within view", films) for films in comparison.views.values()),
        *(_areas("AUROC within group", films) for films in comparison.groups.values()),
        _calibration(comparison),
        _localisation(comparison),
        _notes(comparison),
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


def _head(comparison: Comparison) -> str:
    patients = "" if comparison.n_patients is None else f" of {comparison.n_patients:,} patients"
    return _wrapped(
        f"{comparison.n_films:,} films{patients}. Intervals are 95 %, from "
        f"{comparison.n_resamples:,} resamples of {comparison.resampled} (seed {comparison.seed}), "
        "the same ones for A and B. They tell how far a figure would move with other "
        f"{comparison.resampled}, not with another training run; of many differences one in "
        f"twenty leaves out 0 by chance. Not estimable: under 10 positives, negatives or "
        f"{comparison.resampled}."
    )


def _areas(what: str, films: ComparedFilms) -> str:
    rows = [["Finding", "positive", "A", "B", "B - A"]]
    rows += [
        [LABELS[key], f"{films.positives[key]:,}", *_cells(area)]
        for key, area in films.auroc.items()
    ]
    if films.mean is not None:
        rows.append(["Mean", "", *_cells(films.mean)])
    name = textwrap.shorten(films.name, _NAME, placeholder="…")
    return f"{what} {name}, n = {films.n:,}\n" + columns(rows)


def _calibration(comparison: Comparison) -> str:
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
    return f"{title}\n" + columns(rows)


def _localisation(comparison: Comparison) -> str:
    if not comparison.localisation:
        return ""
    rows = [["Finding", "boxed", "A", "B", "B - A"]]
    rows += [
        [LABELS.get(key, "All together"), f"{found.n:,}", *_cells(found.rate)]
        for key, found in comparison.localisation.items()
    ]
    return "Share of boxed films whose evidence peaks inside a box\n" + columns(rows)


def _notes(comparison: Comparison) -> str:
    if not comparison.notes:
        return ""
    return "Notes\n" + "\n".join(_wrapped(note, bullet="- ") for note in comparison.notes)


def _cells(figure: Paired) -> list[str]:
    return [figure.a.text(3), figure.b.text(3), signed_text(figure.difference)]


def _wrapped(text: str, bullet: str = "") -> str:
    indent = " " * len(bullet)
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=indent)
