"""What the Performance page has open: a run folder or a table, and what is to be said of it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cxr_core.access.roots import RUNS_ENV_VAR, Roots, roots_from_environment
from cxr_core.config import short
from cxr_core.errors import CXRError, DataError
from cxr_core.evaluation.evaluated import EvaluatedTable
from cxr_core.evaluation.metrics.labelled import contradiction_notes, missing_label_notes
from cxr_core.evaluation.predictions import (
    labels_of,
    look_like_probabilities,
    template_csv,
)
from cxr_core.evaluation.raw_table import RawTable
from cxr_core.evaluation.report import PROBABLY_PROBABILITIES
from cxr_core.evaluation.run_folder import (
    WEIGHTS_FILE,
    RunFolder,
    SplitPart,
    find_runs,
    is_run_folder,
    require_run_folder,
)
from cxr_core.evaluation.table_mapping import TableMapping
from cxr_core.findings import LABEL_COLUMNS
from cxr_core.model.metadata import METADATA_FILE
from cxr_core.ui.evaluated import evaluate_model, evaluate_run, evaluate_upload
from cxr_core.ui.foreign import as_text
from cxr_core.ui.holdings import take_dropped
from cxr_core.ui.model import approved_folder, model_folder
from cxr_core.ui.performance.table_columns import columns_panel, mapping_of_upload
from cxr_core.ui.shell import caption, download_button, show_error
from cxr_core.ui.sign_in import is_local_page, may_open_paths
from cxr_core.ui.uploads import file_field

_PARTS: dict[SplitPart, str] = {"test": "Test", "validation": "Validation"}
VALIDATION_CAUTION = (
    "These are the run's validation films, on which its epoch, calibration and cut-offs were "
    "chosen. Every figure here is optimistic. The run has no predictions on its test films."
)
NO_METADATA_CAUTION = (
    f"No {METADATA_FILE} in this folder: probabilities are uncalibrated (plain sigmoid of the "
    "logits), and the cut-offs are fitted on these films."
)
NO_PATIENTS_CAUTION = (
    "The table names no patients, so images are resampled. Where a patient has several images, the "
    "intervals are too narrow."
)
NO_PREDICTIONS_CAUTION = "No predictions in this run yet: only its training is shown."
Side = Literal["a", "b"]  # the page's own source, and what it is compared with
MODEL, TABLE, NONE = "model", "table", "none"
UPLOADED = "uploaded-table"  # in a link, which cannot open it
NEEDS_ROLE = "Other runs and tables are opened by those with the role reviewer."
_RUN = "run:"  # and the folder
_TYPED = "performance_typed"
_REFUSED = "performance_refused"
_MAX_TYPED = 8
_RUNS = Path("runs")
COLUMNS_HELP = (
    "A row a film, with a label and a score of each finding, or a row a film and finding. Columns "
    "are recognised by name and value, and asked for where they are unsure. Best: image, "
    f"{LABEL_COLUMNS[0]} …, logit_… or probability_…, and patient, age, sex, view, follow_up, "
    "group. A label may be missing (empty or -1): its finding is then measured on the other films."
)


@dataclass(frozen=True, eq=False)
class EvaluationSource:
    """One opened source.

    Attributes:
        name: what it is, as the beginning of a sentence.
        evaluated: its evaluated table; None for a run that has no predictions yet.
        run: its run folder; None for a table from elsewhere.
        cautions: whole sentences that the figures cannot be read without.
    """

    name: str
    evaluated: EvaluatedTable | None
    run: RunFolder | None
    cautions: tuple[str, ...] = ()

    def summary(self) -> str:
        """What is on screen: which films, of what, how many, of how many patients."""
        if self.evaluated is None:
            return f"{self.name}."
        report = self.evaluated.report
        patients = "" if report.n_patients is None else f" of {report.n_patients:,} patients"
        return f"{self.name}: {report.n_films:,} films{patients}."


def open_table(
    data: bytes, mapping: TableMapping | None = None, labels: bytes | None = None
) -> EvaluationSource:
    """A table that was uploaded; arguments as of ``evaluate_upload``.

    Raises:
        DataError: no table, or one whose columns are not certain.
    """
    evaluated = evaluate_upload(data, mapping, labels)
    return EvaluationSource("Your table", evaluated, None, _table_cautions(evaluated))


def open_named_run(named: str, roots: Roots) -> EvaluationSource:
    """The run in a folder that somebody named.

    Raises:
        DataError: it may not be opened; where only some folders are open, the same for a path that
            is elsewhere, that is not there, and that holds no run.
        CheckpointError: as ``open_run``.
    """
    folder = roots.resolve(named)
    if roots.is_limited and not is_run_folder(folder):
        raise roots.refusal(named)
    return open_run(folder, strict=roots.is_limited)


def open_run(folder: Path, *, strict: bool = False) -> EvaluationSource:
    """The run in a folder: its test films, or its validation films where it was held from them.

    Args:
        strict: as in ``RunFolder``.

    Raises:
        DataError: no folder, no run in it, or a table that breaks the contract.
        CheckpointError: a ``model.json`` that cannot be used, or weights that are not its own.
    """
    require_run_folder(folder)
    run = RunFolder(folder, strict)
    metadata, part = run.metadata, run.part
    if metadata is not None and run.has(WEIGHTS_FILE):  # tables without weights can be read
        _own_weights(run, metadata.weights_sha256, run.stamp(WEIGHTS_FILE))
    if part is None:
        return _open_training_only(run)
    if folder == model_folder() and part == "test" and metadata is not None:
        evaluated = evaluate_model(folder)  # shared by all sessions, as it is the app's own
    else:
        data = run.predictions_bytes(part)
        evaluated = evaluate_run(data, metadata, fitted_on_these_films=part == "validation")
    name = f"{_PARTS[part]} films of {_run_name(folder)}"
    cautions = (
        *((VALIDATION_CAUTION,) if part == "validation" else ()),
        *((NO_METADATA_CAUTION,) if metadata is None else ()),
        *_table_cautions(evaluated),
    )
    return EvaluationSource(name, evaluated, run, cautions)


def _table_cautions(evaluated: EvaluatedTable) -> tuple[str, ...]:
    """What any table's figures cannot be read without."""
    origin = evaluated.full.origin
    cautions = [] if origin is None else [*origin.cautions]
    cautions += [NO_PATIENTS_CAUTION] if evaluated.report.n_patients is None else []
    cautions += missing_label_notes(labels_of(evaluated.table), evaluated.keys)
    cautions += contradiction_notes(evaluated.table)
    if look_like_probabilities(evaluated.table):
        cautions.append(PROBABLY_PROBABILITIES)
    return tuple(cautions)


