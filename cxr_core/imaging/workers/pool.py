"""The decoding processes that all sessions share: as many as films are decoded at once.

They are started ahead and kept, since starting one takes half a second of imports. One that was
ended is replaced at once.
"""

import atexit
import hashlib
import logging
import os
import queue
import threading

from cxr_core.errors import ImageError
from cxr_core.imaging.limits import Limits
from cxr_core.imaging.radiograph import Radiograph, check_file_size, read_radiograph
from cxr_core.imaging.workers.worker import (
    DEFAULT_LIMITS,
    IS_SUPPORTED,
    DecodeWorker,
    DecodingStoppedError,
    WorkerGoneError,
    start_error,
)

logger = logging.getLogger(__name__)
# Then a fresh one takes over, so that what decoders leave behind does not add up.
MAX_FILMS = 500
_ATTEMPTS = 3  # a process that somebody ended before it had the film says nothing of the film


def default_workers() -> int:
    """Films that are decoded at once: as many as cores, at most four, as each may be large."""
    return min(4, os.cpu_count() or 1)


class WorkerPool:
    """Decoding processes and who may use them. Thread-safe."""

    def __init__(self, size: int, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start ``size`` processes; their imports go on in the background."""
        self._idle: queue.LifoQueue[DecodeWorker | None] = queue.LifoQueue()
        self._limits = limits
        self._lock = threading.Lock()
        self._size = 0
        self._closed = False
        self.grow(size)

    def grow(self, size: int) -> None:
        """Have at least so many processes."""
        with self._lock:
            further, self._size = max(0, size - self._size), max(size, self._size)
        for _ in range(further):
            self._idle.put(self._start())

    def read(self, data: bytes, *, sha256: str = "") -> Radiograph:
        """As ``read_radiograph``, in the next process that is free.

        Args:
            sha256: of the bytes, where it is known.

        Raises:
            ImageError: the bytes are not one readable film, or it cost too much to decode it.
        """
        check_file_size(len(data))
        try:
            return self._read(data, sha256)
        except DecodingStoppedError as error:
            # A system out of memory picks any process: that need not be the film's doing.
            if error.cause != "killed" or self._closed:
                raise
        logger.warning("A decoder was killed over a film, which is read once more")
        return self._read(data, sha256)

    def _read(self, data: bytes, sha256: str) -> Radiograph:
        worker = self._idle.get()
        self._bury_idle()
        try:
            worker = self._submit(worker, data)
            # Hashed here, while the film is decoded there.
            digest = sha256 or hashlib.sha256(data).hexdigest()
            film = worker.result()
        except BaseException as error:
            # Whoever interrupts leaves an answer on the channel that nobody has taken.
            if worker is not None and not isinstance(error, ImageError):
                worker.kill()
            raise
        finally:
            self._give_back(worker)
        return Radiograph(sha256=digest, **vars(film))

    def close(self) -> None:
        """End all processes; those at work, when they have their film."""
        self._closed = True
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return
            if worker is not None:
                worker.kill()

    def _bury_idle(self) -> None:
        """Let the system forget idle processes that somebody has ended; others take their places
        when their turns come."""
        with self._idle.mutex:
            for place, worker in enumerate(self._idle.queue):
                if worker is not None and worker.has_ended():
                    worker.kill()
                    self._idle.queue[place] = None

    def _submit(self, worker: DecodeWorker | None, data: bytes) -> DecodeWorker:
        """Give a film to a worker, or to a new one where that has ended; the one that has it."""
        for _ in range(_ATTEMPTS):
            if worker is not None and worker.has_ended():
                worker.kill()
            if worker is None or not worker.usable:
                worker = self._start()
            if worker is None:
                raise start_error("no room for a process")
            try:
                worker.submit(data)
            except WorkerGoneError:
                continue
            return worker
        raise start_error("it ended before it had the film")

    def _give_back(self, worker: DecodeWorker | None) -> None:
        if worker is not None and worker.n_films >= MAX_FILMS:
            worker.kill()
        if self._closed:
            if worker is not None:
                worker.kill()
            return
        if worker is None or not worker.usable:
            worker = self._start()
        self._idle.put(worker)

    def _start(self) -> DecodeWorker | None:
        """A new process; None where the system has no room for one just now."""
        try:
            return DecodeWorker(self._limits)
        except OSError as error:
            logger.warning("A decoder could not be started: %s", error.strerror)
            return None


# The one pool of this process.

_lock = threading.Lock()
_pool: WorkerPool | None = None
_told = False


def read_radiograph_in_worker(
    data: bytes | bytearray | memoryview, *, sha256: str = ""
) -> Radiograph:
    """As ``read_radiograph``, in a process with limits; for whatever a user opens.

    Raises:
        ImageError: the bytes are not one readable film, or it cost too much to decode it.
    """
    pool = _shared_pool()
    if pool is None:
        return read_radiograph(data)
    return pool.read(bytes(data), sha256=sha256)


def start_workers(size: int | None = None) -> None:
    """Start the processes ahead of the first film; None for ``default_workers()``."""
    pool = _shared_pool()
    if pool is not None and size is not None:
        pool.grow(size)


def _shared_pool() -> WorkerPool | None:
    """The pool of this process; None where the system cannot have one, which is said once."""
    global _pool, _told
    with _lock:
        if _pool is None and IS_SUPPORTED:
            _pool = WorkerPool(default_workers())
            atexit.register(_pool.close)
        if not IS_SUPPORTED and not _told:
            _told = True
            logger.warning(
                "On this system films are decoded within the app, without limits of memory and "
                "time: a hostile file can slow it down or end it. Linux has them."
            )
        return _pool


def _forget_pool() -> None:
    """In a child made by fork: the processes are its parent's."""
    global _pool, _lock
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
