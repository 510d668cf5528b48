"""Films decoded once, as one memory-mapped uint8 array on disk."""

import errno
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from cxr_core.data.csv_files import first_few
from cxr_core.data.decode import DecodedOrReason, decode_film, decode_films
from cxr_core.errors import DataError
from cxr_core.files import atomic_write, read_json

_MAX_REJECTED_FRACTION = 0.05  # of the films
_STALE_AFTER = 24 * 3600.0  # seconds after which a half-written file is nobody's
_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
_NO_FALLOCATE_ERRNOS = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}  # some file systems
logger = logging.getLogger(__name__)
_FORMAT_VERSION = 1  # raise it when the cache's files or the meaning of its pixels change
_SPOT_CHECKS = 3  # films decoded again when a cache is opened, to notice a changed decoder


# Writing the cache's two files: room taken first, then film after film, no memory map.


def _build_cache(paths: Sequence[Path], *, size: int, stem: Path, progress: bool) -> None:
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
        _remove_stale_files(folder)
        _require_space(folder, needed)
        # Left in reverse order: the array is in its place when the JSON says that it is whole.
        with (
            atomic_write(stem.with_suffix(".json")) as index,
            atomic_write(stem.with_suffix(".npy")) as array,
        ):
            with (
                open(array, "wb") as file,
                closing(decode_films(paths, size=size)) as films,  # ends its processes
                tqdm(films, total=len(paths), unit="film", disable=not progress) as bar,
            ):
                bar.set_description("Decoding films")
                _allocate(file, (len(paths), size, size))
                names, rejected = _write_films(file, zip(paths, bar, strict=True), total=len(paths))
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave black films
            index.write_text(json.dumps({"names": names, "rejected": rejected}), encoding="utf-8")
    except OSError as error:
        if error.errno in _DISK_FULL_ERRNOS:
            raise _disk_space_error(folder, needed, str(error.strerror).lower()) from error
        raise DataError(
            "The decoded films cannot be written",
            value=f"{folder}: {error.strerror or error}",
            remedy="Choose another cache folder, one that can be written.",
        ) from error


def _allocate(file: BinaryIO, shape: tuple[int, int, int]) -> None:
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
            if error.errno not in _NO_FALLOCATE_ERRNOS:
                raise
    file.truncate(end)


def _write_films(
    file: BinaryIO, films: Iterable[tuple[Path, DecodedOrReason]], *, total: int
) -> tuple[list[str], list[tuple[str, str]]]:
    """Write decoded films one after another; return their names and (name, reason) of the rest."""
    names: list[str] = []
    rejected: list[tuple[str, str]] = []
    for path, film in films:
        if isinstance(film, str):
            rejected.append((path.name, film))
            logger.info("%s was left out: %s", path.name, film)
            if len(rejected) > _MAX_REJECTED_FRACTION * total:
                raise _too_many_rejected_error(rejected, total)
        else:
            file.write(film.data)  # (size, size)
            names.append(path.name)
    if rejected:
        logger.warning("%d of %d films cannot be decoded and are left out.", len(rejected), total)
    return names, rejected


def _too_many_rejected_error(rejected: list[tuple[str, str]], total: int) -> DataError:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in rejected[:3])
    return DataError(
        f"More than {_MAX_REJECTED_FRACTION:.0%} of the films cannot be decoded",
        value=f"{len(rejected):,} of {total:,} films so far, such as {reasons.rstrip('.')}",
        remedy="Check the image folder; perhaps a download is incomplete.",
    )


