"""``MODEL_CARD.md``: what a model is, what it was made from, how good it measured, its limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.metrics.ranking import auroc
from cxr_core.evaluation.render.figures import evaluation_tables
from cxr_core.evaluation.render.table import Cell, Column, Row, Table, to_markdown
from cxr_core.findings import (
    ABNORMAL_IN_WORDS,
    ABNORMAL_KEYS,
    ALL_IN_WORDS,
    KEYS,
    LABELS,
    NORMAL_KEY,
)
from cxr_core.model.metadata import ModelMetadata, uses_external_data
from cxr_core.training.config import TrainConfig, differences
from cxr_core.training.presets import BASELINE

_NIH = (
    "The films and labels are from NIH ChestX-ray14, which the NIH Clinical Center provides "
    "(https://nihcc.app.box.com/v/ChestXray-NIHCC). Cite Wang et al., ChestX-ray8: "
    "Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017. The labels were mined from "
    "reports, not read from the films; Infiltration, a word for any non-specific opacity, is the "
    "noisiest (published AUROCs 0.66 to 0.73)."
)
_PHANTOM = "The films are drawn phantoms. No figure here says anything about a patient's film."
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
        yield "The view (PA or AP) of the films is not known, so its influence cannot be counted."
        return
    known = films[films["view"].isin(["PA", "AP"])]
    portable = known["view"] == "AP"
    normal = known[f"label_{NORMAL_KEY}"] == 1
    area = auroc(normal.to_numpy(), portable.to_numpy())
    yield (
        f"View: {portable[normal].mean():.0%} of the No Finding films are AP, and "
        f"{portable[~normal].mean():.0%} of the others. The view alone would reach an AUROC of "
        f"{max(area, 1 - area):.2f} for No Finding; judge it within PA and within AP."
    )


def _shortcut_bias(films: pd.DataFrame) -> Iterator[str]:
    abnormal = 1 - films[f"label_{NORMAL_KEY}"].to_numpy()
    areas = ", ".join(
        f"{LABELS[key]} {auroc(films[f'label_{key}'].to_numpy(), abnormal):.2f}"
        for key in ABNORMAL_KEYS
    )
    yield (
        'A score that only told "normal or not" would already reach '
        f"{areas}; judge the {ABNORMAL_IN_WORDS} findings also among the films that are "
        f"not {LABELS[NORMAL_KEY]}."
    )


def _sampling_groups(films: pd.DataFrame) -> Iterator[str]:
    if "group" not in films:
        return
    for group, rows in films.groupby("group"):
        counts = ", ".join(
            f"{label} {int(rows[f'label_{key}'].sum()):,}" for key, label in LABELS.items()
        )
        yield f"Films drawn as `{group!s}`: {len(rows):,} ({counts})."


@dataclass(frozen=True)
class CardData:
    """What the card is written from."""

    metadata: ModelMetadata
    report: FullReport
    films: pd.DataFrame
    data_report: Sequence[str]


def write_card(path: Path, data: CardData) -> None:
    """Write the card as Markdown."""
    sections = (
        _intended_use(data),
        _training(data),
        _data(data),
        "## Biases to keep in mind\n\n" + "\n".join(f"- {s}" for s in bias_lines(data.films)),
        _test_metrics(data),
        _limits(),
    )
    path.write_text("\n\n".join(section for section in sections if section) + "\n")


def _intended_use(data: CardData) -> str:
    provenance = data.metadata.provenance
    kind = (
        "This is a **demonstration model**: it shows what the tool does, not what a model "
        f"trained on all of NIH's films can do. It learnt from {_n_training_films(provenance):,} "
        "films" + ("." if uses_external_data(provenance) else ", without pre-trained weights.")
        if provenance["demonstration"]
        else f"It learnt from {_n_training_films(provenance):,} films."
    )
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
    return int(provenance["balance"]["after"]["films"])


def _config(data: CardData) -> TrainConfig:
    return TrainConfig.from_dict(data.metadata.provenance["config"])


def _training(data: CardData) -> str:
    provenance = data.metadata.provenance
    config = _config(data)
    changes = differences(BASELINE, config)
    changed = _grid(
        ("Setting", BASELINE.preset.capitalize(), "This model"),
        [(name, str(usual), str(mine)) for name, (usual, mine) in changes.items()],
    )
    versions = ", ".join(f"{name} {number}" for name, number in provenance["versions"].items())
    return (
        f"## Training\n\nPreset `{config.preset}`, {config.epochs} epochs; epoch "
        f"{provenance['best_epoch']} was kept, which had the highest mean validation AUROC at "
        f"{config.px} px ({provenance['best_validation_auroc']:.3f}). Trained on "
        f"{provenance.get('device', provenance.get('engine'))} in "
        f"{provenance['training_seconds'] / 60:.0f} minutes"
        f"{_continued_from(config.weights)}. {versions}.\n\n"
        "The reference preset is `baseline`: ImageNet weights, Adam, binary cross-entropy, 20 "
        "epochs. " + ("This model differs from it in:\n\n" + changed if changes else "This is it.")
    )


def _continued_from(weights: str) -> str:
    kind, _, name = weights.partition(" ")
    return f", going on from the model `{name}` on the same films" if kind == "model" else ""


def _data(data: CardData) -> str:
    provenance = data.metadata.provenance
    findings = (*LABELS.values(), "Other findings only")
    parts = _grid(
        ("Set", "Films", "Patients", *findings),
        [
            (part.capitalize(), *(counts[name] for name in ("films", "patients", *_COUNTED)))
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
    images = data.films["image"]
    source = ""
    if images.str.fullmatch(r"\d{8}_\d{3}\.png").all():
        source = _NIH + "\n\n"
    elif images.str.startswith("phantom").all():
        source = _PHANTOM + "\n\n"
    return (
        f"## Data\n\n{source}"
        + "\n".join(f"- {line}" for line in data.data_report)
        + f"\n\nNo patient is in two parts.\n\n{parts}\n\n"
        f"Training films before and after balancing (`{provenance['config']['balance']}`):\n\n"
        + balance
    )


def _test_metrics(data: CardData) -> str:
    report = data.report.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    intro = (
        f"## Performance on the test set\n\n{report.n_films:,} films{patients}, which neither "
        "training nor any choice has seen. In brackets 95 % intervals, by resampling "
        f"{report.resampled}. Cut-offs were chosen on validation."
    )
    tables = [table for table in evaluation_tables(data.report) if table.on_card]
    sections = [f"### {table.title}\n\n{to_markdown(table)}" for table in tables]
    return "\n\n".join([intro, *sections, *_localisation_note(data)])


def _localisation_note(data: CardData) -> Iterator[str]:
    if not data.report.localisation.hit_rates:
        return
    box_loss_note = (
        " In training, evidence outside the boxes of training films was penalised: that it peaks "
        "in boxes is in part taught."
    )
    yield (
        "Beside the map's peak stand the best single spot of the training boxes, the film's "
        "centre, a random point, and the peak of the same network with its weights randomized, "
        f"which has learnt nothing.{box_loss_note if _config(data).box_loss_weight else ''}"
    )


def _limits() -> str:
    return (
        "## Limits\n\n"
        "- Measured on the films named above only: other hospitals, machines and populations, "
        "and lateral films, were not.\n"
        "- A probability assumes the validation part's share of each finding. These films are "
        "enriched with findings; in most clinics each is rarer.\n"
        f"- A film with none of the {ABNORMAL_IN_WORDS} findings can show something this model "
        "has no name for.\n"
        "- A Grad-CAM cell is about a seventh of the film wide: it points to a region, not to an "
        "outline, and does not explain a cause."
    )
