"""One finding's numbers in words: its row, what its cut-off did on test films, its neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.evaluation.calibration import Floats, sigmoid
from cxr_core.evaluation.neighbours import Neighbours, neighbours
from cxr_core.evaluation.predictions import labels_of, patients_of
from cxr_core.findings import KEYS, LABELS
from cxr_core.reading.analyzer import Analysis
from cxr_core.ui.measured import Measured
from cxr_core.ui.prevalence import displayed
from cxr_core.ui.stability import borderline
from cxr_core.ui.words import against_point, between, percent

_LEAST = 1e-9  # a probability of 0 or 1 would be infinitely far from every other


@dataclass(frozen=True)
class RowWords:
    """The texts of a finding's row.

    Attributes:
        probability: e.g. "38 %".
        point: e.g. "above its operating point of 31 %".
        mark: what must not be overlooked, e.g. "at your prevalence 5 %, borderline"; or empty.
        fill, tick: probability and operating point as shown, 0 to 1, for the bar.
    """

    probability: str
    point: str
    mark: str
    fill: float
    tick: float


def row_words(analysis: Analysis, key: str) -> RowWords:
    """A finding's row: at the site's prevalence where one is set, borderline where it is."""
    numbers = displayed(analysis, key)
    marks = [numbers.mark, "borderline" if key in borderline(analysis) else ""]
    return RowWords(
        probability=percent(numbers.probability),
        point=against_point(numbers.probability, numbers.cut_off, above=analysis.above[key]),
        mark=", ".join(filter(None, marks)),
        fill=numbers.probability,
        tick=numbers.cut_off,
    )


def rates_on_test(measured: Measured | None, key: str) -> tuple[str, str]:
    """Sensitivity and specificity of the operating point on test films, with intervals."""
    if measured is None or key not in measured.report.rates:
        return "not measured", "not measured"
    rates = measured.report.rates[key]
    return rates.sensitivity.text(), rates.specificity.text()


def neighbours_of(analysis: Analysis, measured: Measured, key: str) -> Neighbours | None:
    """Test films with the nearest calibrated logits; their scores are such logits too."""
    table, column = measured.table, KEYS.index(key)
    patients = patients_of(table)
    return neighbours(
        float(_logits(analysis.probabilities[key])),
        _logits(measured.probabilities[:, column]),
        labels_of(table)[:, column],
        table["image"].to_numpy() if patients is None else patients,
    )


def nearest_sentence(key: str, found: Neighbours | None) -> str:
    """How many of the test films with the nearest scores carried the label."""
    if found is None:
        return f"{LABELS[key]}: too few test films to look for near scores."
    share, interval = percent(found.carried / found.n), between(found.low, found.high)
    return (
        f"{LABELS[key]}: of the {found.n} test films with the nearest scores, {found.carried} "
        f"carried NIH's report-mined label ({share}, 95 % interval {interval})."
    )


def nearest_row(key: str, found: Neighbours | None) -> list[str]:
    """The same as cells: finding, count, share with its interval, and their probabilities.

    These are as the model assumes them, never re-based: they belong to the test set's prevalence.
    """
    if found is None:
        return [LABELS[key], "too few test films", "", ""]
    share = percent(found.carried / found.n)
    least, most = (float(p) for p in sigmoid([found.least, found.most]))
    return [
        LABELS[key],
        f"{found.carried} of {found.n}",
        f"{share} ({between(found.low, found.high)})",
        between(least, most),
    ]


def enriched_sentence(measured: Measured) -> str:
    """What the counts above cannot be taken for."""
    counts = measured.report.label_distribution
    shares = ", ".join(f"{LABELS[key]} {percent(counts[key].prevalence)}" for key in KEYS)
    return (
        f"The test set is enriched: {shares}. At your site the three are likely rarer, and "
        "No Finding likely commoner."
    )


def _logits(probabilities: ArrayLike) -> Floats:
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _LEAST, 1 - _LEAST)
    result: Floats = np.log(p) - np.log1p(-p)
    return result
