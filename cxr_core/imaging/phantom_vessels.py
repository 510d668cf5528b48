"""The lungs' vessels: trees that branch from the hila and thin out towards the pleura."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.imaging.phantom_patient import Patient
from cxr_core.imaging.phantom_shapes import Field, Frame

_ROOTS = 9  # stems a side
_STEP = 0.065
_GENERATIONS = 10
_THINNEST = 0.0028
_FINER = 2  # the canvas is so many times finer than the film


def draw_vessels(patient: Patient, frame: Frame) -> Field:
    """(S, S) attenuation of the vessels, to be weighted by the lung's air around them."""
    size = len(frame.x)
    side = _FINER * size
    starts, ends, widths = _tree(patient)
    lines = np.hstack([frame.to_pixels(starts, side), frame.to_pixels(ends, side)])  # (N, 4)
    shades = np.clip(40 + 4200 * widths, 0, 255).astype(int)
    thick = np.maximum(np.rint(widths * side / 2), 1).astype(int)
    order = np.argsort(widths)  # thin ones first, so that stems lie on top
    canvas = Image.new("L", (side, side))
    brush = ImageDraw.Draw(canvas)
    for line, shade, width in zip(
        lines[order].tolist(), shades[order].tolist(), thick[order].tolist(), strict=True
    ):
        brush.line(line, fill=shade, width=width)
    soft = np.asarray(canvas.reduce(_FINER), dtype=np.float32)
    return soft * np.float32(0.33 * patient.vessels / 255)


def _tree(
    patient: Patient,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends (N, 2) and widths (N,) of all pieces, in the patient's coordinates."""
    rng = np.random.default_rng([patient.seed, 3])
    sides = np.repeat([-1.0, 1.0], _ROOTS)
    angle = np.tile(np.linspace(-1.25, 1.35, _ROOTS), 2)  # up and outwards ... down and outwards
    angle = angle + rng.uniform(-0.22, 0.22, len(angle))
    root = np.where(sides < 0, -0.02, -0.05) + 0.05 * angle
    place = np.stack([sides * rng.uniform(0.09, 0.15, len(angle)), root], axis=1)  # (N, 2)
    width = rng.uniform(0.020, 0.030, len(angle))
    starts, ends, widths = [], [], []
    for _ in range(_GENERATIONS):
        angle = angle + rng.uniform(-0.28, 0.28, len(angle))
        length = _STEP * rng.uniform(0.8, 1.25, len(angle))
        way = np.stack([sides * np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
        starts.append(place)
        ends.append(place + way)
        widths.append(width)
        fork = rng.random(len(angle)) < 0.48
        spread = rng.uniform(0.30, 0.60, len(angle)) * rng.choice([-1.0, 1.0], len(angle))
        place = np.concatenate([place + way, (place + way)[fork]])
        sides = np.concatenate([sides, sides[fork]])
        width = 0.78 * np.concatenate([width, 0.8 * width[fork]])
        angle = np.concatenate([angle, (angle + spread)[fork]])
        seen = (width > _THINNEST) & (np.abs(place[:, 0]) < 0.85)
        place, sides, width, angle = place[seen], sides[seen], width[seen], angle[seen]
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(widths)
