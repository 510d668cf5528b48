"""Films decoded once, as one memory-mapped uint8 array on disk."""

import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from cxr_core.data.decode import Film, decode_film, decode_films
from cxr_core.data.fingerprint import fingerprint
from cxr_core.errors import DataError

_MOST_REJECTED = 0.05  # of the films
_CHECKED = 3  # films decoded again when a cache is opened, to notice a changed decoder
_ABANDONED = 24 * 3600.0  # seconds after which a half-written file is nobody's

logger = logging.getLogger(__name__)


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
    films travel in small batches from the workers to the memory map.

    Args:
        paths: image files, each file name once.
        size: side of the square in pixels.
        folder: where caches are kept; made if it does not exist.
        progress: show a bar while decoding.

    Raises:
        DataError: no path or a file name twice, a file missing, too little disk space, or
            more than 5 % of the films cannot be decoded.
    """
    paths = [Path(path) for path in paths]
    key = fingerprint(paths, size=size)
    stem = folder / f"films_{size}px_{key[:16]}"
    cache = _load(stem, count=len(paths), size=size)
    if cache is not None and _still_true(cache, paths, size=size):
        return cache
    _build(paths, size=size, stem=stem, progress=progress)
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
        index = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        images = np.load(stem.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
        names = tuple(str(name) for name in index["names"])
        rejected = pd.DataFrame(index["rejected"], columns=["image", "reason"], dtype="str")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("The decoded films in %s are damaged and are made again: %s", stem, error)
        return None
    if images.shape != (count, size, size) or len(names) + len(rejected) != count:
        logger.warning("The decoded films in %s are incomplete and are made again.", stem)
        return None
    return ImageCache(images[: len(names)], names, rejected)


def _still_true(cache: ImageCache, paths: Sequence[Path], *, size: int) -> bool:
    """Decode a few films again: a newer decoder must not be served by an older one's pixels."""
    by_name = {path.name: path for path in paths}
    for row in np.unique(np.linspace(0, len(cache.names) - 1, _CHECKED).astype(int)):
        film = decode_film(by_name[cache.names[row]], size)
        if isinstance(film, str) or not np.array_equal(film, cache.images[row]):
            logger.warning("Films decode differently now; they are decoded again.")
            return False
    return True


def _build(paths: Sequence[Path], *, size: int, stem: Path, progress: bool) -> None:
    """Decode every film into ``stem``.npy, then write ``stem``.json, whose presence ends it."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(stem.parent)
    _require_space(stem.parent, len(paths) * size * size)
    temporary = stem.with_name(f"{stem.name}.{os.getpid()}.partial")
    try:
        images = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(len(paths), size, size)
        )
        films = decode_films(paths, size=size)
        bar = tqdm(
            films, total=len(paths), desc="Decoding films", unit="film", disable=not progress
        )
        names, rejected = _fill(images, zip(paths, bar, strict=True), total=len(paths))
        images.flush()
        del images  # Windows renames no file that is still mapped
        os.replace(temporary, stem.with_suffix(".npy"))
        temporary.write_text(json.dumps({"names": names, "rejected": rejected}), encoding="utf-8")
        os.replace(temporary, stem.with_suffix(".json"))
    finally:
        temporary.unlink(missing_ok=True)


def _fill(
    images: NDArray[np.uint8], films: Iterable[tuple[Path, Film]], *, total: int
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
            images[len(names)] = film  # (size, size)
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
    """Refuse early: a memory map on a full disk would kill the process without a word."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            "The disk has too little space for the decoded films",
            value=f"{needed / 2**30:.1f} GiB needed, {free / 2**30:.1f} GiB free in {folder}",
            remedy="Free some space or choose another cache folder.",
        )


def _remove_abandoned(folder: Path) -> None:
    """Delete what runs that were killed while decoding left behind."""
    for path in folder.glob("films_*.partial"):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            logger.info("Removing the half-written %s of an earlier run.", path)
            path.unlink(missing_ok=True)
