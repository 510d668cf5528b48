"""The panel of calibration: can a probability be taken at its word?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval, Resamples, draw
from cxr_core.evaluation.metrics.calibration import (
    CalibrationMeasures,
    ReliabilityBin,
    calibration_measures,
    reliability,
    reliability_intervals,
)
from cxr_core.evaluation.predictions import has_logits, labels_of, logits_of, probabilities_of
from cxr_core.evaluation.scoring import Floats
from cxr_core.findings import KEYS, LABELS
from cxr_core.ui.charts.calibration import Reliability, bin_text, reliability_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.evaluated import Measured
from cxr_core.ui.shell import quiet, show_table
from cxr_core.ui.words import between, percent

BEFORE, AFTER = "before (plain sigmoid)", "after calibration"
PLAIN, GIVEN = "plain sigmoid", "as given"


# Calibration in a clinician's words: where a model says too much or too little.


def calibration_sentence(label: str, version: Reliability, measures: CalibrationMeasures) -> str:
    """What the probabilities of a finding are worth on these films."""
    if not measures.excess.estimable:
        return (
            f"{label}: too few films with it, without it, or too few patients to judge its "
            "probabilities."
        )
    films = sum(one.n for one in version.bins)
    says = sum(one.n * one.predicted for one in version.bins) / films
    have = sum(one.n * one.observed for one in version.bins) / films
    return " ".join(
        [f"{label}: on average it {says_where(says, have, measures.excess)}."]
        + ([worst] if (worst := _worst(version)) else [])
        + ([spread] if (spread := _spread(measures.slope)) else [])
        + ([skill] if (skill := _skill(measures.skill)) else [])
    )


def says_where(says: float, have: float, excess: Interval) -> str:
    """E.g. "says 30 % where 22 % have it: too high".

    Args:
        says, have: mean probability and observed share, 0 to 1.
        excess: their difference with its interval.
    """
    # Two that round alike and still differ beyond chance would look like a mistake.
    decimals = 1 if percent(says) == percent(have) else 0
    shown = (
        f"says {percent(says, decimals=decimals)} where {percent(have, decimals=decimals)} have it"
    )
    if excess.low > 0:
        return f"{shown}: too high"
    if excess.high < 0:
        return f"{shown}: too low"
    return f"{shown}: no difference beyond chance"


def wrong_bins(version: Reliability) -> list[tuple[ReliabilityBin, Interval]]:
    """The bins whose interval excludes what is said."""
    return [
        (one, found)
        for one, found in zip(version.bins, version.intervals, strict=True)
        if found.estimable and not found.low <= one.predicted <= found.high
    ]


def worst_bin(version: Reliability) -> tuple[ReliabilityBin, Interval] | None:
    """Of the bins whose interval excludes what is said, the one that costs most; None of none."""
    wrong = wrong_bins(version)
    return max(wrong, key=lambda pair: pair[0].n * abs(pair[0].predicted - pair[0].observed),
               default=None)  # fmt: skip


def _worst(version: Reliability) -> str:
    found = worst_bin(version)
    if found is not None:
        one, interval = found
        high = one.predicted > one.observed
        off, judged = len(wrong_bins(version)), sum(i.estimable for i in version.intervals)
        return (
            f"{off} of {judged} bins {'is' if off == 1 else 'are'} off beyond chance; where it "
            f"says about {percent(one.predicted)}, {percent(one.observed)} have it "
            f"(95 % interval {between(interval.low, interval.high)}): too "
            f"{'high' if high else 'low'} there."
        )
    if any(interval.estimable for interval in version.intervals):
        return "In no bin does the share that has it differ from what it says beyond chance."
    return ""


def _spread(slope: Interval) -> str:
    """Whether the probabilities lie too far apart, or too close together."""
    if not slope.estimable:
        return ""
    if slope.low > 1:
        return (
            "Overall it is too timid: its high probabilities should be higher, its low ones lower."
        )
    if slope.high < 1:
        return (
            "Overall it is too sure: its high probabilities should be lower, its low ones higher."
        )
    return ""


def _skill(skill: Interval) -> str:
    """A warning where the probabilities tell no more than the prevalence does."""
    if not skill.estimable or skill.low > 0:
        return ""
    verb = "is worse" if skill.high < 0 else "is not surely better"
    return f"By its Brier score it {verb} than giving every film the same probability."


@dataclass(frozen=True)
class Judged:
    """One finding's probabilities of one kind: their bins and their measures."""

    reliability: Reliability
    measures: CalibrationMeasures


def calibration(measured: Measured) -> None:
    """Choose a finding; see its reliability, and the measures of all four."""
    st.header("Can a probability be taken at its word?", anchor=False)
    found = kept_calibration(measured)
    key = st.segmented_control(
        "Reliability of", KEYS, format_func=LABELS.__getitem__, default=KEYS[0], required=True,
        key="calibration_finding",
    )  # fmt: skip
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _diagram(measured, key, found[key])
    with right:
        st.subheader("In words", anchor=False)
        for name, versions in found.items():
            last = versions[-1]
            quiet(calibration_sentence(LABELS[name], last.reliability, last.measures))
        quiet(_origin(measured))
    _table(measured, found)


def kept_calibration(measured: Measured) -> dict[str, list[Judged]]:
    """``judge`` of a table, computed once a session."""
    return _computed(measured, measured.identity)


