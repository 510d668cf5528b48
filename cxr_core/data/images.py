"""Image files below a folder, found by file name at any depth."""

import os
from dataclasses import dataclass
from pathlib import Path

from cxr_core.errors import DataError

IMAGE_SUFFIXES: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".dcm")


@dataclass(frozen=True)
class ImageIndex:
    """Image files of a folder.

    Attributes:
        paths: file name -> path; the first by sorted path where a name stands at two places.
        n_duplicates: how many further files had a name already taken.
    """

    paths: dict[str, str]
    n_duplicates: int


def find_images(folder: Path) -> ImageIndex:
    """Find every ``.png``, ``.jpg``, ``.jpeg`` and ``.dcm`` below ``folder``, links followed.

    Hidden files and folders (macOS leaves ``._name.png`` beside real files) are passed over.

    Raises:
        DataError: the folder does not exist or is not a folder.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"The image folder {what}",
            value=folder,
            remedy="Give the folder that holds the images, at any depth.",
        )
    found: list[str] = []
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in visited:  # a link back up would never end
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.join(root, name)
            for name in files
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")
        ]
    paths: dict[str, str] = {}
    for path in sorted(found):
        paths.setdefault(os.path.basename(path), path)
    return ImageIndex(paths, n_duplicates=len(found) - len(paths))


def find_image(folder: Path, name: str) -> Path:
    """The image file of exactly this name in ``folder``, or below it as ``find_images`` finds it.

    A file that lies directly in the folder is taken without a walk through all others.

    Raises:
        DataError: no such folder; no image of this name in it, or a name with a path in it.
    """
    plain = os.path.basename(name) == name and not name.startswith(".")
    if plain and name.lower().endswith(IMAGE_SUFFIXES) and (folder / name).is_file():
        return folder / name
    path = find_images(folder).paths.get(name)
    if path is None:
        raise DataError(
            "The folder holds no image of this name",
            value=f"{name} in {folder}",
            remedy="Give the folder that holds the table's films, at any depth.",
        )
    return Path(path)
