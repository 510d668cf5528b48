"""The answers to the items of reporting checklists: computed from a run's figures, quoted from its
card, or left to the authors. Nothing is guessed, and what a run does not tell stays with them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cxr_core.data.splits import PART_TITLES
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.gaps import n_compared
from cxr_core.evaluation.render.checklist_items import QUOTES, Item
from cxr_core.findings import NORMAL_KEY, label_of
from cxr_core.model.metadata import ModelMetadata
from cxr_core.version import PROGRAM, VERSION
from cxr_core.wording import percent

Kind = Literal["computed", "quoted from the card", "to be filled by the authors"]
TO_FILL: Kind = "to be filled by the authors"
_MAX_QUOTE = 600  # letters of a section that a line of a table can hold
RESEARCH_ONLY = "Research and teaching. Not a medical device; it must not decide about a patient."


@dataclass(frozen=True)
class Answer:
    """What stands beside an item; the text is empty where the authors fill it."""

    kind: Kind
    text: str = ""


@dataclass(frozen=True, eq=False)
class RunFacts:
    """What the checklists are filled from.

    Attributes:
        report: with everything measured.
        metadata: of the model; None for a table from elsewhere.
        card: text of ``MODEL_CARD.md``; "" without one.
        images: names of the films evaluated, by which a public data set is known.
    """

    report: FullReport
    metadata: ModelMetadata | None = None
    card: str = ""
    images: Sequence[str] = ()


def card_section(card: str, name: str, part: str = "all") -> str:
    """A section of the model card in one line; "" without it.

    Tables and sub-sections are left out; what is cut ends in "…".

    Args:
        part: ``all`` of it, its ``text`` or its ``list`` alone.
    """
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^##|\Z)", card, re.MULTILINE | re.DOTALL)
    if found is None:
        return ""
    lines = [line.strip() for line in found[1].splitlines() if line and line[0] != "|"]
    if part != "all":
        lines = [line for line in lines if line.startswith("- ") == (part == "list")]
    text = ""
    for line in lines:  # an item without a full stop is parted from the next
        joint = "" if not text else " " if text[-1] in ".:;" else "; "
        text += joint + line.removeprefix("- ")
    text = re.sub(r"(?<=[.]) [^.]*:$", "", text)  # what leads over to a table
    text = text.replace("`", "")
    if len(text) <= _MAX_QUOTE:
        return text
    return text[:_MAX_QUOTE].rsplit(" ", 1)[0] + " …"


def answer(item: Item, facts: RunFacts) -> Answer:
    """An item's answer: computed, quoted, or left to the authors."""
    for prefix, part in QUOTES.items():
        if item.source.startswith(prefix):
            quoted = card_section(facts.card, item.source.removeprefix(prefix), part)
            return Answer("quoted from the card", quoted) if quoted else Answer(TO_FILL)
    computed = _COMPUTED[item.source](facts) if item.source else ""
    return Answer("computed", computed) if computed else Answer(TO_FILL)


# Computed answers; each returns "" where the run does not tell.


def _participants(facts: RunFacts) -> str:
    report = facts.report.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    excluded = " Exclusions: see the model card." if facts.card else ""
    return f"Evaluated on {report.n_films:,} films{patients}.{excluded}"


def _events(facts: RunFacts) -> str:
    told = [
        f"{label_of(key)} {count.positives:,} of {count.n:,} films ({count.verdict})"
        for key, count in facts.report.report.label_distribution.items()
        if count.n
    ]
    return "; ".join(told) + "."


def _labels_by_set(facts: RunFacts) -> str:
    parts = []
    for part in facts.report.splits:
        counts = ", ".join(f"{label_of(key)} {one.positives:,}" for key, one in part.counts.items())
        patients = "" if part.n_patients is None else f" of {part.n_patients:,} patients"
        parts.append(f"{PART_TITLES[part.part]}: {part.n_films:,} films{patients} ({counts})")
    return "; ".join(parts)


