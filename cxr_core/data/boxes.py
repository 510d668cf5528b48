"""Radiologists' boxes around findings, as fractions of the image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from cxr_core.data.csv_files import (
    find_columns,
    first_few,
    normalise_image_names,
    read_columns,
    read_header,
)
from cxr_core.data.labels import AUXILIARY_LABELS, canonical_label
from cxr_core.errors import DataError
from cxr_core.findings import ABNORMAL_KEYS, LABELS

MASK_SIDE = 56  # cells: fine enough for NIH's smallest boxes, a quarter of the film's own side
NIH_IMAGE_SIDE = 1024.0  # pixels; NIH's boxes are drawn on its 1024 x 1024 images
_EDGES = ("x", "y", "width", "height")


# Radiologists' boxes as small maps that can be moved along with the films they were drawn on.


class BoxMasks(NamedTuple):
    """Where findings were boxed on the films of a batch, P pairs of film and finding.

    Attributes:
        film_index: int64 (P,), index in the batch.
        label_index: int64 (P,), label column.
        masks: float32 (P, M, M), 1 inside a box of the finding and 0 outside.
    """

    film_index: Tensor
    label_index: Tensor
    masks: Tensor


@dataclass(frozen=True)
class FilmBoxes:
    """The boxes of a list of films.

    Attributes:
        boxes: for each film, its boxes by label column, each (left, top, right, bottom) as
            fractions of the film.
    """

    boxes: Sequence[dict[int, list[tuple[float, float, float, float]]]]

    def masks_of(self, indices: NDArray[np.intp]) -> BoxMasks:
        """The regions of some films of the list, in their order."""
        pairs = [
            (index, finding, _rasterise(boxes))
            for index, film in enumerate(indices)
            for finding, boxes in self.boxes[film].items()
        ]
        maps = [drawn for _, _, drawn in pairs]
        return BoxMasks(
            torch.tensor([index for index, _, _ in pairs], dtype=torch.int64),  # (P,)
            torch.tensor([finding for _, finding, _ in pairs], dtype=torch.int64),  # (P,)
            torch.stack(maps) if maps else torch.zeros(0, MASK_SIDE, MASK_SIDE),  # (P, M, M)
        )

    @property
    def n_pairs(self) -> int:
        """Pairs of film and finding that have a box."""
        return sum(map(len, self.boxes))


def boxes_of_films(images: Sequence[str], boxes: pd.DataFrame, columns: Sequence[str]) -> FilmBoxes:
    """Look up the boxes of films.

    Args:
        images: N names; boxes of other images are left out.
        boxes: ``image, finding, x, y, width, height``, as ``read_boxes`` returns them.
        columns: the findings in the order of the label columns; others are left out.
    """
    place = {name: index for index, name in enumerate(images)}
    finding = {name: index for index, name in enumerate(columns)}
    found: list[dict[int, list[tuple[float, float, float, float]]]] = [{} for _ in images]
    here = boxes[boxes["image"].isin(place) & boxes["finding"].isin(finding)]
    edges = here[["x", "y", "width", "height"]].to_numpy(dtype=np.float64).tolist()
    for image, name, (x, y, width, height) in zip(
        here["image"], here["finding"], edges, strict=True
    ):
        box = (x, y, x + width, y + height)
        found[place[image]].setdefault(finding[name], []).append(box)
    return FilmBoxes(found)


def _rasterise(boxes: Sequence[tuple[float, float, float, float]]) -> Tensor:
    """(M, M): a cell is 1 where its centre lies in one of the boxes."""
    centres = (torch.arange(MASK_SIDE) + 0.5) / MASK_SIDE  # (M,)
    drawn = torch.zeros(MASK_SIDE, MASK_SIDE)
    for left, top, right, bottom in boxes:
        rows = (centres >= top) & (centres <= bottom)  # (M,)
        columns = (centres >= left) & (centres <= right)  # (M,)
        drawn[rows[:, None] & columns[None, :]] = 1.0
    return drawn


def read_boxes(path: Path, *, auxiliary: bool = False) -> pd.DataFrame:
    """Read NIH's ``BBox_List_2017.csv``.

    Its header is ``Image Index,Finding Label,Bbox [x,y,w,h],,,``: the four numbers start
    in the column named ``Bbox [x`` (or ``Bbox [x,y,w,h]`` where the name is quoted).
    "Infiltrate" is Infiltration.

    Args:
        auxiliary: keep the boxes of findings that the model does not have, under NIH's own name.

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
    _require_all(pixels.notna().all(axis=1), rows, path, "are not four numbers")
    fractions = pixels / NIH_IMAGE_SIDE
    slack = 1.0 / NIH_IMAGE_SIDE  # a pixel, for rounding
    inside = (
        (fractions[["x", "y"]] >= -slack).all(axis=1)
        & (fractions["x"] + fractions["width"] <= 1.0 + slack)
        & (fractions["y"] + fractions["height"] <= 1.0 + slack)
        & (fractions[["width", "height"]] > 0.0).all(axis=1)
    )
    _require_all(inside, rows, path, "are empty or leave NIH's 1024 x 1024 image")
    names = {label: label for label in AUXILIARY_LABELS} if auxiliary else {}
    names |= {LABELS[key]: key for key in ABNORMAL_KEYS}
    finding = rows["finding"].map(lambda name: names.get(canonical_label(str(name)) or ""))
    boxes = pd.DataFrame({"image": normalise_image_names(rows["image"]), "finding": finding})
    boxes = pd.concat([boxes, _clip(fractions)], axis=1)[finding.notna()]
    return boxes.astype({"finding": "str"}).reset_index(drop=True)


def _clip(fractions: pd.DataFrame) -> pd.DataFrame:
    """Cut what rounding left outside the image."""
    left = fractions[["x", "y"]].clip(lower=0.0)
    ends = fractions[["x", "y"]].to_numpy() + fractions[["width", "height"]].to_numpy()  # (N, 2)
    extent = np.minimum(ends, 1.0) - left.to_numpy()
    return left.assign(width=extent[:, 0], height=extent[:, 1])


def _require_all(
    good: Sequence[bool] | pd.Series, rows: pd.DataFrame, path: Path, how: str
) -> None:
    bad = rows[~np.asarray(good, dtype=bool)]
    if len(bad):
        raise DataError(
            f"Boxes {how}",
            value=f"{len(bad):,} boxes of {path}: {first_few(bad['image'])}",
            remedy="Use NIH's BBox_List_2017.csv: x, y, width and height in pixels of 1024.",
        )
