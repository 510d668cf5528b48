"""Writing the cache's two files: room taken first, then film after film, no memory map."""

import errno
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from cxr_core.atomic import replacing
from cxr_core.data.decode import Film, decode_films
from cxr_core.errors import DataError

_MOST_REJECTED = 0.05  # of the films
_ABANDONED = 24 * 3600.0  # seconds after which a half-written file is nobody's
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CANNOT_RESERVE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}  # some file systems

logger = logging.getLogger(__name__)


def build_cache(paths: Sequence[Path], *, size: int, stem: Path, progress: bool) -> None:
    """Decode every film into ``stem``.npy and write ``stem``.json, whose presence ends it.

    The array is uint8 (N, size, size): the decoded films in the order given, then a row of
    zeros for each film that could not be decoded. The JSON holds ``names`` of the decoded films
    and ``rejected``, a list of (name, reason). Whatever fails, neither file is left behind half
    written, and files that stood there before stay as they were.

    Raises:
        DataError: the disk is full or cannot be written, or more than 5 % of the films cannot
            be decoded.
    """
    folder = stem.parent
    needed = len(paths) * size * size  # bytes
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        _require_space(folder, needed)
        # Left in reverse order: the array is in its place when the JSON says that it is whole.
        with (
            replacing(stem.with_suffix(".json")) as index,
            replacing(stem.with_suffix(".npy")) as array,
        ):
            with (
                open(array, "wb") as file,
                closing(decode_films(paths, size=size)) as films,  # ends its processes
                tqdm(films, total=len(paths), unit="film", disable=not progress) as bar,
            ):
                bar.set_description("Decoding films")
                _lay_out(file, (len(paths), size, size))
                names, rejected = _fill(file, zip(paths, bar, strict=True), total=len(paths))
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave black films
            index.write_text(json.dumps({"names": names, "rejected": rejected}), encoding="utf-8")
    except OSError as error:
        if error.errno in _FULL:
            raise _too_little_space(folder, needed, str(error.strerror).lower()) from error
        raise DataError(
            "The decoded films cannot be written",
            value=f"{folder}: {error.strerror or error}",
            remedy="Choose another cache folder, one that can be written.",
        ) from error


def _lay_out(file: BinaryIO, shape: tuple[int, int, int]) -> None:
    """Write the header of a uint8 array and take all of its blocks.

    So a disk that others fill meanwhile cannot end the decoding hours later. Films are written
    to the file, not to a memory map: there, a full disk kills the process without a word, and
    every page written counts as memory of this process.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    end = file.tell() + int(np.prod(shape, dtype=np.int64))
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, end)
        except OSError as error:
            if error.errno not in _CANNOT_RESERVE:
                raise
    file.truncate(end)


def _fill(
    file: BinaryIO, films: Iterable[tuple[Path, Film]], *, total: int
) -> tuple[list[str], list[tuple[str, str]]]:
    """Write decoded films one after another; return their names and (name, reason) of the rest."""
    names: list[str] = []
    rejected: list[tuple[str, str]] = []
    for path, film in films:
        if isinstance(film, str):
            rejected.append((path.name, film))
            logger.info("%s was left out: %s", path.name, film)
            if len(rejected) > _MOST_REJECTED * total:
                raise _too_many_rejected(rejected, total)
        else:
            file.write(film.data)  # (size, size)
            names.append(path.name)
    if rejected:
        logger.warning("%d of %d films cannot be decoded and are left out.", len(rejected), total)
    return names, rejected


def _too_many_rejected(rejected: list[tuple[str, str]], total: int) -> DataError:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in rejected[:3])
    return DataError(
        f"More than {_MOST_REJECTED:.0%} of the films cannot be decoded",
        value=f"{len(rejected):,} of {total:,} films so far, such as {reasons.rstrip('.')}",
        remedy="Check the image folder; perhaps a download is incomplete.",
    )


def _require_space(folder: Path, needed: int) -> None:
    """Refuse before a block is taken, or others would find the disk full for a moment."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _too_little_space(folder, needed, f"{free / 2**30:.1f} GiB free")


def _too_little_space(folder: Path, needed: int, found: str) -> DataError:
    return DataError(
        "The disk has too little space for the decoded films",
        value=f"{needed / 2**30:.1f} GiB needed in {folder}, {found}",
        remedy="Free some space or choose another cache folder.",
    )


def _remove_abandoned(folder: Path) -> None:
    """Delete what runs that were killed while decoding left behind."""
    for path in folder.glob(".films_*.tmp"):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            logger.info("Removing the half-written %s of an earlier run.", path)
            path.unlink(missing_ok=True)