def _characteristics(facts: RunFacts) -> str:
    groups = {(one.by, one.value): one for one in facts.report.groups if one.by != "label"}
    films = []
    for by, value in groups:
        counts = [o.n for o in facts.report.groups if (o.by, o.value) == (by, value)]
        # A label may be missing, so a group has as many sizes as it has findings.
        n = f"{min(counts):,}" + (f" to {max(counts):,}" if max(counts) > min(counts) else "")
        films.append(f"{value if by == 'films' else f'{_by(by)} {value}'}: {n}")
    missing = any(" to " in text.rsplit(": ", 1)[1] for text in films)
    which = "Films with a label, fewest to most by finding" if missing else "Films with a label"
    return f"{which}: {'; '.join(films)}." if films else ""


def _sample_size(facts: RunFacts) -> str:
    return (
        "How it was arrived at is for the authors. Whether it is enough, by the width of each "
        f"AUROC's 95 % interval: {_events(facts)}"
    )


def _missing(facts: RunFacts) -> str:
    counts, films = facts.report.report.label_distribution, facts.report.report.n_films
    short = [f"{label_of(key)}: {films - one.n:,}" for key, one in counts.items() if one.n < films]
    return (
        f"Films without a label: {', '.join(short)}; each finding is measured on the others."
        if short
        else "No film of the evaluation lacks a label."
    )


def _performance(facts: RunFacts) -> str:
    report = facts.report.report
    told = [
        f"{label_of(key)}: AUROC {report.auroc[key].text()}, average precision "
        f"{report.average_precision[key].text()}"
        for key, count in report.label_distribution.items()
        if count.n
    ]
    return "; ".join(told) + ". 95 % intervals."


def _at_cutoffs(facts: RunFacts) -> str:
    told = [
        f"{label_of(key)}: sensitivity {one.sensitivity.text()}, specificity "
        f"{one.specificity.text()}, PPV {one.ppv.text()}, NPV {one.npv.text()}"
        for key, one in facts.report.report.rates.items()
    ]
    return "; ".join(told)


def _thresholds(facts: RunFacts) -> str:
    points = facts.report.report.operating_points
    if not points:
        return ""
    told = ", ".join(
        f"{label_of(key)} {percent(one.threshold, decimals=1)} ({one.criterion} ≥ {one.target:.2f})"
        for key, one in points.items()
    )
    fitted = "these same films: optimistic" if facts.report.fitted_here else "validation films"
    return f"For each finding a probability and a flag. Cut-offs, fitted on {fitted}: {told}."


def _calibration(facts: RunFacts) -> str:
    report = facts.report.report
    if not report.ece_after:
        return ""
    told = [
        f"{label_of(key)} {report.ece_before[key]:.3f} to {report.ece_after[key]:.3f}"
        for key, count in report.label_distribution.items()
        if count.n
    ]
    return (
        "Calibrated on validation films (one scale for all, an offset for each finding). Expected "
        f"calibration error before and after: {', '.join(told)}."
    )


def _fairness(facts: RunFacts) -> str:
    gaps = facts.report.gaps
    if not gaps:
        return ""
    surviving = [
        f"{label_of(gap.finding)}, {_by(gap.by)} {gap.value} against {gap.reference}: {figure} "
        f"{gap.direction(figure)}"
        for gap in gaps
        for figure in gap.survives
    ]
    return (
        f"{n_compared(gaps):,} differences between groups in AUROC, sensitivity and specificity; "
        f"after Holm's correction shown: {'; '.join(surviving) if surviving else 'none'}."
    )


def _subgroups(facts: RunFacts) -> str:
    kinds = _kinds(facts)
    return f"Measured within each {', '.join(kinds)}; whole patients resampled." if kinds else ""


