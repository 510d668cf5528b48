"""What a predictions table shows: read, evaluated once, and kept by the hash of its bytes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.errors import DataError
from cxr_core.evaluation.metrics.operating_points import points_of
from cxr_core.evaluation.predictions import has_logits, probabilities_of, read_predictions
from cxr_core.evaluation.report import EvaluationReport, evaluate_predictions
from cxr_core.evaluation.run_folder import TEST_FILE
from cxr_core.evaluation.scoring import Floats
from cxr_core.findings import KEYS, LABELS
from cxr_core.model.metadata import ModelMetadata, load_metadata
from cxr_core.ui.shell import show_table

VERDICTS = {"enough": "enough films", "wide": "wide interval", "too few": "too few films"}


# The table of areas that pages share, and what its verdicts are called.


def area_table(report: EvaluationReport, *, caption: str) -> None:
    """AUROC of the four findings, each with its interval and what it can bear."""
    show_table(
        ("Finding", "AUROC (95 % interval)", "Films with it", "Verdict"),
        [
            [
                LABELS[key],
                report.auroc[key].text(),
                f"{report.label_distribution[key].positives:,}",
                VERDICTS[report.label_distribution[key].verdict],
            ]
            for key in KEYS
        ],
        caption=caption,
    )


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
        table_sha256: of the file itself.
        model_sha256: of the model whose table it is; None for a table from elsewhere.
    """

    table: pd.DataFrame
    probabilities: Floats
    report: EvaluationReport
    fitted_here: bool
    identity: str
    table_sha256: str = ""
    model_sha256: str | None = None


def measured_model(folder: Path) -> Measured:
    """The test films of the model in ``folder``, at its own calibration and operating points.

    Raises:
        CheckpointError: no readable ``model.json``.
        DataError: no table of predictions, or one that breaks the contract.
    """
    metadata = load_metadata(folder)
    path = folder / TEST_FILE
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


def measured_run(data: bytes, metadata: ModelMetadata | None, *, chosen_by: bool) -> Measured:
    """A table of any run folder, kept for this session alone.

    Args:
        data: its predictions table.
        metadata: its calibration and operating points; without them the points are fitted on the
            table itself.
        chosen_by: the films are those by which calibration and points were chosen.

    Raises:
        DataError: not a predictions table.
    """
    sha256 = None if metadata is None else metadata.model_sha256
    return _measure_run(data, metadata, sha256, chosen_by)


def measure(
    data: bytes,
    *,
    calibration: Calibration | None = None,
    points: dict[str, OperatingPoint] | None = None,
    chosen_by: bool = False,
    model_sha256: str | None = None,
) -> Measured:
    """Read and evaluate a table, without any cache.

    Args:
        data: a CSV file.
        calibration: applied where the table holds raw logits.
        points: without them, operating points are fitted on the table itself.
        chosen_by: the points given were chosen by these very films.
        model_sha256: of the model that both belong to.

    Raises:
        DataError: not a predictions table.
    """
    table = read_predictions(data)
    applied = calibration if has_logits(table) else None
    probabilities = probabilities_of(table, applied)
    fitted_here = points is None or chosen_by
    if points is None:
        points = points_of(table, probabilities)
    report = evaluate_predictions(
        table, operating_points=points, calibration=applied, subgroups=False, measures=False
    )  # groups and calibration take longest; their own panels measure them
    applied_here = repr((applied, points, fitted_here)).encode()
    identity = hashlib.sha256(data + applied_here).hexdigest()[:16]
    sha256 = hashlib.sha256(data).hexdigest()
    return Measured(table, probabilities, report, fitted_here, identity, sha256, model_sha256)


@st.cache_data(max_entries=4, show_spinner="Evaluating the test films …")
def _measure_model(data: bytes, _metadata: ModelMetadata, model_sha256: str) -> Measured:
    # Streamlit keys on what has no underscore: the model's hash stands for its metadata.
    points = _metadata.operating_points
    return measure(
        data, calibration=_metadata.calibration, points=points, model_sha256=model_sha256
    )


# Any folder that a user names may hold patients of that user's alone.
@st.cache_data(max_entries=3, show_spinner="Evaluating the run …", scope="session")
def _measure_run(
    data: bytes, _metadata: ModelMetadata | None, model_sha256: str | None, chosen_by: bool
) -> Measured:
    if _metadata is None:
        return measure(data)
    calibration, points = _metadata.calibration, _metadata.operating_points
    return measure(
        data,
        calibration=calibration,
        points=points,
        chosen_by=chosen_by,
        model_sha256=model_sha256,
    )


# An upload is its session's own, so it is kept for that session alone.
@st.cache_data(max_entries=2, show_spinner="Evaluating the table …", scope="session")
def _measure_upload(data: bytes) -> Measured:
    return measure(data)
