"""The box drawn from an evidence map, to be set against the boxes that radiologists drew."""

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from scipy import ndimage

from cxr_core.evaluation.spots import Floats

REGION_SHARE = 0.5  # of the map's positive maximum
FINE = 31  # points a side of a cell; odd, so that a cell's centre, where a peak is, is one of them


def drawn_box(evidence: ArrayLike) -> Floats | None:
    """Draw one box from a small signed map: the region around its peak.

    1. The map is enlarged bilinearly, to 31 points a side of each cell (217 x 217 for 7 x 7), so
       that a region can be smaller than a cell and its edge need not follow the cells'.
    2. The region is all points with at least half of the map's highest value that hang together
       (by their sides) with the peak. Zero stays zero: evidence against the finding never
       belongs to it, and how strong it is elsewhere does not move the edge.
    3. The box is the smallest one around the region.

    Half was taken on validation films: of the model that was shipped at the time, the mean
    intersection over union with the 41 boxes of its validation films was 0.20 to 0.22 for every
    share from 0.4 to 0.65, and lower beyond. It is the same for all findings and models, lest
    each have its own measure.

    Wang et al. (ChestX-ray8, arXiv 1705.02315, "Bounding Box Generation") stretch each 32 x 32
    map to 0 to 255, cut it at 60 and at 180, and draw a box around every isolated region. Here
    there is one box a map, so that there are no further ones to count as false alarms.

    Args:
        evidence: (h, w), signed, logit units.

    Returns:
        (4,) x, y, width, height as fractions of the film; None where nothing speaks for the
        finding, so that there is no region.
    """
    cells = np.asarray(evidence, dtype=np.float32)
    highest = float(cells.max())
    if highest <= 0:
        return None
    height, width = cells.shape[0] * FINE, cells.shape[1] * FINE
    large = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR))
    regions, _ = ndimage.label(large >= REGION_SHARE * highest)  # (H, W), 0 outside all
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    half = FINE // 2
    region = regions == regions[row * FINE + half, column * FINE + half]
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    left, top = columns[0] / width, rows[0] / height
    return np.array([left, top, (columns[-1] + 1) / width - left, (rows[-1] + 1) / height - top])