def _require_space(folder: Path, needed: int) -> None:
    """Refuse before a block is taken, or others would find the disk full for a moment."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _disk_space_error(folder, needed, f"{free / 2**30:.1f} GiB free")


def _disk_space_error(folder: Path, needed: int, found: str) -> DataError:
    return DataError(
        "The disk has too little space for the decoded films",
        value=f"{needed / 2**30:.1f} GiB needed in {folder}, {found}",
        remedy="Free some space or choose another cache folder.",
    )


def _remove_stale_files(folder: Path) -> None:
    """Delete what runs that were killed while decoding left behind."""
    for path in folder.glob(".films_*.tmp"):
        if time.time() - path.stat().st_mtime > _STALE_AFTER:
            logger.info("Removing the half-written %s of an earlier run.", path)
            path.unlink(missing_ok=True)


# What decoded films were made from, as one number.


def cache_fingerprint(paths: Sequence[Path], *, size: int) -> str:
    """Return the SHA-256 of the files' names, sizes and times, in order, and of ``size``.

    Raises:
        DataError: no path, a file name twice, or a file that is not there.
    """
    _require_names(paths)
    digest = sha256(f"format {_FORMAT_VERSION}, {size} px\n".encode())
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(
                "An image file cannot be found",
                value=path,
                remedy="Check that the image folder is still there.",
            ) from error
        digest.update(f"{path.name}\t{stat.st_size}\t{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _require_names(paths: Sequence[Path]) -> None:
    names = pd.Series([path.name for path in paths], dtype="str")
    twice = names[names.duplicated()].unique()
    if not paths or len(twice):
        raise DataError(
            "Some file names occur twice" if paths else "There are no films to decode",
            value=f"{len(twice):,} names: {first_few(twice)}" if paths else "0 paths",
            remedy="Give each image file once." if paths else "Check the table and the folder.",
        )


@dataclass(frozen=True)
class ImageCache:
    """Decoded films, in the order in which their paths were given.

    Attributes:
        images: read-only memory map, uint8 (N, size, size), 0 black to 255 white.
        names: file name of each row of ``images``.
        rejected: columns ``image, reason``: the films that could not be decoded.
    """

    images: NDArray[np.uint8]
    names: tuple[str, ...]
    rejected: pd.DataFrame

    def index(self, name: str) -> int:
        """Return the row of a film by its file name.

        Raises:
            DataError: the film is not in the cache.
        """
        try:
            return self._rows[name]
        except KeyError as error:
            raise DataError(
                "The film is not among the decoded ones",
                value=name,
                remedy="Leave the films listed in `rejected` out of the table.",
            ) from error

    def indices(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Return the rows of several films, (M,); raises like :meth:`index`."""
        return np.array([self.index(name) for name in names], dtype=np.int64)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}


def open_cache(
    paths: Sequence[Path], *, size: int, folder: Path, progress: bool = False
) -> ImageCache:
    """Open the decoded films, decoding them first if that has not been done.

    A cache belongs to the files' names, sizes and times and to ``size``; when any of them
    changes, another one is made beside it. Each film goes through the same
    ``read_radiograph`` and ``to_square`` as an uploaded one. Memory stays small whatever N:
    films travel in small batches from the workers to the file.

    Args:
        paths: image files, each file name once.
        size: side of the square in pixels.
        folder: where caches are kept; made if it does not exist.
        progress: show a bar while decoding.

    Raises:
        DataError: no path or a file name twice, a file missing, a disk that is full or cannot
            be written, or more than 5 % of the films cannot be decoded.
    """
    paths = [Path(path) for path in paths]
    key = cache_fingerprint(paths, size=size)
    stem = folder / f"films_{size}px_{key[:16]}"
    cache = _load(stem, count=len(paths), size=size)
    if cache is not None and _matches_decoder(cache, paths, size=size):
        return cache
    del cache  # Windows replaces no file that is still mapped
    _build_cache(paths, size=size, stem=stem, progress=progress)
    cache = _load(stem, count=len(paths), size=size)
    if cache is None:
        raise DataError(
            "The decoded films cannot be read back",
            value=stem.with_suffix(".npy"),
            remedy="Check the disk, delete this file and start again.",
        )
    return cache


def _load(stem: Path, *, count: int, size: int) -> ImageCache | None:
    """Return the finished cache, or None when there is none or its files are damaged."""
    try:
        index = read_json(stem.with_suffix(".json"))
        images = np.load(stem.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
        names = tuple(str(name) for name in index["names"])
        pairs = [(str(name), str(reason)) for name, reason in index["rejected"]]
        rejected = pd.DataFrame(pairs, columns=["image", "reason"], dtype="str")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("The decoded films in %s are damaged and are made again: %s", stem, error)
        return None
    if images.shape != (count, size, size) or len(names) + len(rejected) != count:
        logger.warning("The decoded films in %s are incomplete and are made again.", stem)
        return None
    return ImageCache(images[: len(names)], names, rejected)


def _matches_decoder(cache: ImageCache, paths: Sequence[Path], *, size: int) -> bool:
    """Decode a few films again: a newer decoder must not be served by an older one's pixels."""
    by_name = {path.name: path for path in paths}
    for row in np.unique(np.linspace(0, len(cache.names) - 1, _SPOT_CHECKS).astype(int)):
        film = decode_film(by_name[cache.names[row]], size)
        if isinstance(film, str) or not np.array_equal(film, cache.images[row]):
            logger.warning("Films decode differently now; they are decoded again.")
            return False
    return True