def _open_training_only(run: RunFolder) -> EvaluationSource:
    if run.history.empty:
        raise DataError(
            "The run has no predictions of test or validation films",
            value=run.path,
            remedy="Write them with train.py --finalize.",
        )
    return EvaluationSource(
        f"Training of {_run_name(run.path)}", None, run, (NO_PREDICTIONS_CAUTION,)
    )


def _run_name(folder: Path) -> str:
    name = _name_of(f"{_RUN}{folder}")
    return f"the loaded model ({name})" if folder == model_folder() else name


# Hashed anew only when the file has changed.
@st.cache_data(max_entries=8, show_spinner=False)
def _own_weights(_run: RunFolder, sha256: str, stamp: str) -> None:
    _run.verify_weights()


# The control that opens a run folder or a predictions table; the session remembers its choice.
#
# A typed path is read on the computer that runs the app, so only the files that a run folder is
# known to hold are opened (``evaluation.run_folder``), and nothing is written. Others than the one
# who sits at it open what lies below the folders that are named for that (``access.roots``), and
# only those whose role allows it.


def choose_source(side: Side = "a") -> EvaluationSource | None:
    """Open what was chosen, and say in one line what is on screen.

    Returns:
        None where nothing is chosen yet, or where it cannot be opened and the page has said why.
    """
    if not may_open_paths():
        return _only_the_model(side)
    title = "Open a run or table" if side == "a" else "Choose B"
    with st.container(
        key=f"source_{side}", horizontal=True, vertical_alignment="center", gap="medium"
    ):
        with st.popover(title, icon=":material/folder_open:", width="content"):
            _controls(side)
        upload = _read_upload(side)
        opened = _open_selected(side, upload)
        if opened is not None:
            caption(opened.summary())
    if upload is not None:
        _ask_for_columns(side, upload, is_open=opened is not None)
    return opened


