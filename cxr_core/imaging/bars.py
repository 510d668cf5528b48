"""Uniform bars around a film, as a screen, a slide or a converter puts them there.

Told from a collimated border by three things: a bar is one gray level from end to end, it ends on
one straight line, and it has a partner of the same gray on the opposite side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.correction import Crop

MIN_BAR = 0.03  # of the film's side; thinner ones are left alone
TOLERANCE = 12  # gray levels from a bar's own that noise and JPEG explain
_MAX_OUTLIERS = 0.02  # share of a bar's line further off than that
# Of the line behind the bar, the share that must differ from it: a film's own air may be as dark.
_MIN_STEP = 0.25
# How much of that difference must come within three lines; a collimator's shadow comes slower.
_MIN_SHARPNESS = 0.6
_RINGING = 10  # lines in which JPEG blurs the end of a bar
_MAX_SAMPLES = 512  # pixels of a line that are looked at
_MAX_SHARE = 0.45  # of the film's side, for one bar


@dataclass(frozen=True)
class _Bar:
    """``width`` in lines from the film's edge, its gray ``level``, and whether it ends sharply."""

    width: int
    level: float
    sharp: bool


def find_bars(pixels: NDArray[np.uint8]) -> Crop | None:
    """The uniform bars on two opposite sides or on all four of a film (H, W).

    Returns:
        How many pixels they take of each side; None where there are none to speak of.
    """
    height, width = pixels.shape
    rows = [_bar(view) for view in (pixels, pixels[::-1])]
    columns = [_bar(view) for view in (pixels.T, pixels.T[::-1])]
    # The bars of the other two sides are no part of the line behind a bar.
    inner_rows = _inside(pixels.T, columns).T  # (H, w)
    inner_columns = _inside(pixels, rows).T  # (W, h)
    top, bottom = _pair([inner_rows, inner_rows[::-1]], rows, height)
    left, right = _pair([inner_columns, inner_columns[::-1]], columns, width)
    if not (top or left):
        return None
    return Crop(left=left, top=top, right=right, bottom=bottom)


def _inside(lines: NDArray[np.uint8], bars: list[_Bar]) -> NDArray[np.uint8]:
    """What lies between two bars; all of it where that would leave nothing."""
    first, last = bars
    inside = lines[first.width : len(lines) - last.width]
    return inside if len(inside) else lines


def _pair(views: list[NDArray[np.uint8]], outer: list[_Bar], side: int) -> tuple[int, int]:
    """The widths of two opposite bars; (0, 0) where either is none."""
    if not all(bar.width for bar in outer):
        return 0, 0
    first, second = (_bar(view) for view in views)
    alike = abs(first.level - second.level) <= TOLERANCE
    wide = min(first.width, second.width) >= MIN_BAR * side
    return (
        (first.width, second.width) if alike and wide and first.sharp and second.sharp else (0, 0)
    )


def _bar(lines: NDArray[np.uint8]) -> _Bar:
    """The bar at the head of lines (L, P) that run inward from an edge."""
    level = float(np.median(lines[:2]))
    outermost = _outliers(lines[:1], level)[0]
    if outermost > _MAX_OUTLIERS:  # most films: nothing further to look at
        return _Bar(0, level, sharp=False)
    outliers = _outliers(lines[: int(_MAX_SHARE * len(lines)) + _RINGING], level)  # (l,)
    beyond = np.flatnonzero(outliers > _MAX_OUTLIERS)
    if not len(beyond):
        return _Bar(0, level, sharp=False)
    start = int(beyond[0])
    step = float(outliers[start : start + _RINGING].max())
    width = start + int(np.argmax(outliers[start : start + _RINGING] >= step / 2))
    rise = outliers[width : width + 2].max() - outliers[max(width - 2, 0)]
    sharp = bool(step >= _MIN_STEP and rise >= _MIN_SHARPNESS * step)
    return _Bar(width, level, sharp=sharp)


def _outliers(lines: NDArray[np.uint8], level: float) -> NDArray[np.float64]:
    """Share of each line that is further from a gray level than ``TOLERANCE``."""
    sample = lines[:, :: max(1, lines.shape[1] // _MAX_SAMPLES)].astype(np.int16)
    share: NDArray[np.float64] = (np.abs(sample - round(level)) > TOLERANCE).mean(axis=1)
    return share
