"""Where a table's bytes come from, what they must look like, and how a message names them."""

import io
from pathlib import Path
from typing import BinaryIO

from cxr_core.errors import DataError

Source = Path | bytes  # a file, or what an upload holds


def opened(source: Source) -> BinaryIO:
    """The bytes as a file."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def named(source: Source) -> object:
    """The source for a message: its path, or the size of an upload, whose name is not kept."""
    return f"{len(source):,} bytes" if isinstance(source, bytes) else source


def require_text(head: bytes, source: Source) -> None:
    """Refuse what is no table by its first bytes.

    Raises:
        DataError: nothing but blanks, a ZIP file or spreadsheet, UTF-16, or no text at all.
    """
    if not head.strip():
        raise DataError(
            "The table is empty", value=named(source), remedy="Download or export the file again."
        )
    if head.startswith(b"PK\x03\x04"):
        raise DataError(
            "The table is a spreadsheet or ZIP file, not CSV",
            value=named(source),
            remedy="Open it and save it as comma-separated CSV in UTF-8.",
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise not_utf8(source)
    if b"\x00" in head:
        raise DataError(
            "The table is not a text file",
            value=named(source),
            remedy="Give a comma-separated CSV file.",
        )


def not_utf8(source: Source) -> DataError:
    """The error of a text in another encoding."""
    return DataError(
        "The table's text is not in UTF-8",
        value=named(source),
        remedy="Save it again as CSV with the encoding UTF-8.",
    )


def no_rows(source: Source) -> DataError:
    """The error of a header alone."""
    return DataError(
        "The table has a header but no rows", value=named(source), remedy="Give a table with rows."
    )
