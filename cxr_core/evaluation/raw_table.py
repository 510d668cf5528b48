"""A table of any program as plain cells: CSV, Parquet or JSON, also in gzip, its lists taken apart.

Nothing is guessed here of what a column means: that is ``table_mapping``'s.
"""

import csv
import hashlib
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxr_core.data.csv_files import read_columns_strict, read_header
from cxr_core.errors import DataError
from cxr_core.evaluation.list_cells import (
    INDEX,
    MAX_BYTES,
    MAX_COLUMNS,
    parse_json,
    require_size,
    take_lists_apart,
    too_large,
    unique_names,
)
from cxr_core.evaluation.parquet import read_parquet
from cxr_core.evaluation.table_cells import MAX_ROWS
from cxr_core.files import open_regular

_SEPARATORS = ",;\t|"
_SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?(?:[eE][+-]?\d+)?")
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its marks; spreadsheets call it Unicode text
# What zipfile lets through of a damaged or encrypted archive, beside its own error.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError,
               ValueError, KeyError, RuntimeError, OverflowError)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+(?:\.\d*)?e[+-]?\d+)", re.IGNORECASE)
_CLASS_LISTS = ("classes", "class_names", "labels", "label_names", "findings", "names", "columns")


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
    elif data.startswith(_ZIP):
        data = _only_member(data)
    if data.startswith(_UTF_16):
        data = _in_utf_8(data)
    if data.startswith(_PARQUET):
        cells, said = read_parquet(data)
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
        raise too_large()
    return data


def _unzipped(data: bytes) -> bytes:
    unpacked, packed, complete = b"", data, True
    try:
        while packed.startswith(_GZIP):  # a file may be several, one behind the other
            unpacker = zlib.decompressobj(wbits=31)
            unpacked += unpacker.decompress(packed, MAX_BYTES + 1 - len(unpacked))
            if len(unpacked) > MAX_BYTES:
                raise too_large()
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


def _only_member(data: bytes) -> bytes:
    """The one file of a ZIP archive, as pandas writes ``table.csv.zip``; other archives as they
    are, for what is said of them later."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if any(name.endswith(".npy") for name in names):
                raise DataError(
                    "The table is NumPy's archive of arrays, which tells of no columns",
                    value=f"it holds {', '.join(names[:4])}",
                    remedy="Write images, labels and scores as columns of a CSV.",
                )
            if len(names) != 1:
                return data
            with archive.open(names[0]) as file:
                unpacked = file.read(MAX_BYTES + 1)
    except _ZIP_ERRORS:
        return data
    if len(unpacked) > MAX_BYTES:
        raise too_large()
    return unpacked


def _in_utf_8(data: bytes) -> bytes:
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        return data  # it is told that it is in no encoding that is read


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
    if len(header) > 1 and all(_NUMBER.fullmatch(name) for name in header):
        raise DataError(
            "The table has no names of columns: its first line holds numbers",
            value=", ".join(header[:4]),
            remedy="Write a first line that names the columns, such as image,true_Effusion,"
            "prob_Effusion.",
        )
    names = unique_names(header)
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
    return take_lists_apart(cells, {}, said), said


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
    return rows.set_axis(unique_names(names), axis=1).reset_index(drop=True)


# JSON: a list of records, a record a line, or pandas' ways to write a table.


def _read_json(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    try:
        text = data.decode("utf-8-sig")
        try:
            content = parse_json(text)
        except json.JSONDecodeError:
            content = [parse_json(line) for line in text.splitlines() if line.strip()]
        rows = _records(content)
    except (ValueError, TypeError, RecursionError, AttributeError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(
            "The JSON file holds no table",
            value=f"{len(data):,} bytes ({cause})",
            remedy="Give a list of records, a film each, or one record a line.",
        ) from error
    require_size(len(rows), rows.shape[1], len(data))
    rows.columns = unique_names([str(name) for name in rows])
    said: list[str] = []
    return take_lists_apart(rows, {}, said), said


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
        return pd.DataFrame(_with_class_names(content))
    if not all(isinstance(row, dict) for row in content):
        raise TypeError("its rows are no records")
    return pd.DataFrame(content)


def _with_class_names(arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays of a film each, ``y_true`` and ``y_pred``, beside one list that names their classes:
    each row of theirs becomes a record by these names."""
    named = next(
        (
            (key, value)
            for key, value in arrays.items()
            if key.casefold() in _CLASS_LISTS
            and isinstance(value, list)
            and value
            and all(isinstance(name, str) for name in value)
        ),
        None,
    )
    if named is None:
        return arrays
    key, classes = named
    wide = {
        name: value
        for name, value in arrays.items()
        if isinstance(value, list)
        and value
        and all(isinstance(row, list) and len(row) == len(classes) for row in value)
    }
    rest = {name: value for name, value in arrays.items() if name != key}
    by_name = {
        name: [dict(zip(classes, row, strict=True)) for row in rows] for name, rows in wide.items()
    }
    return rest | by_name if wide else arrays
