"""Files that say where an image belongs: split CSV, official lists, groups."""

from pathlib import Path

import pandas as pd

from cxr_core.data.csv_files import (
    find_columns,
    first_few,
    normalise_identifiers,
    normalise_image_names,
    read_columns,
    read_header,
    require_once,
)
from cxr_core.errors import DataError

_SPLIT_ALIASES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "validation_more": "validation_more",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


def read_split(path: Path) -> pd.DataFrame:
    """Read a split CSV with the columns ``image``, ``split`` and, if there, ``patient``.

    Returns:
        DataFrame indexed by image, columns ``split`` (train, validation, test) and maybe
        ``patient``.

    Raises:
        DataError: unreadable, columns missing, an unknown side, or an image twice with
            different values.
    """
    aliases = {
        "image": ("image", "Image Index"),
        "split": ("split",),
        "patient": ("patient", "Patient ID"),
    }
    positions = find_columns(path, read_header(path), aliases, required=("image", "split"))
    rows = read_columns(path, positions)
    parts = rows["split"].str.casefold().map(_SPLIT_ALIASES)
    if parts.isna().any():
        unknown = rows.loc[parts.isna(), "split"].unique()
        raise DataError(
            "The split names sets that do not exist",
            value=f"{first_few([repr(side) for side in unknown])} in {path}",
            remedy="Use train, validation (or val) and test.",
        )
    rows = rows.assign(image=normalise_image_names(rows["image"]), split=parts.astype("str"))
    if "patient" in rows.columns:
        rows = rows.assign(patient=normalise_identifiers(rows["patient"]))
    return _one_row_per_image(rows, path, "The split names images twice, with different values")


def read_image_list(path: Path) -> set[str]:
    """Read an official list: one image name a line; blank lines do no harm.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8 text, or names no image.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(
            "The image list does not exist", value=path, remedy="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "The image list is not UTF-8 text",
            value=path,
            remedy="Give a text file with one image name per line.",
        ) from error
    except OSError as error:
        raise DataError(
            "The image list cannot be read",
            value=f"{path} ({error.strerror})",
            remedy="Give a text file with one image name per line.",
        ) from error
    names = {line.strip() for line in lines if line.strip()}
    if not names:
        raise DataError(
            "The image list is empty", value=path, remedy="Put one image name on each line."
        )
    return names


def read_groups(path: Path) -> pd.Series:
    """Read the ``--groups`` CSV: image names in the first column, groups in the second.

    Returns:
        str Series, image -> group.

    Raises:
        DataError: unreadable, the first column not of images, fewer than two columns, or
            an image in two groups.
    """
    header = read_header(path)
    if len(header) < 2 or header[0].casefold() not in ("image index", "image"):
        raise DataError(
            "The groups need an image column first and a group column second",
            value=f"{path} (its columns: {', '.join(header) or 'none'})",
            remedy='Name the first column "Image Index" or "image"; put the group second.',
        )
    require_once(header, header[:2], path)
    rows = read_columns(path, {"image": 0, "group": 1})
    rows = rows.assign(image=normalise_image_names(rows["image"]))
    return _one_row_per_image(rows, path, "Images are in two groups")["group"]


def _one_row_per_image(rows: pd.DataFrame, path: Path, problem: str) -> pd.DataFrame:
    """Index by image; exact repeats are dropped, rows that differ are an error."""
    rows = rows.drop_duplicates()
    twice = rows.loc[rows["image"].duplicated(), "image"].unique()
    if len(twice):
        raise DataError(
            problem,
            value=f"{len(twice):,} images of {path}: {first_few(twice)}",
            remedy="Give each image one line.",
        )
    return rows.set_index("image")
