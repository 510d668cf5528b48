"""Radiologists' boxes around findings, as fractions of the image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxr_core.data.keys import image_key
from cxr_core.data.labels import OTHER_LABELS, canonical_label
from cxr_core.data.tables import examples, find_columns, read_columns, read_header
from cxr_core.errors import DataError
from cxr_core.findings import ABNORMAL_KEYS, LABELS

NIH_SIDE = 1024.0  # pixels; NIH's boxes are drawn on its 1024 x 1024 images
_EDGES = ("x", "y", "width", "height")


def read_boxes(path: Path, *, others: bool = False) -> pd.DataFrame:
    """Read NIH's ``BBox_List_2017.csv``.

    Its header is ``Image Index,Finding Label,Bbox [x,y,w,h],,,``: the four numbers start
    in the column named ``Bbox [x`` (or ``Bbox [x,y,w,h]`` where the name is quoted).
    "Infiltrate" is Infiltration.

    Args:
        others: keep the boxes of findings that the model does not have, under NIH's own name.

    Returns:
        DataFrame ``image, finding (key), x, y, width, height``: the upper left corner and
        the extent as fractions of the image, 0 to 1, in the file's order.

    Raises:
        DataError: unreadable, columns missing, a value that is no number, or a box that is
            empty or leaves the 1024 x 1024 image.
    """
    header = read_header(path)
    aliases = {
        "image": ("Image Index", "image"),
        "finding": ("Finding Label", "Finding Labels", "finding"),
        "x": ("Bbox [x", "Bbox [x,y,w,h]"),
    }
    positions = find_columns(path, header, aliases, required=aliases)
    first = positions["x"]
    rows = read_columns(path, positions | {e: first + i for i, e in enumerate(_EDGES)})
    pixels = rows[list(_EDGES)].apply(pd.to_numeric, errors="coerce")
    _require(pixels.notna().all(axis=1), rows, path, "are not four numbers")
    fractions = pixels / NIH_SIDE
    slack = 1.0 / NIH_SIDE  # a pixel, for rounding
    inside = (
        (fractions[["x", "y"]] >= -slack).all(axis=1)
        & (fractions["x"] + fractions["width"] <= 1.0 + slack)
        & (fractions["y"] + fractions["height"] <= 1.0 + slack)
        & (fractions[["width", "height"]] > 0.0).all(axis=1)
    )
    _require(inside, rows, path, "are empty or leave NIH's 1024 x 1024 image")
    names = {label: label for label in OTHER_LABELS} if others else {}
    names |= {LABELS[key]: key for key in ABNORMAL_KEYS}
    finding = rows["finding"].map(lambda name: names.get(canonical_label(str(name)) or ""))
    boxes = pd.DataFrame({"image": image_key(rows["image"]), "finding": finding})
    boxes = pd.concat([boxes, _clip(fractions)], axis=1)[finding.notna()]
    return boxes.astype({"finding": "str"}).reset_index(drop=True)


def _clip(fractions: pd.DataFrame) -> pd.DataFrame:
    """Cut what rounding left outside the image."""
    left = fractions[["x", "y"]].clip(lower=0.0)
    ends = fractions[["x", "y"]].to_numpy() + fractions[["width", "height"]].to_numpy()  # (N, 2)
    extent = np.minimum(ends, 1.0) - left.to_numpy()
    return left.assign(width=extent[:, 0], height=extent[:, 1])


def _require(good: Sequence[bool] | pd.Series, rows: pd.DataFrame, path: Path, how: str) -> None:
    bad = rows[~np.asarray(good, dtype=bool)]
    if len(bad):
        raise DataError(
            f"Boxes {how}",
            value=f"{len(bad):,} boxes of {path}: {examples(bad['image'])}",
            remedy="Use NIH's BBox_List_2017.csv: x, y, width and height in pixels of 1024.",
        )