def _kinds(facts: RunFacts) -> list[str]:
    """By what the films are divided into groups, e.g. ``view``."""
    kinds = dict.fromkeys(one.by for one in facts.report.groups)
    return [_by(by) for by in kinds if by not in ("films", "label")]


def _by(by: str) -> str:
    """What groups are told apart by, in words: ``follow_up`` is "follow-up"."""
    return by.replace("_", "-")


def _failures(facts: RunFacts) -> str:
    told = [
        f"{label_of(key)}: {facts.report.missed[key].films:,} missed, "
        f"{facts.report.false_alarms[key].films:,} false alarms"
        for key in facts.report.missed
    ]
    return "; ".join(told)


def _maps(facts: RunFacts) -> str:
    told = [
        f"{label_of(key)}: peak inside a radiologist's box on {one.peak.text()} of {one.n} films, "
        f"less one fixed spot {one.gain.text()}"
        for key, one in facts.report.localisation.hit_rates.items()
    ]
    return f"Signed Grad-CAM. {'; '.join(told)}." if told else ""


def _model(facts: RunFacts) -> str:
    if facts.metadata is None:
        return ""
    return f"{facts.metadata.architecture}, model SHA-256 {facts.metadata.model_sha256}"


def _preprocessing(facts: RunFacts) -> str:
    if facts.metadata is None:
        return ""
    told = facts.metadata.preprocessing
    side = told.size
    means, deviations = (", ".join(f"{one:g}" for one in ones) for ones in (told.mean, told.std))
    return (
        f"The whole film is squashed to {side} x {side} pixels, its grays scaled to 0 to 1, "
        f"repeated in three channels and normalised (means {means}; standard deviations "
        f"{deviations}). Stored with the weights."
    )


def _findings(facts: RunFacts) -> str:
    return ", ".join(map(label_of, facts.report.report.keys))


def _summary(facts: RunFacts) -> str:
    return f"Gives a probability for each of {_findings(facts)} on one frontal chest radiograph."


def _outcome(facts: RunFacts) -> str:
    return f"Labels of the film, present or absent: {_findings(facts)}."


def _instance_data(facts: RunFacts) -> str:
    kinds = _kinds(facts)
    known = f" Known of films, too: {', '.join(kinds)}." if kinds else ""
    return f"The film, and a label of each finding.{known}"


def _relationships(facts: RunFacts) -> str:
    report = facts.report.report
    if report.n_patients is None:
        return ""
    return (
        f"Films of one patient are related: the {report.n_films:,} films of the evaluation are of "
        f"{report.n_patients:,} patients. Sets share no patient, and intervals resample patients."
    )


def _uses(facts: RunFacts) -> str:
    return f"Training and evaluation of {_model(facts)}." if facts.metadata is not None else ""


def _demonstration(facts: RunFacts) -> str:
    if facts.metadata is None:
        return ""
    return (
        "A demonstration model: it shows what the tool does, not how well it can do it."
        if facts.metadata.is_demonstration
        else "Trained on a full collection of films; not evaluated in use."
    )


def _other_films(facts: RunFacts) -> str:
    """Further patients of the same hospital, and films of others."""
    told = []
    if (further := facts.report.further_patients) is not None:
        areas = ", ".join(f"{label_of(key)} {one.text()}" for key, one in further.auroc.items())
        told.append(f"Same hospital, {further.n_films:,} films of further patients: AUROC {areas}")
    told += [
        f"{one.source}, {one.n_films:,} films: AUROC of {label_of(NORMAL_KEY)}, normal films "
        f"against {', '.join(one.others)}, {one.normal_auroc.text()}"
        for one in facts.report.other_sources
    ]
    return f"{'; '.join(told)}." if told else ""


def _ensemble(facts: RunFacts) -> str:
    return "None: one network answers." if facts.metadata is not None else ""


