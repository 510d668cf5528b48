"""What ``localisation.csv`` holds of overlaps: a map's box, other boxes, and a shuffled model's."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from scipy import ndimage

from cxr_core.arrays import Floats
from cxr_core.evaluation.localisation.geometry import (
    BOX_FIELDS,
    centre_box,
    inside_any,
    iobb,
    iou,
    peak,
    sliding_boxes,
)

REGION_THRESHOLD = 0.5  # of the way from the map's mean to its highest value
UPSAMPLING = (
    31  # points a side of a cell; odd, so that a cell's centre, where a peak is, is one of them
)
Measure = Literal["iobb", "iou"]
# Those of Wang et al.'s tables 19 (IoBB) and 7 (IoU); an overlap counts above, not at, them.
THRESHOLDS: dict[Measure, tuple[float, ...]] = {"iobb": (0.1, 0.25, 0.5), "iou": (0.1, 0.3, 0.5)}
_OVERLAP_OF = {"iobb": iobb, "iou": iou}


# The box drawn from an evidence map, to be set against the boxes that radiologists drew.


def heatmap_box(evidence: ArrayLike) -> Floats:
    """Draw one box from a small signed map: the region around its peak.

    1. The map is enlarged bilinearly, to 31 points a side of each cell (217 x 217 for 7 x 7), so
       that a region can be smaller than a cell and its edge need not follow the cells'.
    2. The region is all points at least halfway from the map's mean to its highest value that
       hang together (by their sides) with the peak. From the mean, and not from zero: a map's
       mean and the classifier's bias make up the logit, so its zero depends on how the two share
       it; and a model whose evidence is nowhere positive, as one with shuffled weights, would
       have no region to be compared by. Neither the bias nor a positive factor moves the box.
    3. The box is the smallest one around the region.

    Halfway was taken on validation films (docs/experiments.md, "Smaller choices"). It is the same
    for all findings and models, lest each have its own measure.

    Wang et al. (ChestX-ray8, arXiv 1705.02315, "Bounding Box Generation") stretch each 32 x 32
    map to 0 to 255, cut it at 60 and at 180, and draw a box around every isolated region. Here
    there is one box a map, so that there are no further ones to count as false alarms.

    Args:
        evidence: (h, w), signed, logit units.

    Returns:
        (4,) x, y, width, height as fractions of the film; of an even map the whole film.
    """
    cells = np.asarray(evidence, dtype=np.float32)
    mean, highest = float(cells.mean()), float(cells.max())
    height, width = cells.shape[0] * UPSAMPLING, cells.shape[1] * UPSAMPLING
    above = Image.fromarray(cells - mean).resize((width, height), Image.Resampling.BILINEAR)
    regions, _ = ndimage.label(np.asarray(above) >= REGION_THRESHOLD * (highest - mean))  # (H, W)
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    half = UPSAMPLING // 2
    region = regions == regions[row * UPSAMPLING + half, column * UPSAMPLING + half]
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    left, top = columns[0] / width, rows[0] / height
    return np.array([left, top, (columns[-1] + 1) / width - left, (rows[-1] + 1) / height - top])


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


def overlap_values(
    evidence: ArrayLike,
    boxes: ArrayLike,
    *,
    fixed_box: Floats | None,
    shuffled: ArrayLike | None = None,
) -> dict[str, float]:
    """The cells of ``OVERLAP_COLUMNS`` for one film and finding.

    The centre box and the random ones have the fixed box's size, so that these three differ by
    place alone. A random box stands for its expected value: the share of all places at which it
    would pass.

    Args:
        evidence: (h, w) signed map.
        boxes: (M, 4) the radiologists', of this finding.
        fixed_box: (4,) the best fixed box of the training boxes; None where there is none.
        shuffled: (h, w) the map of the model with shuffled weights.

    Returns:
        nan for all of a fixed box, or of a shuffled map, that is None.
    """
    cells = dict.fromkeys(OVERLAP_COLUMNS, float("nan"))
    region = heatmap_box(evidence)
    cells |= {f"region_{edge}": float(v) for edge, v in zip(BOX_FIELDS, region, strict=True)}
    cells |= _overlaps("", region, boxes)
    if fixed_box is not None:
        width, height = float(fixed_box[2]), float(fixed_box[3])
        cells["fixed_area"] = width * height
        cells |= _overlaps("fixed_", fixed_box, boxes)
        cells |= _overlaps("centre_", centre_box(width, height), boxes)
        everywhere = sliding_boxes(width, height)  # (K, 4)
        for measure, thresholds in THRESHOLDS.items():
            passed = _OVERLAP_OF[measure](everywhere, boxes)[:, None] > np.array(
                thresholds
            )  # (K, T)
            for threshold, share in zip(thresholds, passed.mean(axis=0), strict=True):
                cells[random_column(measure, threshold)] = float(share)
    if shuffled is not None:
        point, region = peak(shuffled), heatmap_box(shuffled)
        cells["shuffled_x"], cells["shuffled_y"] = point
        cells["shuffled_inside"] = int(inside_any(point, boxes))
        cells["shuffled_area"] = float(region[2] * region[3])
        cells |= _overlaps("shuffled_", region, boxes)
    return cells


def _overlaps(name: str, box: Floats, boxes: ArrayLike) -> dict[str, float]:
    return {name + measure: float(of(box, boxes)[0]) for measure, of in _OVERLAP_OF.items()}
