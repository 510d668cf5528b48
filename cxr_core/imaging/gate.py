"""Whether a decoded picture is an upright frontal chest film that may be read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.arrays import Floats
from cxr_core.config import GateParameters
from cxr_core.imaging.bars import find_bars
from cxr_core.imaging.correction import QUARTER_TURNS, Correction, Crop
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.tilt import tilt_degrees
from cxr_core.imaging.unusual import unusual_notes

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
# The same of several steps: with more of them to try, one fits by chance more often.
_SUGGEST_SEVERAL_ABOVE = math.log(0.9)
# A side; percentiles need no more, and a large film is checked as fast as a small one.
_MAX_SAMPLES = 512
_INVERTED = "The film looks inverted: bones are dark."
_ON_ITS_SIDE = "The film appears to lie on its side."
_UPSIDE_DOWN = "The film appears to be upside down."
_BARS = "The film lies between uniform bars."
_TURN_SENTENCES = {1: _ON_ITS_SIDE, 2: _UPSIDE_DOWN, 3: _ON_ITS_SIDE}  # by quarters that mend it
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
    """A film (H, W) of any size -> its thumbnail (S, S) for these parameters.

    A square of ``GATE_SIDE``, as ``to_square`` makes it, has the film's own thumbnail.
    """
    square = pixels if pixels.shape == (GATE_SIDE, GATE_SIDE) else to_square(pixels, GATE_SIDE)
    side = math.isqrt(parameters.arrays["mean"].size)
    return thumbnails(square[None], side).reshape(side, side)


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


def probe_scores(pooled: NDArray[np.float32], parameters: GateParameters) -> NDArray[np.float32]:
    """Pooled features (N, C) of the network that reads -> how much like a film's (N,), logits.

    The network may see what a thumbnail does not show: tissue that is no lung.
    """
    arrays = parameters.arrays
    centred = pooled - arrays["probe_mean"]  # (N, C)
    scores: NDArray[np.float32] = np.add(centred @ arrays["probe_weight"], arrays["probe_bias"])
    return scores


@dataclass(frozen=True)
class GateResult:
    """Whether a film may be read, and what speaks against it.

    Attributes:
        passed: no reason was found to stop.
        reasons: sentences for the reader, what the file says of itself first; empty when passed.
        suggestion: the key of the correction that would fix it, tried and found right, to be done
            to the film as it was looked at; None for none. A film that passes may have one, too.
        notes: what a reader should know of a film that passes.
    """

    passed: bool
    reasons: tuple[str, ...]
    suggestion: str | None = None
    notes: tuple[str, ...] = ()


def check_radiograph(
    radiograph: Radiograph,
    parameters: GateParameters | None = None,
    pooled: NDArray[np.float32] | None = None,
    square: NDArray[np.uint8] | None = None,
) -> GateResult:
    """Stop what is no upright frontal chest film: by its pixels, and by its tags where it has any.

    Args:
        parameters: the fitted classifier that came with the model; without it only checks that
            need none are made.
        pooled: (C,) what the model's network makes of the film, before its last layer; without it
            the classifier's probe is not asked.
        square: what ``to_square`` makes of the film, where that is known already; one of another
            side than ``GATE_SIDE`` is not used.
    """
    basic = [*_basic_checks(radiograph.pixels)]
    said = [*radiograph.rejection_reasons]
    if radiograph.colour_fraction > MAX_COLOUR_FRACTION:
        said.append(
            f"{100 * radiograph.colour_fraction:.0f} % of the image is in colour; it looks like a "
            "photograph or a screenshot, not a radiograph."
        )
    if parameters is None or said:
        reasons = (*said, *basic)
        return GateResult(passed=not reasons, reasons=reasons)
    result = _judge(radiograph.pixels, tuple(basic), parameters, square)
    if result.passed and pooled is not None and parameters.probe_threshold is not None:
        score = float(probe_scores(pooled[None], parameters)[0])
        if score < parameters.probe_threshold:
            return GateResult(False, (_OTHER_SENTENCE,), result.suggestion)
    return result


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
    low, high = _gray_percentiles(sample, (1, 99))
    if high - low < MIN_CONTRAST:
        yield (
            f"The image is almost uniformly gray (levels {low:.0f} to {high:.0f} of 0 to 255); "
            "there is nothing to read."
        )


def _gray_percentiles(pixels: NDArray[np.uint8], percents: tuple[float, float]) -> Floats:
    """``np.percentile`` of 8-bit gray values, counted and not sorted: a tenth of its time."""
    up_to = np.cumsum(Image.fromarray(np.ascontiguousarray(pixels)).histogram())  # (256,)
    places = np.array(percents) / 100 * (pixels.size - 1)
    before = np.floor(places)
    low, high = np.searchsorted(up_to, (before, np.ceil(places)), side="right")
    result: Floats = low + (high - low) * (places - before)
    return result


def _judge(
    pixels: NDArray[np.uint8],
    basic: tuple[str, ...],
    parameters: GateParameters,
    square: NDArray[np.uint8] | None,
) -> GateResult:
    """What the classifier says of a film, and of what could be done to it.

    Args:
        basic: what other checks found; only a crop may mend that.
    """
    if square is None or len(square) != GATE_SIDE:
        square = to_square(pixels, GATE_SIDE)
    as_it_is = film_thumbnail(square, parameters)  # (S, S)
    scores = log_probabilities(as_it_is.reshape(1, -1), parameters)[0]  # (c,)
    passed = not basic and bool(scores[0] >= parameters.threshold)
    bars = find_bars(pixels)
    if bars is not None and any(_basic_checks(bars.apply(pixels))):
        bars = None
    if passed:
        crop = _best([Correction(crop=bars)] if bars else [], pixels, parameters)
        if crop is None:
            return GateResult(True, (), notes=_notes(square, None))
        cropped = to_square(crop.crop.apply(pixels), GATE_SIDE)
        return GateResult(True, (), crop.key, _notes(cropped, crop.crop))
    for steps, trials in enumerate(_trials(bars, only_cropped=bool(basic)), start=1):
        above = _SUGGEST_ABOVE if steps == 1 else _SUGGEST_SEVERAL_ABOVE
        if best := _best(trials, pixels, parameters, above=above):
            return GateResult(False, (*basic, _fault(best)), best.key)
    kind = parameters.class_names[int(scores.argmax())]
    reasons = basic or (_KIND_SENTENCES.get(kind, _OTHER_SENTENCE),)
    return GateResult(False, reasons)


def _trials(bars: Crop | None, *, only_cropped: bool) -> Iterator[list[Correction]]:
    """What to try, first what needs one step, then two, then three."""
    single = [Correction(inverted=True), *map(_turn, QUARTER_TURNS.values())]
    double = [_turn(quarters, inverted=True) for quarters in QUARTER_TURNS.values()]
    crop = [] if bars is None else [Correction(crop=bars)]
    cropped = [[one.then(more) for one in crop for more in steps] for steps in (single, double)]
    if only_cropped:
        yield from (crop, *cropped)
    else:
        yield from ([*single, *crop], [*double, *cropped[0]], cropped[1])


def _turn(quarters: int, *, inverted: bool = False) -> Correction:
    return Correction(inverted=inverted, quarters=quarters)


def _best(
    trials: list[Correction],
    pixels: NDArray[np.uint8],
    parameters: GateParameters,
    *,
    above: float = _SUGGEST_ABOVE,
) -> Correction | None:
    """The correction after which the film looks most like an upright one; None if none does.

    Args:
        above: the least log probability of that.
    """
    if not trials:
        return None
    thumbs = {
        crop: film_thumbnail(crop.apply(pixels), parameters)
        for crop in {trial.crop for trial in trials}
    }
    moved = [
        # Standardised: to invert is to change the sign.
        np.rot90(thumbs[trial.crop] * (-1 if trial.inverted else 1), trial.quarters).reshape(-1)
        for trial in trials
    ]
    upright = log_probabilities(np.stack(moved), parameters)[:, 0]  # (n,)
    best = int(upright.argmax())
    return trials[best] if upright[best] >= above else None


def _fault(correction: Correction) -> str:
    """What is wrong with a film that a correction mends, and that it does."""
    faults = [_BARS] if correction.crop else []
    faults += [_INVERTED] if correction.inverted else []
    faults += [_TURN_SENTENCES[correction.quarters]] if correction.quarters else []
    return f"{' '.join(faults)} {correction.words.doing} would fix this."


def _notes(square: NDArray[np.uint8], bars: Crop | None) -> tuple[str, ...]:
    """What is to be said of a film that passes.

    Args:
        square: the film without its bars, as ``to_square`` makes it.
    """
    notes = []
    if bars is not None:
        notes.append(f"{_BARS} The model reads them with it: {bars.sides}. They can be cropped.")
    if (tilt := tilt_degrees(square)) is not None:
        way = "clockwise" if tilt > 0 else "counter-clockwise"
        notes.append(
            f"The film looks tilted by about {abs(tilt):.0f} degrees {way}; tilted films are read "
            "less reliably."
        )
    return (*notes, *unusual_notes(square))
