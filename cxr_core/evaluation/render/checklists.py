"""Reporting checklists filled from a run: TRIPOD+AI, CLAIM 2024, and a Model Facts label.

Each line is computed from the figures, quoted from the model card, or "to be filled by the
authors"; nothing is guessed, and what a run does not tell stays with the authors.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.gaps import n_compared
from cxr_core.evaluation.render.checklist_items import CARD, CLAIM, TRIPOD_AI, Item
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import to_markdown
from cxr_core.findings import label_of
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
    """

    report: FullReport
    metadata: ModelMetadata | None = None
    card: str = ""


def card_section(card: str, name: str) -> str:
    """The first paragraphs and list of a section of the model card, in one line; "" without it.

    Tables and sub-sections are left out; what is cut ends in "…".
    """
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^##|\Z)", card, re.MULTILINE | re.DOTALL)
    if found is None:
        return ""
    lines = [line for line in found[1].splitlines() if line and not line.startswith("|")]
    text = " ".join(line.removeprefix("- ").strip() for line in lines)
    if len(text) <= _MAX_QUOTE:
        return text
    return text[:_MAX_QUOTE].rsplit(" ", 1)[0] + " …"


def answer(item: Item, facts: RunFacts) -> Answer:
    """An item's answer: computed, quoted, or left to the authors."""
    if item.source.startswith(CARD):
        quoted = card_section(facts.card, item.source.removeprefix(CARD))
        return Answer("quoted from the card", quoted) if quoted else Answer(TO_FILL)
    computed = _COMPUTED[item.source](facts) if item.source else ""
    return Answer("computed", computed) if computed else Answer(TO_FILL)


def checklist_markdown(title: str, items: Sequence[Item], facts: RunFacts) -> str:
    """One checklist as a Markdown table, and how many lines are left to the authors."""
    answers = [answer(item, facts) for item in items]
    rows = "\n".join(
        f"| {item.number} | {item.text} | {one.kind} | {one.text.replace('|', chr(92) + '|')} |"
        for item, one in zip(items, answers, strict=True)
    )
    left = sum(one.kind == TO_FILL for one in answers)
    return (
        f"# {title}\n\n{_source(facts)} {len(items)} items, {left} of them to be filled by the "
        "authors. Items are shortened; the published checklist holds.\n\n| Item | Report | Answer "
        f"is | Answer |\n| --- | --- | --- | --- |\n{rows}\n"
    )


def model_facts_label(facts: RunFacts) -> str:
    """A Model Facts label (Sendak et al., npj Digital Medicine 2020) as Markdown."""
    full, metadata = facts.report, facts.metadata
    demonstration = metadata is not None and metadata.is_demonstration
    warning = "This is a demonstration model. " if demonstration else ""
    tables = "\n\n".join(
        f"### {table.title}\n\n{to_markdown(table)}"
        for table in evaluation_tables(full)
        if table.title in _LABEL_TABLES
    )
    limits = card_section(facts.card, "Limits") or TO_FILL
    return f"""# Model Facts

{_source(facts)}

**Model:** {_model(facts) or "not known: a table from elsewhere"}

**Locale:** {TO_FILL}

## Summary

Gives a probability for each of {", ".join(map(label_of, facts.report.report.keys))} on one \
frontal chest radiograph.

## Mechanism

- **Outcome:** labels of the film: {", ".join(map(label_of, facts.report.report.keys))}
- **Output:** {_thresholds(facts) or "probabilities"}
- **Target population:** {TO_FILL}
- **Time of prediction:** when the film is read
- **Input:** one frontal chest radiograph. {_preprocessing(facts)}
- **Training data:** {card_section(facts.card, "Data") or TO_FILL}

## Validation and performance

{_performance(facts)}

{tables}

## Uses and directions

- **Intended use:** {RESEARCH_ONLY}
- **Appropriate decision support, before use, tested beyond these data:** {TO_FILL}

## Warnings

{warning}{limits}

## Other information

- **Approval, licence, contact:** {TO_FILL}
"""


