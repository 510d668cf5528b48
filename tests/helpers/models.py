"""Model folders with random weights and drawn tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.findings import KEYS
from cxr_core.model.architectures import build_model
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.model.engine import ServedModel
from cxr_core.model.head import LinearHead
from cxr_core.model.metadata import ModelMetadata
from cxr_core.model.network import ChestNetwork
from cxr_core.model.torch_engine import TorchEngine
from tests.helpers.predictions import make_predictions

CUTOFFS = (0.31, 0.28, 0.35, 0.62)
SENSITIVE_CUTOFFS = (0.11, 0.08, 0.35, 0.32)  # Infiltration's two are one
CARD_TEXT = "# A model of the tests\n\nRandom weights.\n\n## Limits\n\nIt knows nothing.\n"


def make_points(cutoffs: tuple[float, ...] = CUTOFFS) -> dict[str, OperatingPoint]:
    """An operating point at each of these probabilities."""
    return {
        key: OperatingPoint(
            cutoff, max(0.0, cutoff - 0.05), min(1.0, cutoff + 0.06), "sensitivity", 0.8, 0.81, 0.7
        )
        for key, cutoff in zip(KEYS, cutoffs, strict=True)
    }


def make_metadata(**changes: Any) -> ModelMetadata:
    """What ``model.json`` says of a model of 224 px without calibration."""
    metadata = ModelMetadata(
        preprocessing=Preprocessing(size=224),
        calibration=Calibration(),
        operating_points=make_points(),
        evidence_scale=EvidenceScale(1.0),
    )
    return replace(metadata, **changes)


def random_network(seed: int = 3, *, spread: float = 0.12) -> ChestNetwork:
    """A network of random weights; its classifier's are N(0, spread), so that films differ."""
    torch.manual_seed(seed)
    model = build_model().eval()
    with torch.no_grad():
        model.classifier.weight.normal_(0, spread)
    return model


def served_by_torch(model: ChestNetwork, metadata: ModelMetadata) -> ServedModel:
    """A network that was never on disk, ready to read films."""
    weight, bias = (p.detach().numpy() for p in (model.classifier.weight, model.classifier.bias))
    return ServedModel(TorchEngine(model), LinearHead(weight, bias), metadata)


def write_model_folder(folder: Path) -> Path:
    """A complete small folder: weights, card, predictions and history."""
    provenance = {
        "demonstration": True,
        "config": {"preset": "scratch", "weights": "none"},
        "counts": {"train": {"films": 1480, "patients": 1165}},
    }
    metadata = make_metadata(
        sensitive_points=make_points(SENSITIVE_CUTOFFS),
        evidence_scale=EvidenceScale(9.0),
        provenance=provenance,
    )
    save_checkpoint(folder, random_network(), metadata)
    (folder / "MODEL_CARD.md").write_text(CARD_TEXT)
    make_predictions().to_csv(folder / "predictions_test.csv", index=False)
    make_history().to_csv(folder / "history.csv", index=False)
    return folder


def make_history(n_epochs: int = 5) -> pd.DataFrame:
    """Training curves in the columns of ``history.csv``."""
    epoch = np.arange(1, n_epochs + 1)
    table = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3})
    table["train_loss"], table["validation_loss"] = 0.6 / epoch, 0.65 / np.sqrt(epoch)
    for index, key in enumerate(KEYS):
        table[f"auroc_{key}"] = 0.6 + 0.03 * index + 0.02 * epoch
    table["auroc_mean"] = table[[f"auroc_{key}" for key in KEYS]].mean(axis=1)
    return table.assign(seconds=60.0)
