"""How far a film is from its cut-offs, and which regions take it there: calibrated logits.

The reading room imports this module, so it needs numpy alone.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from cxr_core.config import Calibration, OperatingPoint
from cxr_core.evaluation.calibration import Floats, calibrate
from cxr_core.findings import KEYS

# A cut-off of 0 or 1 would be infinitely far from every film.
_LEAST = 1e-6


def cut_offs(points: Mapping[str, OperatingPoint]) -> Floats:
    """(4,) operating points as calibrated logits, log(t / (1 - t)), in the order of ``KEYS``."""
    thresholds = np.clip([points[key].threshold for key in KEYS], _LEAST, 1 - _LEAST)
    result: Floats = np.log(thresholds) - np.log1p(-thresholds)
    return result


def margins(
    logits: ArrayLike, calibration: Calibration, points: Mapping[str, OperatingPoint]
) -> Floats:
    """Raw logits (..., 4) -> calibrated logits less the cut-offs (..., 4); above is positive."""
    result: Floats = calibrate(logits, calibration) - cut_offs(points)
    return result


def margin_maps(
    evidence: ArrayLike,
    logits: ArrayLike,
    calibration: Calibration,
    points: Mapping[str, OperatingPoint],
) -> Floats:
    """Evidence with its zero at the cut-off: scale * (map + bias) + offset - cut-off.

    A map's mean plus the classifier's bias is the raw logit, so the mean of the result is the
    film's margin: the regions that together take it above or below its cut-off.

    Args:
        evidence: (..., 4, h, w) signed Grad-CAM, raw logit units.
        logits: (..., 4) raw logits of the same films.

    Returns:
        (..., 4, h, w), calibrated logit units.
    """
    maps = np.asarray(evidence, dtype=np.float64)  # (..., 4, h, w)
    apart = maps - maps.mean(axis=(-2, -1), keepdims=True)
    margin = margins(logits, calibration, points)[..., None, None]  # (..., 4, 1, 1)
    result: Floats = calibration.scale * apart + margin
    return result
