"""What drawn slices and laterals are made of: soft ellipses and bells, on a small square."""

import numpy as np
from numpy.typing import NDArray

Square = NDArray[np.uint8]
Floats = NDArray[np.float64]
Generator = np.random.Generator
SIDE = 72  # px; thumbnails of 32 px need no more, and it is drawn in a tenth of the time
X: Floats
Y: Floats
Y, X = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), indexing="ij")


def blob(
    rng: Generator, x: float, y: float, wide: float, high: float, roughness: float = 0.06
) -> Floats:
    """A soft-edged, slightly uneven ellipse, 0 to 1 (S, S); the picture spans -1 to 1."""
    tilt = rng.normal(0, 0.15)
    right, down = X - x, Y - y
    u = (right * np.cos(tilt) + down * np.sin(tilt)) / wide
    v = (down * np.cos(tilt) - right * np.sin(tilt)) / high
    angle, edge = np.arctan2(v, u), np.ones_like(u)
    for wave in range(2, 5):
        edge += rng.normal(0, roughness / wave) * np.cos(wave * angle + rng.uniform(0, 6.3))
    inside: Floats = np.clip((edge - np.hypot(u, v)) * min(wide, high) * SIDE / 3 + 0.5, 0, 1)
    return inside


def paint(picture: Floats, mask: Floats, gray: float) -> None:
    """Lay a gray over the picture, as far as the mask (S, S), 0 to 1, covers it."""
    picture += mask * (gray - picture)


def bump(along: Floats, middle: Floats | float, width: float) -> Floats:
    """A bell of height 1."""
    bell: Floats = np.exp(-(((along - middle) / width) ** 2))
    return bell
