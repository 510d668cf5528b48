"""Evaluated tables as pages ask for them: computed once, and kept by the hash of their bytes."""

import hashlib
from dataclasses import replace
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.evaluated import (
    EvaluatedTable,
    evaluate_with_model,
    measure_further_films,
    with_origin,
)
from cxr_core.evaluation.full_report import Origin
from cxr_core.evaluation.further_films import FurtherPatients, OtherSource
from cxr_core.evaluation.mapping_guess import join_labels, map_table
from cxr_core.evaluation.predictions import read_predictions
from cxr_core.evaluation.raw_table import read_raw_table
from cxr_core.evaluation.run_folder import (
    FURTHER_PREDICTIONS_FILE,
    OTHER_FILMS_FILE,
    TEST_PREDICTIONS_FILE,
    RunFolder,
)
from cxr_core.evaluation.table_mapping import TableMapping, mapping_toml
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
    return _further_films_of_model(str(folder), _stamps(run))


def further_films_of_run(
    run: RunFolder,
) -> tuple[FurtherPatients | None, tuple[OtherSource, ...]]:
    """The same of any run, kept for this session alone.

    Raises:
        DataError: a table of them is there and cannot be used.
    """
    return _further_films_of_run(run, _stamps(run))


def _stamps(run: RunFolder) -> tuple[str, str]:
    return run.stamp(FURTHER_PREDICTIONS_FILE), run.stamp(OTHER_FILMS_FILE)


def evaluate_upload(
    data: bytes, mapping: TableMapping | None = None, labels: bytes | None = None
) -> EvaluatedTable:
    """Any other model's table; its operating points are fitted on the table itself.

    Args:
        mapping: as what its columns are read; guessed without it.
        labels: a table of labels that is joined by image.

    Raises:
        DataError: no table, or one whose columns are not certain.
    """
    return _evaluate_upload(data, mapping, "" if mapping is None else mapping_toml(mapping), labels)


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


@st.cache_data(max_entries=3, show_spinner=False, scope="session")
def _further_films_of_run(
    _run: RunFolder, stamps: tuple[str, str]
) -> tuple[FurtherPatients | None, tuple[OtherSource, ...]]:
    return measure_further_films(_run)


# Any folder that a user names may hold patients of that user's alone.
@st.cache_data(max_entries=3, show_spinner="Evaluating the run …", scope="session")
def _evaluate_run(
    data: bytes, _metadata: ModelMetadata | None, model_sha256: str | None, chosen_by: bool
) -> EvaluatedTable:
    return evaluate_bytes(data, _metadata, fitted_on_these_films=chosen_by)


# An upload is its session's own, so it is kept for that session alone.
@st.cache_data(max_entries=2, show_spinner="Evaluating the table …", scope="session")
def _evaluate_upload(
    data: bytes, _mapping: TableMapping | None, mapping_text: str, labels: bytes | None
) -> EvaluatedTable:
    raw = read_raw_table(data)
    if labels is not None:
        raw = join_labels(raw, read_raw_table(labels))
    mapped = map_table(raw, _mapping)
    # A hash of its own where the same file is read in another way.
    evaluated = evaluate_with_model(mapped.table, raw.sha256, None, calibration_metrics=False)
    key = hashlib.sha256(repr((mapped.mapping, labels, evaluated.cache_key)).encode()).hexdigest()
    origin = Origin(mapped.mapping, mapped.said, mapped.cautions)
    return replace(with_origin(evaluated, origin), cache_key=key[:16])
