"""Radiologists' boxes as small maps that can be moved along with the films they were drawn on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

MAP_SIDE = 56  # cells: fine enough for NIH's smallest boxes, a quarter of the film's own side


class Regions(NamedTuple):
    """Where findings were boxed on the films of a batch, P pairs of film and finding.

    Attributes:
        film: int64 (P,), index in the batch.
        finding: int64 (P,), label column.
        maps: float32 (P, M, M), 1 inside a box of the finding and 0 outside.
    """

    film: Tensor
    finding: Tensor
    maps: Tensor


@dataclass(frozen=True)
class BoxedFilms:
    """The boxes of a list of films.

    Attributes:
        boxes: for each film, its boxes by label column, each (left, top, right, bottom) as
            fractions of the film.
    """

    boxes: Sequence[dict[int, list[tuple[float, float, float, float]]]]

    def of(self, films: NDArray[np.intp]) -> Regions:
        """The regions of some films of the list, in their order."""
        pairs = [
            (index, finding, _draw(boxes))
            for index, film in enumerate(films)
            for finding, boxes in self.boxes[film].items()
        ]
        maps = [drawn for _, _, drawn in pairs]
        return Regions(
            torch.tensor([index for index, _, _ in pairs], dtype=torch.int64),  # (P,)
            torch.tensor([finding for _, finding, _ in pairs], dtype=torch.int64),  # (P,)
            torch.stack(maps) if maps else torch.zeros(0, MAP_SIDE, MAP_SIDE),  # (P, M, M)
        )

    @property
    def count(self) -> int:
        """Pairs of film and finding that have a box."""
        return sum(map(len, self.boxes))


def boxed_films(images: Sequence[str], boxes: pd.DataFrame, columns: Sequence[str]) -> BoxedFilms:
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
    return BoxedFilms(found)


def _draw(boxes: Sequence[tuple[float, float, float, float]]) -> Tensor:
    """(M, M): a cell is 1 where its centre lies in one of the boxes."""
    centres = (torch.arange(MAP_SIDE) + 0.5) / MAP_SIDE  # (M,)
    drawn = torch.zeros(MAP_SIDE, MAP_SIDE)
    for left, top, right, bottom in boxes:
        rows = (centres >= top) & (centres <= bottom)  # (M,)
        columns = (centres >= left) & (centres <= right)  # (M,)
        drawn[rows[:, None] & columns[None, :]] = 1.0
    return drawn