def judge(measured: Measured) -> dict[str, list[Judged]]:
    """Bins and measures by finding key: one kind of probability, or before and after."""
    labels, table = labels_of(measured.table), measured.table
    resamples = draw(table, n_resamples=measured.report.n_resamples, seed=measured.report.seed)
    logits = logits_of(table) if has_logits(table) else None
    kinds: list[tuple[str, Floats, Floats | None]]
    if measured.report.ece_after:
        kinds = [
            (BEFORE, probabilities_of(table), logits),
            (AFTER, measured.probabilities, None),
        ]
    else:
        kinds = [(GIVEN if logits is None else PLAIN, measured.probabilities, logits)]
    return {
        key: [
            _judged(name, p[:, k], labels[:, k], None if z is None else z[:, k], resamples)
            for name, p, z in kinds
        ]
        for k, key in enumerate(KEYS)
    }


def _judged(name: str, p: Floats, y: np.ndarray, z: Floats | None, resamples: Resamples) -> Judged:
    bins, intervals = reliability(p, y), reliability_intervals(p, y, resamples)
    return Judged(
        Reliability(name, bins, intervals), calibration_measures(y, p, resamples, logits=z)
    )


# Streamlit keys on what has no underscore: the hash stands for the table.
@st.cache_data(max_entries=2, show_spinner="Resampling patients …", scope="session")
def _computed(_measured: Measured, identity: str) -> dict[str, list[Judged]]:
    return judge(_measured)


def _diagram(measured: Measured, key: str, versions: list[Judged]) -> None:
    drawn = [one.reliability for one in versions]
    last = drawn[-1]
    show_chart(
        reliability_figure(key, drawn),
        key="reliability",
        name=f"Reliability of {LABELS[key]}",
        alt=f"Reliability of {LABELS[key]}, {last.name}. "
        + " ".join(
            bin_text(*pair).replace("<br>", ", ") + "."
            for pair in zip(last.bins, last.intervals, strict=True)
        ),
    )
    quiet(
        "How to read it: each point is the films of one tenth of the scale. Below the dotted line "
        "the model says too much, above it too little; a bar that meets the line may be chance. "
        f"Bars are 95 % intervals from resampling {measured.report.resampled}; a hollow point has "
        "under 10 films or patients and none. The columns below count the films."
    )


def _origin(measured: Measured) -> str:
    """Which probabilities are shown, and for what films that holds."""
    if measured.report.ece_after:
        kind = "The words are of the calibrated probabilities, which every other tab uses."
    elif has_logits(measured.table):
        kind = (
            "No calibration was given with this table, so there is no before and after: the "
            "probabilities are the plain sigmoid of its logits."
        )
    else:
        kind = (
            "This table holds probabilities, which are taken as they are; before and after a "
            "calibration can be told from logits only."
        )
    return (
        f"{kind} All of it holds for films like these: where a finding is rarer, the same model "
        "says too much."
    )


def _table(measured: Measured, found: Mapping[str, list[Judged]]) -> None:
    report = measured.report
    show_table(
        ("Finding", "Probabilities", "Calibration error", "By chance", "Brier score",
         "Brier of the prevalence", "Slope", "Intercept"),
        [
            [LABELS[key], one.reliability.name, *measure_cells(one.measures)]
            for key, versions in found.items()
            for one in versions
        ],
        caption=f"Calibration on {report.n_films:,} films; 95 % intervals from resampling "
        f"{report.resampled}, {report.n_resamples:,} times",
        words=2,
    )  # fmt: skip
    quiet(
        "Calibration error: the mean distance of the points from the line, weighted by films (ECE, "
        "10 bins). By chance: what a perfectly calibrated model would show on so many independent "
        "films. Brier score: the mean squared difference of probability and label; beside it that "
        "of giving every film the prevalence, which a useful model is below. Slope: logistic "
        "regression of the label on the logit of the probability; 1 is perfect, under 1 is too "
        "sure at both ends, over 1 too timid. Intercept: the same with the slope held at 1; 0 is "
        "perfect, under 0 the probabilities are too high."
    )
    for key, versions in found.items():
        if note := _extremes(measured, key, versions[-1]):
            quiet(note)


def measure_cells(measures: CalibrationMeasures) -> list[str]:
    """The six figures of a row of the table."""
    ece = chance = NOT_ESTIMABLE.text()
    if not math.isnan(measures.ece):
        ece, chance = f"{measures.ece:.3f}", f"{measures.ece_by_chance:.3f}"
    figures = (measures.brier, measures.brier_of_prevalence, measures.slope, measures.intercept)
    return [
        ece,
        chance,
        *(one.text(3 if place < 2 else 2).replace("-", "−") for place, one in enumerate(figures)),
    ]


def _extremes(measured: Measured, key: str, judged: Judged) -> str:
    """Why a table with good figures can be without slope and intercept."""
    p = measured.probabilities[:, KEYS.index(key)]
    extreme = int(((p == 0) | (p == 1)).sum())
    if extreme == 0 or not judged.measures.brier.estimable:
        return ""
    return (
        f"{LABELS[key]}: {extreme:,} films have a probability of exactly 0 or 1, whose logit is "
        "infinite, so there is no slope and no intercept."
    )
