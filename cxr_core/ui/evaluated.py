"""Evaluated tables as pages ask for them: computed once, and kept by the hash of their bytes."""

import hashlib
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import EvaluatedTable, evaluate_with_model, measure_further_films
from cxr_core.evaluation.further_films import FurtherPatients, OtherSource
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.run_folder import (
    FURTHER_PREDICTIONS_FILE,
    OTHER_FILMS_FILE,
    TEST_PREDICTIONS_FILE,
    RunFolder,
)
from cxr_core.model.metadata import ModelMetadata, load_metadata


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
            f"The model folder has no {TEST_PREDICTIONS_FILE}",
            value=path,
            remedy="Write it with train.py --finalize.",
        ) from error
    return _evaluate_model(data, metadata, metadata.model_sha256)


def further_films_of_model(
    folder: Path,
) -> tuple[FurtherPatients | None, tuple[OtherSource, ...]]:
    """What the model in ``folder`` measured on films beside its test set.

    Raises:
        DataError: a table of them is there and cannot be used.
    """
    run = RunFolder(folder)
    stamps = (run.stamp(FURTHER_PREDICTIONS_FILE), run.stamp(OTHER_FILMS_FILE))
    return _further_films_of_model(str(folder), stamps)


def evaluate_upload(data: bytes) -> EvaluatedTable:
    """Any other model's table; its operating points are fitted on the table itself.

    Raises:
        DataError: not a table in the columns of a predictions table.
    """
    return _evaluate_upload(data)


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


def evaluate_bytes(
    data: bytes, metadata: ModelMetadata | None = None, *, fitted_on_these_films: bool = False
) -> EvaluatedTable:
    """Read, validate and evaluate a CSV file, without any cache.

    Raises:
        DataError: not a predictions table.
    """
    return evaluate_with_model(
        read_predictions(data),
        hashlib.sha256(data).hexdigest(),
        metadata,
        fitted_on_these_films=fitted_on_these_films,
        calibration_metrics=False,  # their panel measures them
    )


@st.cache_data(max_entries=4, show_spinner="Evaluating the test films …")
def _evaluate_model(data: bytes, _metadata: ModelMetadata, model_sha256: str) -> EvaluatedTable:
    # Streamlit keys on what has no underscore: the model's hash stands for its metadata.
    return evaluate_bytes(data, _metadata)


@st.cache_data(max_entries=4, show_spinner=False)
def _further_films_of_model(
    folder: str, stamps: tuple[str, str]
) -> tuple[FurtherPatients | None, tuple[OtherSource, ...]]:
    return measure_further_films(RunFolder(Path(folder)))


# Any folder that a user names may hold patients of that user's alone.
@st.cache_data(max_entries=3, show_spinner="Evaluating the run …", scope="session")
def _evaluate_run(
    data: bytes, _metadata: ModelMetadata | None, model_sha256: str | None, chosen_by: bool
) -> EvaluatedTable:
    return evaluate_bytes(data, _metadata, fitted_on_these_films=chosen_by)


# An upload is its session's own, so it is kept for that session alone.
@st.cache_data(max_entries=2, show_spinner="Evaluating the table …", scope="session")
def _evaluate_upload(data: bytes) -> EvaluatedTable:
    return evaluate_bytes(data)
