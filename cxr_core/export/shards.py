"""The results of an archive as a folder of Parquet or CSV files, a block of films each.

A file is there whole or not at all, and its name follows from the films of its block. So a run that
was stopped goes on by what is there: a film that stands in a file is not read again, and a block
that is written twice, by whatever accident, is there once.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import fs

from cxr_core.errors import ConfigError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.export.results_csv import (
    COLUMNS,
    CUTOFF_COLUMNS,
    FLAGGED_COLUMNS,
    SENSITIVE_CUTOFF_COLUMNS,
    SITE_CUTOFF_COLUMNS,
    SITE_PREVALENCE_COLUMNS,
    SITE_PROBABILITY_COLUMNS,
    SPECIFIC_CUTOFF_COLUMNS,
    STATUS_FAILED,
    TEST_FILMS_COLUMNS,
    TEST_SHARE_COLUMNS,
    TEST_SHARE_HIGH_COLUMNS,
    TEST_SHARE_LOW_COLUMNS,
    Row,
    read_rows,
    rows_to_csv,
)
from cxr_core.files import atomic_write
from cxr_core.findings import LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.archive import FileSystems, FilmPlace, is_address

Kind = Literal["parquet", "csv"]
_PREFIX = "films-"
# What tells whether a row belongs here, and which film it is.
_NEEDED = ("file", "status", "model_sha256", "setting", "correction")
_NUMBERS = frozenset(
    (
        *LOGIT_COLUMNS,
        *PROBABILITY_COLUMNS,
        *CUTOFF_COLUMNS,
        *SENSITIVE_CUTOFF_COLUMNS,
        *SPECIFIC_CUTOFF_COLUMNS,
        *TEST_SHARE_COLUMNS,
        *TEST_SHARE_LOW_COLUMNS,
        *TEST_SHARE_HIGH_COLUMNS,
        *SITE_PREVALENCE_COLUMNS,
        *SITE_PROBABILITY_COLUMNS,
        *SITE_CUTOFF_COLUMNS,
    )
)
_COUNTS = frozenset(("row", *TEST_FILMS_COLUMNS))
_FLAGS = frozenset(("read_anyway", *FLAGGED_COLUMNS))


def _type_of(column: str) -> Any:
    if column in _NUMBERS:
        return pa.float64()
    if column in _COUNTS:
        return pa.int64()
    return pa.bool_() if column in _FLAGS else pa.string()


SCHEMA = pa.schema([(column, _type_of(column)) for column in COLUMNS])


def rows_to_table(rows: Sequence[Row]) -> Any:
    """Rows as an Arrow table of ``SCHEMA``: numbers as numbers, an empty cell as null."""
    return pa.table(
        {column: [_cell(column, row[column]) for row in rows] for column in COLUMNS}, schema=SCHEMA
    )


def _cell(column: str, cell: str) -> object:
    if not cell:
        return None
    if column in _NUMBERS:
        return float(cell)
    if column in _COUNTS:
        return int(cell)
    if column in _FLAGS:
        return cell == "1"
    return cell.encode(errors="replace").decode()  # half of a surrogate pair is not for UTF-8


@dataclass(frozen=True)
class Block:
    """Films whose rows go into one file.

    Attributes:
        name: of the file, without its suffix.
        films: at least one.
    """

    name: str
    films: tuple[FilmPlace, ...]


class _KnownFilms:
    """Names of films, as digests of 16 bytes: those of ten million films take 160 MB."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        found = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)
        self._sorted = found[np.argsort(found[:, 0])]  # (N, 2)

    def missing(self, films: Sequence[FilmPlace]) -> tuple[FilmPlace, ...]:
        """Those of ``films`` that are not known, in their order."""
        asked = np.frombuffer(_digests(film.name for film in films), np.uint64).reshape(-1, 2)
        first: NDArray[np.uint64] = self._sorted[:, 0]
        low = np.searchsorted(first, asked[:, 0], "left")
        high = np.searchsorted(first, asked[:, 0], "right")
        return tuple(
            film
            for film, digest, i, j in zip(films, asked, low, high, strict=True)
            if digest[1] not in self._sorted[i:j, 1]
        )


def _digests(names: Iterable[str]) -> bytes:
    return b"".join(hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names)


