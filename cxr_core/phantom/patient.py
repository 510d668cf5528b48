"""Who is drawn, and how the film was taken: the numbers behind one phantom.

Lengths are in half sides of the film: the film spans -1 to 1 both ways, x to the image's right,
y downwards. ``right`` is the patient's right, which a frontal film shows on the image's left.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_PATIENT, _FILM = 1, 2  # separate streams of random numbers, so that one never moves the other
FloatImage = NDArray[np.float32]  # (H, W), one number a pixel


@dataclass(frozen=True)
class Patient:
    """What stays the same on every film of a patient."""

    age: int  # years
    sex: Literal["F", "M"]
    width: float  # 1 is average
    height: float
    lung_width: float  # middle of the chest to the ribs, at the base
    apex: float  # y of the top of the lungs
    costophrenic_y: float  # y of the costophrenic angles
    dome_right: float  # y of the top of the right hemidiaphragm
    dome_drop: float  # how much lower the left one is
    heart: float  # transverse size, 1 is average
    aorta: float
    soft_tissue: float  # thickness, 1 is average
    rib_spacing: float
    rib_slope: float
    bone: float  # density, 1 is average
    clavicle: float  # y of the medial ends
    vessels: float  # density, 1 is average
    stomach: float  # gas under the left hemidiaphragm, 0 is none
    fissure: float  # y of the horizontal fissure, which only the right lung has
    seed: int  # of what is drawn piece by piece: vessels, rib by rib variation


@dataclass(frozen=True)
class Acquisition:
    """What differs between two films of a patient."""

    rotation: float  # radians
    translation: tuple[float, float]
    zoom: float
    inspiration: float  # how much lower the diaphragm stands
    exposure: float  # 1 is average; more is whiter
    contrast: float  # 1 is average
    noise: float  # gray values, 0 to 255
    seed: int  # of noise and haze


def sample_patient(seed: int) -> Patient:
    """Draw a patient; the same seed gives the same patient."""
    rng = np.random.default_rng([seed, _PATIENT])

    def around(middle: float, spread: float) -> float:
        return float(middle + spread * rng.uniform(-1.0, 1.0))

    return Patient(
        age=int(rng.integers(18, 90)),
        sex="F" if rng.random() < 0.45 else "M",
        width=around(1.0, 0.06),
        height=around(1.0, 0.06),
        lung_width=around(0.77, 0.05),
        apex=around(-0.76, 0.06),
        costophrenic_y=around(0.62, 0.06),
        dome_right=around(0.30, 0.06),
        dome_drop=around(0.07, 0.035),
        heart=around(1.0, 0.16),
        aorta=around(1.0, 0.3),
        soft_tissue=around(1.0, 0.12),
        rib_spacing=around(0.150, 0.014),
        rib_slope=around(0.30, 0.06),
        bone=around(1.0, 0.25),
        clavicle=around(-0.56, 0.05),
        vessels=around(1.0, 0.3),
        stomach=max(0.0, around(0.4, 0.6)),
        fissure=around(-0.04, 0.06),
        seed=int(rng.integers(2**32)),
    )


def sample_acquisition(seed: int, film_index: int) -> Acquisition:
    """Draw how film number ``film_index`` (0 for the first) of a patient was taken."""
    rng = np.random.default_rng([seed, _FILM, film_index])
    return Acquisition(
        rotation=float(np.deg2rad(rng.uniform(-3.5, 3.5))),
        translation=(float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.05, 0.05))),
        zoom=float(rng.uniform(0.95, 1.05)),
        inspiration=float(rng.uniform(-0.04, 0.04)),
        exposure=float(rng.uniform(0.93, 1.07)),
        contrast=float(rng.uniform(0.88, 1.12)),
        noise=float(rng.uniform(2.0, 5.0)),
        seed=int(rng.integers(2**32)),
    )


# Where each pixel of a phantom lies in the patient, and the few shapes the drawing is made of.


@dataclass(frozen=True)
class PatientGrid:
    """Every pixel in the patient's own coordinates, before turn, shift and size of the film.

    Attributes:
        x: (S, S) to the image's right, 0 in the middle of the chest.
        y: (S, S) downwards.
        lateral: (S, S) distance from the middle of the chest, ``abs(x)``.
        is_right: (S, S) bool, the patient's right half (the image's left).
        matrix: (2, 2), and offset (2,): film coordinates are ``matrix @ (x, y) + offset``.
    """

    x: FloatImage
    y: FloatImage
    lateral: FloatImage
    is_right: NDArray[np.bool_]
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def by_side(self, right: float, left: float) -> FloatImage:
        """(S, S): one number on the patient's right half, another on the left, no seam between."""
        return np.float32(right) + np.float32(left - right) * smoothstep(self.x, 0.15)

    def slices_of(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns that hold all of a rectangle of the patient: no need to draw more."""
        size = len(self.x)
        corners = self.to_pixels(np.array([(u, v) for u in x for v in y]), size)  # (4, 2)
        margin = 0.04 * size  # the bend
        low = np.clip(corners.min(axis=0) - margin, 0, size).astype(int)
        high = np.clip(corners.max(axis=0) + margin, 0, size).astype(int) + 1
        return slice(low[1], high[1]), slice(low[0], high[0])

    def crop(self, part: tuple[slice, slice]) -> "PatientGrid":
        """The frame of these rows and columns only."""
        x, y, out, right = self.x[part], self.y[part], self.lateral[part], self.is_right[part]
        return PatientGrid(x, y, out, right, self.matrix, self.offset)

    def to_pixels(self, points: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """(N, 2) points (x, y) of the patient -> (N, 2) pixels of a ``size`` x ``size`` film."""
        film: NDArray[np.float64] = points @ self.matrix.T + self.offset  # (N, 2), -1 to 1
        return (film + 1.0) * size / 2.0


def make_patient_grid(patient: Patient, acquisition: Acquisition, size: int) -> PatientGrid:
    """Lay the film over the patient: turn, shift, size, and a slight bend of everything."""
    cosine, sine = np.cos(acquisition.rotation), np.sin(acquisition.rotation)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = turn @ np.diag([patient.width * acquisition.zoom, patient.height * acquisition.zoom])
    offset = np.array(acquisition.translation)
    inverse = np.linalg.inv(matrix).astype(np.float32)
    along = ((np.arange(size, dtype=np.float32) + 0.5) * 2.0 / size - 1.0).astype(np.float32)
    film_x, film_y = along[None, :] - np.float32(offset[0]), along[:, None] - np.float32(offset[1])
    bend = smooth_noise(np.random.default_rng([patient.seed, 1]), 5, size) * np.float32(0.010)
    x = inverse[0, 0] * film_x + inverse[0, 1] * film_y + bend  # (S, S)
    y = inverse[1, 0] * film_x + inverse[1, 1] * film_y + bend.T  # (S, S)
    return PatientGrid(x, y, np.abs(x), x < 0, matrix, offset)


def smooth_noise(rng: np.random.Generator, cells: int, size: int) -> FloatImage:
    """(S, S) normal noise, as coarse as ``cells`` a side and smooth between."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)


def smoothstep(distance: FloatImage, softness: float) -> FloatImage:
    """0 outside, 1 inside: a smooth step as ``distance`` goes from -softness to softness."""
    t = distance * np.float32(0.5 / softness)
    t += np.float32(0.5)
    np.clip(t, np.float32(0.0), np.float32(1.0), out=t)
    smooth = t * np.float32(-2.0)
    smooth += np.float32(3.0)
    smooth *= t
    smooth *= t
    return smooth


def ellipsoid(
    frame: PatientGrid, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> FloatImage:
    """(S, S) path length through an ellipsoid, 0 to 1; ``angle`` in radians, clockwise."""
    path = np.zeros_like(frame.x)
    (x, y), reach = centre, max(radii)
    part = frame.slices_of((x - reach, x + reach), (y - reach, y + reach))
    dx, dy = frame.x[part] - np.float32(centre[0]), frame.y[part] - np.float32(centre[1])
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = (cosine * dx + sine * dy) / np.float32(radii[0])
    across = (cosine * dy - sine * dx) / np.float32(radii[1])
    path[part] = np.sqrt(np.maximum(1.0 - along * along - across * across, np.float32(0.0)))
    return path


def bone_cylinder(across: FloatImage) -> FloatImage:
    """(S, S) path length through a bone's shell: bright rims, paler marrow.

    Args:
        across: distance from the bone's axis, in radii.
    """
    squared = across * across
    whole = np.sqrt(np.maximum(1.0 - squared, np.float32(0.0)))
    marrow = np.sqrt(np.maximum(1.0 - squared * np.float32(1.45), np.float32(0.0)))
    bone: FloatImage = whole - np.float32(0.55) * marrow
    return bone
