"""Image files below a folder, found by file name at any depth."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from PIL import Image

from cxr_core.errors import DataError

# Those that ``imaging.radiograph`` reads.
IMAGE_SUFFIXES: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


@dataclass(frozen=True)
class ImageIndex:
    """Image files of a folder.

    Attributes:
        paths: file name -> path; the first by sorted path where a name stands at two places.
        n_duplicates: how many further files had a name already taken.
    """

    paths: dict[str, str]
    n_duplicates: int


def find_images(
    folder: Path, *, within: Path | None = None, max_entries: int | None = None
) -> ImageIndex:
    """Find every PNG, JPEG, TIFF, ``.dcm`` and ``.dicom`` file below ``folder``, links followed.

    Hidden files and folders (macOS leaves ``._name.png`` beside real files) are passed over.

    Args:
        within: a real path; folders that links lead to outside of it are passed over.
        max_entries: how many files and folders may lie there.

    Raises:
        DataError: the folder does not exist or is not a folder, or holds too much.
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
    seen = 0
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        outside = within is not None and not Path(real).is_relative_to(within)
        if outside or real in visited:  # a link back up would never end
            folders.clear()
            continue
        visited.add(real)
        seen += len(folders) + len(files)
        if max_entries is not None and seen > max_entries:
            raise DataError(
                "The folder holds too many files to look through",
                value=f"over {max_entries:,}",
                remedy="Give the folder in which the film itself lies.",
            )
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


def find_images_in(folders: Sequence[Path]) -> ImageIndex:
    """``find_images`` over several folders; a name is taken from the first that has it."""
    indexes = [find_images(folder) for folder in folders]
    paths = {name: path for index in reversed(indexes) for name, path in index.paths.items()}
    total = sum(len(index.paths) + index.n_duplicates for index in indexes)
    return ImageIndex(paths, n_duplicates=total - len(paths))


def shorter_side(path: Path) -> int:
    """Pixels of a film's shorter side, from the file's header alone; 0 where it tells none."""
    try:
        if path.suffix.lower() in (".dcm", ".dicom"):
            header = pydicom.dcmread(
                path, stop_before_pixels=True, specific_tags=["Rows", "Columns"]
            )
            return min(int(header.Rows), int(header.Columns))
        with Image.open(path) as image:
            return min(image.size)
    except Exception:  # whatever a parser raises on hostile bytes: decoding says what is wrong
        return 0


def find_image(
    folder: Path, name: str, *, within: Path | None = None, max_entries: int | None = None
) -> Path:
    """The image file of exactly this name in ``folder``, or below it as ``find_images`` finds it.

    A file that lies directly in the folder is taken without a walk through all others.

    Args:
        within, max_entries: as for ``find_images``.

    Raises:
        DataError: no such folder; no image of this name in it, or a name with a path in it.
    """
    plain = os.path.basename(name) == name and not name.startswith(".")
    if plain and name.lower().endswith(IMAGE_SUFFIXES) and (folder / name).is_file():
        return folder / name
    path = find_images(folder, within=within, max_entries=max_entries).paths.get(name)
    if path is None:
        raise DataError(
            "The folder holds no image of this name",
            value=f"{name} in {folder}",
            remedy="Give the folder that holds the table's films, at any depth.",
        )
    return Path(path)
