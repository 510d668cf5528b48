"""Image files to square uint8 films, by the way that uploads take, on several cores."""

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import CXRError, DataError
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import read_radiograph

Film: TypeAlias = NDArray[np.uint8] | str  # (size, size), or the reason why there is none

_BATCH = 16  # films a worker decodes at a time
_FEWEST = 3000  # films; with fewer, starting the workers takes longer than it saves
_MOST_WORKERS = 16

logger = logging.getLogger(__name__)


def decode_film(path: Path, size: int) -> Film:
    """Decode one file to uint8 (size, size), or return the reason why that cannot be done.

    One bad file among thousands must not end a run that takes hours, so every failure of a
    file becomes its reason here; the caller counts them and stops when they are many.
    """
    try:
        return to_square(read_radiograph(path.read_bytes()).pixels, size)
    except CXRError as error:
        return str(error)
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
    except Exception as error:
        logger.exception("Decoding %s failed in an unforeseen way.", path.name)
        return f"Decoding failed in an unforeseen way: {type(error).__name__}: {error}."


def decode_films(paths: Sequence[Path], *, size: int, workers: int | None = None) -> Iterator[Film]:
    """Decode files one after another, in the order given, on several cores if they are many.

    Args:
        paths: image files.
        size: side of the square in pixels.
        workers: processes; None for one a core, or none at all (1) for few files.

    Yields:
        For each path, uint8 (size, size) or the reason why it cannot be decoded.

    Raises:
        DataError: a worker process was ended from outside.
    """
    if workers is None:
        workers = _usable_cores() if len(paths) >= _FEWEST else 1
    if workers <= 1:
        yield from (decode_film(path, size) for path in paths)
        return
    pool = ProcessPoolExecutor(min(workers, _MOST_WORKERS), mp_context=_context())
    batches = (paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH))
    waiting: deque[Future[list[Film]]] = deque()
    try:
        # Only a few batches are under way at a time, so memory does not grow with N.
        waiting.extend(pool.submit(_decode_batch, b, size) for b in islice(batches, 4 * workers))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(pool.submit(_decode_batch, b, size) for b in islice(batches, 1))
    except BrokenProcessPool as error:
        raise DataError(
            "A process that decodes films was ended from outside",
            value=f"{workers} processes",
            remedy="Perhaps memory ran out; close other programs and start again. In a script of "
            'your own, call this below `if __name__ == "__main__":`.',
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Return a way to start processes that is safe beside threads.

    The caller may have threads (torch's, a progress bar's), with which a forked child can
    hang. A fork server has none, and does the imports, two to five seconds, once for all.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    return context


def _decode_batch(paths: Sequence[Path], size: int) -> list[Film]:
    return [decode_film(path, size) for path in paths]


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