def checklists(facts: RunFacts) -> dict[str, str]:
    """All three, by file name."""
    return {
        "tripod_ai.md": checklist_markdown("TRIPOD+AI", TRIPOD_AI, facts),
        "claim_2024.md": checklist_markdown("CLAIM 2024", CLAIM, facts),
        "model_facts.md": model_facts_label(facts),
    }


def _source(facts: RunFacts) -> str:
    full = facts.report
    model = f"model {full.model_sha256[:12]}" if full.model_sha256 else "model not known"
    return f"Filled by {PROGRAM} {VERSION} from table {full.table_sha256[:12]}, {model}."


# Computed answers; each returns "" where the run does not tell.


def _participants(facts: RunFacts) -> str:
    report = facts.report.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    return f"Evaluated on {report.n_films:,} films{patients}. Exclusions: see the model card."


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
        parts.append(f"{part.part}: {part.n_films:,} films{patients} ({counts})")
    return "; ".join(parts)


def _characteristics(facts: RunFacts) -> str:
    groups = {(one.by, one.value): one for one in facts.report.groups if one.by != "label"}
    films = [
        f"{value if by == 'films' else f'{by} {value}'}: "
        + f"{max(o.n for o in facts.report.groups if (o.by, o.value) == (by, value)):,}"
        for by, value in groups
    ]
    return f"Films with a label: {'; '.join(films)}." if films else ""


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
        f"{label_of(key)} {percent(one.threshold, decimals=1)} "
        f"({one.criterion} >= {one.target:.2f})"
        for key, one in points.items()
    )
    fitted = "these same films: optimistic" if facts.report.fitted_here else "validation films"
    return f"A probability and a flag a finding. Cut-offs, fitted on {fitted}: {told}."


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
        "Calibrated on validation films (one scale, an offset a finding). Expected calibration "
        f"error before and after: {', '.join(told)}."
    )


def _fairness(facts: RunFacts) -> str:
    gaps = facts.report.gaps
    if not gaps:
        return ""
    surviving = [
        f"{label_of(gap.finding)}, {gap.by} {gap.value} against {gap.reference}: {figure} "
        f"{gap.direction(figure)}"
        for gap in gaps
        for figure in gap.survives
    ]
    return (
        f"{n_compared(gaps):,} differences between groups in area, sensitivity and specificity; "
        f"after Holm's correction {'; '.join(surviving) if surviving else 'none is shown'}."
    )


def _subgroups(facts: RunFacts) -> str:
    kinds = list(dict.fromkeys(one.by for one in facts.report.groups if one.by != "films"))
    return f"Measured within each {', '.join(kinds)}; whole patients resampled." if kinds else ""


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
    return f"`{facts.metadata.architecture}`, model SHA-256 `{facts.metadata.model_sha256}`"


def _preprocessing(facts: RunFacts) -> str:
    if facts.metadata is None:
        return ""
    told = facts.metadata.preprocessing
    return f"Preprocessing, stored with the weights: {told}."


def _software(facts: RunFacts) -> str:
    versions = {} if facts.metadata is None else facts.metadata.provenance.get("versions", {})
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _imbalance(facts: RunFacts) -> str:
    config = {} if facts.metadata is None else facts.metadata.provenance.get("config", {})
    return f"Training films balanced by `{config['balance']}`." if config.get("balance") else ""


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
    parts = ", ".join(f"{one.part} {one.n_films:,}" for one in facts.report.splits)
    return f"Split by patient into {parts} films (split.csv)."


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
_LABEL_TABLES = (
    "Discrimination",
    "Performance at the cut-offs",
    "Alerts at the cut-offs, at these films' prevalence",
)


def _said(text: str) -> Callable[[RunFacts], str]:
    return lambda facts: text


_COMPUTED: Mapping[str, Callable[[RunFacts], str]] = {
    "intended use": _said(RESEARCH_ONLY),
    "preprocessing": _preprocessing,
    "predictors": _said("The only predictor is the film."),
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
    "program": _said(f"{PROGRAM} {VERSION}, Apache-2.0."),
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
}
