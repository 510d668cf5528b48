"""Points and boxes on a film, as fractions of it: x to the right and y down, 0 to 1."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats

Point = tuple[float, float]
BOX_FIELDS = ("x", "y", "width", "height")
CENTRE: Point = (0.5, 0.5)
GRID = 63  # spots tried a side: nine a cell of a 7 x 7 map, and the cells' centres among them
N_PLACES = 32  # a side, at which a random box is tried


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
    xs, ys, covered = edge_grid(boxes)
    return float(np.diff(ys) @ covered @ np.diff(xs))


def edge_grid(boxes: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
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
        x, y, width, height = of_film[list(BOX_FIELDS)].to_numpy(dtype=np.float64).T[:, :, None]
        in_x, in_y = (at >= x) & (at <= x + width), (at >= y) & (at <= y + height)  # (M, GRID)
        hits += (in_y[:, :, None] & in_x[:, None, :]).any(axis=0)
    best = np.argwhere(hits == hits.max())  # (b, 2) row, column
    nearest = best[np.argmin(((best - best.mean(axis=0)) ** 2).sum(axis=1))]
    return float(at[nearest[1]]), float(at[nearest[0]])


# How much a box shares with radiologists' boxes: its own share, and that of both together.


def intersection_area(candidates: ArrayLike, boxes: ArrayLike) -> Floats:
    """Area that each of (K, 4) candidates shares with the (M, 4) boxes, overlaps counted once.

    Returns:
        (K,), as shares of the film.
    """
    box = np.asarray(candidates, dtype=np.float64).reshape(-1, 4)
    xs, ys, covered = edge_grid(boxes)
    across, down = (
        _overlap_lengths(box[:, 0], box[:, 2], xs),
        _overlap_lengths(box[:, 1], box[:, 3], ys),
    )
    shared: Floats = np.einsum("kb,ba,ka->k", down, covered.astype(np.float64), across)
    return shared


def iobb(candidates: ArrayLike, boxes: ArrayLike) -> Floats:
    """Intersection over the drawn box's own area, (K,): how much of it lies in the boxes.

    Wang et al.'s IoBB (ChestX-ray8, CVPR 2017, section 4: "Intersection over the detected B-Box
    area ratio (similar to Area of Precision or Purity)"). A smaller box has it easier.
    """
    box = np.asarray(candidates, dtype=np.float64).reshape(-1, 4)
    share: Floats = intersection_area(box, boxes) / (box[:, 2] * box[:, 3])
    return np.minimum(share, 1.0)  # rounding


def iou(candidates: ArrayLike, boxes: ArrayLike) -> Floats:
    """Intersection over union, (K,): 1 only where both are the same; all boxes count as one."""
    box = np.asarray(candidates, dtype=np.float64).reshape(-1, 4)
    shared = intersection_area(box, boxes)
    share: Floats = shared / (box[:, 2] * box[:, 3] + covered_area(boxes) - shared)
    return np.minimum(share, 1.0)  # rounding


def centre_box(width: float, height: float) -> Floats:
    """(4,) the box of this size in the middle of the film."""
    return np.array([(1 - width) / 2, (1 - height) / 2, width, height])


def sliding_boxes(width: float, height: float, *, places: int = N_PLACES) -> Floats:
    """(places^2, 4) boxes of this size, evenly over all places where they lie on the film."""
    lefts, tops = np.linspace(0, 1 - width, places), np.linspace(0, 1 - height, places)
    x, y = (corner.ravel() for corner in np.meshgrid(lefts, tops))
    return np.stack([x, y, np.full_like(x, width), np.full_like(x, height)], axis=1)


def best_fixed_box(boxes: pd.DataFrame) -> Floats | None:
    """The one box that fits the training boxes best: their mean size, at its best place.

    The place is the one of 63 x 63 with the greatest mean intersection over union, a film
    counting once. The mean of the boxes' places would not do: between boxes of the left and of
    the right lung it lies on the heart.

    Args:
        boxes: ``image, x, y, width, height`` of one finding, on training films.

    Returns:
        (4,) x, y, width, height; None without boxes.
    """
    if boxes.empty:
        return None
    width, height = boxes[["width", "height"]].mean()
    candidates = sliding_boxes(float(width), float(height), places=GRID)  # (K, 4)
    fit = np.zeros(len(candidates))
    for _, of_film in boxes.groupby("image"):
        fit += iou(candidates, of_film[list(BOX_FIELDS)].to_numpy(dtype=np.float64))
    best: Floats = candidates[int(np.argmax(fit))]
    return best


def _overlap_lengths(start: Floats, length: Floats, edges: Floats) -> Floats:
    """(K, a) how much of each gap between neighbouring edges lies in start to start + length."""
    ends = np.minimum((start + length)[:, None], edges[1:])  # (K, a)
    shared: Floats = np.clip(ends - np.maximum(start[:, None], edges[:-1]), 0, None)
    return shared
