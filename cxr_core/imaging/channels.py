"""A picture's channels -> its gray values at full depth: colour to brightness, alpha onto black."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.decoded import (
    COLOUR_WARNING,
    LUMINANCE_WEIGHTS,
    colour_fraction,
    scale_to_uint8,
)

TRANSPARENT_WARNING = "Transparent parts of this image were filled with black."


class GrayChannel(NamedTuple):
    """What became of a picture's channels."""

    values: NDArray[Any]  # (H, W)
    colour_fraction: float  # share of the picture that has some
    warnings: tuple[str, ...]


def gray_of_channels(channels: NDArray[Any]) -> GrayChannel:
    """Gray values of 1 to 4 channels (H, W, C): gray or RGB, each with or without alpha last."""
    warnings = []
    gray, coloured = channels[:, :, 0], 0.0
    if channels.shape[2] >= 3:
        colour = channels[:, :, :3]
        if (colour != gray[:, :, None]).any():
            coloured = _colour_fraction(colour)
            gray = colour.astype(np.float64) @ LUMINANCE_WEIGHTS
            gray = gray if channels.dtype.kind == "f" else np.rint(gray).astype(channels.dtype)
            warnings.append(COLOUR_WARNING)
    if channels.shape[2] in (2, 4):
        alpha = channels[:, :, -1].astype(np.float64)
        opaque = 1.0 if channels.dtype.kind == "f" else float(np.iinfo(channels.dtype).max)
        if (alpha < opaque).any():
            laid = gray * (alpha / opaque).clip(0, 1)
            gray = laid if channels.dtype.kind == "f" else np.rint(laid).astype(channels.dtype)
            warnings.append(TRANSPARENT_WARNING)
    return GrayChannel(gray, coloured, tuple(warnings))


def _colour_fraction(colour: NDArray[Any]) -> float:
    """Of channels (H, W, 3) of any depth, on the scale that most of them use."""
    top = float(colour.max())
    levels = [scale_to_uint8(colour[:, :, i], low=0, high=top) for i in range(3)]
    return colour_fraction(np.stack(levels, axis=2))
