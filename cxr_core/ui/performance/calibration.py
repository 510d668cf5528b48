"""The panel of calibration: can a probability be taken at its word?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from cxr_core.arrays import Floats
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.bootstrap import Interval, Resamples, resample_patients
from cxr_core.evaluation.metrics.calibration import (
    CalibrationMetrics,
    ReliabilityBin,
    calibration_metrics,
    reliability_bins,
    reliability_intervals,
)
from cxr_core.evaluation.metrics.labelled import labelled_films
from cxr_core.evaluation.metrics.sufficiency import MIN_COUNT
from cxr_core.evaluation.predictions import has_logits, labels_of, logits_of, probabilities_of
from cxr_core.evaluation.render.figures import CALIBRATION, evaluation_tables
from cxr_core.findings import label_of
from cxr_core.ui.charts.calibration import ReliabilityCurve, bin_hover_text, reliability_figure
from cxr_core.ui.charts.show import show_chart
from cxr_core.ui.performance.tabs import choose_finding
from cxr_core.ui.shell import caption, show_table
from cxr_core.ui.words import percent, percent_range

BEFORE, AFTER = "before calibration (plain sigmoid)", "after calibration"
UNCALIBRATED, AS_GIVEN = "plain sigmoid", "as given"


# Calibration in a clinician's words: where a model says too much or too little.


def calibration_sentence(label: str, curve: ReliabilityCurve, metrics: CalibrationMetrics) -> str:
    """What the probabilities of a finding are worth on these films."""
    if metrics.brier.verdict == "not labelled":
        return f"{label}: not labelled on these films, so its calibration cannot be assessed."
    if not metrics.mean_calibration_error.estimable:
        return f"{label}: too few films or patients to assess calibration."
    films = sum(one.n for one in curve.bins)
    says = sum(one.n * one.predicted for one in curve.bins) / films
    have = sum(one.n * one.observed for one in curve.bins) / films
    return " ".join(
        [f"{label}: {mean_prediction_text(says, have, metrics.mean_calibration_error)}."]
        + ([worst] if (worst := _worst_bin_sentence(curve)) else [])
        + ([spread] if (spread := _slope_sentence(metrics.slope)) else [])
        + ([skill] if (skill := _brier_sentence(metrics.brier_skill_score)) else [])
    )


def mean_prediction_text(predicted: float, observed: float, difference: Interval) -> str:
    """E.g. "says 30 % where 22 % have it: too high".

    Args:
        predicted, observed: mean probability and observed share, 0 to 1.
        difference: their difference with its interval.
    """
    # Two that round alike and still differ beyond chance would look like a mistake.
    decimals = 1 if percent(predicted) == percent(observed) else 0
    shown = (
        f"mean prediction {percent(predicted, decimals=decimals)}, observed "
        f"{percent(observed, decimals=decimals)}"
    )
    if difference.low > 0:
        return f"{shown}: too high"
    if difference.high < 0:
        return f"{shown}: too low"
    return f"{shown}: difference within chance"


def miscalibrated_bins(curve: ReliabilityCurve) -> list[tuple[ReliabilityBin, Interval]]:
    """The bins whose interval excludes what is said."""
    return [
        (one, found)
        for one, found in zip(curve.bins, curve.intervals, strict=True)
        if found.estimable and not found.low <= one.predicted <= found.high
    ]


def worst_miscalibrated_bin(curve: ReliabilityCurve) -> tuple[ReliabilityBin, Interval] | None:
    """Of the bins whose interval excludes what is said, the one that costs most; None of none."""
    wrong = miscalibrated_bins(curve)
    return max(wrong, key=lambda pair: pair[0].n * abs(pair[0].predicted - pair[0].observed),
               default=None)  # fmt: skip


def _worst_bin_sentence(version: ReliabilityCurve) -> str:
    found = worst_miscalibrated_bin(version)
    if found is not None:
        one, interval = found
        high = one.predicted > one.observed
        n_off, n_with_interval = (
            len(miscalibrated_bins(version)),
            sum(i.estimable for i in version.intervals),
        )
        return (
            f"{n_off} of {n_with_interval} bins {'is' if n_off == 1 else 'are'} off beyond chance; "
            f"worst: predicted {percent(one.predicted)}, observed {percent(one.observed)} (95 % "
            f"interval {percent_range(interval.low, interval.high)}), too "
            f"{'high' if high else 'low'}."
        )
    if any(interval.estimable for interval in version.intervals):
        return "No bin is off beyond chance."
    return ""


def _slope_sentence(slope: Interval) -> str:
    """Whether the probabilities lie too far apart, or too close together."""
    if not slope.estimable:
        return ""
    if slope.low > 1:
        return "Underconfident: high probabilities should be higher, low ones lower."
    if slope.high < 1:
        return "Overconfident: high probabilities should be lower, low ones higher."
    return ""


def _brier_sentence(skill_score: Interval) -> str:
    """A warning where the probabilities tell no more than the prevalence does."""
    if not skill_score.estimable or skill_score.low > 0:
        return ""
    verb = "is worse" if skill_score.high < 0 else "is not shown to be better"
    return f"By Brier score it {verb} than giving every film the prevalence."


@dataclass(frozen=True)
class CalibrationResult:
    """One finding's probabilities of one kind: their bins and their measures."""

    curve: ReliabilityCurve
    metrics: CalibrationMetrics


def calibration_panel(evaluated: EvaluatedTable) -> None:
    """Choose a finding; see its reliability, and the measures of all."""
    st.header("Calibration", anchor=False)
    found = cached_calibration(evaluated)
    key = choose_finding(evaluated.keys, "calibration_finding")
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _diagram(evaluated, key, found[key])
    with right:
        st.subheader("Summary", anchor=False)
        for name, versions in found.items():
            last = versions[-1]
            caption(calibration_sentence(label_of(name), last.curve, last.metrics))
        caption(_which_probabilities(evaluated))
    _table(evaluated, found)


