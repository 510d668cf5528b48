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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxr_core.config import Calibration, EvidenceScale
from cxr_core.data.balance import class_counts
from cxr_core.data.splits import VALIDATION_MORE
from cxr_core.errors import CalibrationError
from cxr_core.evaluation.evaluated import evaluate_with_model, measure_all
from cxr_core.evaluation.full_report import FullReport
from cxr_core.evaluation.further_films import write_other_films
from cxr_core.evaluation.history import read_history
from cxr_core.evaluation.localisation.froc import mark_rows, write_marks
from cxr_core.evaluation.localisation.pointing import localisation_rows, write_localisation
from cxr_core.evaluation.metrics.operating_points import fit_cutoffs
from cxr_core.evaluation.predictions import predictions_table, write_predictions
from cxr_core.evaluation.run_folder import (
    CARD_FILE,
    HISTORY_FILE,
    LOCALISATION_FILE,
    MARKS_FILE,
    OTHER_FILMS_FILE,
    TEST_PREDICTIONS_FILE,
    VALIDATION_PREDICTIONS_FILE,
    RunFolder,
)
from cxr_core.evaluation.scoring import fit_calibration, margin_maps, to_probabilities
from cxr_core.files import atomic_write
from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.model.checkpoint import load_weights, save_metadata, save_weights
from cxr_core.model.folder import file_sha256, save_gate
from cxr_core.model.metadata import ModelMetadata
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.dataset import SPLITS, FilmDataset
from cxr_core.training.distributed import Distributed
from cxr_core.training.gate import fit_gate_on_dataset
from cxr_core.training.inference import InferenceOutput, infer_films, infer_split, randomized_copy
from cxr_core.training.initial_weights import InitialWeights
from cxr_core.training.lineage import Lineage, record_test_use, stored_lineage
from cxr_core.training.model_card import CardData, write_card
from cxr_core.training.other_films import read_other_hospitals
from cxr_core.training.run_record import installed_versions, kept_row
from cxr_core.training.trainer import SINGLE_PROCESS

MIN_FULL_TRAINING_FILMS = (
    20_000  # films; below it, or with nothing learnt elsewhere, a model is a demonstration
)
logger = logging.getLogger(__name__)
MAX_FLOAT16_LOGIT_SHIFT = 0.01  # logits; above it the weights are stored as float32
EVIDENCE_PERCENTILE = 99.0


# What the end of a run is told of the run, and what it passes on as the weights' provenance.


@dataclass(frozen=True)
class FinalizeContext:
    """What the end of a run is told of it.

    Attributes:
        config, initial_weights: what it was trained with and from.
        balance: counts of the training rows before and after balancing.
        device_name: what it was trained on, in words.
        weights_are_new: store the model's weights; otherwise those in the folder stay as they are.
        skip_test: leave the test part unread; then there is no card.
        skip_gate: fit no input check.
        other_films: a table of other hospitals' films, to see how far the model carries.
        distributed: the processes that read the films together; only its leader writes.
    """

    config: TrainConfig
    initial_weights: InitialWeights
    balance: dict[str, dict[str, int]]
    device_name: str
    weights_are_new: bool
    skip_test: bool = False
    skip_gate: bool = False
    other_films: Path | None = None
    distributed: Distributed = SINGLE_PROCESS
    progress: bool = False


