"""The control that opens a run folder or a predictions table; the session remembers its choice.

A typed path is read on the computer that runs the app, so only the files that a run folder is
known to hold are opened (``evaluation.run_folder``), and nothing is written.
"""

from html import escape
from pathlib import Path
from typing import Literal

import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.evaluation.run_folder import is_run, runs_in
from cxr_core.ui.model import model_folder
from cxr_core.ui.opened import Opened, open_run, open_table
from cxr_core.ui.page import quiet, show_error

Side = Literal["a", "b"]  # the page's own source, and what it is compared with
MODEL, TABLE, NONE = "model", "table", "none"
_RUN = "run:"  # and the folder
_TYPED = "performance_typed"
_MOST_TYPED = 8
_RUNS = Path("runs")
COLUMNS = (
    "Columns: image, label_effusion … label_no_finding, and logit_… or probability_… of the same "
    "four (logits where it has both). Optional: patient, age, sex, view, follow_up, group."
)


def choose_source(side: Side = "a") -> Opened | None:
    """Open what was chosen, and say in one line what is on screen.

    Returns:
        None where nothing is chosen yet, or where it cannot be opened and the page has said why.
    """
    title = "Open a run or a table" if side == "a" else "Choose B"
    with st.container(
        key=f"source_{side}", horizontal=True, vertical_alignment="center", gap="medium"
    ):
        with st.popover(title, icon=":material/folder_open:", width="content"):
            _controls(side)
        opened = _opened(side)
        if opened is not None:
            quiet(opened.sentence())
    return opened


def show_cautions(opened: Opened) -> None:
    """The sentences that the figures cannot be read without."""
    for caution in opened.cautions:
        st.html(f'<div class="note" role="note">{escape(caution)}</div>')


def _controls(side: Side) -> None:
    st.selectbox(
        "On screen" if side == "a" else "B, to compare with", _options(side),
        format_func=source_name, key=_key(side), persist_state="session",
    )  # fmt: skip
    st.text_input(
        "Or the path of a run folder", key=f"{_key(side)}_path", on_change=_take_path,
        args=(side,), placeholder="runs/my-run",
    )  # fmt: skip
    st.caption("Read on the computer that runs this app: only a run's own files, never changed.")
    st.file_uploader(
        "Or a predictions table (CSV)", key=f"{_key(side)}_upload", on_change=_take_table,
        args=(side,),
    )  # fmt: skip
    st.caption(COLUMNS)


def source_name(token: str) -> str:
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
    runs = [run for run in runs_in([model.parent, _RUNS]) if not _same(run, model)]
    opened = [folder for folder in typed if is_run(folder)]
    table = [TABLE] if _table_key(side) in st.session_state else []
    # What is chosen now stays in the list, also when its folder holds no run (any more).
    now = [st.session_state[_key(side)]] if _key(side) in st.session_state else []
    found = [f"{_RUN}{folder}" for folder in (*runs, *opened)]
    return list(dict.fromkeys([*([] if side == "a" else [NONE]), MODEL, *table, *found, *now]))


def _opened(side: Side) -> Opened | None:
    token: str = st.session_state[_key(side)]
    try:
        if token == NONE:
            return None
        if token == TABLE:
            return open_table(st.session_state[_table_key(side)])
        return open_run(model_folder() if token == MODEL else Path(token.removeprefix(_RUN)))
    except CXRError as error:
        show_error(error)
        return None


def _take_path(side: Side) -> None:
    """Callback of the path: it joins the list, and is opened."""
    typed: str = st.session_state[f"{_key(side)}_path"].strip()
    if not typed:
        return
    earlier = [path for path in st.session_state.get(_TYPED, []) if path != typed]
    st.session_state[_TYPED] = [*earlier, typed][-_MOST_TYPED:]
    st.session_state[_key(side)] = f"{_RUN}{Path(typed)}"


def _take_table(side: Side) -> None:
    """Callback of the uploader: keep the bytes, since Streamlit forgets them on a page switch."""
    upload = st.session_state[f"{_key(side)}_upload"]
    if upload is not None:
        st.session_state[_table_key(side)] = upload.getvalue()
        st.session_state[_key(side)] = TABLE
        return
    st.session_state.pop(_table_key(side), None)
    if st.session_state.get(_key(side)) == TABLE:
        st.session_state[_key(side)] = MODEL if side == "a" else NONE


def _key(side: Side) -> str:
    return f"performance_source_{side}"


def _table_key(side: Side) -> str:
    return f"{_key(side)}_table"


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
