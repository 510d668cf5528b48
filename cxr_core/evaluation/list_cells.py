"""Cells that hold more than one value, taken apart; and how large a table may become by that.

A list or a record in a cell becomes columns: ``scores[Effusion]`` where names are told, else
``scores[0]``.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxr_core.errors import DataError
from cxr_core.evaluation.table_cells import MAX_ROWS

MAX_BYTES = 1 << 28  # of a file, and of what it unpacks to
MAX_COLUMNS = 2_000
INDEX = "(index)"  # the name of a column that has none
NO_LABEL = "(none)"  # an empty list of classes: of a film that has none of them
_WRITTEN_LIST = re.compile(r"\s*(?:array|tensor)?\(?\s*\[(.*)\]\s*(?:,[^\]]*)?\)?\s*", re.DOTALL)


def too_large() -> DataError:
    """The error of a table of too many bytes or cells."""
    return DataError(
        "The table is too large",
        value=f"over {MAX_BYTES / 1e6:,.0f} MB",
        remedy="Keep image, labels and scores, and drop the other columns.",
    )


def require_size(rows: int, columns: int, size: int = 0) -> None:
    """Raise where a table is larger than what is read.

    Args:
        size: of its file or of what that unpacks to, bytes.

    Raises:
        DataError: it has too many rows, cells or bytes.
    """
    if rows > MAX_ROWS:
        raise DataError(
            "The table has too many rows",
            value=f"{rows:,}, over {MAX_ROWS:,} rows",
            remedy="Use a part of it, with all films of a patient together.",
        )
    if size > MAX_BYTES or rows * columns > MAX_BYTES:
        raise too_large()


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names as pandas makes them unique: the second ``a`` is ``a.1``."""
    seen: Counter[str] = Counter()
    found = []
    for name in (name or INDEX for name in names):
        found.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def parse_json(text: str | bytes) -> Any:
    """As ``json.loads``, but that half a character is refused: JSON writes those beyond 16 bits as
    two escapes, and one without the other cannot be stored or shown.

    Raises:
        ValueError: no JSON, or a text in it is none.
    """
    content = json.loads(text)
    if b"\\u" in text if isinstance(text, bytes) else "\\u" in text:
        json.dumps(content, ensure_ascii=False).encode()
    return content


def take_lists_apart(
    rows: pd.DataFrame, classes: Mapping[str, Sequence[str]], said: list[str]
) -> pd.DataFrame:
    """All cells as text, and a column an item of those that are lists or records."""
    columns: dict[str, pd.Series] = {}
    for name, column in rows.items():
        parts = _parts(str(name), column, classes.get(str(name), ()))
        if parts is None:
            said.append(f"Column {name} is left out: its lists are of different lengths.")
            continue
        columns |= parts
        require_size(len(rows), len(columns))
        if len(columns) > MAX_COLUMNS:
            break  # the caller refuses it
    return pd.DataFrame(columns, index=rows.index)


def _parts(name: str, column: pd.Series, classes: Sequence[str]) -> dict[str, pd.Series] | None:
    told = column[column.notna()] if column.dtype != object else column[~column.map(_is_missing)]
    values = [_value(cell) for cell in told] if _may_hold_lists(told) else []
    if not values or not all(isinstance(value, list | dict) for value in values):
        text = _text(column)
        if classes:
            text = text.map(lambda cell: _class_name(cell, classes))
        return {name: text}
    if any(isinstance(value, dict) for value in values):
        return _spread(name, column.index, told.index, values, lambda value: value)
    if all(_is_scored(value) for value in values):  # a pipeline's [{"label": …, "score": …}, …]

        def by_label(value: Any) -> dict[str, Any]:
            return {str(one["label"]): one["score"] for one in value}

        return _spread(name, column.index, told.index, values, by_label)
    items = [item for value in values for item in value]
    words = any(isinstance(item, str) and not _is_number(item) for item in items)
    if words or (classes and all(isinstance(item, int) for item in items)):
        joined = [
            "|".join(_class_name(str(item), classes) for item in value) or NO_LABEL
            for value in values
        ]
        return {name: pd.Series(joined, index=told.index).reindex(column.index, fill_value="")}
    if len({len(value) for value in values}) != 1:
        return None
    return _spread(name, column.index, told.index, values, lambda value: dict(enumerate(value)))


def _spread(
    name: str,
    index: pd.Index,
    told: pd.Index,
    values: Sequence[Any],
    items: Callable[[Any], Mapping[Any, Any]],
) -> dict[str, pd.Series]:
    rows = [{str(key): item for key, item in items(value).items()} for value in values]
    keys = dict.fromkeys(key for row in rows for key in row)
    require_size(len(index), len(keys))
    return {
        f"{name}[{key}]": _text(
            pd.Series([row.get(key) for row in rows], index=told, dtype=object)
        ).reindex(index, fill_value="")
        for key in list(keys)[: MAX_COLUMNS + 1]
    }


def _may_hold_lists(told: pd.Series) -> bool:
    if len(told) == 0 or pd.api.types.is_numeric_dtype(told):
        return False
    first = told.iloc[0]
    return not isinstance(first, str) or bool(_WRITTEN_LIST.fullmatch(first))


def _value(cell: Any) -> Any:
    """A list or record of a cell, also one that is written out, ``[0.1 0.2]``; else the cell."""
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, tuple):
        return list(cell)
    if not isinstance(cell, str) or not (match := _WRITTEN_LIST.fullmatch(cell)):
        return cell
    try:
        found = parse_json(cell)
        return found if isinstance(found, list) else cell
    except (ValueError, RecursionError):
        inner = match[1].strip()
        if not inner:
            return []
        # numpy parts numbers by blanks alone; names may hold blanks.
        parts = re.split(r"\s*,\s*", inner) if "," in inner else inner.split()
        return [part.strip("'\" ") for part in parts]


def _is_scored(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and {"label", "score"} <= set(item) for item in value
    )


def _class_name(cell: str, classes: Sequence[str]) -> str:
    return classes[int(cell)] if cell.isdecimal() and int(cell) < len(classes) else cell


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)


def _text(column: pd.Series) -> pd.Series:
    """Cells as stripped text, "" where missing; whole numbers without a point."""
    told = column.dropna()
    if pd.api.types.is_float_dtype(column) and (told % 1 == 0).all() and (told.abs() < 2**53).all():
        column = column.astype("Int64")
    missing = column.isna() if column.dtype != object else column.map(_is_missing)
    text = column.astype(object).where(~missing, "").map(str).str.strip()
    return text.astype(str)
