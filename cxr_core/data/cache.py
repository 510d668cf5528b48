"""Films decoded once, as one memory-mapped uint8 array on disk."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.data.cache_build import build_cache
from cxr_core.data.decode import decode_film
from cxr_core.data.fingerprint import fingerprint
from cxr_core.errors import DataError

_CHECKED = 3  # films decoded again when a cache is opened, to notice a changed decoder

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
    key = fingerprint(paths, size=size)
    stem = folder / f"films_{size}px_{key[:16]}"
    cache = _load(stem, count=len(paths), size=size)
    if cache is not None and _still_true(cache, paths, size=size):
        return cache
    del cache  # Windows replaces no file that is still mapped
    build_cache(paths, size=size, stem=stem, progress=progress)
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
