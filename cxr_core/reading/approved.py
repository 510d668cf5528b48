"""The models that a site has approved, by their hashes: no other reads a film.

The hashes inside a model folder tell an accident: a lost byte, a file of another folder, an edited
cut-off. Whoever makes a folder anew makes its hashes anew, too. Only a hash that is kept elsewhere
tells that this is still the model that was approved. There are two: of the model, which decides
every number of a film, and of all files of its folder, which decide what is said beside the numbers
(what a flag was worth on test films, the card, the prevalence, how often the map was right).
"""

import hashlib
import os
import re
import stat
from pathlib import Path

from cxr_core.errors import CheckpointError, ConfigError

APPROVED_ENV_VAR = "CXR_MODEL_SHA256"
APPROVED_FILES_ENV_VAR = "CXR_MODEL_FILES_SHA256"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WHERE = {
    APPROVED_ENV_VAR: "model_sha256 in model.json",
    APPROVED_FILES_ENV_VAR: "the files' hash (python -m cxr_core.reading.approved FOLDER)",
}


def approved_models() -> tuple[str, ...]:
    """The hashes in ``CXR_MODEL_SHA256``, separated by commas; none where it is not set.

    Raises:
        ConfigError: one of them is no SHA-256, so that nothing could be held to it.
    """
    return _hashes(APPROVED_ENV_VAR)


def approved_files() -> tuple[str, ...]:
    """The hashes in ``CXR_MODEL_FILES_SHA256``, as ``approved_models``.

    Raises:
        ConfigError: one of them is no SHA-256.
    """
    return _hashes(APPROVED_FILES_ENV_VAR)


def _hashes(variable: str) -> tuple[str, ...]:
    stated = os.environ.get(variable, "")
    hashes = tuple(one.strip().lower() for one in stated.split(",") if one.strip())
    for one in hashes:
        if not _SHA256.fullmatch(one):
            raise ConfigError(
                f"{variable} holds something else than the SHA-256 of a model",
                value=one[:80],
                remedy=f"Give the 64 hexadecimal digits of {_WHERE[variable]}, several separated "
                "by commas.",
            )
    if stated.strip() and not hashes:
        raise ConfigError(
            f"{variable} names no model",
            value=repr(stated[:80]),
            remedy=f"Give {_WHERE[variable]}, or do not set it.",
        )
    return hashes


def files_sha256(folder: Path) -> str:
    """One SHA-256 over all files that lie in ``folder``, hidden ones and subfolders apart.

    It is what ``LC_ALL=C; sha256sum * | sha256sum`` prints there: each file's hash and name, in the
    order of the names' bytes. A link counts as what it leads to.

    Raises:
        CheckpointError: the folder or a file cannot be read, or is no plain file.
    """
    try:
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
        digest = hashlib.sha256()
        for path in sorted(paths, key=lambda path: os.fsencode(path.name)):
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                continue  # nothing of a model is read from there
            if not stat.S_ISREG(mode):
                raise CheckpointError(
                    "The model folder holds something that is no plain file",
                    value=path,
                    remedy="Remove it, or restore the folder as it was approved.",
                )
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{found}  ".encode() + os.fsencode(path.name) + b"\n")
    except OSError as error:
        raise CheckpointError(
            f"The files of the model cannot be read ({error.strerror})",
            value=folder,
            remedy="Check the path, and that the folder and its files may be read.",
        ) from error
    return digest.hexdigest()


def require_approved(model_sha256: str, folder: Path) -> None:
    """Refuse a model that the site has not approved; without a list every model may be used.

    Raises:
        CheckpointError: it names both hashes.
        ConfigError: the list cannot be read.
    """
    approved = approved_models()
    if approved and model_sha256 not in approved:
        raise CheckpointError(
            f"The model in {folder} is not the one that was approved here",
            value=f"SHA-256 {model_sha256}, approved {', '.join(approved)}",
            remedy=f"Use the approved model, or have this one approved and add its hash to "
            f"{APPROVED_ENV_VAR}.",
        )


def require_approved_files(folder: Path) -> None:
    """Refuse a folder of which any file differs from what the site has approved.

    Raises:
        CheckpointError: it names both hashes; or the files cannot be read.
        ConfigError: the list cannot be read.
    """
    approved = approved_files()
    if not approved:
        return
    found = files_sha256(folder)
    if found not in approved:
        raise CheckpointError(
            f"The files in {folder} are not those that were approved here",
            value=f"SHA-256 of all files {found}, approved {', '.join(approved)}",
            remedy="Restore the folder as it was approved, or have it approved and add its hash to "
            f"{APPROVED_FILES_ENV_VAR}.",
        )


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        sys.stdout.write(f"{files_sha256(Path(name))}  {name}\n")
