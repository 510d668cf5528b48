"""Points and boxes on a film, as fractions of it: x to the right and y down, 0 to 1."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Point = tuple[float, float]
Floats = NDArray[np.float64]

EDGES = ("x", "y", "width", "height")
CENTRE: Point = (0.5, 0.5)
GRID = 63  # spots tried a side: nine a cell of a 7 x 7 map, and the cells' centres among them


def peak(evidence: ArrayLike) -> Point:
    """Centre of the cell with the most evidence, (x, y); the first of equals.

    It is also the peak of the map enlarged bilinearly, which is highest at a cell's centre.

    Args:
        evidence: (h, w), signed, logit units.
    """
    cells = np.asarray(evidence)
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    return (float(column) + 0.5) / cells.shape[1], (float(row) + 0.5) / cells.shape[0]


def inside_any(point: Point, boxes: ArrayLike) -> bool:
    """Whether the point lies in one of the boxes, edges included; (M, 4) x, y, width, height."""
    box = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    offset = np.asarray(point) - box[:, :2]  # (M, 2)
    return bool(((offset >= 0) & (offset <= box[:, 2:])).all(axis=1).any())


def covered_area(boxes: ArrayLike) -> float:
    """Share of the film under the (M, 4) boxes, overlaps counted once: 0 to 1."""
    xs, ys, covered = pieces(boxes)
    return float(np.diff(ys) @ covered @ np.diff(xs))


def pieces(boxes: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Cut the film along all edges of the (M, 4) boxes: a box covers all of a piece or nothing.

    Returns:
        Edges across (a + 1,) and down (b + 1,), rising; and whether a box covers the piece
        between two of each, (b, a).
    """
    box = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    left, top = box[:, 0], box[:, 1]
    right, bottom = left + box[:, 2], top + box[:, 3]
    xs, ys = np.unique([left, right]), np.unique([top, bottom])
    in_x = (xs[:-1] >= left[:, None]) & (xs[1:] <= right[:, None])  # (M, a)
    in_y = (ys[:-1] >= top[:, None]) & (ys[1:] <= bottom[:, None])  # (M, b)
    covered = (in_y[:, :, None] & in_x[:, None, :]).any(axis=0)
    return xs, ys, np.asarray(covered, dtype=np.bool_)


def best_fixed_spot(boxes: pd.DataFrame) -> Point | None:
    """The one spot that lies in a box on the most films; None without boxes.

    Tried on a 63 x 63 grid. Among equals the one nearest to their middle is taken, which is
    the safest on other films.

    Args:
        boxes: ``image, x, y, width, height`` of one finding, on training films.
    """
    if boxes.empty:
        return None
    at = (np.arange(GRID) + 0.5) / GRID
    hits = np.zeros((GRID, GRID))  # films, by row (y) and column (x)
    for _, of_film in boxes.groupby("image"):
        x, y, width, height = of_film[list(EDGES)].to_numpy(dtype=np.float64).T[:, :, None]
        in_x, in_y = (at >= x) & (at <= x + width), (at >= y) & (at <= y + height)  # (M, GRID)
        hits += (in_y[:, :, None] & in_x[:, None, :]).any(axis=0)
    best = np.argwhere(hits == hits.max())  # (b, 2) row, column
    nearest = best[np.argmin(((best - best.mean(axis=0)) ** 2).sum(axis=1))]
    return float(at[nearest[1]]), float(at[nearest[0]])
