"""A model folder with random weights and made-up tables, for tests of the pages."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.findings import KEYS, LABEL_COLUMNS, LOGIT_COLUMNS
from cxr_core.model.checkpoint import save_checkpoint
from cxr_core.model.densenet import build_densenet
from cxr_core.model.metadata import ModelMetadata

THRESHOLDS = dict(zip(KEYS, (0.31, 0.28, 0.35, 0.62), strict=True))
CARD = "# A model of the tests\n\nRandom weights.\n\n## Limits\n\nIt knows nothing.\n"


def write_model(folder: Path, *, seed: int = 3) -> Path:
    """A complete small folder: weights, card, predictions and history."""
    torch.manual_seed(seed)
    model = build_densenet("none").eval()
    with torch.no_grad():
        model.classifier.weight.normal_(0, 0.12)
    metadata = ModelMetadata(
        preprocessing=Preprocessing(size=224),
        calibration=Calibration(),
        operating_points={
            key: OperatingPoint(t, t - 0.05, t + 0.06, "sensitivity", 0.8, 0.81, 0.7)
            for key, t in THRESHOLDS.items()
        },
        evidence_scale=EvidenceScale(9.0),
        provenance={
            "demonstration": True,
            "config": {"preset": "scratch", "weights": "none"},
            "counts": {"train": {"films": 1480, "patients": 1165}},
        },
    )
    save_checkpoint(folder, model, metadata)
    (folder / "MODEL_CARD.md").write_text(CARD)
    predictions().to_csv(folder / "predictions_test.csv", index=False)
    history().to_csv(folder / "history.csv", index=False)
    return folder


def predictions(films: int = 240, *, seed: int = 0) -> pd.DataFrame:
    """A predictions table in its usual columns, with scores that know something."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((films, 4)) < (0.2, 0.2, 0.25, 0.3)).astype(int)
    labels[:, 3] = np.where(labels[:, :3].any(axis=1), 0, labels[:, 3])
    logits = rng.normal(size=(films, 4)) + 1.6 * labels - 1.0
    table = pd.DataFrame(
        {
            "image": [f"{index:08d}_000.png" for index in range(films)],
            "patient": rng.integers(0, films // 2, films).astype(str),
            "age": rng.integers(10, 90, films),
            "sex": rng.choice(["M", "F"], films),
            "view": rng.choice(["PA", "AP"], films),
            "follow_up": rng.integers(0, 5, films),
            "group": rng.choice(["sample", "boxed"], films),
        }
    )
    table[list(LABEL_COLUMNS)] = labels
    table[list(LOGIT_COLUMNS)] = logits.round(4)
    return table


def history(epochs: int = 5) -> pd.DataFrame:
    """Training curves in the columns of ``history.csv``."""
    epoch = np.arange(1, epochs + 1)
    table = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3})
    table["train_loss"], table["validation_loss"] = 0.6 / epoch, 0.65 / np.sqrt(epoch)
    for index, key in enumerate(KEYS):
        table[f"auroc_{key}"] = 0.6 + 0.03 * index + 0.02 * epoch
    table["auroc_mean"] = table[[f"auroc_{key}" for key in KEYS]].mean(axis=1)
    return table.assign(seconds=60.0)
