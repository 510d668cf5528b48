"""The folders of the server below which a page may open what somebody names.

A refusal is the same whether the path lies elsewhere, is not there, is a pipe, or is a link that
leads out: it tells nothing of what is on the machine.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr_core.errors import DataError
from cxr_core.files import SAFE_FLAGS, open_regular

RUNS_ENV_VAR, FILMS_ENV_VAR = "CXR_RUNS", "CXR_FILMS"
MAX_FILM_BYTES = 1 << 28
_MAX_TYPED = 1024  # letters of a path


@dataclass(frozen=True)
class Roots:
    """Where a page may open files.

    Attributes:
        folders: real paths; None where every path may be opened, as whoever asks sits at the
            machine that serves and could open it anyway.
        setting: the variable that names them.
    """

    folders: tuple[Path, ...] | None
    setting: str

    @property
    def is_closed(self) -> bool:
        """Whether nothing may be opened."""
        return self.folders == ()

    @property
    def is_limited(self) -> bool:
        """Whether only some folders are open."""
        return self.folders is not None

    def resolve(self, typed: str) -> Path:
        """The real path of a folder that was named: as it stands, or below one of the roots.

        Raises:
            DataError: it is none that may be opened.
        """
        if self.folders is None:
            return Path(typed).expanduser() if self.setting == FILMS_ENV_VAR else Path(typed)
        named = [Path(os.path.abspath(typed)), *(root / typed for root in self.folders)]
        if len(typed) <= _MAX_TYPED and "\0" not in typed:
            for path in map(os.path.normpath, named):
                # By its letters first: the disk is not asked about a path elsewhere.
                if self.root_of(Path(path)) is not None:
                    real = Path(os.path.realpath(path))
                    if self.root_of(real) is not None and real.is_dir():
                        return real
        raise self.refusal(typed)

    def root_of(self, path: Path) -> Path | None:
        """The root that a path lies in; None where it lies in none."""
        return next((root for root in self.folders or () if path.is_relative_to(root)), None)

    def refusal(self, typed: str) -> DataError:
        """The error of a path that may not be opened, whatever the reason."""
        return DataError(
            "Nothing that may be opened here has this path",
            value=typed[:200],
            remedy="Give a folder below one of those that whoever runs the app has opened "
            f"({self.setting}).",
        )

    def read_film(self, path: Path) -> bytes:
        """The bytes of a film's file that was found in a folder from ``resolve``.

        Raises:
            OSError: it cannot be read.
            DataError: it is no regular file below a root, or too large.
        """
        if self.folders is None:
            with open_regular(path) as file:
                data = file.read(MAX_FILM_BYTES + 1)
        else:
            real = Path(os.path.realpath(path))
            root = self.root_of(real)
            if root is None:
                raise self.refusal(path.name)
            data = _read_below(root, real.relative_to(root).parts, MAX_FILM_BYTES + 1)
        if len(data) > MAX_FILM_BYTES:
            raise DataError(
                "The film's file is too large",
                value=f"{path.name}, over {MAX_FILM_BYTES / 1e6:,.0f} MB",
                remedy="Choose another film.",
            )
        return data


def roots_from_environment(setting: str, *, is_local: bool) -> Roots:
    """The folders that a variable names, separated as in ``PATH``.

    Args:
        setting: ``RUNS_ENV_VAR`` or ``FILMS_ENV_VAR``.
        is_local: whoever asks sits at this machine; without the variable they may open anything,
            and others nothing.
    """
    stated = os.environ.get(setting, "")
    folders = tuple(Path(os.path.realpath(one)) for one in stated.split(os.pathsep) if one.strip())
    return Roots(None if is_local and not folders else folders, setting)


def _read_below(root: Path, parts: Sequence[str], limit: int) -> bytes:
    """Read a file step by step from its root, following no link on the way: what was looked at is
    what is read, whoever moves folders meanwhile."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows, where no step can be held open
        with open_regular(root.joinpath(*parts)) as file:
            return file.read(limit)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | SAFE_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = below
        descriptor = os.open(parts[-1], os.O_RDONLY | SAFE_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)