def _only_the_model(side: Side) -> EvaluationSource | None:
    """For a role that opens nothing else."""
    if side == "b":
        caption(NEEDS_ROLE)
        return None
    try:
        opened = open_run(model_folder())
    except CXRError as error:
        show_error(error)
        return None
    caption(f"{opened.summary()} {NEEDS_ROLE}")
    return opened


def show_cautions(source: EvaluationSource) -> None:
    """The sentences that the figures cannot be read without."""
    for caution in source.cautions:
        st.html(f'<div class="note" role="note">{escape(caution)}</div>')


def _controls(side: Side) -> None:
    st.selectbox(
        "Shown" if side == "a" else "Compare with (B)", _options(side),
        format_func=source_label, key=_key(side), persist_state="session",
    )  # fmt: skip
    roots = _run_roots()
    if roots.is_closed:
        st.caption(f"Runs are not opened by their path here ({RUNS_ENV_VAR} names no folder).")
    else:
        st.text_input(
            "Or the path of a run folder", key=f"{_key(side)}_path", on_change=_on_path_change,
            args=(side,), placeholder="my-run" if roots.is_limited else "runs/my-run",
        )  # fmt: skip
        which = ", below a folder that is open for that" if roots.is_limited else ""
        st.caption(
            f"A path on the computer that runs this app{which}. Only the run's own files are read; "
            "nothing is changed."
        )
    file_field(
        "Or a predictions table (CSV, Parquet or JSON, also .gz)",
        key=f"{_key(side)}_upload",
        on_change=_on_upload,
        args=(side,),
    )
    if refused := st.session_state.get(_REFUSED):
        st.error(as_text(refused))
    st.caption(COLUMNS_HELP)
    download_button(
        "Template (CSV)", lambda: template_csv().encode(), file_name="predictions_template.csv",
        mime="text/csv", key=f"{_key(side)}_template", kind="metrics",
    )  # fmt: skip


def source_label(token: str) -> str:
    """What a choice is called in the list."""
    if token.startswith(_RUN):
        folder = Path(token.removeprefix(_RUN))
        return str(Path(*folder.parts[-2:]))
    names = {MODEL: f"The loaded model ({model_folder().name})", TABLE: "Your table", NONE: "None"}
    return names[token]


def _options(side: Side) -> list[str]:
    """The choices: the loaded model's run, runs nearby, those typed this session, the upload."""
    model = model_folder()
    typed = [Path(path) for path in st.session_state.get(_TYPED, [])]
    roots = _run_roots()
    parents = [model.parent, _RUNS] if roots.folders is None else roots.folders
    runs = [run for run in find_runs(parents) if not _same_folder(run, model)]
    if roots.is_limited:  # a link in a root may lead out of it
        runs = [run for run in runs if roots.root_of(run.resolve()) is not None]
        typed = [folder for path in typed if (folder := _resolved(str(path), roots)) is not None]
    opened = [folder for folder in typed if is_run_folder(folder)]
    table = [TABLE] if _table_key(side) in st.session_state else []
    # What is chosen now stays in the list, also when its folder holds no run (any more).
    now = [st.session_state[_key(side)]] if _key(side) in st.session_state else []
    found = [f"{_RUN}{folder}" for folder in (*runs, *opened)]
    return list(dict.fromkeys([*([] if side == "a" else [NONE]), MODEL, *table, *found, *now]))


def chosen_name(side: Side) -> str:
    """What is chosen, as a link names it: a run's name and never its path; empty for nothing."""
    token = st.session_state.get(_key(side), MODEL if side == "a" else NONE)
    if token == TABLE:
        return UPLOADED
    return "" if token == NONE else _name_of(token)


def choose_by_name(side: Side, name: str) -> list[str]:
    """Choose the run that a link names, among those that are offered here.

    Returns:
        Sentences on why nothing was chosen; empty where it was.
    """
    rest = "The loaded model is shown instead." if side == "a" else "No B is chosen."
    if name == UPLOADED:
        return [f"The link is to a table that was uploaded; upload it here. {rest}"]
    if not may_open_paths():
        named = [MODEL] if name == _name_of(MODEL) else []
        if side == "b" or not named:
            return [f"{NEEDS_ROLE} {rest}"]
    else:
        offered = [token for token in _options(side) if token not in (NONE, TABLE)]
        named = [token for token in offered if _name_of(token) == name]
    if len(named) != 1:
        how_many = f"{len(named)} runs" if named else "No run"
        return [f"{how_many} that can be opened here by name: {short(name)}. {rest}"]
    st.session_state[_key(side)] = named[0]
    return []


