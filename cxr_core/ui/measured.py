"""What a predictions table shows: read, evaluated once, and kept by the hash of its bytes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.calibration import Floats
from cxr_core.evaluation.operating_points import fit_operating_points
from cxr_core.evaluation.predictions import (
    has_logits,
    labels_of,
    patients_of,
    probabilities_of,
    read_predictions,
)
from cxr_core.evaluation.report import evaluate_predictions
from cxr_core.evaluation.results import EvaluationReport
from cxr_core.model.metadata import ModelMetadata, load_metadata

PREDICTIONS_FILE = "predictions_test.csv"
HISTORY_FILE = "history.csv"


@dataclass(frozen=True, eq=False)
class Measured:
    """One evaluated table.

    Attributes:
        table: a validated predictions table.
        probabilities: (N, 4) that the operating points belong to.
        report: its figures of merit.
        fitted_here: the operating points were fitted on these very films, so what they reach
            here is better than on new ones.
        identity: hash of the table and of what was applied to it.
    """

    table: pd.DataFrame
    probabilities: Floats
    report: EvaluationReport
    fitted_here: bool
    identity: str


def measured_model(folder: Path) -> Measured:
    """The test films of the model in ``folder``, at its own calibration and operating points.

    Raises:
        CheckpointError: no readable ``model.json``.
        DataError: no table of predictions, or one that breaks the contract.
    """
    metadata = load_metadata(folder)
    path = folder / PREDICTIONS_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            "The model folder has no table of its test films",
            value=path,
            remedy="Write it with train.py --finish.",
        ) from error
    return _measure_model(data, metadata, metadata.model_sha256)


def measured_upload(data: bytes) -> Measured:
    """Any other model's table; its operating points are fitted on the table itself.

    Raises:
        DataError: not a table in the columns of a predictions table.
    """
    return _measure_upload(data)


def measure(
    data: bytes,
    *,
    calibration: Calibration | None = None,
    points: dict[str, OperatingPoint] | None = None,
) -> Measured:
    """Read and evaluate a table, without any cache.

    Args:
        data: a CSV file.
        calibration: applied where the table holds raw logits.
        points: without them, operating points are fitted on the table itself.

    Raises:
        DataError: not a predictions table.
    """
    table = read_predictions(data)
    applied = calibration if has_logits(table) else None
    probabilities = probabilities_of(table, applied)
    fitted_here = points is None
    if points is None:
        points = _fitted(table, probabilities)
    report = evaluate_predictions(
        table, operating_points=points, calibration=applied, subgroups=False, measures=False
    )  # groups and calibration take longest; their own panels measure them
    identity = hashlib.sha256(data + repr((applied, points)).encode()).hexdigest()[:16]
    return Measured(table, probabilities, report, fitted_here, identity)


def _fitted(table: pd.DataFrame, probabilities: Floats) -> dict[str, OperatingPoint] | None:
    """Operating points on the table's own films; None where a class is missing."""
    patients = patients_of(table)
    units = table["image"].to_numpy(dtype=str) if patients is None else patients
    try:
        return fit_operating_points(probabilities, labels_of(table), units, n_resamples=200)
    except DataError:
        return None  # the panel says that there is no cut-off, and why


@st.cache_data(max_entries=4, show_spinner="Evaluating the test films …")
def _measure_model(data: bytes, _metadata: ModelMetadata, model_sha256: str) -> Measured:
    # Streamlit keys on what has no underscore: the model's hash stands for its metadata.
    return measure(data, calibration=_metadata.calibration, points=_metadata.operating_points)


# An upload is its session's own, so it is kept for that session alone.
@st.cache_data(max_entries=2, show_spinner="Evaluating the table …", scope="session")
def _measure_upload(data: bytes) -> Measured:
    return measure(data)
