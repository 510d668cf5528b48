"""By how much a chest on a film is tilted: the angle at which it is most alike to its mirror image.

A chest is nearly the same left and right, so a film turned by -a, where a is its tilt, matches its
own mirror image best. docs/reading.md says how often that is right.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Degrees. Patients lie and stand a little askew: less is not told.
MIN_TILT = 10.0
# Beyond, and where no angle makes the halves alike, the best angle is mostly chance.
MAX_TILT = 18.0
MIN_LIKENESS = 0.5  # correlation
_SIDE = 64  # px of the copy that is looked at
_STEP = 3.0  # degrees
_REACH = 24.0  # degrees, tried to either side
_SHIFT = 8  # px by which the middle of the chest may lie off the film's
_SHADING = 8.0  # px; slower changes of gray are taken out
_MARGIN = 8  # px at the edges that take no part


def tilt_degrees(pixels: NDArray[np.uint8]) -> float | None:
    """The tilt of an upright frontal chest film (H, W), in degrees, clockwise above 0.

    Returns:
        From ``MIN_TILT`` to ``MAX_TILT`` either way; None for a film that lies straight, or of
        which it cannot be told.
    """
    angles = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)  # (n,)
    likeness = _likeness(pixels, angles)
    best = int(likeness.argmax())
    if likeness[best] < MIN_LIKENESS or best in (0, len(angles) - 1):
        return None
    before, here, after = likeness[best - 1 : best + 2]
    bend = before - 2 * here + after  # of the parabola through the three; below 0 at a peak
    off = 0.5 * (before - after) / bend if bend < 0 else 0.0
    found = float(angles[best] + off * _STEP)
    return found if MIN_TILT <= abs(found) <= MAX_TILT else None


def _likeness(pixels: NDArray[np.uint8], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike the film's halves are after a turn by each angle, counter-clockwise: (n,)."""
    from scipy import ndimage

    small = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    gray = np.asarray(small, np.float32)
    detail = gray - ndimage.gaussian_filter(gray, _SHADING)
    return np.array(
        [
            _mirror_likeness(ndimage.rotate(detail, angle, reshape=False, order=1, mode="nearest"))
            for angle in angles
        ]
    )


def _mirror_likeness(film: NDArray[np.float32]) -> float:
    """The best correlation of a film (S, S) with its mirror image, its axis near the middle."""
    rows, half = film[_MARGIN:-_MARGIN], _MARGIN // 2
    mirror, best = rows[:, ::-1], -1.0
    for shift in range(-_SHIFT, _SHIFT + 1):
        ahead, behind = max(shift, 0) + half, max(-shift, 0) + half
        a = rows[:, ahead : _SIDE - behind]
        b = mirror[:, behind : _SIDE - ahead]
        a, b = a - a.mean(), b - b.mean()
        norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
        best = max(best, float((a * b).sum()) / norm if norm > 0 else -1.0)
    return best
