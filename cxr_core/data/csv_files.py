"""Reading CSV files that people edit, and writing CSV files that must never be half there."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from cxr_core.errors import DataError
from cxr_core.files import atomic_write, open_regular
from cxr_core.spreadsheet import guard_formula, unguard_formula

CsvSource = Path | bytes  # a file, or what an upload holds
_SNIFF_BYTES = 4096  # bytes looked at to tell a table from something else
_MAX_HEADER_LENGTH = 1_000_000  # letters; a file of one endless line is no table


# Where a table's bytes come from, what they must look like, and how a message names them.


def _open_source(source: CsvSource) -> BinaryIO:
    """The bytes as a file."""
    return io.BytesIO(source) if isinstance(source, bytes) else open_regular(source)


def _describe_source(source: CsvSource) -> object:
    """The source for a message: its path, or the size of an upload, whose name is not kept."""
    return f"{len(source):,} bytes" if isinstance(source, bytes) else source


def _require_text(head: bytes, source: CsvSource) -> None:
    """Refuse what is no table by its first bytes.

    Raises:
        DataError: nothing but blanks, a ZIP file or spreadsheet, UTF-16, or no text at all.
    """
    if not head.strip():
        raise DataError(
            "The table is empty",
            value=_describe_source(source),
            remedy="Download or export the file again.",
        )
    if head.startswith(b"PK\x03\x04"):
        raise DataError(
            "The table is a spreadsheet or ZIP file, not CSV",
            value=_describe_source(source),
            remedy="Open it and save it as comma-separated CSV in UTF-8.",
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _encoding_error(source)
    if b"\x00" in head:
        raise DataError(
            "The table is not a text file",
            value=_describe_source(source),
            remedy="Give a comma-separated CSV file.",
        )


def _encoding_error(source: CsvSource) -> DataError:
    """The error of a text in another encoding."""
    return DataError(
        "The table's text is not in UTF-8",
        value=_describe_source(source),
        remedy="Save it again as CSV with the encoding UTF-8.",
    )


def _no_rows_error(source: CsvSource) -> DataError:
    """The error of a header alone."""
    return DataError(
        "The table has a header but no rows",
        value=_describe_source(source),
        remedy="Give a table with rows.",
    )


# Image names and patient identifiers in one form, so that tables can be joined.


def normalise_identifiers(cells: pd.Series) -> pd.Series:
    """Return numbered identifiers in one form: "00000013", "13.0" and "13" are one patient.

    Numbers lose leading zeros and a spreadsheet's ".0". Should two hospitals mean different
    people by "013" and "13", they stay together, which can never leak.
    """
    return cells.str.strip().str.replace(r"^0*(\d+?)(?:\.0+)?$", r"\1", regex=True)


def normalise_image_names(cells: pd.Series) -> pd.Series:
    """Return bare file names: folders before a name are cut off."""
    names = cells.str.strip()
    if names.str.contains(r"[/\\]", regex=True).any():
        names = names.str.replace(r"^.*[/\\]", "", regex=True)
    return names


def read_header(source: CsvSource) -> list[str]:
    """Return the column names of a CSV file, stripped, in order (empty names stay).

    Raises:
        DataError: the file is missing, a folder, unreadable, empty, not text, or not UTF-8, or
            its first line is endless or ends within a quote.
    """
    try:
        with _open_source(source) as file:
            head = file.read(_SNIFF_BYTES)
    except FileNotFoundError as error:
        raise DataError(
            "The table does not exist", value=_describe_source(source), remedy="Check the path."
        ) from error
    except IsADirectoryError as error:
        raise DataError(
            "A folder was given where a CSV file is needed",
            value=_describe_source(source),
            remedy="Give the path of the CSV file itself.",
        ) from error
    except OSError as error:
        raise DataError(
            "The table cannot be opened",
            value=f"{_describe_source(source)} ({error.strerror})",
            remedy="Check that you may read the file.",
        ) from error
    _require_text(head, source)
    try:
        with io.TextIOWrapper(_open_source(source), encoding="utf-8-sig", newline="") as text:
            first = text.readline(_MAX_HEADER_LENGTH)
            if len(first) == _MAX_HEADER_LENGTH:
                raise DataError(
                    "The table's first line is too long to be a header",
                    value=f"{_describe_source(source)}, over {_MAX_HEADER_LENGTH:,} letters",
                    remedy="Give a CSV file of one line a row, the first with the columns' names.",
                )
            header = next(csv.reader(chain([first], text)), [])
    except UnicodeDecodeError as error:
        raise _encoding_error(source) from error
    except csv.Error as error:
        raise DataError(
            "The names of the table's columns cannot be read",
            value=f"{_describe_source(source)} ({error})",
            remedy="Look for a broken quote in its first line.",
        ) from error
    return [name.strip() for name in header]


def read_columns(source: CsvSource, positions: Mapping[str, int]) -> pd.DataFrame:
    """Read some columns of a CSV file as stripped text.

    Args:
        source: CSV in UTF-8, one header line.
        positions: new column name -> position in the file, counted from 0.

    Returns:
        DataFrame of ``str`` columns in the order of ``positions``; an absent cell is "".
        Cells beyond the header's last name (NIH's trailing commas) do no harm.

    Raises:
        DataError: the file is not UTF-8, is not regular CSV, has no row below the header, or has
            the header among its rows.
    """
    header = read_header(source)
    by_position = sorted(positions, key=lambda name: positions[name])
    table = _read_cells(
        source, skiprows=1, usecols=sorted(positions.values()), names=by_position
    )  # fmt: skip
    if table.empty:
        raise _no_rows_error(source)
    found = pd.DataFrame({name: _unguarded(table[name]) for name in positions})
    _refuse_repeated_header(found, header, positions, source)
    return found


def read_columns_strict(
    source: CsvSource, positions: Mapping[str, int], *, max_rows: int, separator: str = ","
) -> pd.DataFrame:
    """As ``read_columns``, of a file in which a line with too many cells is a fault.

    Such a line has shifted cells: a decimal comma, or a name with a comma that is not quoted.

    Args:
        max_rows: rows that may be there; of more, no more is read.
        separator: between the cells.

    Raises:
        DataError: as ``read_columns``; a line has more cells than the header; too many rows.
    """
    cells = _read_cells(source, nrows=max_rows + 2, sep=separator)  # the header is the first
    if len(cells) < 2:
        raise _no_rows_error(source)
    if len(cells) > max_rows + 1:
        raise DataError(
            "The table has too many rows",
            value=f"{_describe_source(source)}, over {max_rows:,} rows",
            remedy="Use a part of it, with all films of a patient together.",
        )
    if max(positions.values(), default=0) >= cells.shape[1]:
        raise DataError(
            "The table is not regular CSV",
            value=f"{_describe_source(source)}, its first line ends early",
            remedy="Look for a broken quote in its first line.",
        )
    rows = cells.iloc[1:].reset_index(drop=True)
    found = pd.DataFrame({name: _unguarded(rows[at]) for name, at in positions.items()})
    _refuse_repeated_header(found, cells.iloc[0].tolist(), positions, source)
    return found


def _refuse_repeated_header(
    rows: pd.DataFrame, header: Sequence[str], positions: Mapping[str, int], source: CsvSource
) -> None:
    """Refuse a table in which the header stands again, as where two files were joined.

    Raises:
        DataError: it names the first such row.
    """
    again = pd.Series(True, index=rows.index)
    for name, at in positions.items():
        stated = " ".join(str(header[at]).casefold().split()) if at < len(header) else ""
        if stated:  # NIH's boxes have columns without a name
            again &= rows[name].str.casefold().str.split().str.join(" ") == stated
        if not again.any():
            return
    raise DataError(
        "The table's header stands in it again",
        value=f"row {int(again.to_numpy().argmax()) + 1:,} below the header of "
        f"{_describe_source(source)}, {int(again.sum()):,} such rows",
        remedy="Delete these lines; they are left where two tables were joined.",
    )


def require_once(header: Sequence[str], names: Iterable[str], source: CsvSource) -> None:
    """Refuse a header in which one of the columns that are read stands twice.

    Args:
        header: as ``read_header`` returns it.
        names: whatever their case and the spaces in them.

    Raises:
        DataError: it cannot be known which of the two is meant.
    """
    stated = [" ".join(name.casefold().split()) for name in header]
    wanted = {" ".join(name.casefold().split()) for name in names}
    twice = [name for name in dict.fromkeys(stated) if name in wanted and stated.count(name) > 1]
    if twice:
        raise DataError(
            "The table has the same column twice",
            value=f"{', '.join(twice)} ({_describe_source(source)})",
            remedy="Keep one of them.",
        )


def _read_cells(source: CsvSource, **options: Any) -> pd.DataFrame:
    """All cells as text."""
    try:
        with _open_source(source) as file:
            cells: pd.DataFrame = pd.read_csv(
                file, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig",
                skip_blank_lines=True, **options,
            )  # fmt: skip
            return cells
    except UnicodeDecodeError as error:
        raise _encoding_error(source) from error
    except pd.errors.EmptyDataError as error:
        raise _no_rows_error(source) from error
    except (pd.errors.ParserError, ValueError) as error:
        cause = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise DataError(
            "The table is not regular CSV",
            value=f"{_describe_source(source)} ({cause})",
            remedy="Every line needs as many cells as the header has; look for a broken quote or "
            "a comma within a cell.",
        ) from error


def find_columns(
    path: Path,
    header: Sequence[str],
    aliases: Mapping[str, Collection[str]],
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
        DataError: required columns are missing, or one stands there twice; names them, the file
            and the remedy.
    """
    seen = {" ".join(name.casefold().split()): i for i, name in reversed(list(enumerate(header)))}
    require_once(header, (spelling for known in aliases.values() for spelling in known), path)
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


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV under a temporary name, then rename: whole or not at all.

    A text that a spreadsheet would run as a formula gets an apostrophe, which ``read_columns``
    takes off again: names of images and patients are those of somebody else's table.
    """
    with atomic_write(path) as temporary:
        guard_texts(table).to_csv(temporary, index=False, lineterminator="\n")


def guard_texts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its texts as ``spreadsheet.guard_formula`` makes them."""
    return table.assign(
        **{
            str(name): cells.map(lambda one: guard_formula(one) if isinstance(one, str) else one)
            for name, cells in table.items()
            if not pd.api.types.is_numeric_dtype(cells)
        }
    )


def _unguarded(cells: pd.Series) -> pd.Series:
    """Text cells as they were before ``guard_texts``, without blanks around them."""
    text = cells.fillna("").str.strip()
    guarded = text.str.contains("'", regex=False)
    return text.where(~guarded, text[guarded].map(unguard_formula)) if guarded.any() else text


def first_few(names: Iterable[str]) -> str:
    """Return the first three names, sorted, as "a, b, c and 9 more"."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:3])
    return shown if len(ordered) <= 3 else f"{shown} and {len(ordered) - 3:,} more"
