"""A table of any program as plain cells: CSV, Parquet or JSON, also in gzip, its lists taken apart.

A list or a record in a cell becomes columns: ``scores[Effusion]`` where names are told, else
``scores[0]``. Nothing is guessed here of what a column means: that is ``table_mapping``'s.
"""

import csv
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_core.data.csv_files import read_columns_strict, read_header
from cxr_core.errors import DataError
from cxr_core.evaluation.predictions import MAX_ROWS
from cxr_core.files import open_regular

MAX_BYTES = 1 << 28  # of a file, and of what it unpacks to
MAX_COLUMNS = 2_000
INDEX = "(index)"  # the name of a column that has none
NO_LABEL = "(none)"  # an empty list of classes: of a film that has none of them
_SEPARATORS = ",;\t|"
_SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?(?:[eE][+-]?\d+)?")
_WRITTEN_LIST = re.compile(r"\s*(?:array|tensor)?\(?\s*\[(.*)\]\s*(?:,[^\]]*)?\)?\s*", re.DOTALL)
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it was found.

    Attributes:
        cells: ``str``, "" where missing; column names are unique, the index is 0, 1, ….
        sha256: of the file.
        said: whole sentences on how it was read, where that is not plain.
    """

    cells: pd.DataFrame
    sha256: str
    said: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(map(str, self.cells.columns))


def read_raw_table(source: Path | bytes) -> RawTable:
    """Read a table, whatever wrote it.

    Args:
        source: a file's path, or what it holds.

    Raises:
        DataError: it cannot be read, is too large, is none of the kinds, or holds no row.
    """
    data = source if isinstance(source, bytes) else _bytes_of(source)
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith(_GZIP):
        data = _unzipped(data)
    if data.startswith(_PARQUET):
        cells, said = _read_parquet(data)
    elif data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        cells, said = _read_json(data)
    else:
        cells, said = _read_csv(data)
    if cells.shape[1] > MAX_COLUMNS:
        raise DataError(
            "The table has too many columns",
            value=f"{cells.shape[1]:,}, at most {MAX_COLUMNS:,} are read",
            remedy="Keep image, labels and scores.",
        )
    if cells.empty:
        raise DataError(
            "The table has no row", value=f"{len(data):,} bytes", remedy="Give a table with rows."
        )
    return RawTable(cells.reset_index(drop=True), sha256, tuple(said))


def _bytes_of(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise DataError("The table does not exist", value=path, remedy="Check the path.") from error
    except OSError as error:
        raise DataError(
            "The table cannot be opened",
            value=f"{path} ({error.strerror})",
            remedy="Check that it is a file that you may read.",
        ) from error
    if len(data) > MAX_BYTES:
        raise _too_large()
    return data


def _too_large() -> DataError:
    return DataError(
        "The table is too large",
        value=f"over {MAX_BYTES / 1e6:,.0f} MB",
        remedy="Keep image, labels and scores, and drop the other columns.",
    )


def _unzipped(data: bytes) -> bytes:
    unpacked, packed, complete = b"", data, True
    try:
        while packed.startswith(_GZIP):  # a file may be several, one behind the other
            unpacker = zlib.decompressobj(wbits=31)
            unpacked += unpacker.decompress(packed, MAX_BYTES + 1 - len(unpacked))
            if len(unpacked) > MAX_BYTES:
                raise _too_large()
            packed, complete = unpacker.unused_data, unpacker.eof
    except zlib.error as error:
        raise DataError(
            "The gzip file cannot be unpacked",
            value=f"{len(data):,} bytes ({error})",
            remedy="Download or pack it again.",
        ) from error
    if not complete:
        raise DataError(
            "The gzip file is incomplete",
            value=f"{len(data):,} bytes",
            remedy="Download or pack it again.",
        )
    return unpacked


# CSV, with any of the usual separators, and pandas' header of two lines.


def _read_csv(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    first = read_header(data)  # its errors are those of every table
    line = next(
        part
        for part in data[:1_000_000].decode("utf-8-sig", "replace").splitlines()
        if part.strip()
    )
    counts = {sign: len(line.split(sign)) for sign in _SEPARATORS}
    separator = "," if len(first) >= max(counts.values()) else max(counts, key=counts.__getitem__)
    if counts[","] == counts[separator]:
        separator = ","
    header = first
    if separator != ",":
        header = [name.strip() for name in next(csv.reader([line], delimiter=separator))]
    names = _unique(header)
    cells = read_columns_strict(
        data, {name: at for at, name in enumerate(names)}, max_rows=MAX_ROWS, separator=separator
    )
    said = []
    if separator != ",":
        said.append(f"Cells are separated by {_SEPARATOR_NAMES[separator]}.")
        cells, changed = _with_decimal_points(cells)
        if changed:
            said.append("Decimal commas are read as points.")
    if (merged := _two_line_header(header, cells)) is not None:
        cells = merged
        said.append("The header has two lines.")
    return _take_lists_apart(cells, {}, said), said


def _unique(names: Sequence[str]) -> list[str]:
    """Column names as pandas makes them unique: the second ``a`` is ``a.1``."""
    seen: Counter[str] = Counter()
    found = []
    for name in (name or INDEX for name in names):
        found.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def _with_decimal_points(cells: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    changed = {}
    for name, column in cells.items():
        told = column[column != ""]
        if told.str.contains(",").any() and told.str.fullmatch(_DECIMAL_COMMA).all():
            changed[str(name)] = column.str.replace(",", ".", regex=False)
    return cells.assign(**changed), bool(changed)


def _two_line_header(header: Sequence[str], cells: pd.DataFrame) -> pd.DataFrame | None:
    """The table with pandas' columns of two levels as one, ``label/Effusion``; None of others."""
    told = [name for name in header if name]
    second = cells.iloc[0].tolist()
    words = [cell for cell in second if cell]
    if len(cells) < 2 or len(set(told)) > len(told) / 2 or len(words) < len(told):
        return None
    if len(set(words)) < 2 or any(
        re.fullmatch(r"[+-]?[\d.]+(?:e[+-]?\d+)?", word) for word in words
    ):
        return None
    names = ["/".join(filter(None, pair)) for pair in zip(header, second, strict=True)]
    rows = cells.iloc[1:]
    index_name = rows.iloc[0].tolist()
    if index_name[0] and not any(index_name[1:]):  # pandas writes the index's name on its own line
        names[0], rows = index_name[0], rows.iloc[1:]
    return rows.set_axis(_unique(names), axis=1).reset_index(drop=True)


