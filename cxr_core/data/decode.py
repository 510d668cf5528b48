"""Image files to square uint8 films, by the way that uploads take, on several cores."""

import logging
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import CXRError, DataError
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import read_radiograph

DecodedOrReason: TypeAlias = (
    NDArray[np.uint8] | str
)  # (size, size), or the reason why there is none

_BATCH_SIZE = 16  # films that are decoded at a time
_MAX_PENDING_PER_WORKER = (
    4  # batches a worker: enough that none waits, and memory does not grow with N
)
_MIN_PARALLEL_SECONDS = 10.0  # seconds of decoding left; starting the workers takes about five
_MAX_WORKERS = 61  # what Windows can wait for

logger = logging.getLogger(__name__)


def decode_film(path: Path, size: int) -> DecodedOrReason:
    """Decode one file to uint8 (size, size), or return the reason why that cannot be done.

    One bad file among thousands must not end a run that takes hours, so every failure of a
    file becomes its reason here; the caller counts them and stops when they are many.
    """
    try:
        return to_square(read_radiograph(path.read_bytes()).pixels, size)
    except CXRError as error:
        return str(error)
    except FileNotFoundError:
        return "The file is no longer there: it was moved or deleted after the folder was read."
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
    except Exception as error:
        logger.exception("Unexpected error while decoding %s.", path.name)
        return f"Unexpected decoding error: {type(error).__name__}: {error}."


def decode_films(
    paths: Sequence[Path], *, size: int, workers: int | None = None
) -> Generator[DecodedOrReason, None, None]:
    """Decode files, in the order given, on several cores if there is much to do.

    Args:
        paths: image files.
        size: side of the square in pixels.
        workers: processes; 1 for this one alone, None for one a core if what is left after
            the first films takes longer than starting them.

    Yields:
        For each path, uint8 (size, size) or the reason why it cannot be decoded.

    Raises:
        DataError: a worker process could not start or was ended from outside.
    """
    batches = (paths[i : i + _BATCH_SIZE] for i in range(0, len(paths), _BATCH_SIZE))
    if workers is None:
        started = time.perf_counter()
        films = _decode_batch(next(batches, ()), size)
        left = (time.perf_counter() - started) * (len(paths) / _BATCH_SIZE - 1)  # seconds
        yield from films
        workers = _usable_cores() if left > _MIN_PARALLEL_SECONDS else 1
    if workers > 1:
        yield from _decode_in_processes(batches, size, workers=min(workers, _MAX_WORKERS))
        return
    for batch in batches:
        yield from _decode_batch(batch, size)


def _decode_in_processes(
    batches: Iterable[Sequence[Path]], size: int, *, workers: int
) -> Iterator[DecodedOrReason]:
    """Decode with worker processes; until they have started, in this one."""
    pool = ProcessPoolExecutor(workers, mp_context=_mp_context())
    starter = ThreadPoolExecutor(1, thread_name_prefix="start-decoders")
    waiting: deque[Future[list[DecodedOrReason]]] = deque()
    try:
        started = starter.submit(_start_workers, pool, workers)
        for batch in batches:
            if not started.done():
                yield from _decode_batch(batch, size)
                continue
            waiting.append(pool.submit(_decode_batch, batch, size))
            if len(waiting) == _MAX_PENDING_PER_WORKER * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except (BrokenProcessPool, EOFError, OSError) as error:
        raise DataError(
            "A process that decodes films could not start or was ended from outside",
            value=f"{workers} processes",
            remedy="Perhaps memory ran out; close other programs and start again. In a script of "
            'your own, call this below `if __name__ == "__main__":`.',
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        starter.shutdown()


def _start_workers(pool: ProcessPoolExecutor, workers: int) -> None:
    """Start all processes, one for each task, and wait until the first has answered."""
    futures = [pool.submit(_decode_batch, (), 1) for _ in range(workers)]
    futures[0].result()


def _mp_context() -> BaseContext:
    """Return a way to start processes that is safe beside threads.

    The caller may have threads (torch's, a progress bar's), with which a forked child can
    hang. A fork server has none. Each worker imports the caller's main module; what that wants
    of our package the server imports once, and the workers share it
    (docs/experiments.md, "Smaller choices").
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    package = f"{__name__.partition('.')[0]}."
    context.set_forkserver_preload(
        ["__main__", *sorted(name for name in sys.modules if name.startswith(package))]
    )
    return context


def _decode_batch(paths: Sequence[Path], size: int) -> list[DecodedOrReason]:
    return [decode_film(path, size) for path in paths]


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