def _name_of(token: str) -> str:
    folder = Path(token.removeprefix(_RUN)) if token.startswith(_RUN) else model_folder()
    return folder.name or folder.resolve().name


Upload = tuple[RawTable, TableMapping | None]  # a table's cells, and its mapping where it is sure


def _open_selected(side: Side, upload: Upload | None) -> EvaluationSource | None:
    token: str = st.session_state[_key(side)]
    try:
        if token == NONE:
            return None
        if token == TABLE:
            return None if upload is None else _open_upload(side, upload[1])
        if token == MODEL:
            return open_run(approved_folder())
        return open_named_run(token.removeprefix(_RUN), _run_roots())
    except CXRError as error:
        show_error(error)
        return None


def _read_upload(side: Side) -> Upload | None:
    """The uploaded table where it is shown; None of other sources, or where the page has said why
    it cannot be read."""
    if st.session_state[_key(side)] != TABLE:
        return None
    labels: bytes | None = st.session_state.get(_labels_key(side))
    try:
        return mapping_of_upload(st.session_state[_table_key(side)], labels)
    except CXRError as error:
        show_error(error)
        return None


def _open_upload(side: Side, mapping: TableMapping | None) -> EvaluationSource | None:
    """The uploaded table; None while its columns are asked for."""
    if mapping is None:
        return None
    labels: bytes | None = st.session_state.get(_labels_key(side))
    return open_table(st.session_state[_table_key(side)], mapping, labels)


def _ask_for_columns(side: Side, upload: Upload, *, is_open: bool) -> None:
    raw, mapping = upload
    unlabelled = columns_panel(raw, mapping if is_open else None, side)
    if unlabelled or _labels_key(side) in st.session_state:
        file_field(
            "The labels, from another table (such as NIH's Data_Entry), joined by image",
            key=f"{_key(side)}_labels_upload",
            on_change=_on_labels_upload,
            args=(side,),
        )


def _run_roots() -> Roots:
    return roots_from_environment(RUNS_ENV_VAR, is_local=is_local_page())


def _resolved(typed: str, roots: Roots) -> Path | None:
    try:
        return roots.resolve(typed)
    except DataError:
        return None


def _on_path_change(side: Side) -> None:
    """Callback of the path: it joins the list, and is opened."""
    typed: str = st.session_state[f"{_key(side)}_path"].strip()
    if not typed:
        return
    earlier = [path for path in st.session_state.get(_TYPED, []) if path != typed]
    st.session_state[_TYPED] = [*earlier, typed][-_MAX_TYPED:]
    st.session_state[_key(side)] = f"{_RUN}{Path(typed)}"


def _on_upload(side: Side) -> None:
    """Callback of the uploader: keep the bytes, since Streamlit forgets them on a page switch."""
    upload = st.session_state[f"{_key(side)}_upload"]
    st.session_state[_REFUSED] = take_dropped()[1]
    if isinstance(upload, UploadedFile):
        st.session_state[_table_key(side)] = upload.getvalue()
        st.session_state.pop(_labels_key(side), None)
        st.session_state[_key(side)] = TABLE
        return
    st.session_state.pop(_table_key(side), None)
    st.session_state.pop(_labels_key(side), None)
    if st.session_state.get(_key(side)) == TABLE:
        st.session_state[_key(side)] = MODEL if side == "a" else NONE


def _on_labels_upload(side: Side) -> None:
    """Callback of the labels' uploader."""
    upload = st.session_state[f"{_key(side)}_labels_upload"]
    st.session_state[_REFUSED] = take_dropped()[1]
    if isinstance(upload, UploadedFile):
        st.session_state[_labels_key(side)] = upload.getvalue()
    else:
        st.session_state.pop(_labels_key(side), None)


def _key(side: Side) -> str:
    return f"performance_source_{side}"


def _table_key(side: Side) -> str:
    return f"{_key(side)}_table"


def _labels_key(side: Side) -> str:
    return f"{_key(side)}_labels"


def _same_folder(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
