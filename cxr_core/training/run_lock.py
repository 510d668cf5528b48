"""One run a folder: a second one is refused while the first is at work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cxr_core.errors import TrainingError
from cxr_core.training.distributed import Distributed

LOCK_FILE = ".lock"


@contextmanager
def hold_run_folder(folder: Path, distributed: Distributed) -> Iterator[None]:
    """Keep other runs out of ``folder`` while the block lasts.

    The operating system holds the lock, so a process that was killed leaves none behind. A folder
    that was made for it, and in which nothing else was written, is taken away again.

    Raises:
        TrainingError: another process is writing there, or the folder cannot be written to; in
            every process of a team alike.
    """
    lock = FileLock(folder / LOCK_FILE)
    existed = folder.exists()
    problem = _acquire(lock, folder) if distributed.is_main else None
    try:
        told = [problem for problem in distributed.all_gather(problem) if problem is not None]
        if told:
            raise TrainingError(told[0][0], value=folder, remedy=told[0][1])
        yield
    finally:
        if lock.is_locked:
            # Before it is given up: whoever opened the file meanwhile sees that it is gone.
            if os.name == "posix":
                (folder / LOCK_FILE).unlink(missing_ok=True)
            lock.release()
            if not existed and not any(folder.iterdir()):
                folder.rmdir()


def _acquire(lock: FileLock, folder: Path) -> tuple[str, str] | None:
    """Take the lock; where it cannot be had, what is wrong and what to do."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        return (
            "Another run is writing to this folder",
            "Wait until it has ended, or use another --out.",
        )
    except OSError as error:
        return (
            f"The run folder cannot be written to ({error.strerror or error})",
            "Use another --out, or mend its permissions.",
        )
    return None
