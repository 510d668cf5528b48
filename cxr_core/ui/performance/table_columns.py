"""How the columns of an uploaded table are read: proposed, asked where unsure, remembered.

What was chosen is kept in the session for every table of the same columns.
"""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from cxr_core.errors import ConfigError
from cxr_core.evaluation.mapping_guess import Suggestion, join_labels, suggest_mapping
from cxr_core.evaluation.predictions import OPTIONAL_COLUMNS
from cxr_core.evaluation.raw_table import RawTable, read_raw_table
from cxr_core.evaluation.table_mapping import (
    FROM_IMAGE,
    KINDS,
    FindingColumns,
    TableMapping,
    mapping_of,
)
from cxr_core.findings import label_of
from cxr_core.ui.shell import caption, show_error

_KEPT = "performance_mappings"
_NUMBERED = "(rows are numbered)"
_NONE = "(none)"
OPEN_LABEL = "Open with these columns"


@st.cache_data(max_entries=4, show_spinner="Reading the table …", scope="session")
def _read(data: bytes, labels: bytes | None) -> RawTable:
    raw = read_raw_table(data)
    return raw if labels is None else join_labels(raw, read_raw_table(labels))


# Streamlit keys on what has no underscore: the file's hash and its columns stand for the table.
@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def _suggest(_raw: RawTable, sha256: str, columns: tuple[str, ...]) -> Suggestion:
    return suggest_mapping(_raw)


def mapping_of_upload(data: bytes, labels: bytes | None) -> tuple[RawTable, TableMapping | None]:
    """The uploaded table's cells, and its mapping: the one chosen in this session, else the guess;
    None where that is unsure.

    Args:
        labels: a table of labels that is joined to it; None without one.

    Raises:
        DataError: no table, or labels of other images.
    """
    raw = _read(data, labels)
    kept: dict[tuple[str, ...], TableMapping] = st.session_state.get(_KEPT, {})
    if raw.columns in kept:
        return raw, kept[raw.columns]
    found = _suggest(raw, raw.sha256, raw.columns)
    return raw, None if found.questions else found.mapping


def columns_panel(raw: RawTable, mapping: TableMapping | None, side: str) -> bool:
    """Every column's part, to be corrected; ``mapping`` is the one in use, None asks for one.

    Returns:
        Whether it holds scores without any label.
    """
    found = _suggest(raw, raw.sha256, raw.columns)
    if mapping is None:
        st.header("What this table's columns are", anchor=False)
        for question in found.questions:
            st.html(f'<div class="note" role="note">{escape(question)}</div>')
        for sentence in found.said:
            caption(sentence)
        kept: dict[tuple[str, ...], TableMapping] = st.session_state.get(_KEPT, {})
        _form(raw, kept.get(raw.columns, found.mapping), found, side)
    else:
        with st.expander("Columns of this table"):
            for sentence in found.said:
                caption(sentence)
            _form(raw, mapping, found, side)
    return bool(found.unlabelled) and not found.mapping.findings


def _form(raw: RawTable, mapping: TableMapping, found: Suggestion, side: str) -> None:
    stem = f"columns_{side}_{raw.sha256[:12]}"
    columns = list(raw.columns)
    with st.form(stem, border=False):
        image = st.selectbox(
            "Image", [_NUMBERED, *columns], key=f"{stem}_image",
            index=1 + columns.index(mapping.image) if mapping.image in columns else 0,
        )  # fmt: skip
        finding = _NONE
        if mapping.finding:
            finding = st.selectbox(
                "Finding (one row a film and finding)", [_NONE, *columns], key=f"{stem}_finding",
                index=1 + columns.index(mapping.finding),
            )  # fmt: skip
        rows = st.data_editor(
            _finding_rows(mapping, found),
            key=f"{stem}_findings",
            num_rows="fixed" if mapping.finding else "dynamic",
            hide_index=True,
            column_config={
                "Finding": st.column_config.TextColumn(disabled=bool(mapping.finding)),
                "Label": st.column_config.SelectboxColumn(options=columns),
                "Positive where it says": st.column_config.TextColumn(),
                "Score": st.column_config.SelectboxColumn(options=columns),
                "Score is": st.column_config.SelectboxColumn(options=list(KINDS)),
            },
        )
        details = st.data_editor(
            pd.DataFrame(
                {
                    "About the film": list(OPTIONAL_COLUMNS),
                    "Column": [mapping.details.get(name, _NONE) for name in OPTIONAL_COLUMNS],
                }
            ),
            key=f"{stem}_details",
            hide_index=True,
            disabled=["About the film"],
            column_config={
                "Column": st.column_config.SelectboxColumn(options=[_NONE, FROM_IMAGE, *columns])
            },
        )
        if not st.form_submit_button(OPEN_LABEL):
            return
    try:
        chosen = mapping_of(
            {
                "image": "" if image == _NUMBERED else image,
                "finding": "" if finding == _NONE else finding,
                "details": {
                    str(name): str(column)
                    for name, column in details.itertuples(index=False)
                    if column not in (None, _NONE)
                },
                "findings": _listed(rows),
            }
        )
    except ConfigError as error:
        show_error(error)
        return
    st.session_state[_KEPT] = {**st.session_state.get(_KEPT, {}), raw.columns: chosen}
    st.rerun()


def _finding_rows(mapping: TableMapping, found: Suggestion) -> pd.DataFrame:
    lines: Sequence[FindingColumns] = mapping.findings or [
        FindingColumns(key, "", "", "probability") for key in found.unlabelled
    ]
    return pd.DataFrame(
        {
            "Finding": [label_of(one.key) if one.key else "(every finding)" for one in lines],
            "Label": [one.label or None for one in lines],
            "Positive where it says": [one.value for one in lines],
            "Score": [one.score or None for one in lines],
            "Score is": [one.kind for one in lines],
        },
        dtype=object,
    )


def _listed(rows: pd.DataFrame) -> list[dict[str, str]]:
    """The lines that are whole; one that is left open is not measured."""
    names = ("name", "label", "value", "score", "kind")
    lines = [
        {name: "" if pd.isna(cell) else str(cell) for name, cell in zip(names, row, strict=True)}
        for row in rows.itertuples(index=False)
    ]
    return [line for line in lines if line["label"] and line["score"]]
