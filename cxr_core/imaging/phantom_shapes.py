"""Where each pixel of a phantom lies in the patient, and the few shapes the drawing is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.imaging.phantom_patient import Film, Patient

Field = NDArray[np.float32]  # (H, W), one number a pixel


@dataclass(frozen=True)
class Frame:
    """Every pixel in the patient's own coordinates, before turn, shift and size of the film.

    Attributes:
        x: (S, S) to the image's right, 0 in the middle of the chest.
        y: (S, S) downwards.
        out: (S, S) distance from the middle of the chest, ``abs(x)``.
        right: (S, S) bool, the patient's right half (the image's left).
        matrix: (2, 2), and offset (2,): film coordinates are ``matrix @ (x, y) + offset``.
    """

    x: Field
    y: Field
    out: Field
    right: NDArray[np.bool_]
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def by_side(self, right: float, left: float) -> Field:
        """(S, S): one number on the patient's right half, another on the left, no seam between."""
        return np.float32(right) + np.float32(left - right) * step(self.x, 0.15)

    def between(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns that hold all of a rectangle of the patient: no need to draw more."""
        size = len(self.x)
        corners = self.to_pixels(np.array([(u, v) for u in x for v in y]), size)  # (4, 2)
        margin = 0.04 * size  # the bend
        low = np.clip(corners.min(axis=0) - margin, 0, size).astype(int)
        high = np.clip(corners.max(axis=0) + margin, 0, size).astype(int) + 1
        return slice(low[1], high[1]), slice(low[0], high[0])

    def cut(self, part: tuple[slice, slice]) -> "Frame":
        """The frame of these rows and columns only."""
        x, y, out, right = self.x[part], self.y[part], self.out[part], self.right[part]
        return Frame(x, y, out, right, self.matrix, self.offset)

    def to_pixels(self, points: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """(N, 2) points (x, y) of the patient -> (N, 2) pixels of a ``size`` x ``size`` film."""
        film: NDArray[np.float64] = points @ self.matrix.T + self.offset  # (N, 2), -1 to 1
        return (film + 1.0) * size / 2.0


def lay_frame(patient: Patient, film: Film, size: int) -> Frame:
    """Lay the film over the patient: turn, shift, size, and a slight bend of everything."""
    cosine, sine = np.cos(film.turn), np.sin(film.turn)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = turn @ np.diag([patient.width * film.zoom, patient.height * film.zoom])
    offset = np.array(film.shift)
    inverse = np.linalg.inv(matrix).astype(np.float32)
    along = ((np.arange(size, dtype=np.float32) + 0.5) * 2.0 / size - 1.0).astype(np.float32)
    film_x, film_y = along[None, :] - np.float32(offset[0]), along[:, None] - np.float32(offset[1])
    bend = smooth_noise(np.random.default_rng([patient.seed, 1]), 5, size) * np.float32(0.010)
    x = inverse[0, 0] * film_x + inverse[0, 1] * film_y + bend  # (S, S)
    y = inverse[1, 0] * film_x + inverse[1, 1] * film_y + bend.T  # (S, S)
    return Frame(x, y, np.abs(x), x < 0, matrix, offset)


def smooth_noise(rng: np.random.Generator, cells: int, size: int) -> Field:
    """(S, S) normal noise, as coarse as ``cells`` a side and smooth between."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)


def step(distance: Field, softness: float) -> Field:
    """0 outside, 1 inside: a smooth step as ``distance`` goes from -softness to softness."""
    t = distance * np.float32(0.5 / softness)
    t += np.float32(0.5)
    np.clip(t, np.float32(0.0), np.float32(1.0), out=t)
    smooth = t * np.float32(-2.0)
    smooth += np.float32(3.0)
    smooth *= t
    smooth *= t
    return smooth


def ball(
    frame: Frame, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> Field:
    """(S, S) path length through an ellipsoid, 0 to 1; ``angle`` in radians, clockwise."""
    path = np.zeros_like(frame.x)
    (x, y), reach = centre, max(radii)
    part = frame.between((x - reach, x + reach), (y - reach, y + reach))
    dx, dy = frame.x[part] - np.float32(centre[0]), frame.y[part] - np.float32(centre[1])
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = (cosine * dx + sine * dy) / np.float32(radii[0])
    across = (cosine * dy - sine * dx) / np.float32(radii[1])
    path[part] = np.sqrt(np.maximum(1.0 - along * along - across * across, np.float32(0.0)))
    return path


def tube(across: Field) -> Field:
    """(S, S) path length through a bone's shell: bright rims, paler marrow.

    Args:
        across: distance from the bone's axis, in radii.
    """
    squared = across * across
    whole = np.sqrt(np.maximum(1.0 - squared, np.float32(0.0)))
    marrow = np.sqrt(np.maximum(1.0 - squared * np.float32(1.45), np.float32(0.0)))
    bone: Field = whole - np.float32(0.55) * marrow
    return bone