class ShardFolder:
    """A folder, here or at an address, of files with the rows of one model and setting."""

    def __init__(
        self,
        place: str,
        kind: Kind,
        *,
        model_sha256: str,
        setting: Setting,
        correction: str | None,
    ) -> None:
        """Nothing is written yet.

        Raises:
            ConfigError: the address leads nowhere.
        """
        self.place = place
        self._kind = kind
        self._own = {
            "model_sha256": model_sha256, "setting": setting, "correction": correction or "",
        }  # fmt: skip
        self._known = _KnownFilms(())
        if is_address(place):
            self._files, self._base = FileSystems()(place)
        else:
            self._files, self._base = fs.LocalFileSystem(), str(Path(place).absolute())

    def start(self, *, resume: bool) -> None:
        """See what is there, and make the folder; on ``resume`` rows of failed films are taken out,
        to be tried again.

        Raises:
            ConfigError: there are files, and they are not to be gone on with, or cannot be.
            OSError: the folder cannot be used.
        """
        found = self._shards()
        if found and not resume:
            raise ConfigError(
                "The output folder has results already",
                value=self.place,
                remedy="Go on with --resume, or give another --out.",
            )
        self._known = _KnownFilms([self._resumed(path) for path in found])
        # A bucket that is not there, or is closed, is told before a thousand films are read.
        self._files.create_dir(self._base, recursive=True)

    def blocks(self, films: Iterable[FilmPlace], size: int) -> Iterator[Block]:
        """Films that are in no file yet, in blocks of at most ``size``.

        The blocks are cut first and what is known is left out then, so that a run that goes on has
        the same blocks as the one that was stopped.
        """
        listing = iter(films)
        while block := tuple(islice(listing, size)):
            if missing := self._known.missing(block):
                names = _digests(film.name for film in missing)
                digest = hashlib.blake2b(names, digest_size=8).hexdigest()
                yield Block(f"{_PREFIX}{missing[0].number:09d}-{digest}", missing)

    def write(self, block: Block, rows: Sequence[Row]) -> None:
        """Write the file of a block, at once and whole.

        Raises:
            OSError: it cannot be written.
        """
        data = rows_to_csv(rows) if self._kind == "csv" else _parquet(rows_to_table(rows))
        self._write(f"{self._base}/{block.name}.{self._kind}", data)

    def _shards(self) -> list[str]:
        selector = fs.FileSelector(self._base, allow_not_found=True)
        names = sorted(
            info.path
            for info in self._files.get_file_info(selector)
            if info.base_name.startswith(_PREFIX) and info.extension in ("csv", "parquet")
        )
        for name in names:
            if not name.endswith(f".{self._kind}"):
                raise self._unfit_error(name, "it is of the other kind", "Run it with --shards")
        return names

    def _resumed(self, path: str) -> bytes:
        """The digests of the films in a file, after those that failed are taken out of it."""
        with self._files.open_input_file(path) as stream:
            data = stream.read()
        table = self._table(path, data)
        kept = table.filter(pc.not_equal(table["status"], STATUS_FAILED))
        for column, own in self._own.items():
            if {cell or "" for cell in kept[column].to_pylist()} - {own}:
                raise self._unfit_error(
                    path, f"its {column} is another", f"Run it with that {column}"
                )
        if len(kept) == 0:
            self._files.delete_file(path)
        elif len(kept) < len(table):
            self._write(path, self._without_failed(data))
        return _digests(kept["file"].to_pylist())

    def _table(self, path: str, data: bytes) -> Any:
        """The columns of ``_NEEDED``, as texts."""
        if self._kind == "csv":
            rows = list(read_rows(io.BytesIO(data), path))
            return pa.table({name: [row[name] for row in rows] for name in _NEEDED})
        try:
            return pq.read_table(pa.BufferReader(data), columns=list(_NEEDED)).select(_NEEDED)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._unfit_error(path, type(error).__name__, "Take it away") from error

    def _without_failed(self, data: bytes) -> bytes:
        if self._kind == "csv":
            rows = read_rows(io.BytesIO(data), self.place)
            return rows_to_csv([row for row in rows if row["status"] != STATUS_FAILED])
        table = pq.read_table(pa.BufferReader(data))
        return _parquet(table.filter(pc.not_equal(table["status"], STATUS_FAILED)))

    def _write(self, path: str, data: bytes) -> None:
        if isinstance(self._files, fs.LocalFileSystem):
            with atomic_write(Path(path)) as temporary:
                temporary.write_bytes(data)
            return
        with self._files.open_output_stream(path) as stream:  # a store shows it when it is whole
            stream.write(data)

    def _unfit_error(self, path: str, why: str, remedy: str) -> ConfigError:
        return ConfigError(
            f"A file in the output folder cannot be gone on with: {why}",
            value=path.rsplit("/", 1)[-1],
            remedy=f"{remedy}, or give another --out.",
        )


def _parquet(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return cast(bytes, sink.getvalue().to_pybytes())
