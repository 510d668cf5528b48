"""Lines of equal evidence, drawn into a layer: solid where it raises, dashed where it lowers.

Each line has a dark casing, so that it stands out on bright and on dark film, and grows in weight
and brightness with its level, so that the levels are told apart in grey print too.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.export.colours import STEPS, evidence_ramp

CONTOUR_LEVELS = (0.25, 0.5, 0.75)  # shares of the scale
# Lengths of a dash and of a gap, in the width of a line with its casing.
_DASH = 2.4
_GAP = 1.8
_SMOOTHED_UP_TO = 2200  # longest side that is drawn at twice its size, for smooth edges
_LEAST_WEIGHT = 3  # pixels, so that a small multiple shows its lines
_CASING = (12, 12, 12)

Stroke = tuple[list[tuple[float, float]], int, tuple[int, int, int]]  # points, width, colour


def draw_contours(
    layer: NDArray[np.uint8],
    share: NDArray[np.float32],
    levels: Sequence[float],
    *,
    signed: bool,
) -> NDArray[np.uint8]:
    """Draw lines at shares of the scale into a layer.

    Args:
        layer: (H, W, 4) RGBA, not written to.
        share: (h, w) the map as a share of the scale, -1 to 1, on any grid over the whole film.
        levels: 0 to 1, rising.
        signed: draw dashed lines at the same negative levels too.

    Returns:
        uint8 (H, W, 4), RGBA.
    """
    height, width = layer.shape[:2]
    scale = 2 if max(height, width) <= _SMOOTHED_UP_TO else 1
    strokes = list(_strokes(share, levels, (height * scale, width * scale), signed=signed))
    if not strokes:
        return layer
    size = (width * scale, height * scale)
    ink, mask = Image.new("RGB", size), Image.new("L", size)
    pen, mask_pen = ImageDraw.Draw(ink), ImageDraw.Draw(mask)
    casing = _casing(max(size))
    for points, weight, _ in strokes:
        pen.line(points, fill=_CASING, width=weight + 2 * casing, joint="curve")
        mask_pen.line(points, fill=255, width=weight + 2 * casing, joint="curve")
    for points, weight, colour in strokes:
        pen.line(points, fill=colour, width=weight, joint="curve")
    # What was not drawn is black, so the reduced ink is already weighted by its mask.
    return _over(layer, np.asarray(ink.reduce(scale)), np.asarray(mask.reduce(scale)))


def _over(
    layer: NDArray[np.uint8], ink: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Ink (H, W, 3), weighted by its mask (H, W), over a layer (H, W, 4)."""
    result = layer.copy()
    drawn = mask > 0
    below = layer[drawn].astype(np.float32)  # (n, 4)
    left = below[:, 3] / 255 * (1 - mask[drawn] / 255)  # (n,) what shows of the layer
    alpha = mask[drawn] / 255 + left  # (n,)
    colour = (ink[drawn] + below[:, :3] * left[:, None]) / alpha[:, None]  # (n, 3)
    result[drawn] = np.rint(np.column_stack([colour, alpha * 255])).clip(0, 255).astype(np.uint8)
    return result


def _strokes(
    share: NDArray[np.float32], levels: Sequence[float], shape: tuple[int, int], *, signed: bool
) -> Iterator[Stroke]:
    height, width = shape
    rows, columns = share.shape
    for negative in (False, True) if signed else (False,):
        # A border below every level closes the lines at the film's edge.
        padded = np.pad(-share if negative else share, 1, constant_values=-1.0)
        traced = contour_generator(z=padded)
        for level in levels:
            # The lowest line is still bright enough to be seen.
            step = round((0.35 + 0.65 * level) * (STEPS - 1))
            red, green, blue = (int(c) for c in evidence_ramp(negative=negative)[step])
            weight = max(_LEAST_WEIGHT, round(max(height, width) / 360 * (0.5 + level)))
            length = weight + 2 * _casing(max(height, width))
            for line in traced.lines(level):
                # Sample i of the padded grid is the centre of sample i - 1 of the map.
                points = (np.asarray(line) - 0.5) * (width / columns, height / rows)  # (n, 2)
                for piece in _dashes(points, length) if negative else [points]:
                    yield [(float(x), float(y)) for x, y in piece], weight, (red, green, blue)


def _casing(longest: int) -> int:
    """Its width on either side of a line, in pixels."""
    return max(1, round(longest / 900))


def _dashes(points: NDArray[np.float64], length: int) -> Iterator[NDArray[np.float64]]:
    """A polyline (n, 2) cut into dashes, each (m, 2)."""
    steps = np.hypot(*np.diff(points, axis=0).T)  # (n - 1,)
    along = np.concatenate([[0.0], np.cumsum(steps)])  # (n,)
    for start in np.arange(0.0, along[-1], (_DASH + _GAP) * length):
        inside = np.linspace(start, min(start + _DASH * length, along[-1]), 6)
        yield np.stack([np.interp(inside, along, points[:, axis]) for axis in (0, 1)], axis=1)