# Parquet, as pandas, pyarrow and Hugging Face's datasets write it.


def _read_parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    import pyarrow as pa  # late: only these tables need it
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        size = sum(
            file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)
        )
        _require_size(file.metadata.num_rows, len(file.schema_arrow.names), size)
        names = [one.name for one in file.schema_arrow if not _is_binary(one.type)]
        table = file.read(columns=names)
        while any(pa.types.is_struct(one.type) for one in table.schema):
            table = table.flatten()  # image -> image.bytes, image.path
            table = table.select([one.name for one in table.schema if not _is_binary(one.type)])
        rows = table.to_pandas(ignore_metadata=True)
        classes = _class_names(file.schema_arrow.metadata or {})
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(
            "The Parquet file cannot be read",
            value=f"{len(data):,} bytes ({cause})",
            remedy="Write it again, or give the table as CSV.",
        ) from error
    rows.columns = _unique([re.sub(r"^__index_level_\d+__$", INDEX, str(name)) for name in rows])
    said: list[str] = []
    return _take_lists_apart(rows, classes, said), said


def _require_size(rows: int, columns: int, size: int) -> None:
    if rows > MAX_ROWS:
        raise DataError(
            "The table has too many rows",
            value=f"{rows:,}, over {MAX_ROWS:,} rows",
            remedy="Use a part of it, with all films of a patient together.",
        )
    if size > MAX_BYTES or rows * columns > MAX_BYTES:
        raise _too_large()


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Names of the classes of a column, as Hugging Face's datasets keep them in the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        found = {}
        for name, feature in features.items():
            inner = feature.get("feature", feature)
            if inner.get("_type") == "ClassLabel":
                found[str(name)] = [str(one) for one in inner["names"]]
        return found
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}  # no dataset of theirs, or one that does not name its classes


# JSON: a list of records, a record a line, or pandas' ways to write a table.


def _read_json(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    try:
        text = data.decode("utf-8-sig")
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
        rows = _records(content)
    except (ValueError, TypeError, RecursionError, AttributeError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(
            "The JSON file holds no table",
            value=f"{len(data):,} bytes ({cause})",
            remedy="Give a list of records, a film each, or one record a line.",
        ) from error
    _require_size(len(rows), rows.shape[1], len(data))
    rows.columns = _unique([str(name) for name in rows])
    said: list[str] = []
    return _take_lists_apart(rows, {}, said), said


def _records(content: Any) -> pd.DataFrame:
    if isinstance(content, dict) and {"columns", "data"} <= set(content):  # pandas' "split"
        return pd.DataFrame(content["data"], columns=content["columns"])
    if isinstance(content, dict):
        inner = [value for value in content.values() if isinstance(value, list)]
        records = [one for one in inner if one and all(isinstance(row, dict) for row in one)]
        if len(records) == 1:
            return pd.DataFrame(records[0])
        if content and all(isinstance(value, dict) for value in content.values()):
            keys = {frozenset(value) for value in content.values()}
            by_column = len(content) < len(next(iter(keys))) or all(
                re.fullmatch(r"\d+", str(one)) for one in next(iter(keys))
            )
            rows = pd.DataFrame(content)
            rows = rows if by_column else rows.T  # pandas' "columns" and "index"
            named = not all(re.fullmatch(r"\d+", str(one)) for one in rows.index)
            return rows.rename_axis(INDEX).reset_index() if named else rows.reset_index(drop=True)
        return pd.DataFrame(content)
    if not all(isinstance(row, dict) for row in content):
        raise TypeError("its rows are no records")
    return pd.DataFrame(content)


# Cells that hold more than one value.


def _take_lists_apart(
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
    keys: Iterable[str] = dict.fromkeys(key for row in rows for key in row)
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
        found = json.loads(cell)
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
