"""The header of a Hugging Face model card: YAML that the Hub reads (licence, tags, data, metrics).

Format: https://huggingface.co/docs/hub/model-cards, with the results as in Papers with Code's
``model-index``. Values are the report's own, unrounded; nothing is stated that a run does not tell.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from cxr_core.evaluation.metrics.bootstrap import Interval
from cxr_core.evaluation.render.checklist_answers import RunFacts
from cxr_core.findings import label_of

DataSource = Literal["NIH ChestX-ray14", "drawn phantoms", ""]
_HUB_DATA = {"NIH ChestX-ray14": "nih-chest-xray-14", "drawn phantoms": "phantom"}
_TASK = {"type": "image-classification", "name": "Multi-label classification of chest radiographs"}
# The Hub's own word where no licence is named; nobody but the authors can name one.
_LICENCE = "unknown"


def data_source(images: Sequence[str]) -> DataSource:
    """Which data the films are of, by their names; "" where these do not tell."""
    if not len(images):
        return ""
    if all(_is_nih(name) for name in images):
        return "NIH ChestX-ray14"
    return "drawn phantoms" if all(name.startswith("phantom") for name in images) else ""


def _is_nih(name: str) -> bool:
    """Whether a name is NIH's: patient_film.png, with 8 and 3 digits."""
    stem = name.removesuffix(".png")
    patient, _, film = stem.partition("_")
    digits = patient.isdecimal() and film.isdecimal()
    return stem != name and digits and (len(patient), len(film)) == (8, 3)


def hub_header(facts: RunFacts) -> str:
    """The header with its lines of dashes, to stand at the top of a card."""
    architecture = facts.metadata.architecture if facts.metadata is not None else ""
    source = data_source(facts.images)
    fields: dict[str, Any] = {
        "license": _LICENCE,
        "library_name": "pytorch",
        "pipeline_tag": "image-classification",
        "tags": [
            "chest-x-ray",
            "radiology",
            "medical",
            "multi-label",
            *filter(None, [architecture]),
        ],
        **({"datasets": [_HUB_DATA[source]]} if source else {}),
        "metrics": ["roc_auc", "average_precision", "brier_score"],
        "model-index": [
            {
                "name": architecture or "model",
                "results": [
                    {"task": _TASK, "dataset": _dataset(facts, source), "metrics": _metrics(facts)}
                ],
            }
        ],
    }
    return "\n".join(["---", *_yaml(fields), "---", ""])


def hub_card(facts: RunFacts) -> str:
    """The model's card under its header, as the Hub takes it (``README.md``)."""
    return f"{hub_header(facts)}\n{without_header(facts.card) or '# Model card'}"


def without_header(card: str) -> str:
    """A card's text without such a header."""
    if not card.startswith("---\n"):
        return card
    _head, found, rest = card[4:].partition("\n---\n")
    return rest.lstrip("\n") if found else card


def _dataset(facts: RunFacts, source: DataSource) -> dict[str, Any]:
    report = facts.report.report
    patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
    tested = facts.metadata is not None and not facts.report.fitted_here  # nothing fitted on them
    return {
        "type": _HUB_DATA.get(source, "other"),
        "name": f"{source or 'Films'}, {report.n_films:,} films{patients}",
        **({"split": "test"} if tested else {}),
    }


def _metrics(facts: RunFacts) -> list[dict[str, Any]]:
    """One entry a figure and finding; what cannot be estimated is left out."""
    report = facts.report.report
    measured = report.calibration_after or report.calibration_before
    found: list[tuple[str, str, Interval]] = []
    for key in report.keys:
        found.append(("roc_auc", f"AUROC, {label_of(key)}", report.auroc[key]))
        precision = report.average_precision[key]
        found.append(("average_precision", f"Average precision, {label_of(key)}", precision))
        if key in measured:
            found.append(("brier_score", f"Brier score, {label_of(key)}", measured[key].brier))
    return [
        {"type": kind, "name": f"{name} (95 % interval {one.text(3).partition(' ')[2][1:]}",
         "value": one.estimate}
        for kind, name, one in found
        if one.estimable
    ]  # fmt: skip


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """Lines of block YAML of mappings, lists, texts and numbers; texts are quoted as in JSON, which
    YAML reads."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if isinstance(one, (Mapping, list)):
                yield f"{indent}{name}:"
                yield from _yaml(one, indent + "  ")
            else:
                yield f"{indent}{name}: {json.dumps(one, ensure_ascii=False)}"
        return
    for one in value:
        if isinstance(one, Mapping):
            first, *rest = _yaml(one, indent + "  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
        else:
            yield f"{indent}- {json.dumps(one, ensure_ascii=False)}"
