"""Small changes of one film, read again: how far its probabilities move. Not an error bar."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import OperatingPoint
from cxr_core.evaluation.calibration import to_probabilities
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import normalise, to_square
from cxr_core.model.metadata import ModelMetadata

SHIFT = 0.04  # of the film's side
TURN = 5.0  # degrees
CONTRAST = 0.10  # of the distance from the film's mean gray
GAMMAS = (0.9, 1.1)
UNCHANGED = "unchanged"

Square = NDArray[np.uint8]


@dataclass(frozen=True)
class Probes:
    """One film read again under a fixed set of small changes; dictionaries are by finding key.

    Attributes:
        probabilities: by change, then by finding: calibrated, 0 to 1; ``unchanged`` is the film.
        low, high: the least and the greatest of them.
        crosses: some are above the operating point and some below: the finding is borderline.
        image_sha256, model_sha256, correction: of the analysis that they belong to.
    """

    probabilities: dict[str, dict[str, float]]
    low: dict[str, float]
    high: dict[str, float]
    crosses: dict[str, bool]
    image_sha256: str
    model_sha256: str
    correction: str | None


def probe_film(
    pixels: NDArray[np.uint8],
    logits_of: Callable[[torch.Tensor], torch.Tensor],
    metadata: ModelMetadata,
    *,
    image_sha256: str,
    correction: str | None,
) -> Probes:
    """Read all changes of a film in one batch.

    Args:
        pixels: uint8 (H, W), as the model saw it, corrections done.
        logits_of: float32 (B, 3, S, S) -> (B, 4) raw logits.
        metadata: of the model that ``logits_of`` belongs to.
    """
    height, width = pixels.shape
    square = to_square(pixels, metadata.preprocessing.size)  # (S, S)
    changed = changes(square, aspect=height / width)
    films = torch.from_numpy(np.stack(list(changed.values())))  # (B, S, S)
    # Channels last is a quarter faster for a batch; the logits agree to 1e-6.
    images = normalise(films, metadata.preprocessing).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        logits = logits_of(images).numpy()  # (B, 4)
    probabilities = to_probabilities(logits, metadata.calibration)  # (B, 4)
    return Probes(
        probabilities={
            name: dict(zip(KEYS, map(float, row), strict=True))
            for name, row in zip(changed, probabilities, strict=True)
        },
        low=dict(zip(KEYS, map(float, probabilities.min(axis=0)), strict=True)),
        high=dict(zip(KEYS, map(float, probabilities.max(axis=0)), strict=True)),
        crosses={
            key: crosses(probabilities[:, k], metadata.operating_points[key])
            for k, key in enumerate(KEYS)
        },
        image_sha256=image_sha256,
        model_sha256=metadata.model_sha256,
        correction=correction,
    )


def crosses(probabilities: NDArray[np.float64], point: OperatingPoint) -> bool:
    """Whether some of the probabilities (B,) reach the operating point and some do not."""
    above = probabilities >= point.threshold
    return bool(above.any() and not above.all())


def changes(square: Square, *, aspect: float) -> dict[str, Square]:
    """The film and its ten small changes, uint8 (S, S) each, by name.

    They are made on the square that the model sees, where the film itself is exact; a turn takes
    the squash into account, so it turns the film and not the square. What comes in at an edge
    continues the edge, as the body does on a film taken a little aside; a black frame would be
    another change.

    Args:
        square: uint8 (S, S), the squashed film.
        aspect: height over width of the film itself.
    """
    gray = square.astype(np.float64)
    mean = gray.mean()
    pixels = round(SHIFT * len(square))
    return {
        UNCHANGED: square,
        "left": _shift(square, 0, -pixels),
        "right": _shift(square, 0, pixels),
        "up": _shift(square, -pixels, 0),
        "down": _shift(square, pixels, 0),
        "turned left": _turn(square, TURN, aspect),
        "turned right": _turn(square, -TURN, aspect),
        "softer": _bytes(mean + (1 - CONTRAST) * (gray - mean)),
        "harder": _bytes(mean + (1 + CONTRAST) * (gray - mean)),
        **{f"gamma {gamma:g}": _bytes(255 * (gray / 255) ** gamma) for gamma in GAMMAS},
    }


def _shift(square: Square, down: int, right: int) -> Square:
    """Move by whole pixels, so that nothing is blurred on the way."""
    rows = np.clip(np.arange(len(square)) - down, 0, len(square) - 1)
    columns = np.clip(np.arange(len(square)) - right, 0, len(square) - 1)
    return np.ascontiguousarray(square[np.ix_(rows, columns)])


def _turn(square: Square, degrees: float, aspect: float) -> Square:
    """Turn the film that this square is squashed from, to the left where positive."""
    size = len(square)
    margin = size // 4  # more than a turn of 5 degrees brings in, up to an aspect of 2.5
    padded = Image.fromarray(np.pad(square, margin, mode="edge"))
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    # From the shown picture's x, y to the film's: squash undone, turned, squashed again.
    across, along = -sine * aspect, sine / aspect
    middle, centre = size / 2, size / 2 + margin
    matrix = (
        cosine, across, centre - (cosine + across) * middle,
        along, cosine, centre - (along + cosine) * middle,
    )  # fmt: skip
    turned = padded.transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.array(turned, dtype=np.uint8)


def _bytes(gray: NDArray[np.float64]) -> Square:
    result: Square = np.rint(gray.clip(0, 255)).astype(np.uint8)
    return result
