"""Who is drawn, and how the film was taken: the numbers behind one phantom.

Lengths are in half sides of the film: the film spans -1 to 1 both ways, x to the image's right,
y downwards. ``right`` is the patient's right, which a frontal film shows on the image's left.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

_PATIENT, _FILM = 1, 2  # separate streams of random numbers, so that one never moves the other


@dataclass(frozen=True)
class Patient:
    """What stays the same on every film of a patient."""

    age: int  # years
    sex: Literal["F", "M"]
    width: float  # 1 is average
    height: float
    lung_width: float  # middle of the chest to the ribs, at the base
    apex: float  # y of the top of the lungs
    recess: float  # y of the costophrenic angles
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
class Film:
    """What differs between two films of a patient."""

    turn: float  # radians
    shift: tuple[float, float]
    zoom: float
    breath: float  # how much lower the diaphragm stands
    exposure: float  # 1 is average; more is whiter
    contrast: float  # 1 is average
    noise: float  # gray values, 0 to 255
    seed: int  # of noise and haze


def draw_patient(seed: int) -> Patient:
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
        recess=around(0.62, 0.06),
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


def draw_film(seed: int, film: int) -> Film:
    """Draw how film number ``film`` (0 for the first) of a patient was taken."""
    rng = np.random.default_rng([seed, _FILM, film])
    return Film(
        turn=float(np.deg2rad(rng.uniform(-3.5, 3.5))),
        shift=(float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.05, 0.05))),
        zoom=float(rng.uniform(0.95, 1.05)),
        breath=float(rng.uniform(-0.04, 0.04)),
        exposure=float(rng.uniform(0.93, 1.07)),
        contrast=float(rng.uniform(0.88, 1.12)),
        noise=float(rng.uniform(2.0, 5.0)),
        seed=int(rng.integers(2**32)),
    )