# Of the training films, by the setting's name.
_BALANCE = {
    "none": "Training films as they come; nothing was balanced.",
    "undersample": "Training films of No Finding alone were drawn down to the number of the "
    "commonest finding.",
    "redraw": "Training films of No Finding alone were drawn down to the number of the commonest "
    "finding, anew in each epoch.",
    "sampler": "Training films were drawn with weights, so that No Finding does not outnumber "
    "the findings.",
    "pos-weight": "Positive training labels weighed more in the loss the rarer their finding.",
}


def _software(facts: RunFacts) -> str:
    versions = {} if facts.metadata is None else facts.metadata.provenance.get("versions", {})
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _imbalance(facts: RunFacts) -> str:
    config = {} if facts.metadata is None else facts.metadata.provenance.get("config", {})
    return _BALANCE.get(config.get("balance", ""), "")


def _gate(facts: RunFacts) -> str:
    if facts.metadata is None or facts.metadata.gate is None:
        return ""
    return (
        "An input check stops what does not look like an upright frontal chest film, and what "
        "its file says is none."
    )


def _partitions(facts: RunFacts) -> str:
    if not facts.report.splits:
        return ""
    parts = ", ".join(f"{PART_TITLES[one.part]} {one.n_films:,}" for one in facts.report.splits)
    return f"Split by patient (split.csv); films: {parts}."


def _disjoint(facts: RunFacts) -> str:
    told = any(part.n_patients is not None for part in facts.report.splits)
    return "Patient: training refuses a split in which two sets share one." if told else ""


def _uncertainty(facts: RunFacts) -> str:
    report = facts.report.report
    return (
        f"95 % intervals from {report.n_resamples:,} resamples of {report.resampled} (seed "
        f"{report.seed}); paired shares by McNemar's exact test (mid-p) with Newcombe's interval; "
        "areas checked by DeLong's variance with patients as clusters; Holm over subgroups."
    )


_MEASURES = (
    "AUROC, average precision, sensitivity, specificity, predictive values, likelihood ratios, "
    "ECE, Brier score, slope and intercept, net benefit; ROC, precision-recall, reliability and "
    "decision curves."
)


def _said(text: str) -> Callable[[RunFacts], str]:
    return lambda facts: text


def _of_our_model(text: str) -> Callable[[RunFacts], str]:
    """What holds of a model of this project; of somebody else's only its authors can tell."""
    return lambda facts: text if facts.metadata is not None else ""


def _program(facts: RunFacts) -> str:
    told = f"{PROGRAM} {VERSION}, Apache-2.0."
    return told if facts.metadata is not None else f"Of the evaluation: {told}"


_COMPUTED: Mapping[str, Callable[[RunFacts], str]] = {
    "intended use": _of_our_model(RESEARCH_ONLY),
    "preprocessing": _preprocessing,
    "predictors": _of_our_model("One frontal chest radiograph; it is the only predictor."),
    "sample size": _sample_size,
    "missing data": _missing,
    "partitions": _partitions,
    "disjoint": _disjoint,
    "subgroups": _subgroups,
    "measures": _said(_MEASURES),
    "calibration": _calibration,
    "predictions": _thresholds,
    "imbalance": _imbalance,
    "fairness": _fairness,
    "thresholds": _thresholds,
    "program": _program,
    "participants": _participants,
    "characteristics": _characteristics,
    "labels by set": _labels_by_set,
    "events": _events,
    "model": _model,
    "performance": _performance,
    "performance at cut-offs": _at_cutoffs,
    "gate": _gate,
    "software": _software,
    "uncertainty": _uncertainty,
    "maps": _maps,
    "failures": _failures,
    "summary": _summary,
    "outcome": _outcome,
    "time of prediction": _of_our_model("When the film is read."),
    "demonstration": _demonstration,
    "instances": _said("Frontal chest radiographs, one a row."),
    "instance data": _instance_data,
    "relationships": _relationships,
    "uses": _uses,
    "other films": _other_films,
    "ensemble": _ensemble,
}
