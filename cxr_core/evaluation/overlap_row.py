"""What ``localisation.csv`` holds of overlaps: a map's box, other boxes, and a shuffled model's."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.evaluation.drawn_box import drawn_box
from cxr_core.evaluation.overlaps import boxes_everywhere, centre_box, iobb, iou
from cxr_core.evaluation.spots import EDGES, Floats, inside_any, peak

Measure = Literal["iobb", "iou"]
# Those of Wang et al.'s tables 19 (IoBB) and 7 (IoU); an overlap counts above, not at, them.
THRESHOLDS: dict[Measure, tuple[float, ...]] = {"iobb": (0.1, 0.25, 0.5), "iou": (0.1, 0.3, 0.5)}
_OF = {"iobb": iobb, "iou": iou}


def random_column(measure: Measure, threshold: float) -> str:
    """The column of the share of places at which a box passes, e.g. ``random_iobb_25``."""
    return f"random_{measure}_{round(100 * threshold)}"


OVERLAP_COLUMNS = (
    "region_x",
    "region_y",
    "region_width",
    "region_height",
    "iobb",
    "iou",
    "fixed_area",
    "fixed_iobb",
    "fixed_iou",
    "centre_iobb",
    "centre_iou",
    *(random_column(measure, t) for measure, found in THRESHOLDS.items() for t in found),
    "shuffled_x",
    "shuffled_y",
    "shuffled_inside",
    "shuffled_area",
    "shuffled_iobb",
    "shuffled_iou",
)


def overlap_cells(
    evidence: ArrayLike,
    boxes: ArrayLike,
    *,
    fixed: Floats | None,
    shuffled: ArrayLike | None = None,
) -> dict[str, float]:
    """The cells of ``OVERLAP_COLUMNS`` for one film and finding.

    The centre box and the random ones have the fixed box's size, so that these three differ by
    place alone. A random box stands for its expected value: the share of all places at which it
    would pass.

    Args:
        evidence: (h, w) signed map.
        boxes: (M, 4) the radiologists', of this finding.
        fixed: (4,) the best fixed box of the training boxes; None where there is none.
        shuffled: (h, w) the map of the model with shuffled weights.

    Returns:
        nan for all of a fixed box, or of a shuffled map, that is None.
    """
    cells = dict.fromkeys(OVERLAP_COLUMNS, float("nan"))
    region = drawn_box(evidence)
    cells |= {f"region_{edge}": float(v) for edge, v in zip(EDGES, region, strict=True)}
    cells |= _overlaps("", region, boxes)
    if fixed is not None:
        width, height = float(fixed[2]), float(fixed[3])
        cells["fixed_area"] = width * height
        cells |= _overlaps("fixed_", fixed, boxes)
        cells |= _overlaps("centre_", centre_box(width, height), boxes)
        everywhere = boxes_everywhere(width, height)  # (K, 4)
        for measure, thresholds in THRESHOLDS.items():
            passed = _OF[measure](everywhere, boxes)[:, None] > np.array(thresholds)  # (K, T)
            for threshold, share in zip(thresholds, passed.mean(axis=0), strict=True):
                cells[random_column(measure, threshold)] = float(share)
    if shuffled is not None:
        point, region = peak(shuffled), drawn_box(shuffled)
        cells["shuffled_x"], cells["shuffled_y"] = point
        cells["shuffled_inside"] = int(inside_any(point, boxes))
        cells["shuffled_area"] = float(region[2] * region[3])
        cells |= _overlaps("shuffled_", region, boxes)
    return cells


def _overlaps(name: str, box: Floats, boxes: ArrayLike) -> dict[str, float]:
    return {name + measure: float(of(box, boxes)[0]) for measure, of in _OF.items()}
