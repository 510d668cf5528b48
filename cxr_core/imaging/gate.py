"""Whether a decoded picture is an upright frontal chest film that may be read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import GateParameters
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import CORRECTIONS, QUARTER_TURNS, Radiograph

THUMBNAIL_SIDE = 32  # px a side; the ribs are gone, the shape of a chest is left
UPRIGHT, LATERAL, NO_FILM = "upright", "lateral", "no film"  # kinds of picture
GATE_SIDE = 224  # px; the classifier is fitted on thumbnails of squares of this side
# Gray levels between the 1st and the 99th percentile. See docs/gate.md.
MIN_CONTRAST = 16
# Long side over short side; the longest detectors in use for chests are 43 x 35 cm (1.23).
MAX_ASPECT_RATIO = 2.5
# Pixels of the shorter side; the network reads 224, and a smaller picture has been reduced.
MIN_READABLE_SIDE = 200
# Share of the picture; a coloured caption or an arrow on a film covers less.
MAX_COLOUR_FRACTION = 0.05
# Log probability of an upright chest film from which a correction is offered: more likely than not.
# The threshold below which a film is stopped is far lower, so as not to stop odd ones.
_SUGGEST_ABOVE = math.log(0.5)
# A side; percentiles need no more, and a large film is checked as fast as a small one.
_MAX_SAMPLES = 512
_INVERTED = "The film looks inverted: bones are dark."
_ON_ITS_SIDE = "The film appears to lie on its side."
_UPSIDE_DOWN = "The film appears to be upside down."
# The correction that mends a fault, and the kind of picture that has it -> the fault.
_CORRECTABLE_SENTENCES = {
    "invert": _INVERTED,
    "rotate_ccw": _ON_ITS_SIDE,
    "rotate_cw": _ON_ITS_SIDE,
    "rotate_180": _UPSIDE_DOWN,
}
_KIND_SENTENCES = {
    "inverted": _INVERTED,
    "turned left": _ON_ITS_SIDE,
    "turned right": _ON_ITS_SIDE,
    "upside down": _UPSIDE_DOWN,
    "left part": "Only the left part of a chest appears to be visible.",
    "right part": "Only the right part of a chest appears to be visible.",
    "lower part": "Only the lower part of a chest appears to be visible.",
    "upper part": "Only the upper part of a chest appears to be visible.",
    "enlarged part": "Only an enlarged part of a chest appears to be visible.",
    LATERAL: "This looks like a lateral film, not a frontal one.",
}
_OTHER_SENTENCE = "This does not look like an upright frontal chest film."


# The fitted part of the input gate: a film's thumbnail and what kind of picture it looks like.


def thumbnails(squares: NDArray[np.uint8], side: int = THUMBNAIL_SIDE) -> NDArray[np.float32]:
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
    result: NDArray[np.float32] = (gray - gray.mean(axis=1, keepdims=True)) / spread
    return result


def film_thumbnail(pixels: NDArray[np.uint8], parameters: GateParameters) -> NDArray[np.float32]:
    """A film (H, W) of any size -> its thumbnail (S, S) for these parameters."""
    side = math.isqrt(parameters.arrays["mean"].size)
    return thumbnails(to_square(pixels, GATE_SIDE)[None], side).reshape(side, side)


def log_probabilities(
    thumbs: NDArray[np.float32], parameters: GateParameters
) -> NDArray[np.float32]:
    """Thumbnails (N, S * S) -> log probability of each kind (N, c), the mean over the networks.

    The mean is of the logarithms: where the networks have seen nothing alike they disagree, and
    one that doubts outweighs those that do not.
    """
    arrays = parameters.arrays
    scores = (thumbs - arrays["mean"]) @ arrays["components"].T  # (N, k)
    hidden = np.maximum(scores @ arrays["hidden"] + arrays["hidden_bias"][:, None], 0)  # (m, N, h)
    logits = hidden @ arrays["output"] + arrays["output_bias"][:, None]  # (m, N, c)
    logits = logits - logits.max(axis=2, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))  # (m, N, c)
    result: NDArray[np.float32] = logs.mean(axis=0)
    return result


@dataclass(frozen=True)
class GateResult:
    """Whether a film may be read, and what speaks against it.

    Attributes:
        passed: no reason was found to stop.
        reasons: sentences for the reader; empty when passed.
        suggestion: the correction (``radiograph.CORRECTIONS``) that would fix it; None for none.
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
    reasons = [*_basic_checks(radiograph.pixels), *radiograph.rejection_reasons]
    if radiograph.colour_fraction > MAX_COLOUR_FRACTION:
        reasons.append(
            f"{100 * radiograph.colour_fraction:.0f} % of the image is in colour; it looks like a "
            "photograph or a screenshot, not a radiograph."
        )
    suggestion = None
    if parameters is not None and not reasons:
        suggestion, classifier_reasons = _classify(radiograph.pixels, parameters)
        reasons.extend(classifier_reasons)
    return GateResult(passed=not reasons, reasons=tuple(reasons), suggestion=suggestion)


def _basic_checks(pixels: NDArray[np.uint8]) -> Iterator[str]:
    height, width = pixels.shape
    aspect = max(height, width) / min(height, width)
    if aspect > MAX_ASPECT_RATIO:
        yield (
            f"One side of the image is {aspect:.1f} times as long as the other ({width} x {height} "
            "pixels); a chest radiograph is nearly square."
        )
    if min(height, width) < MIN_READABLE_SIDE:
        yield (
            f"The image has only {width} x {height} pixels, too few for fine detail. Use the "
            f"original film, with at least {MIN_READABLE_SIDE} pixels on each side."
        )
    sample = pixels[:: max(1, height // _MAX_SAMPLES), :: max(1, width // _MAX_SAMPLES)]
    low, high = np.percentile(sample, (1, 99))
    if high - low < MIN_CONTRAST:
        yield (
            f"The image is almost uniformly gray (levels {low:.0f} to {high:.0f} of 0 to 255); "
            "there is nothing to read."
        )


def _classify(
    pixels: NDArray[np.uint8], parameters: GateParameters
) -> tuple[str | None, tuple[str, ...]]:
    """The correction after which the film passes, and the reason to stop it as it is."""
    thumb = film_thumbnail(pixels, parameters)  # (S, S)
    corrected = {"invert": -thumb}  # standardised: to invert is to change the sign
    corrected |= {
        name: np.rot90(thumb, quarter_turns) for name, quarter_turns in QUARTER_TURNS.items()
    }
    candidates = np.stack([thumb, *corrected.values()]).reshape(1 + len(corrected), -1)
    scores = log_probabilities(candidates, parameters)  # (5, c)
    if scores[0, 0] >= parameters.threshold:
        return None, ()
    best = int(scores[1:, 0].argmax())
    if scores[1 + best, 0] >= _SUGGEST_ABOVE:
        name = list(corrected)[best]
        fix = f"{CORRECTIONS[name].doing} would fix this."
        return name, (f"{_CORRECTABLE_SENTENCES[name]} {fix}",)
    kind = parameters.class_names[int(scores[0].argmax())]
    return None, (_KIND_SENTENCES.get(kind, _OTHER_SENTENCE),)
