"""What decoded films were made from, as one number."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pandas as pd

from cxr_core.data.tables import examples
from cxr_core.errors import DataError

_FORMAT = 1  # raise it when the cache's files or the meaning of its pixels change


def fingerprint(paths: Sequence[Path], *, size: int) -> str:
    """Return the SHA-256 of the files' names, sizes and times, in order, and of ``size``.

    Raises:
        DataError: no path, a file name twice, or a file that is not there.
    """
    _require_names(paths)
    digest = sha256(f"format {_FORMAT}, {size} px\n".encode())
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
            "File names stand twice among the films" if paths else "There are no films to decode",
            value=f"{len(twice):,} names: {examples(twice)}" if paths else "0 paths",
            remedy="Give each image file once." if paths else "Check the table and the folder.",
        )
