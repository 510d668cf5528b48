"""Files that are either the old one or the new one, never half of one; and files of others."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

_MAX_JSON_BYTES = 1 << 28  # the lineage of all of NIH's films takes 5 MB

# Neither is a link followed, nor does a pipe keep whoever opens it waiting. Windows knows neither.
SAFE_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; links are followed.

    Raises:
        OSError: it cannot be opened, or is none: a folder, or a pipe or device, which would keep
            whoever reads it waiting.
    """
    flags = os.O_RDONLY | (SAFE_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "no regular file", str(path))


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it takes ``path``'s place.

    When the block raises, the temporary file is removed and ``path`` stays as it was. Who may read
    the file is what the process's mask says, whichever library writes it: safetensors' own files
    are for their owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What a JSON file in UTF-8 holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, not in UTF-8, too large, or nested too deep.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _MAX_JSON_BYTES:
            raise ValueError(f"it has {size:,} bytes")
        text = file.read().decode("utf-8")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def remove_temporary_files(folder: Path) -> None:
    """Delete what processes that were killed while writing left in ``folder``.

    Only where nobody else is writing: a temporary file in use would be lost.
    """
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
