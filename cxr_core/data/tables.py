"""Reading CSV files that people edit, and writing CSV files that must never be half there."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cxr_core.atomic import replacing
from cxr_core.errors import DataError

_SNIFFED = 4096  # bytes looked at to tell a table from something else


def read_header(path: Path) -> list[str]:
    """Return the column names of a CSV file, stripped, in order (empty names stay).

    Raises:
        DataError: the file is missing, a folder, unreadable, empty, not text, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except FileNotFoundError as error:
        raise DataError("The table does not exist", value=path, remedy="Check the path.") from error
    except IsADirectoryError as error:
        raise DataError(
            "A folder was given where a CSV file is needed",
            value=path,
            remedy="Give the path of the CSV file itself.",
        ) from error
    except OSError as error:
        raise DataError(
            "The table cannot be opened",
            value=f"{path} ({error.strerror})",
            remedy="Check that you may read the file.",
        ) from error
    _require_text(head, path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise _not_utf8(path) from error
    return [name.strip() for name in header]


def read_columns(path: Path, positions: Mapping[str, int]) -> pd.DataFrame:
    """Read some columns of a CSV file as stripped text.

    Args:
        path: CSV in UTF-8, one header line.
        positions: new column name -> position in the file, counted from 0.

    Returns:
        DataFrame of ``str`` columns in the order of ``positions``; an absent cell is "".
        Cells beyond the header's last name (NIH's trailing commas) do no harm.

    Raises:
        DataError: the file is not UTF-8, is not regular CSV, or has no row below the header.
    """
    by_position = sorted(positions, key=lambda name: positions[name])
    try:
        table = pd.read_csv(
            path,
            header=None,
            skiprows=1,
            usecols=sorted(positions.values()),
            names=by_position,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=True,
        )
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except pd.errors.EmptyDataError as error:
        raise _no_rows(path) from error
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(
            "The table is not regular CSV",
            value=f"{path} ({' '.join(str(error).split())})",
            remedy="Every line needs as many cells as the header has; look for a broken quote.",
        ) from error
    if table.empty:
        raise _no_rows(path)
    return pd.DataFrame({name: table[name].fillna("").str.strip() for name in positions})


def find_columns(
    path: Path,
    header: Sequence[str],
    aliases: Mapping[str, Iterable[str]],
    *,
    required: Iterable[str],
) -> dict[str, int]:
    """Return the position of each known column, by any of its names, whatever the case.

    Args:
        path: the file, for the message.
        header: its column names.
        aliases: our name -> the names a file may use; the first one stands in messages.
        required: our names that must be there.

    Raises:
        DataError: required columns are missing; names them, the file and the remedy.
    """
    seen = {" ".join(name.casefold().split()): i for i, name in reversed(list(enumerate(header)))}
    found: dict[str, int] = {}
    for name, spellings in aliases.items():
        position = next((seen[s.casefold()] for s in spellings if s.casefold() in seen), None)
        if position is not None:
            found[name] = position
    missing = [next(iter(aliases[name])) for name in required if name not in found]
    if missing:
        shown = ", ".join(name for name in header if name)[:200] or "none"
        raise DataError(
            f"The table lacks {'a column' if len(missing) == 1 else 'columns'} that it needs",
            value=f"{', '.join(missing)} (file {path}; its columns: {shown})",
            remedy="Use a comma-separated file whose first line names these columns.",
        )
    return found


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV under a temporary name, then rename: whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def examples(names: Iterable[str], count: int = 3) -> str:
    """Return the first few names, sorted, as "a, b, c and 9 more"."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:count])
    return shown if len(ordered) <= count else f"{shown} and {len(ordered) - count:,} more"


def _require_text(head: bytes, path: Path) -> None:
    if not head.strip():
        raise DataError(
            "The table is empty", value=path, remedy="Download or export the file again."
        )
    if head.startswith(b"PK\x03\x04"):
        raise DataError(
            "The table is a spreadsheet or ZIP file, not CSV",
            value=path,
            remedy="Open it and save it as comma-separated CSV in UTF-8.",
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _not_utf8(path)
    if b"\x00" in head:
        raise DataError(
            "The table is not a text file",
            value=path,
            remedy="Give a comma-separated CSV file.",
        )


def _not_utf8(path: Path) -> DataError:
    return DataError(
        "The table's text is not in UTF-8",
        value=path,
        remedy="Save it again as CSV with the encoding UTF-8.",
    )


def _no_rows(path: Path) -> DataError:
    return DataError(
        "The table has a header but no rows", value=path, remedy="Give a table with rows."
    )
