"""Small changes of one film, read again: how far its probabilities move. Not an error bar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.scoring import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import normalise, to_square
from cxr_core.model.engine import ServedModel

SHIFT_FRACTION = 0.04  # of the film's side
ROTATION_DEGREES = 5.0  # degrees
CONTRAST_CHANGE = 0.10  # of the distance from the film's mean gray
GAMMAS = (0.9, 1.1)
UNCHANGED = "unchanged"
_SUPERSAMPLING = 4

Square = NDArray[np.uint8]


@dataclass(frozen=True)
class Probes:
    """One film read again under a fixed set of small changes; dictionaries are by finding key.

    Attributes:
        probabilities: by change, then by finding: calibrated, 0 to 1; ``unchanged`` is the film.
        low, high: the least and the greatest of them.
        image_sha256, model_sha256, correction: of the analysis that they belong to.
    """

    probabilities: dict[str, dict[str, float]]
    low: dict[str, float]
    high: dict[str, float]
    image_sha256: str
    model_sha256: str
    correction: str | None

    def is_borderline(self, key: str, point: OperatingPoint) -> bool:
        """Whether some of a finding's probabilities reach a cut-off and some do not."""
        return self.low[key] < point.threshold <= self.high[key]


def read_perturbed(
    pixels: NDArray[np.uint8],
    model: ServedModel,
    *,
    image_sha256: str,
    correction: str | None,
) -> Probes:
    """Read all changes of a film in one batch.

    Args:
        pixels: uint8 (H, W), as the model saw it, corrections done.
    """
    metadata = model.metadata
    perturbed = perturb(pixels, metadata.preprocessing.size)
    films = np.stack(list(perturbed.values()))  # (B, S, S)
    logits = model.logits(normalise(films, metadata.preprocessing))  # (B, 4)
    probabilities = to_probabilities(logits, metadata.calibration)  # (B, 4)
    return Probes(
        probabilities={
            name: dict(zip(KEYS, map(float, row), strict=True))
            for name, row in zip(perturbed, probabilities, strict=True)
        },
        low=dict(zip(KEYS, map(float, probabilities.min(axis=0)), strict=True)),
        high=dict(zip(KEYS, map(float, probabilities.max(axis=0)), strict=True)),
        image_sha256=image_sha256,
        model_sha256=metadata.model_sha256,
        correction=correction,
    )


def perturb(pixels: NDArray[np.uint8], size: int) -> dict[str, Square]:
    """The squashed film and its ten small changes, uint8 (S, S) each, by name.

    Shifts go by whole pixels of the square, so that nothing is blurred on the way, and a turn is
    made before the squash, of the film and not of the square. What comes in at an edge continues
    the edge, as the body does on a film taken a little aside; a black frame would be another
    change.

    Args:
        pixels: uint8 (H, W), the film as the model is to see it.
        size: side S of the model's square in pixels.
    """
    square = to_square(pixels, size)  # (S, S)
    gray = square.astype(np.float64)
    mean = gray.mean()
    step = round(SHIFT_FRACTION * size)
    return {
        UNCHANGED: square,
        "left": _shift(square, 0, -step),
        "right": _shift(square, 0, step),
        "up": _shift(square, -step, 0),
        "down": _shift(square, step, 0),
        "turned left": _rotate(pixels, ROTATION_DEGREES, size),
        "turned right": _rotate(pixels, -ROTATION_DEGREES, size),
        "softer": _to_uint8(mean + (1 - CONTRAST_CHANGE) * (gray - mean)),
        "harder": _to_uint8(mean + (1 + CONTRAST_CHANGE) * (gray - mean)),
        **{f"gamma {gamma:g}": _to_uint8(255 * (gray / 255) ** gamma) for gamma in GAMMAS},
    }


def _shift(square: Square, down: int, right: int) -> Square:
    rows = np.clip(np.arange(len(square)) - down, 0, len(square) - 1)
    columns = np.clip(np.arange(len(square)) - right, 0, len(square) - 1)
    return np.ascontiguousarray(square[np.ix_(rows, columns)])


def _rotate(pixels: NDArray[np.uint8], degrees: float, size: int) -> Square:
    """Turn a film, to the left where positive, and squash it.

    It is turned on a square four times as fine as the model's, in the film's own proportions:
    as good as at full size, and much quicker (docs/experiments.md, "Smaller choices").
    """
    aspect = pixels.shape[0] / pixels.shape[1]
    fine = _SUPERSAMPLING * size
    margin = fine // 4  # more than a turn of 5 degrees brings in, up to an aspect of 2.5
    padded = Image.fromarray(np.pad(to_square(pixels, fine), margin, mode="edge"))
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    # From the shown picture's x, y to the film's: squash undone, turned, squashed again.
    across, along = -sine * aspect, sine / aspect
    middle, centre = fine / 2, fine / 2 + margin
    matrix = (
        cosine, across, centre - (cosine + across) * middle,
        along, cosine, centre - (along + cosine) * middle,
    )  # fmt: skip
    turned = padded.transform(
        (fine, fine), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return to_square(np.asarray(turned), size)


def _to_uint8(gray: NDArray[np.float64]) -> Square:
    result: Square = np.rint(gray.clip(0, 255)).astype(np.uint8)
    return result
