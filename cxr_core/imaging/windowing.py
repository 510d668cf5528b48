"""Window and level: stored values at full depth -> gray levels on a screen.

DICOM PS3.3 C.11.2.1.2 (LINEAR, C.11.2.1.3.1 SIGMOID, C.11.2.1.3.2 LINEAR_EXACT) and C.11.2.1.1
(VOI LUT). For the picture that a model reads and for the reader's display alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
# Percentiles between which "more contrast" spreads the film: what is clipped is air and collimator
# on one end, markers and metal on the other.
CONTRAST_PERCENTILES = (5.0, 98.0)
_MAX_SAMPLES = 1024  # a side; percentiles need no more
_BLOCK_PIXELS = 2**18  # worked on at a time: they stay in the cache, and memory stays small


@dataclass(frozen=True, eq=False)
class Window:
    """One way to show a film's stored values.

    Attributes:
        name: in a few words, for the reader's choice.
        center, width: in units of the stored values, width positive.
        function: how values between the ends are spread.
        lut: uint8 gray levels from the value ``lut_start`` on, of a file's VOI LUT; it then
            decides, and center and width only say what it spans.
        lut_start: the stored value that ``lut`` begins at.
        key: of a window that the file offers, "window_2" or "table_1"; else "".
    """

    name: str
    center: float
    width: float
    function: VoiFunction = "LINEAR"
    lut: NDArray[np.uint8] | None = None
    lut_start: int = 0
    key: str = ""


def apply_window(
    stored: NDArray[Any], window: Window, *, inverted: bool = False
) -> NDArray[np.uint8]:
    """Gray levels of stored values.

    Args:
        stored: (H, W), any real type.
        inverted: low is bright (MONOCHROME1), so the result is turned round.

    Returns:
        uint8 (H, W), 0 to 255, bright is dense.
    """
    shown = by_rows(lambda rows: _apply_to_rows(rows, window), stored)
    if inverted:
        np.subtract(255, shown, out=shown)
    return shown


def by_rows(
    function: Callable[[NDArray[Any]], NDArray[np.uint8]], values: NDArray[Any]
) -> NDArray[np.uint8]:
    """What a function of single pixels makes of an array (H, W), a few rows at a time: floating
    copies of a whole film of 64 million pixels take a gigabyte."""
    result = np.empty(values.shape, np.uint8)
    step = max(1, _BLOCK_PIXELS // max(1, values[:1].size))
    for start in range(0, len(values), step):
        result[start : start + step] = function(values[start : start + step])
    return result


def _apply_to_rows(stored: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    if window.lut is not None:
        last = window.lut_start + len(window.lut) - 1
        places = np.rint(stored).clip(window.lut_start, last).astype(np.int64) - window.lut_start
        shown: NDArray[np.uint8] = window.lut[places]  # (H, W)
        return shown
    values = stored.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64)
    gray = _apply_voi_function(values, window)  # (H, W), 0 to 1
    return np.asarray(np.rint(gray.clip(0.0, 1.0) * 255), dtype=np.uint8)


def _apply_voi_function(values: NDArray[Any], window: Window) -> NDArray[Any]:
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        exponent = (-4.0 * (values - center) / width).clip(-80.0, 80.0)
        result: NDArray[Any] = 1.0 / (1.0 + np.exp(exponent))
    elif window.function == "LINEAR_EXACT":
        result = (values - center) / width + 0.5
    elif width <= 1:  # PS3.3: a LINEAR window of width 1 is a step
        result = (values > center - 0.5).astype(np.float32)
    else:
        result = (values - (center - 0.5)) / (width - 1.0) + 0.5
    return result


def window_from_range(name: str, low: float, high: float, *, integer: bool = True) -> Window:
    """The window that shows ``low`` as black and ``high`` as white.

    Args:
        integer: the values are whole numbers, as DICOM's LINEAR function takes them.
    """
    if not high > low:
        high = low + 1.0
    if integer:
        return Window(name, (low + high + 1.0) / 2, high - low + 1.0)
    return Window(name, (low + high) / 2, high - low, "LINEAR_EXACT")


def has_integer_values(stored: NDArray[Any]) -> bool:
    """Whether a film's values are whole numbers by their type."""
    return bool(np.issubdtype(stored.dtype, np.integer))


def full_range_window(stored: NDArray[Any]) -> Window:
    """From the least to the greatest value of the film."""
    low, high = float(stored.min()), float(stored.max())
    return window_from_range("Full range", low, high, integer=has_integer_values(stored))


def contrast_window(stored: NDArray[Any]) -> Window:
    """Between percentiles of the film's own values (``CONTRAST_PERCENTILES``)."""
    height, width = stored.shape
    sample = stored[:: max(1, height // _MAX_SAMPLES), :: max(1, width // _MAX_SAMPLES)]
    low, high = (float(end) for end in np.percentile(sample, CONTRAST_PERCENTILES))
    whole = has_integer_values(stored)
    ends = (round(low), round(high)) if whole else (low, high)
    return window_from_range("More contrast", *ends, integer=whole)
