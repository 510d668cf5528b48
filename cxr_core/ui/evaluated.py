"""What a predictions table shows: read, evaluated once, and kept by the hash of its bytes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.arrays import Floats
from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.operating_points import operating_points_of
from cxr_core.evaluation.predictions import has_logits, probabilities_of, read_predictions
from cxr_core.evaluation.report import EvaluationReport, evaluate_predictions
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE
from cxr_core.findings import KEYS, LABELS
from cxr_core.model.metadata import ModelMetadata, load_metadata
from cxr_core.ui.shell import show_table

SAMPLE_SIZE_WORDS = {"enough": "enough films", "wide": "wide interval", "too few": "too few films"}


# The table of areas that pages share, and what its verdicts are called.


def show_auroc_table(report: EvaluationReport, *, caption: str) -> None:
    """AUROC of the four findings, each with its interval and what it can bear."""
    show_table(
        ("Finding", "AUROC (95 % interval)", "Films with it", "Verdict"),
        [
            [
                LABELS[key],
                report.auroc[key].text(),
                f"{report.label_distribution[key].positives:,}",
                SAMPLE_SIZE_WORDS[report.label_distribution[key].verdict],
            ]
            for key in KEYS
        ],
        caption=caption,
    )


@dataclass(frozen=True, eq=False)
class EvaluatedTable:
    """One evaluated table.

    Attributes:
        table: a validated predictions table.
        probabilities: (N, 4) that the operating points belong to.
        report: its figures of merit.
        fitted_on_this_table: the operating points were fitted on these very films, so what they
            reach here is better than on new ones.
        cache_key: hash of the table and of what was applied to it.
        table_sha256: of the file itself.
        model_sha256: of the model whose table it is; None for a table from elsewhere.
    """

    table: pd.DataFrame
    probabilities: Floats
    report: EvaluationReport
    fitted_on_this_table: bool
    cache_key: str
    table_sha256: str = ""
    model_sha256: str | None = None


def evaluate_model(folder: Path) -> EvaluatedTable:
    """The test films of the model in ``folder``, at its own calibration and operating points.

    Raises:
        CheckpointError: no readable ``model.json``.
        DataError: no table of predictions, or one that breaks the contract.
    """
    metadata = load_metadata(folder)
    path = folder / TEST_PREDICTIONS_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            "The model folder has no predictions_test.csv",
            value=path,
            remedy="Write it with train.py --finalize.",
        ) from error
    return _evaluate_model(data, metadata, metadata.model_sha256)


# An upload is its session's own, so it is kept for that session alone.
@st.cache_data(max_entries=2, show_spinner="Evaluating the table …", scope="session")
def evaluate_upload(data: bytes) -> EvaluatedTable:
    """Any other model's table; its operating points are fitted on the table itself.

    Raises:
        DataError: not a table in the columns of a predictions table.
    """
    return evaluate_table(data)


def evaluate_run(
    data: bytes, metadata: ModelMetadata | None, *, fitted_on_these_films: bool
) -> EvaluatedTable:
    """A table of any run folder, kept for this session alone.

    Args:
        data: its predictions table.
        metadata: its calibration and operating points; without them the points are fitted on the
            table itself.
        fitted_on_these_films: the films are those by which calibration and points were chosen.

    Raises:
        DataError: not a predictions table.
    """
    sha256 = None if metadata is None else metadata.model_sha256
    return _evaluate_run(data, metadata, sha256, fitted_on_these_films)


def evaluate_table(
    data: bytes,
    *,
    calibration: Calibration | None = None,
    operating_points: dict[str, OperatingPoint] | None = None,
    fitted_on_these_films: bool = False,
    model_sha256: str | None = None,
) -> EvaluatedTable:
    """Read and evaluate a table, without any cache.

    Args:
        data: a CSV file.
        calibration: applied where the table holds raw logits.
        operating_points: without them, operating points are fitted on the table itself.
        fitted_on_these_films: the points given were chosen by these very films.
        model_sha256: of the model that both belong to.

    Raises:
        DataError: not a predictions table.
    """
    table = read_predictions(data)
    applied = calibration if has_logits(table) else None
    probabilities = probabilities_of(table, applied)
    fitted_here = operating_points is None or fitted_on_these_films
    if operating_points is None:
        operating_points = operating_points_of(table, probabilities)
    report = evaluate_predictions(
        table,
        operating_points=operating_points,
        calibration=applied,
        subgroups=False,
        calibration_metrics=False,
    )  # groups and calibration take longest; their own panels measure them
    applied_here = repr((applied, operating_points, fitted_here)).encode()
    identity = hashlib.sha256(data + applied_here).hexdigest()[:16]
    sha256 = hashlib.sha256(data).hexdigest()
    return EvaluatedTable(table, probabilities, report, fitted_here, identity, sha256, model_sha256)


@st.cache_data(max_entries=4, show_spinner="Evaluating the test films …")
def _evaluate_model(data: bytes, _metadata: ModelMetadata, model_sha256: str) -> EvaluatedTable:
    # Streamlit keys on what has no underscore: the model's hash stands for its metadata.
    points = _metadata.operating_points
    return evaluate_table(
        data, calibration=_metadata.calibration, operating_points=points, model_sha256=model_sha256
    )


# Any folder that a user names may hold patients of that user's alone.
@st.cache_data(max_entries=3, show_spinner="Evaluating the run …", scope="session")
def _evaluate_run(
    data: bytes, _metadata: ModelMetadata | None, model_sha256: str | None, chosen_by: bool
) -> EvaluatedTable:
    if _metadata is None:
        return evaluate_table(data)
    calibration, points = _metadata.calibration, _metadata.operating_points
    return evaluate_table(
        data,
        calibration=calibration,
        operating_points=points,
        fitted_on_these_films=chosen_by,
        model_sha256=model_sha256,
    )
