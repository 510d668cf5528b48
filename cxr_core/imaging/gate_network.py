"""The fitted part of the input gate: a film's thumbnail and what kind of picture it looks like."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import GateParameters
from cxr_core.imaging.preprocessing import to_square

Floats = NDArray[np.float32]

THUMBNAIL = 32  # px a side; the ribs are gone, the shape of a chest is left
UPRIGHT = "upright"
_VIA = 224  # px; films are fitted from squares of this side, so those that are read go by it too


def thumbnails(squares: NDArray[np.uint8], side: int = THUMBNAIL) -> Floats:
    """Squares (N, S, S) of whole films -> standardised thumbnails (N, side * side).

    Each has mean 0 and standard deviation 1 (a blank one is 0), so that exposure does not matter.
    """
    small = np.stack(
        [
            np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BOX))
            for square in np.ascontiguousarray(squares)
        ]
    ).reshape(len(squares), -1)  # (N, side * side)
    gray = small.astype(np.float32)
    spread = np.maximum(gray.std(axis=1, keepdims=True), 1.0)
    result: Floats = (gray - gray.mean(axis=1, keepdims=True)) / spread
    return result


def film_thumbnail(pixels: NDArray[np.uint8], parameters: GateParameters) -> Floats:
    """A film (H, W) of any size -> its thumbnail (S, S) for these parameters."""
    side = math.isqrt(parameters.arrays["mean"].size)
    return thumbnails(to_square(pixels, _VIA)[None], side).reshape(side, side)


def log_probabilities(thumbs: Floats, parameters: GateParameters) -> Floats:
    """Thumbnails (N, S * S) -> log probability of each kind (N, c), the mean over the networks.

    The mean is of the logarithms: where the networks have seen nothing alike they disagree, and
    one that doubts outweighs those that do not.
    """
    arrays = parameters.arrays
    scores = (thumbs - arrays["mean"]) @ arrays["components"].T  # (N, k)
    hidden = np.maximum(scores @ arrays["hidden"] + arrays["hidden_bias"][:, None], 0)  # (m, N, h)
    logits = hidden @ arrays["output"] + arrays["output_bias"][:, None]  # (m, N, c)
    logits = logits - logits.max(axis=2, keepdims=True)
    result: Floats = (logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))).mean(axis=0)
    return result
