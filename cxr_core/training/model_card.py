"""``MODEL_CARD.md``: what a model is, what it was made from, how good it measured, its limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_core.data.splits import PART_TITLES, VALIDATION_MORE
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.ranking import auroc
from cxr_core.evaluation.render.checklist_answers import RunFacts
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.further_figures import FURTHER_FILMS
from cxr_core.evaluation.render.hub_header import DataSource, data_source, hub_header
from cxr_core.evaluation.render.table import Cell, Column, Row, Table, to_markdown
from cxr_core.files import atomic_write
from cxr_core.findings import (
    ABNORMAL_IN_WORDS,
    ABNORMAL_KEYS,
    ALL_IN_WORDS,
    KEYS,
    LABELS,
    NORMAL_KEY,
)
from cxr_core.model.metadata import (
    UNCALIBRATED_WARNING,
    ModelMetadata,
    uses_external_data,
    why_uncalibrated,
)
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.lineage import Lineage
from cxr_core.training.presets import BASELINE

_NIH = (
    "The films and labels are from NIH ChestX-ray14, which the NIH Clinical Center provides "
    "(https://nihcc.app.box.com/v/ChestXray-NIHCC). Cite Wang et al., ChestX-ray8: "
    "Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017. The labels were mined from "
    "reports, not read from the films; Infiltration, a word for any non-specific opacity, is the "
    "noisiest (published AUROCs 0.66 to 0.73)."
)
_PHANTOM = "The films are synthetic phantoms. These figures say nothing about patients' films."
_SOURCES: dict[DataSource, str] = {
    "NIH ChestX-ray14": _NIH + "\n\n",
    "drawn phantoms": _PHANTOM + "\n\n",
    "": "",
}
_OUTSIDE = {
    "imagenet": "ImageNet's published weights",
    "a file": "a file of weights from outside this project",
}
_SELECTION_SETS = {
    "validation": "validation set",
    VALIDATION_MORE: "further validation set",
    "both": "mean of the two validation sets",
}
PERFORMANCE_TITLE = "## Performance on the test set"
_COUNTED = (*KEYS, "other_only")


# What in a set of films lets a model be right for the wrong reason, in counted sentences.


def bias_lines(films: pd.DataFrame) -> list[str]:
    """Sentences about all films of a run.

    Args:
        films: with label columns and, where known, ``view`` and ``group``.
    """
    return [*_view_bias(films), *_shortcut_bias(films), *_sampling_groups(films)]


def _view_bias(films: pd.DataFrame) -> Iterator[str]:
    if "view" not in films or not films["view"].isin(["PA", "AP"]).any():
        yield "The view (PA or AP) is not known, so its influence cannot be measured."
        return
    known = films[films["view"].isin(["PA", "AP"])]
    portable = known["view"] == "AP"
    normal = known[f"label_{NORMAL_KEY}"] == 1
    area = auroc(normal.to_numpy(), portable.to_numpy())
    yield (
        f"View: {portable[normal].mean():.0%} of the No Finding films are AP, and "
        f"{portable[~normal].mean():.0%} of the others. The view alone would reach an AUROC of "
        f"{max(area, 1 - area):.2f} for No Finding, so compare within PA and within AP."
    )


def _shortcut_bias(films: pd.DataFrame) -> Iterator[str]:
    abnormal = 1 - films[f"label_{NORMAL_KEY}"].to_numpy()
    areas = ", ".join(
        f"{LABELS[key]} {auroc(films[f'label_{key}'].to_numpy(), abnormal):.2f}"
        for key in ABNORMAL_KEYS
    )
    yield (
        "A score that only separated normal from abnormal films would already reach AUROCs of "
        f"{areas}; so see also the AUROCs among films that are not {LABELS[NORMAL_KEY]}."
    )


def _sampling_groups(films: pd.DataFrame) -> Iterator[str]:
    if "group" not in films:
        return
    for group, rows in films.groupby("group"):
        counts = ", ".join(
            f"{label} {int(rows[f'label_{key}'].sum()):,}" for key, label in LABELS.items()
        )
        sampled = f"sampled as `{group!s}`" if group else "of no named sample"
        yield f"Films {sampled}: {len(rows):,} ({counts})."


@dataclass(frozen=True)
class CardData:
    """What the card is written from."""

    metadata: ModelMetadata
    report: FullReport
    films: pd.DataFrame
    data_report: Sequence[str]
    lineage: Lineage


def write_card(path: Path, data: CardData) -> None:
    """Write the card as Markdown, under the header that Hugging Face reads."""
    facts = RunFacts(data.report, data.metadata, images=data.films["image"].tolist())
    sections = (
        _intended_use(data),
        performance(data),
        _further_films(data),
        "## Biases to keep in mind\n\n" + "\n".join(f"- {s}" for s in bias_lines(data.films)),
        _limits(data),
        _data(data),
        _training(data),
        _lineage(data),
    )
    text = "\n\n".join(section for section in sections if section) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(f"{hub_header(facts)}\n{text}", encoding="utf-8")


def _intended_use(data: CardData) -> str:
    provenance = data.metadata.provenance
    kind = (
        "This is a **demonstration model**: it shows what the tool does, not what a model trained "
        f"on all of NIH's films can do. It was trained on {_n_training_films(provenance):,} films"
        + ("." if uses_external_data(provenance) else ", without pre-trained weights.")
        if provenance["demonstration"]
        else f"It was trained on {_n_training_films(provenance):,} films."
    )
    if reason := why_uncalibrated(provenance):
        kind += f" **{UNCALIBRATED_WARNING}** {reason}."
    *first, last = LABELS.values()
    return (
        f"# Model card\n\n{kind}\n\n"
        f"A network (`{data.metadata.architecture}`) that gives {ALL_IN_WORDS} probabilities "
        f"for a frontal chest radiograph: {', '.join(first)} and {last}, "
        "each with a signed Grad-CAM map. It is for research and teaching. It is not a medical "
        "device and must not decide about a patient.\n\n"
        f"Made {provenance['created']}; model SHA-256 `{data.metadata.model_sha256}`."
    )


def _grid(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    columns = [Column(title) for title in header]
    return to_markdown(Table("card", "", columns, [Row(cells) for cells in rows]))


def _n_training_films(provenance: dict[str, Any]) -> int:
    return int(provenance["counts"]["train"]["films"])


def _config(data: CardData) -> TrainConfig:
    return TrainConfig.from_dict(data.metadata.provenance["config"])


def _training(data: CardData) -> str:
    provenance = data.metadata.provenance
    config = _config(data)
    changes = differences(BASELINE, config)
    changed = _grid(
        ("Setting", BASELINE.preset.capitalize(), "This model"), list(setting_rows(changes))
    )
    versions = ", ".join(f"{name} {number}" for name, number in provenance["versions"].items())
    return (
        f"## Training\n\nPreset `{config.preset}`, {config.epochs} epochs; epoch "
        f"{provenance['best_epoch']} was kept (highest mean AUROC on the "
        f"{_SELECTION_SETS[config.select_on]} at {config.px} px, "
        f"{provenance['best_validation_auroc']:.3f}). Trained on "
        f"{provenance.get('device', provenance.get('engine'))} in "
        f"{provenance['training_seconds'] / 60:.0f} minutes. "
        f"{versions}.\n\nThe reference preset is `baseline`: ImageNet weights, Adam, binary "
        "cross-entropy, 20 epochs. "
        + (
            "This model differs from it in:\n\n" + changed
            if changes
            else "This model uses it unchanged."
        )
    )


def setting_rows(changes: Mapping[str, tuple[Any, Any]]) -> Iterator[tuple[str, str, str]]:
    """Settings that differ as (name, usual value, own value), a row for each part of a group."""
    for name, (usual, mine) in changes.items():
        if is_dataclass(usual) and is_dataclass(mine):
            parts = ((item.name, getattr(usual, item.name), getattr(mine, item.name))
                     for item in fields(usual))  # fmt: skip
            yield from (
                (f"{name}: {part}", _in_words(one), _in_words(other))
                for part, one, other in parts
                if one != other
            )
        else:
            yield name, _in_words(usual), _in_words(mine)


def _in_words(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        is_range = len(value) == 2 and all(isinstance(one, float) for one in value)
        return (" to " if is_range else ", ").join(_in_words(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lineage(data: CardData) -> str:
    """Whose films these weights have learnt from, ancestor by ancestor."""
    ancestors = data.lineage.summary()
    if not ancestors:
        return (
            "## Where the weights come from\n\nFrom these training films alone: training began "
            "with random weights."
        )
    # A model can be an ancestor in several ways, and is told of once.
    lines = list(dict.fromkeys(f"- {_ancestor(ancestor)}" for ancestor in ancestors))
    return (
        "## Where the weights come from\n\nBesides its own training films, the model carries what "
        "others learnt. As far as their films are known, none of them learnt from a patient of the "
        "validation or test set.\n\n" + "\n".join(lines)
    )


def _ancestor(ancestor: dict[str, Any]) -> str:
    source = str(ancestor["source"])
    kind, _, name = source.partition(" ")
    source = f"model `{name}`" if kind == "model" else _OUTSIDE.get(source, source)
    link = "Taught by" if ancestor["role"] == "teacher" else "Continuing from"
    if ancestor["depth"] > 1:
        link = "Further back, " + link[0].lower() + link[1:]
    preset = f" (preset `{ancestor['preset']}`)" if ancestor["preset"] else ""
    films = ancestor["trained_on"]
    if films is None:
        learnt = "What it learnt from is not known to this project."
    elif films["same"]:
        learnt = "It learnt from the same training films."
    else:
        learnt = (
            f"It learnt from {films['films']:,} films of {films['patients']:,} patients, "
            f"{films['shared']:,} of them among these training films."
        )
    return f"{link} {source}{preset}. {learnt}"


def _data(data: CardData) -> str:
    provenance = data.metadata.provenance
    findings = (*LABELS.values(), "Other findings only")
    parts = _grid(
        ("Set", "Films", "Patients", *findings),
        [
            (PART_TITLES[part], *(counts[name] for name in ("films", "patients", *_COUNTED)))
            for part, counts in provenance["counts"].items()
        ],
    )
    balance = _grid(
        ("Balancing", "Films", *findings),
        [
            (when.capitalize(), *(counts[name] for name in ("films", *_COUNTED)))
            for when, counts in provenance["balance"].items()
        ],
    )
    source = _SOURCES[data_source(data.films["image"].tolist())]
    return (
        f"## Data\n\n{source}"
        + "\n".join(f"- {line}" for line in data.data_report)
        + f"\n\nNo patient is in more than one set.\n\n{parts}\n\n"
        f"{_small_films(data)}Training films before and after balancing "
        f"(`{provenance['config']['balance']}`):\n\n{balance}{_redrawn(provenance)}"
    )


def _redrawn(provenance: dict[str, Any]) -> str:
    """Why the two rows of that table may be equal although films were balanced."""
    if provenance["config"]["balance"] != "redraw":
        return ""
    return (
        "\n\nThe second row counts all films that are drawn from: each epoch takes only as many of "
        "the films with No Finding alone as make No Finding as frequent as the commonest finding."
    )


def _small_films(data: CardData) -> str:
    """How many training films lack the pixels of this run."""
    provenance = data.metadata.provenance
    too_small = _n_training_films(provenance) - int(provenance["balance"]["before"]["films"])
    if too_small <= 0:
        return ""
    return (
        f"{too_small:,} of the training films have less than {_config(data).px} pixels a side: "
        "they took no part in this run, only in those that it comes from.\n\n"
    )


def performance(data: CardData) -> str:
    """The section on the test set; of ``data`` it needs neither the films nor their report."""
    report = data.report.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    intro = (
        f"{PERFORMANCE_TITLE}\n\n{report.n_films:,} films{patients}, used neither for "
        "training this model nor for choosing its epoch, calibration or cut-offs. 95 % intervals "
        f"in brackets, by resampling {report.resampled}. {_test_uses(data.lineage)}"
    )
    tables = [
        table
        for table in evaluation_tables(data.report)
        if table.on_card and table.topic != FURTHER_FILMS
    ]
    sections = [f"### {table.title}\n\n{to_markdown(table)}" for table in tables]
    return "\n\n".join([intro, *sections, *_localisation_note(data)])


def _further_films(data: CardData) -> str:
    tables = list(evaluation_tables(data.report, FURTHER_FILMS))
    if not tables:
        return ""
    sections = [
        f"### {table.title}\n\n{table.caption}.\n\n{to_markdown(table)}" for table in tables
    ]
    return "\n\n".join(["## How far it carries", *sections])


def _test_uses(lineage: Lineage) -> str:
    """How often the test films were read, by this run and by those it comes from."""
    uses = lineage.own_test_uses()
    times = "once" if len(uses) == 1 else f"{len(uses)} times"
    models = len({use.model_sha256 for use in uses})
    by = f"model `{uses[-1].model_sha256}`" if models == 1 else f"{models} models of its line"
    return (
        f"These films have been read {times} since {uses[0].date}, by {by}; a choice between "
        "models by these figures would use them up (docs/test_uses.md)."
    )


def _localisation_note(data: CardData) -> Iterator[str]:
    if not data.report.localisation.hit_rates:
        return
    box_loss_note = (
        " Training penalised evidence outside the boxes of training films, so part of this "
        "agreement was taught."
    )
    yield (
        "Compared with the best fixed spot of the training boxes, the centre of the film, a random "
        "point, and the same network with randomized weights (a sanity "
        f"check).{box_loss_note if _config(data).box_loss_weight else ''}"
    )


def _limits(data: CardData) -> str:
    others = "" if data.report.other_sources else "other hospitals, "
    return (
        "## Limits\n\n"
        f"- Measured only on the films named above: not on {others}other machines or "
        "populations, and not on lateral films.\n"
        "- Probabilities assume findings as frequent as in the validation set. These films are "
        "enriched; in most clinics each finding is rarer.\n"
        f"- The model looks for nothing but the {ABNORMAL_IN_WORDS} findings: not for "
        "pneumothorax, nodules, fractures or anything else.\n"
        "- A Grad-CAM cell is about a seventh of the film wide: it marks a region, not an outline, "
        "and explains no cause."
    )
