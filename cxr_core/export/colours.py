"""The two colour ramps of the evidence maps: warm for positive, cool for negative.

Both are straight lines in OKLCH (Ottosson, "A perceptual color space for image processing",
2020), so equal steps of evidence are equal steps of perceived lightness, and lightness alone
orders them for a reader who sees no hue. Orange against blue stays apart in every common form
of colour blindness.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

STEPS = 256
# Lightness 0 to 1, chroma, hue in degrees, at the weakest and at the strongest evidence.
POSITIVE_ENDS = ((0.50, 0.17, 32.0), (0.84, 0.17, 80.0))
NEGATIVE_ENDS = ((0.46, 0.15, 262.0), (0.86, 0.09, 218.0))

# OKLab -> cone responses -> linear sRGB, the matrices of Ottosson's article.
_LAB_TO_CONES = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728],
     [1.0, -0.0894841775, -1.2914855480]]
)  # fmt: skip
_CONES_TO_LINEAR = np.array(
    [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
     [-0.0041960863, -0.7034186147, 1.7076147010]]
)  # fmt: skip


def oklch_to_rgb(lch: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(N, 3) lightness 0 to 1, chroma, hue in degrees -> (N, 3) sRGB, clipped to the gamut."""
    lightness, chroma, hue = lch[:, 0], lch[:, 1], np.deg2rad(lch[:, 2])
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)  # (N, 3)
    linear = np.clip((lab @ _LAB_TO_CONES.T) ** 3 @ _CONES_TO_LINEAR.T, 0.0, 1.0)  # (N, 3)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055
    )
    rgb: NDArray[np.uint8] = np.round(encoded * 255).astype(np.uint8)
    return rgb


@cache
def evidence_ramp(*, negative: bool = False) -> NDArray[np.uint8]:
    """(256, 3) sRGB colours from the weakest to the strongest evidence; not to be written to."""
    start, end = (np.array(lch) for lch in (NEGATIVE_ENDS if negative else POSITIVE_ENDS))
    share = np.linspace(0.0, 1.0, STEPS)[:, None]  # (256, 1)
    ramp = oklch_to_rgb(start + (end - start) * share)
    ramp.setflags(write=False)
    return ramp
