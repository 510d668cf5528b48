"""What the Performance page has open: a run folder or a table, and what is to be said of it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cxr_core.errors import DataError
from cxr_core.evaluation.predictions import labels_of
from cxr_core.evaluation.run_folder import (
    WEIGHTS_FILE,
    Part,
    part_of,
    read_history,
    read_table,
    require_own_weights,
    require_run,
)
from cxr_core.findings import ABNORMAL_KEYS, KEYS
from cxr_core.model.metadata import METADATA_FILE, ModelMetadata, load_metadata
from cxr_core.reading.contradiction import NORMAL_KEY
from cxr_core.ui.measured import Measured, measured_model, measured_run, measured_upload
from cxr_core.ui.model import model_folder

_PARTS: dict[Part, str] = {"test": "Test", "validation": "Validation"}
CHOSEN_BY = (
    "These are the films that the model was chosen by: its epoch, its calibration and its "
    "operating points. Every figure here is optimistic; the run was held from its test films."
)
NO_MODEL = (
    f"There is no {METADATA_FILE} in this folder, so probabilities are the plain sigmoid of the "
    "logits, and the operating points are fitted on these very films."
)
NO_PATIENTS = (
    "The table names no patients, so images are resampled as if each were of another patient: "
    "where a patient has several, every interval is too narrow."
)
NO_TABLE = "This run has no predictions yet, so only its training can be shown."


@dataclass(frozen=True, eq=False)
class Opened:
    """One opened source.

    Attributes:
        name: what it is, as the beginning of a sentence.
        measured: its evaluated table; None for a run that has no predictions yet.
        folder: the run folder; None for a table from elsewhere.
        cautions: whole sentences that the figures cannot be read without.
    """

    name: str
    measured: Measured | None
    folder: Path | None
    cautions: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What is on screen: which films, of what, how many, of how many patients."""
        if self.measured is None:
            return f"{self.name}."
        report = self.measured.report
        patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
        return f"{self.name}: {report.n_films:,} films{patients}."


def open_table(data: bytes) -> Opened:
    """A table that was uploaded.

    Raises:
        DataError: not a predictions table.
    """
    measured = measured_upload(data)
    return Opened("Your table", measured, None, _of_table(measured))


def open_run(folder: Path) -> Opened:
    """The run in a folder: its test films, or its validation films where it was held from them.

    Raises:
        DataError: no folder, no run in it, or a table that breaks the contract.
        CheckpointError: a ``model.json`` that cannot be used, or weights that are not its own.
    """
    require_run(folder)
    metadata = load_metadata(folder) if (folder / METADATA_FILE).is_file() else None
    if metadata is not None:
        _require_own_weights(folder, metadata)
    part = part_of(folder)
    if part is None:
        return _without_table(folder)
    if folder == model_folder() and part == "test" and metadata is not None:
        measured = measured_model(folder)  # shared by all sessions, as it is the app's own
    else:
        data = read_table(folder, part)
        measured = measured_run(data, metadata, chosen_by=part == "validation")
    name = f"{_PARTS[part]} films of {_run_name(folder)}"
    cautions = (
        *((CHOSEN_BY,) if part == "validation" else ()),
        *((NO_MODEL,) if metadata is None else ()),
        *_of_table(measured),
    )
    return Opened(name, measured, folder, cautions)


def _of_table(measured: Measured) -> tuple[str, ...]:
    """What any table's figures cannot be read without."""
    cautions = [NO_PATIENTS] if measured.report.n_patients is None else []
    labels = labels_of(measured.table).astype(bool)  # (N, 4)
    normal = labels[:, KEYS.index(NORMAL_KEY)]
    both = int((normal & labels[:, [KEYS.index(key) for key in ABNORMAL_KEYS]].any(axis=1)).sum())
    if both:
        cautions.append(contradiction(both))
    return tuple(cautions)


def contradiction(films: int) -> str:
    """The caution on labels that exclude each other, and what it means for the figures."""
    which = "1 film is" if films == 1 else f"{films:,} films are"
    return (
        f"{which} labelled No Finding together with a finding, which NIH's labels never are. They "
        "count as both; the areas among films that are not No Finding leave them out."
    )


def _without_table(folder: Path) -> Opened:
    if read_history(folder).empty:
        raise DataError(
            "The run has no table of its test films, and none of its validation films",
            value=folder,
            remedy="Write them with train.py --finish.",
        )
    return Opened(f"Training of {_run_name(folder)}", None, folder, (NO_TABLE,))


def _run_name(folder: Path) -> str:
    name = folder.name or folder.resolve().name
    return f"the loaded model ({name})" if folder == model_folder() else name


def _require_own_weights(folder: Path, metadata: ModelMetadata) -> None:
    """Hash the weights anew only when the file has changed."""
    try:
        status = (folder / WEIGHTS_FILE).stat()
    except OSError:
        return  # tables without weights can be read
    _own_weights(str(folder), metadata.weights_sha256, status.st_mtime_ns, status.st_size)


@st.cache_data(max_entries=8, show_spinner=False)
def _own_weights(folder: str, sha256: str, changed: int, size: int) -> None:
    require_own_weights(Path(folder), sha256)
