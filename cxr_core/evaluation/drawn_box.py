"""The box drawn from an evidence map, to be set against the boxes that radiologists drew."""

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from scipy import ndimage

from cxr_core.evaluation.spots import Floats

REGION_SHARE = 0.5  # of the way from the map's mean to its highest value
FINE = 31  # points a side of a cell; odd, so that a cell's centre, where a peak is, is one of them


def drawn_box(evidence: ArrayLike) -> Floats:
    """Draw one box from a small signed map: the region around its peak.

    1. The map is enlarged bilinearly, to 31 points a side of each cell (217 x 217 for 7 x 7), so
       that a region can be smaller than a cell and its edge need not follow the cells'.
    2. The region is all points at least halfway from the map's mean to its highest value that
       hang together (by their sides) with the peak. From the mean, and not from zero: a map's
       mean and the classifier's bias make up the logit, so its zero depends on how the two share
       it; and a model whose evidence is nowhere positive, as one with shuffled weights, would
       have no region to be compared by. Neither the bias nor a positive factor moves the box.
    3. The box is the smallest one around the region.

    Halfway was taken on validation films: of the model that was shipped at the time, the mean
    intersection over union with the 41 boxes of its validation films was 0.20 to 0.22 for every
    share from 0.4 to 0.7, and lower beyond. It is the same for all findings and models, lest
    each have its own measure.

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
    height, width = cells.shape[0] * FINE, cells.shape[1] * FINE
    above = Image.fromarray(cells - mean).resize((width, height), Image.Resampling.BILINEAR)
    regions, _ = ndimage.label(np.asarray(above) >= REGION_SHARE * (highest - mean))  # (H, W)
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    half = FINE // 2
    region = regions == regions[row * FINE + half, column * FINE + half]
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    left, top = columns[0] / width, rows[0] / height
    return np.array([left, top, (columns[-1] + 1) / width - left, (rows[-1] + 1) / height - top])
