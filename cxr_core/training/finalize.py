"""All that follows the fit: stored weights, calibration, operating points, tables and the card.

Everything that travels with the weights is fitted here, from validation films only, on the
logits of the weights as they are stored. The test part is only ever reported.
"""

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxr_core.config import EvidenceScale
from cxr_core.data.balance import balance_counts
from cxr_core.evaluation.localisation.pointing import (
    HitRates,
    hit_rates,
    localisation_rows,
    write_localisation,
)
from cxr_core.evaluation.metrics.operating_points import fit_operating_points
from cxr_core.evaluation.predictions import predictions_table, write_predictions
from cxr_core.evaluation.report import EvaluationReport, evaluate_predictions
from cxr_core.evaluation.run_folder import HISTORY_FILE
from cxr_core.evaluation.scoring import fit_calibration, margin_maps, to_probabilities
from cxr_core.files import replacing
from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.model.checkpoint import load_weights, save_gate, save_metadata, save_weights
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.model.metadata import ModelMetadata
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import PARTS, Films
from cxr_core.training.distributed import Team
from cxr_core.training.gate import gate_of
from cxr_core.training.inference import Readings, read_part, read_table, shuffled_copy
from cxr_core.training.initial_weights import Start
from cxr_core.training.model_card import CardData, write_card
from cxr_core.training.trainer import ALONE

FULL_TRAINING = (
    20_000  # films; below it, or with nothing learnt elsewhere, a model is a demonstration
)
_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "grad-cam")
logger = logging.getLogger(__name__)
LARGEST_HALF_SHIFT = 0.01  # logits; above it the weights are stored as float32
EVIDENCE_PERCENTILE = 99.0


# What the end of a run is told of the run, and what it passes on as the weights' provenance.


@dataclass(frozen=True)
class Ending:
    """What the end of a run is told of it.

    Attributes:
        config, start: what it was trained with and from.
        balance: counts of the training rows before and after balancing.
        engine: what it was trained on, in words.
        fresh: store the model's weights; otherwise those in the folder stay as they are.
        hold_test: leave the test part unread; then there is no card.
        team: the processes that read the films together; only its leader writes.
    """

    config: TrainConfig
    start: Start
    balance: dict[str, dict[str, int]]
    engine: str
    fresh: bool
    hold_test: bool = False
    team: Team = ALONE
    progress: bool = False


