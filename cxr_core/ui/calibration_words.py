"""Calibration in a clinician's words: where a model says too much or too little."""

from cxr_core.evaluation.bootstrap import Interval
from cxr_core.evaluation.calibration_measures import CalibrationMeasures
from cxr_core.evaluation.reliability import ReliabilityBin
from cxr_core.ui.calibration_chart import Reliability
from cxr_core.ui.words import between, percent


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
