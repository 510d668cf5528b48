"""Whether a decoded picture is an upright frontal chest film that may be read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import GateParameters
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import Radiograph

Floats = NDArray[np.float32]
THUMBNAIL = 32  # px a side; the ribs are gone, the shape of a chest is left
UPRIGHT = "upright"
_VIA = 224  # px; films are fitted from squares of this side, so those that are read go by it too
# Gray levels between the 1st and the 99th percentile. Over 2,107 NIH films the least is 97.
LEAST_CONTRAST = 16
# Long side over short side; the longest detectors in use for chests are 43 x 35 cm (1.23).
GREATEST_ASPECT = 2.5
# Pixels of the shorter side; the network reads 224, and a smaller picture has been reduced.
LEAST_SIDE = 200
# Share of the picture; a coloured caption or an arrow on a film covers less.
MOST_COLOUR = 0.05
# Log probability of an upright chest film from which a correction is offered: more likely than not.
# The threshold below which a film is stopped is far lower, so as not to stop odd ones.
_SURE = math.log(0.5)
_SAMPLES = 512  # a side; percentiles need no more, and a large film is checked as fast as a small
_QUARTERS = {"turn-left": 1, "turn-right": 3, "turn-over": 2}
_MENDED = {
    "invert": "The film looks inverted: what is dense is dark. Inverted, it looks as it should.",
    "turn-left": "The film lies on its side. Turned left by a quarter, it looks as it should.",
    "turn-right": "The film lies on its side. Turned right by a quarter, it looks as it should.",
    "turn-over": "The film stands upside down. Turned by 180°, it looks as it should.",
}
_KINDS = {
    "inverted": "The film looks inverted: what is dense is dark.",
    "turned left": "The film seems to lie on its side.",
    "turned right": "The film seems to lie on its side.",
    "upside down": "The film seems to stand upside down.",
    "left part": "Only the left part of a chest seems to be on the picture.",
    "right part": "Only the right part of a chest seems to be on the picture.",
    "lower part": "Only the lower part of a chest seems to be on the picture.",
    "upper part": "Only the upper part of a chest seems to be on the picture.",
    "enlarged part": "Only an enlarged part of a chest seems to be on the picture.",
}
_UNLIKE = "The picture does not look like one upright frontal chest radiograph."


# The fitted part of the input gate: a film's thumbnail and what kind of picture it looks like.


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


def check_radiograph(
    radiograph: Radiograph, parameters: GateParameters | None = None
) -> GateResult:
    """Stop what is no upright frontal chest film: by its pixels, and by its tags where it has any.

    Args:
        parameters: the fitted classifier that came with the model; without it only checks that
            need none are made.
    """
    reasons = [*_shape_and_contrast(radiograph.pixels), *radiograph.objections]
    if radiograph.colour > MOST_COLOUR:
        reasons.append(
            f"There is colour on {100 * radiograph.colour:.0f} % of the picture; it looks like a "
            "photograph or a screenshot, not like a radiograph."
        )
    suggestion = None
    if parameters is not None and not reasons:
        suggestion, looks = _looks(radiograph.pixels, parameters)
        reasons.extend(looks)
    return GateResult(passed=not reasons, reasons=tuple(reasons), suggestion=suggestion)


def _shape_and_contrast(pixels: NDArray[np.uint8]) -> Iterator[str]:
    height, width = pixels.shape
    aspect = max(height, width) / min(height, width)
    if aspect > GREATEST_ASPECT:
        yield (
            f"The picture is {aspect:.1f} times as long as it is wide ({width} x {height} pixels); "
            "a chest radiograph is nearly square."
        )
    if min(height, width) < LEAST_SIDE:
        yield (
            f"The picture has only {width} x {height} pixels; fine detail is gone from it. Use the "
            f"film itself, with {LEAST_SIDE} pixels or more on each side."
        )
    sample = pixels[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    low, high = np.percentile(sample, (1, 99))
    if high - low < LEAST_CONTRAST:
        yield (
            f"The picture is nearly one even gray (levels {low:.0f} to {high:.0f} of 0 to 255); "
            "there is no film to read."
        )


def _looks(
    pixels: NDArray[np.uint8], parameters: GateParameters
) -> tuple[str | None, tuple[str, ...]]:
    """The correction after which the film passes, and the reason to stop it as it is."""
    thumb = film_thumbnail(pixels, parameters)  # (S, S)
    mended = {"invert": -thumb}  # standardised: to invert is to change the sign
    mended |= {name: np.rot90(thumb, quarters) for name, quarters in _QUARTERS.items()}
    tried = np.stack([thumb, *mended.values()]).reshape(1 + len(mended), -1)
    scores = log_probabilities(tried, parameters)  # (5, c)
    if scores[0, 0] >= parameters.threshold:
        return None, ()
    best = int(scores[1:, 0].argmax())
    if scores[1 + best, 0] >= _SURE:
        name = list(mended)[best]
        return name, (_MENDED[name],)
    kind = parameters.kinds[int(scores[0].argmax())]
    return None, (_KINDS.get(kind, _UNLIKE),)