def provenance(films: Films, ending: Ending, history: pd.DataFrame) -> dict[str, Any]:
    """Where the weights come from, for ``model.json`` and the card, as plain values."""
    config = ending.config
    served = history[history["px"] == config.px]
    best = served.nlargest(1, "auroc_mean").iloc[0]
    few = ending.balance["after"]["films"] < FULL_TRAINING
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
        "config": replace(config, weights=ending.start.weights).to_dict(),
        "data_fingerprint": films.fingerprint,
        "counts": {
            part: {
                **balance_counts(films.part(part)),
                "patients": int(films.part(part)["patient"].nunique()),
            }
            for part in PARTS
        },
        "balance": ending.balance,
        "best_epoch": int(best["epoch"]),
        "best_validation_auroc": round(float(best["auroc_mean"]), 4),
        "training_seconds": round(float(history["seconds"].sum())),
        "engine": ending.engine,
        "outside_weights": ending.start.outside,
        "demonstration": few or not ending.start.outside,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
    }


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        metadata: as stored in ``model.json``.
        report: on the test part, or on the validation part where the test part was held back.
        localisation: by finding key; empty without boxes of test films.
        part: which part ``report`` is on.
    """

    metadata: ModelMetadata
    report: EvaluationReport
    localisation: dict[str, HitRates]
    part: str


def finish(folder: Path, model: ChestDenseNet, films: Films, ending: Ending) -> Finished | None:
    """Write the model folder's every file but the training's own.

    Args:
        model: the trained network in float32 on the CPU, or the stored one.

    Returns:
        None in the processes of a team that do not lead.

    Raises:
        DataError: validation labels or logits on which nothing can be fitted.
    """

    def read(network: ChestDenseNet, part: str) -> Readings:
        return read_part(
            network,
            films,
            part,
            preprocessing=ending.start.preprocessing,
            team=ending.team,
            progress=ending.progress,
        )

    read_validation = partial(read, part="validation")
    if ending.fresh:
        validation = _store(folder, model, read_validation, ending.team)
    else:
        validation = read_validation(model)
    test = None if ending.hold_test else read(load_weights(folder), "test")
    if not ending.team.leads:
        return None
    tables = {"val": validation} | ({} if test is None else {"test": test})
    for name, readings in tables.items():
        table = predictions_table(readings.table, readings.logits)
        write_predictions(table, folder / f"predictions_{name}.csv")
    metadata = save_metadata(folder, _metadata(folder, films, validation, ending))
    judged = validation if test is None else test
    report = evaluate_predictions(
        predictions_table(judged.table, judged.logits),
        operating_points=metadata.operating_points,
        calibration=metadata.calibration,
        seed=ending.config.seed,
    )
    if test is None:
        return Finished(metadata, report, {}, "validation")
    localisation = _localise(folder, films, test, ending)
    with replacing(folder / "MODEL_CARD.md") as temporary:
        write_card(temporary, CardData(metadata, report, localisation, films.table, films.report))
    return Finished(metadata, report, localisation, "test")


def _metadata(folder: Path, films: Films, validation: Readings, ending: Ending) -> ModelMetadata:
    """All that travels with the weights, fitted on the validation films; the gate, which knows
    no label, on those of training too."""
    calibration = fit_calibration(validation.logits, validation.labels)
    points = fit_operating_points(
        to_probabilities(validation.logits, calibration),
        validation.labels,
        validation.table["patient"].to_numpy(),
        seed=ending.config.seed,
    )
    gate = gate_of(films, seed=ending.config.seed)
    maps = margin_maps(validation.evidence, validation.logits, calibration, points)
    scale = float(np.percentile(np.abs(maps), EVIDENCE_PERCENTILE))
    return ModelMetadata(
        preprocessing=ending.start.preprocessing,
        calibration=calibration,
        operating_points=points,
        evidence_scale=EvidenceScale(scale),
        gate=None if gate is None else save_gate(folder, gate),
        provenance=provenance(films, ending, pd.read_csv(folder / HISTORY_FILE)),
    )


def _store(
    folder: Path,
    model: ChestDenseNet,
    read: Callable[[ChestDenseNet], Readings],
    team: Team,
) -> Readings:
    """Store as float16 if that moves no validation logit by 0.01; returns what is stored."""

    def save(*, half: bool) -> None:
        if team.leads:
            save_weights(folder, model, half=half)
        team.wait()

    whole = read(model)
    save(half=True)
    halved = read(load_weights(folder))
    shift = float(np.abs(whole.logits - halved.logits).max())
    if shift < LARGEST_HALF_SHIFT:
        logger.info("Weights stored as float16; no validation logit moved by over %.4f.", shift)
        return halved
    save(half=False)
    logger.info("Weights stored as float32: float16 would move a logit by %.4f.", shift)
    return whole


def _localise(folder: Path, films: Films, test: Readings, ending: Ending) -> dict[str, HitRates]:
    """Write ``localisation.csv`` and return the hit rates; nothing without boxes of test films."""
    if films.boxes is None:
        return {}
    boxes = films.boxes[films.boxes["finding"].isin(ABNORMAL_KEYS)]
    training = boxes[boxes["image"].isin(films.part("train")["image"])]
    boxed = boxes[boxes["image"].isin(test.table["image"])]
    if boxed.empty or training.empty:
        logger.info("No box on both training and test films: no localisation figures.")
        return {}
    shown = test.table["image"].isin(boxed["image"])  # only these are read by the shuffled copy
    preprocessing, seed = ending.start.preprocessing, ending.config.seed
    copied = shuffled_copy(load_weights(folder), films, preprocessing=preprocessing, seed=seed)
    shuffled = read_table(
        copied,
        films,
        test.table[shown],
        preprocessing=preprocessing,
        progress=ending.progress,
        name="with shuffled weights",
    )
    rows = localisation_rows(
        shuffled.table["image"].tolist(),
        test.evidence[shown.to_numpy()],
        boxed,
        training,
        shuffled=shuffled.evidence,
    )
    write_localisation(rows, folder / "localisation.csv")
    return hit_rates(rows, dict(zip(test.table["image"], test.table["patient"], strict=True)))