def cached_calibration(evaluated: EvaluatedTable) -> dict[str, list[CalibrationResult]]:
    """``evaluate_calibration`` of a table, computed once a session."""
    return _cached_calibration(evaluated, evaluated.cache_key)


def evaluate_calibration(evaluated: EvaluatedTable) -> dict[str, list[CalibrationResult]]:
    """Bins and measures by finding key: one kind of probability, or before and after."""
    labels, table = labels_of(evaluated.table), evaluated.table
    resamples = resample_patients(
        table, n_resamples=evaluated.report.n_resamples, seed=evaluated.report.seed
    )
    films = [labelled_films(labels, k, resamples) for k in range(len(evaluated.keys))]
    logits = logits_of(table) if has_logits(table) else None
    kinds: list[tuple[str, Floats, Floats | None]]
    if evaluated.report.ece_after:
        kinds = [
            (BEFORE, probabilities_of(table), logits),
            (AFTER, evaluated.probabilities, None),
        ]
    else:
        kinds = [(AS_GIVEN if logits is None else UNCALIBRATED, evaluated.probabilities, logits)]
    return {
        key: [
            _calibration_result(
                name,
                p[films[k].mask, k],
                films[k].labels,
                None if z is None else z[films[k].mask, k],
                films[k].resamples,
            )
            for name, p, z in kinds
        ]
        for k, key in enumerate(evaluated.keys)
    }


def _calibration_result(
    name: str, p: Floats, y: np.ndarray, z: Floats | None, resamples: Resamples
) -> CalibrationResult:
    bins = reliability_bins(p, y)
    intervals = reliability_intervals(p, y, resamples) if bins else ()
    return CalibrationResult(
        ReliabilityCurve(name, bins, intervals), calibration_metrics(y, p, resamples, logits=z)
    )


# Streamlit keys on what has no underscore: the hash stands for the table.
@st.cache_data(max_entries=2, show_spinner="Resampling patients …", scope="session")
def _cached_calibration(
    _evaluated: EvaluatedTable, identity: str
) -> dict[str, list[CalibrationResult]]:
    return evaluate_calibration(_evaluated)


def _diagram(evaluated: EvaluatedTable, key: str, versions: list[CalibrationResult]) -> None:
    drawn = [one.curve for one in versions]
    last = drawn[-1]
    show_chart(
        reliability_figure(key, drawn),
        key="reliability",
        title=f"Reliability of {label_of(key)}",
        alt=f"Reliability of {label_of(key)}, {last.name}. "
        + " ".join(
            bin_hover_text(*pair).replace("<br>", ", ") + "."
            for pair in zip(last.bins, last.intervals, strict=True)
        ),
    )
    caption(
        "Each point is one tenth of the scale. Below the dotted line the probabilities are too "
        "high, above it too low; where a bar meets the line, the difference may be chance. Bars: "
        f"95 % intervals from resampling {evaluated.report.resampled}; hollow points have under "
        f"{MIN_COUNT} films or patients and no interval. Columns: number of films."
    )


def _which_probabilities(evaluated: EvaluatedTable) -> str:
    """Which probabilities are shown, and for what films that holds."""
    if evaluated.report.ece_after:
        kind = "The summary is of the calibrated probabilities, which every other tab uses."
    elif has_logits(evaluated.table):
        kind = (
            "No calibration came with this table: the probabilities are the plain sigmoid of its "
            "logits."
        )
    else:
        kind = (
            "This table holds probabilities, used as they are; before and after calibration needs "
            "logits."
        )
    return (
        f"{kind} This holds for films like these: where a finding is rarer, the same probabilities "
        "are too high."
    )


def _table(evaluated: EvaluatedTable, found: Mapping[str, list[CalibrationResult]]) -> None:
    for table in evaluation_tables(with_calibration(evaluated.full, found), CALIBRATION):
        show_table(table)
    caption(
        "ECE: expected calibration error, the mean distance of the points from the line, weighted "
        "by films (10 bins). By chance: the ECE of a perfectly calibrated model on so many "
        "independent films. Brier score: mean squared difference of probability and label; a "
        "useful model is below that of the prevalence. Slope: logistic regression of the label on "
        "the logit of the probability; 1 is ideal, under 1 overconfident, over 1 underconfident. "
        "Intercept: the same with the slope held at 1; 0 is ideal, under 0 the probabilities are "
        "too high."
    )
    for key, versions in found.items():
        if note := _extremes_note(evaluated, key, versions[-1]):
            caption(note)


def with_calibration(
    full: FullReport, found: Mapping[str, Sequence[CalibrationResult]]
) -> FullReport:
    """The report with the measures that the panel took."""
    report = replace(
        full.report,
        calibration_before={key: versions[0].metrics for key, versions in found.items()},
        calibration_after={key: two[1].metrics for key, two in found.items() if len(two) > 1},
    )
    return replace(full, report=report)


def _extremes_note(evaluated: EvaluatedTable, key: str, judged: CalibrationResult) -> str:
    """Why a table with good figures can be without slope and intercept."""
    _, p = evaluated.labelled(key)
    extreme = int(((p == 0) | (p == 1)).sum())
    if extreme == 0 or not judged.metrics.brier.estimable:
        return ""
    which = "1 film has" if extreme == 1 else f"{extreme:,} films have"
    return (
        f"{label_of(key)}: {which} a probability of exactly 0 or 1 (infinite logit), so slope and "
        "intercept cannot be given."
    )
