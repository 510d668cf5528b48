"""The one model that all sessions share."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxr_core.evaluation.model_facts import ModelFacts, read_model_facts_if_usable
from cxr_core.evaluation.run_folder import TEST_PREDICTIONS_FILE, RunFolder
from cxr_core.model.metadata import ModelMetadata, load_metadata
from cxr_core.reading.approved import (
    APPROVED_ENV_VAR,
    APPROVED_FILES_ENV_VAR,
    require_approved,
    require_approved_files,
)
from cxr_core.ui.audit_trail import record_model

if TYPE_CHECKING:
    from cxr_core.reading.analyzer import Analyzer

MODEL_ENV_VAR = "CXR_MODEL"
DEFAULT_MODEL = Path("models") / "default"
Stamps = tuple[tuple[str, int, int], ...]


def model_folder() -> Path:
    """The folder of the model in use: ``CXR_MODEL``, or ``models/default``."""
    return Path(os.environ.get(MODEL_ENV_VAR) or DEFAULT_MODEL)


def shared_analyzer() -> Analyzer:
    """The analyzer of ``model_folder()``, loaded once for all sessions.

    It is loaded anew when its files change. An analyzer keeps nothing of a film between calls.

    Raises:
        CheckpointError: the folder is incomplete or was altered.
    """
    folder = model_folder()
    return _load(str(folder), _stamps(folder), _approved_here())


def approved_folder() -> Path:
    """``model_folder()``, once its model and files are known to be approved: for what a page shows
    of the model without reading a film.

    Raises:
        CheckpointError: another model or other files than ``CXR_MODEL_SHA256`` and
            ``CXR_MODEL_FILES_SHA256`` approve.
        ConfigError: one of the two cannot be read.
    """
    folder = model_folder()
    if any(_approved_here()):
        _require_approved(str(folder), _stamps(folder), _approved_here())
    return folder


def _approved_here() -> tuple[str, str]:
    return os.environ.get(APPROVED_ENV_VAR, ""), os.environ.get(APPROVED_FILES_ENV_VAR, "")


def _stamps(folder: Path) -> Stamps:
    """Tell the folder's files, as they lie there now, from others; for caches."""
    try:
        files = [(path.name, path.stat()) for path in folder.iterdir() if path.name[0] != "."]
    except OSError:
        return ()  # whoever opens the folder says what is wrong with it
    return tuple(sorted((name, status.st_mtime_ns, status.st_size) for name, status in files))


def current_model_facts() -> ModelFacts:
    """How good the model in use measured, and what its flags are worth, from its test films.

    Raises:
        CheckpointError: the folder is incomplete or was altered.
    """
    folder, metadata = model_folder(), shared_analyzer().metadata
    stamp = RunFolder(folder).stamp(TEST_PREDICTIONS_FILE)
    return _model_facts(str(folder), metadata, metadata.model_sha256, stamp)


# Hashed anew only when a file or what is approved has changed.
@st.cache_data(max_entries=4, show_spinner=False)
def _require_approved(folder: str, stamps: Stamps, approved: tuple[str, str]) -> None:
    require_approved_files(Path(folder))
    require_approved(load_metadata(folder).model_sha256, Path(folder))


# Streamlit keys on what has no underscore: hash and stamp stand for model and table.
@st.cache_data(max_entries=4, show_spinner=False)
def _model_facts(
    folder: str, _metadata: ModelMetadata, model_sha256: str, stamp: str
) -> ModelFacts:
    return read_model_facts_if_usable(Path(folder), _metadata)


@st.cache_resource(max_entries=1, show_spinner=False)
def _load(folder: str, stamps: Stamps, approved: tuple[str, str]) -> Analyzer:
    # The health check belongs to no page: there Streamlit would log that it has none to spin on.
    on_a_page = get_script_run_ctx(suppress_warning=True) is not None
    with st.spinner("Loading the model …") if on_a_page else nullcontext():
        # Imported late: PyTorch takes seconds, and the pages without a film do not need it.
        from cxr_core.reading.analyzer import load_analyzer

        analyzer = load_analyzer(folder)
    record_model(analyzer.metadata.model_sha256)
    return analyzer
