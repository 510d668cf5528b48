"""All that follows the fit: stored weights, calibration, operating points, tables and the card.

Everything that travels with the weights is fitted here, from validation films only, on the
logits of the weights as they are stored. The test part is only ever reported.
"""

import logging
import platform
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxr_core.atomic import replacing
from cxr_core.config import EvidenceScale, Preprocessing
from cxr_core.data.balance import balance_counts
from cxr_core.data.tables import write_table
from cxr_core.evaluation.calibration import fit_calibration, to_probabilities
from cxr_core.evaluation.localisation import HitRates, hit_rates, localisation_rows
from cxr_core.evaluation.operating_points import fit_operating_points
from cxr_core.evaluation.predictions import predictions_table, write_predictions
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.results import EvaluationReport
from cxr_core.model.checkpoint import load_weights, save_metadata, save_weights
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.model.metadata import ModelMetadata
from cxr_core.training.card import CardData, write_card
from cxr_core.training.config import TrainConfig
from cxr_core.training.films import PARTS, Films
from cxr_core.training.readings import Readings, read_part

logger = logging.getLogger(__name__)

LARGEST_HALF_SHIFT = 0.01  # logits; above it the weights are stored as float32
EVIDENCE_PERCENTILE = 99.0
FULL_TRAINING = (
    20_000  # films; below it, or without pre-trained weights, a model is a demonstration
)
_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "grad-cam")


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        metadata: as stored in ``model.json``.
        report: on the test part.
        localisation: by finding key; empty without boxes of test films.
    """

    metadata: ModelMetadata
    report: EvaluationReport
    localisation: dict[str, HitRates]


def finish(
    folder: Path,
    model: ChestDenseNet,
    films: Films,
    *,
    config: TrainConfig,
    preprocessing: Preprocessing,
    balance: dict[str, dict[str, int]],
    engine: str,
    fresh: bool,
    progress: bool = False,
) -> Finished:
    """Write the model folder's every file but the training's own.

    Args:
        model: the trained network in float32 on the CPU, or the stored one.
        balance: counts of the training rows before and after balancing.
        engine: what it was trained on, in words.
        fresh: store ``model``'s weights; otherwise those in ``folder`` stay as they are.

    Raises:
        DataError: validation labels or logits on which nothing can be fitted.
    """
    if fresh:
        validation = _store(folder, model, films, preprocessing, progress=progress)
    else:
        validation = read_part(
            model, films, "validation", preprocessing=preprocessing, progress=progress
        )
    stored = load_weights(folder)
    test = read_part(stored, films, "test", preprocessing=preprocessing, progress=progress)
    validation_table = predictions_table(validation.table, validation.logits)
    test_table = predictions_table(test.table, test.logits)
    write_predictions(validation_table, folder / "predictions_val.csv")
    write_predictions(test_table, folder / "predictions_test.csv")

    calibration = fit_calibration(validation.logits, validation.labels)
    points = fit_operating_points(
        to_probabilities(validation.logits, calibration),
        validation.labels,
        validation.table["patient"].to_numpy(),
        seed=config.seed,
    )
    scale = float(np.percentile(np.abs(validation.evidence), EVIDENCE_PERCENTILE))
    history = pd.read_csv(folder / "history.csv")
    metadata = ModelMetadata(
        preprocessing=preprocessing,
        calibration=calibration,
        operating_points=points,
        evidence_scale=EvidenceScale(scale),
        provenance=_provenance(config, films, balance, history, engine),
    )
    metadata = save_metadata(folder, metadata)
    localisation = _localise(folder, films, test)
    report = evaluate_predictions(
        test_table, operating_points=points, calibration=calibration, seed=config.seed
    )
    with replacing(folder / "MODEL_CARD.md") as temporary:
        write_card(temporary, CardData(metadata, report, localisation, films.table, films.report))
    return Finished(metadata, report, localisation)


def _store(
    folder: Path,
    model: ChestDenseNet,
    films: Films,
    preprocessing: Preprocessing,
    *,
    progress: bool,
) -> Readings:
    """Store as float16 if that moves no validation logit by 0.01; returns what is stored."""

    def read(network: ChestDenseNet) -> Readings:
        part = "validation"
        return read_part(network, films, part, preprocessing=preprocessing, progress=progress)

    whole = read(model)
    save_weights(folder, model, half=True)
    halved = read(load_weights(folder))
    shift = float(np.abs(whole.logits - halved.logits).max())
    if shift < LARGEST_HALF_SHIFT:
        logger.info("Weights stored as float16; no validation logit moved by over %.4f.", shift)
        return halved
    save_weights(folder, model, half=False)
    logger.info("Weights stored as float32: float16 would move a logit by %.4f.", shift)
    return whole


def _localise(folder: Path, films: Films, test: Readings) -> dict[str, HitRates]:
    """Write ``localisation.csv`` and return the hit rates; nothing without boxes of test films."""
    if films.boxes is None:
        return {}
    training = films.boxes[films.boxes["image"].isin(films.part("train")["image"])]
    boxed = films.boxes[films.boxes["image"].isin(test.table["image"])]
    if boxed.empty or training.empty:
        logger.info("No box on both training and test films: no localisation figures.")
        return {}
    rows = localisation_rows(test.table["image"].tolist(), test.evidence, boxed, training)
    write_table(rows, folder / "localisation.csv")
    return hit_rates(rows, dict(zip(test.table["image"], test.table["patient"], strict=True)))


def _provenance(
    config: TrainConfig,
    films: Films,
    balance: dict[str, dict[str, int]],
    history: pd.DataFrame,
    engine: str,
) -> dict[str, Any]:
    served = history[history["px"] == config.px]
    best = served.nlargest(1, "auroc_mean").iloc[0]
    weights = config.weights if config.weights in ("imagenet", "none") else "a file"
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
        "config": replace(config, weights=weights).to_dict(),
        "data_fingerprint": films.fingerprint,
        "counts": {
            part: {
                **balance_counts(films.part(part)),
                "patients": int(films.part(part)["patient"].nunique()),
            }
            for part in PARTS
        },
        "balance": balance,
        "best_epoch": int(best["epoch"]),
        "best_validation_auroc": round(float(best["auroc_mean"]), 4),
        "training_seconds": round(float(history["seconds"].sum())),
        "engine": engine,
        "demonstration": weights == "none" or balance["after"]["films"] < FULL_TRAINING,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
    }
