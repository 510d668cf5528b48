"""The files of a spool: private, whole or not there, and told when they were altered."""

import hashlib
import os
import stat
from pathlib import Path

from cxr_core.errors import ConfigError
from cxr_core.files import SAFE_FLAGS, open_regular


def load_unaltered(path: Path, sha256: str) -> bytes:
    """A file's bytes.

    Raises:
        OSError: it cannot be read, or its hash is another.
    """
    with open_regular(path) as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise OSError(None, "the file in the spool was altered")
    return data


def require_private(folder: Path) -> None:
    """Refuse a folder that others may look into.

    Raises:
        ConfigError: it is not ours, or open to a group or to all.
        OSError: it cannot be looked at.
    """
    status = folder.stat()
    if os.name == "posix" and (
        status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077
    ):
        raise spool_error(folder, "it belongs to another user, or others may read it")


def spool_error(folder: Path, reason: str) -> ConfigError:
    return ConfigError(
        "The spool cannot be used",
        value=f"{folder} ({reason})",
        remedy="Name a folder of the node's own user that nobody else may read (mode 0700).",
    )


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that is whole and on the disk, under its name, when this returns."""
    temporary = path.with_name(f".{path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | SAFE_FLAGS
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk half a film keeps another one out
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
