"""The one model that all sessions share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from cxr_core.reading.analyzer import Analyzer

MODEL_ENV_VAR = "CXR_MODEL"
DEFAULT_MODEL = Path("models") / "default"


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
    files = [(path, path.stat()) for path in sorted(folder.glob("model.*"))]
    stamps = tuple((path.name, status.st_mtime_ns, status.st_size) for path, status in files)
    return _load(str(folder), stamps)


@st.cache_resource(max_entries=1, show_spinner="Loading the model …")
def _load(folder: str, stamps: tuple[tuple[str, int, int], ...]) -> Analyzer:
    # Imported late: PyTorch takes seconds, and the pages without a film do not need it.
    from cxr_core.reading.analyzer import load_analyzer

    return load_analyzer(folder)