def make_provenance(
    films: FilmDataset, context: FinalizeContext, history: pd.DataFrame, lineage: Lineage
) -> dict[str, Any]:
    """Where the weights come from, for ``model.json`` and the card, as plain values."""
    # By their hashes: the paths are those of whoever trained.
    config = replace(
        context.config,
        weights=context.initial_weights.source,
        teachers=tuple(
            one.source for one in lineage.ancestors if one.role == "teacher" and one.depth == 1
        ),
    )
    best = kept_row(history)
    few = context.balance["after"]["films"] < MIN_FULL_TRAINING_FILMS
    return {
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
        "config": config.to_dict(),
        "data_fingerprint": films.fingerprint,
        "counts": {
            part: {
                **class_counts(films.subset(part)),
                "patients": int(films.subset(part)["patient"].nunique()),
            }
            for part in (*SPLITS, VALIDATION_MORE)
            if part in SPLITS or len(films.subset(part))
        },
        "balance": context.balance,
        "best_epoch": int(best["epoch"]),
        "best_validation_auroc": round(float(best.get("selection_auroc", best["auroc_mean"])), 4),
        "training_seconds": round(float(history["seconds"].sum())),
        "device": context.device_name,
        "uses_external_data": context.initial_weights.uses_external_data,
        "demonstration": few or not context.initial_weights.uses_external_data,
        "lineage": lineage.summary(),
        "versions": {"python": platform.python_version()} | installed_versions(),
    }


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        metadata: as stored in ``model.json``.
        report: all figures of the test films, or of the validation films without them.
        split: which of the two.
    """

    metadata: ModelMetadata
    report: FullReport
    split: str


def finalize(
    folder: Path, model: ChestNetwork, films: FilmDataset, context: FinalizeContext
) -> RunResult | None:
    """Write the model folder's every file but the training's own.

    Args:
        model: the trained network in float32 on the CPU, or the stored one.

    Returns:
        None in the processes of a team that do not lead.

    Raises:
        DataError: validation labels or logits on which nothing can be fitted.
    """

    def read(network: ChestNetwork, part: str) -> InferenceOutput:
        return infer_split(
            network,
            films,
            part,
            preprocessing=context.initial_weights.preprocessing,
            distributed=context.distributed,
            progress=context.progress,
        )

    read_validation = partial(read, part="validation")
    if context.weights_are_new:
        validation = _save_compact_weights(folder, model, read_validation, context.distributed)
    else:
        validation = read_validation(model)
    test = None if context.skip_test else read(load_weights(folder, model.architecture), "test")
    further = None
    if len(films.subset(VALIDATION_MORE)):
        further = read(load_weights(folder, model.architecture), VALIDATION_MORE)
    if not context.distributed.is_main:
        return None
    tables = {"val": validation} | ({} if test is None else {"test": test})
    if further is not None:
        tables["val_more"] = further
    for name, readings in tables.items():
        table = predictions_table(readings.table, readings.logits)
        write_predictions(table, folder / f"predictions_{name}.csv")
    metadata = save_metadata(folder, _metadata(folder, films, validation, context))
    if context.other_films is not None:
        rows = read_other_hospitals(context.other_films, folder, progress=context.progress)
        write_other_films(rows, folder / OTHER_FILMS_FILE)
    lineage = None if test is None else record_test_use(folder, metadata.model_sha256)
    evaluated = validation if test is None else test
    if test is not None:
        _write_marks(folder, films, test)
        _write_localisation(folder, films, test, context)
    path = folder / (VALIDATION_PREDICTIONS_FILE if test is None else TEST_PREDICTIONS_FILE)
    report = measure_all(
        evaluate_with_model(
            predictions_table(evaluated.table, evaluated.logits),
            file_sha256(path),
            metadata,
            fitted_on_these_films=test is None,
        ),  # with the seed of the pages, so that card and page agree to the last digit
        RunFolder(folder),
    )
    if lineage is None:
        return RunResult(metadata, report, "validation")
    with atomic_write(folder / CARD_FILE) as temporary:
        write_card(temporary, CardData(metadata, report, films.table, films.report_lines, lineage))
    return RunResult(metadata, report, "test")


def _metadata(
    folder: Path, films: FilmDataset, validation: InferenceOutput, context: FinalizeContext
) -> ModelMetadata:
    """All that travels with the weights, fitted on the validation films; the gate, which knows
    no label, on those of training too."""
    lineage = stored_lineage(folder)
    calibration, uncalibrated = _fit_calibration(validation)
    cutoffs = fit_cutoffs(
        to_probabilities(validation.logits, calibration),
        validation.labels,
        validation.table["patient"].to_numpy(),
        seed=context.config.seed,
    )
    preprocessing = context.initial_weights.preprocessing
    gate = None
    if not context.skip_gate:
        stored = load_weights(folder, context.config.architecture)
        gate = fit_gate_on_dataset(films, stored, preprocessing, seed=context.config.seed)
    maps = margin_maps(validation.evidence, validation.logits, calibration, cutoffs.specific)
    scale = float(np.percentile(np.abs(maps), EVIDENCE_PERCENTILE))
    return ModelMetadata(
        preprocessing=preprocessing,
        calibration=calibration,
        operating_points=dict(cutoffs.specific),
        sensitive_points=None if cutoffs.sensitive is None else dict(cutoffs.sensitive),
        # A network that has learnt nothing has maps of zeros, which any scale shows.
        evidence_scale=EvidenceScale(scale or 1.0),
        architecture=context.config.architecture,
        gate=None if gate is None else save_gate(folder, gate),
        provenance={
            **make_provenance(films, context, read_history(folder / HISTORY_FILE), lineage),
            **({"uncalibrated": uncalibrated} if uncalibrated else {}),
        },
    )


def _fit_calibration(validation: InferenceOutput) -> tuple[Calibration, str]:
    """A calibration; where none fits, the one that changes nothing, and the reason in words.

    Hours of training must not end without a model because it learnt little; that it did is said
    wherever its probabilities are shown.
    """
    try:
        return fit_calibration(validation.logits, validation.labels), ""
    except CalibrationError as error:
        logger.warning("%s The model is kept without calibration.", error)
        return Calibration(), f"{error.problem} ({error.value})"


def _save_compact_weights(
    folder: Path,
    model: ChestNetwork,
    read: Callable[[ChestNetwork], InferenceOutput],
    distributed: Distributed,
) -> InferenceOutput:
    """Store as float16 if that moves no validation logit by 0.01; returns what is stored."""

    def save(*, half: bool) -> None:
        if distributed.is_main:
            save_weights(folder, model, half=half)
        distributed.barrier()

    float32_output = read(model)
    save(half=True)
    float16_output = read(load_weights(folder, model.architecture))
    shift = float(np.abs(float32_output.logits - float16_output.logits).max())
    if shift < MAX_FLOAT16_LOGIT_SHIFT:
        logger.info(
            "Weights stored as float16; the largest change of a validation logit is %.4f.", shift
        )
        return float16_output
    save(half=False)
    logger.info("Weights stored as float32: float16 would move a logit by %.4f.", shift)
    return float32_output


def _write_marks(folder: Path, films: FilmDataset, test: InferenceOutput) -> None:
    """Write ``marks.csv``; nothing without boxes of test films."""
    if films.boxes is None:
        return
    images = test.table["image"].tolist()
    boxes = films.boxes[films.boxes["finding"].isin(ABNORMAL_KEYS)]
    if boxes["image"].isin(images).any():
        write_marks(mark_rows(images, test.evidence, test.labels, boxes), folder / MARKS_FILE)


def _write_localisation(
    folder: Path, films: FilmDataset, test: InferenceOutput, context: FinalizeContext
) -> None:
    """Write ``localisation.csv``; nothing without boxes of test films."""
    if films.boxes is None:
        return
    boxes = films.boxes[films.boxes["finding"].isin(ABNORMAL_KEYS)]
    training_boxes = boxes[boxes["image"].isin(films.subset("train")["image"])]
    test_boxes = boxes[boxes["image"].isin(test.table["image"])]
    if test_boxes.empty or training_boxes.empty:
        logger.info("No boxes on both training and test films: localisation is not evaluated.")
        return
    has_box = test.table["image"].isin(
        test_boxes["image"]
    )  # only these are read by the shuffled copy
    preprocessing, seed = context.initial_weights.preprocessing, context.config.seed
    randomized_model = randomized_copy(
        load_weights(folder, context.config.architecture),
        films,
        preprocessing=preprocessing,
        seed=seed,
    )
    randomized = infer_films(
        randomized_model,
        films,
        test.table[has_box],
        preprocessing=preprocessing,
        progress=context.progress,
        description="with randomized weights",
    )
    rows = localisation_rows(
        randomized.table["image"].tolist(),
        test.evidence[has_box.to_numpy()],
        test_boxes,
        training_boxes,
        shuffled=randomized.evidence,
    )
    write_localisation(rows, folder / LOCALISATION_FILE)
