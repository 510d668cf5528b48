"""Whether a decoded picture can be a radiograph at all: checks that need no fitted parameter."""

from dataclasses import dataclass

import numpy as np

from cxr_core.imaging.radiograph import Radiograph

# Gray levels between the 1st and the 99th percentile. Over 2,107 NIH films the least is 97.
LEAST_CONTRAST = 16
# Long side over short side; the longest detectors in use for chests are 43 x 35 cm (1.23).
GREATEST_ASPECT = 2.5

_SAMPLES = 512  # a side; percentiles need no more, and a large film is checked as fast as a small


@dataclass(frozen=True)
class GateResult:
    """Whether a film may be read, and what speaks against it.

    Attributes:
        passed: no reason was found to stop.
        reasons: calm sentences; empty when passed.
        suggestion: the correction (``imaging.correction``) that would mend it; None for none.
    """

    passed: bool
    reasons: tuple[str, ...]
    suggestion: str | None = None


def check_radiograph(radiograph: Radiograph) -> GateResult:
    """Stop what no chest radiograph can be: a blank film, a strip."""
    pixels = radiograph.pixels  # (H, W)
    reasons = []
    height, width = pixels.shape
    aspect = max(height, width) / min(height, width)
    if aspect > GREATEST_ASPECT:
        reasons.append(
            f"The picture is {aspect:.1f} times as long as it is wide ({width} x {height} pixels); "
            "a chest radiograph is nearly square."
        )
    sample = pixels[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    low, high = np.percentile(sample, (1, 99))
    if high - low < LEAST_CONTRAST:
        reasons.append(
            f"The picture is nearly one even gray (levels {low:.0f} to {high:.0f} of 0 to 255); "
            "there is no film to read."
        )
    return GateResult(passed=not reasons, reasons=tuple(reasons))
