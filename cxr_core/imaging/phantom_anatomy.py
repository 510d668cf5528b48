"""The healthy chest as attenuation: path lengths through soft tissue, bone and air, added up."""

from dataclasses import dataclass

import numpy as np

from cxr_core.imaging.phantom_patient import Film, Patient
from cxr_core.imaging.phantom_shapes import Field, Frame, ball, smooth_noise, step, tube

LUNG_AIR = 0.98  # attenuation that the air of the lungs takes away where they are deepest
_LUNG_CENTRE = (0.26, 0.17)  # the lung's middle at the apex, and how far outwards it moves below
MEDIAL = 0.085  # half width of what lies between the lungs


@dataclass(frozen=True)
class Lungs:
    """The lungs and their distances, (S, S) each.

    Attributes:
        wall: from the middle of the chest to the ribs, at this height.
        dome: y of the hemidiaphragm, at this distance from the middle.
        air: attenuation that the lung's air takes away, 0 outside of the lungs.
    """

    wall: Field
    dome: Field
    air: Field


def lung_wall(patient: Patient, y: Field) -> tuple[Field, Field]:
    """Outer and inner border of the lungs at the height ``y``, from the middle of the chest."""
    span = np.float32(patient.recess - patient.apex)
    down = np.clip((y - np.float32(patient.apex)) / span, 0.0, 1.0)
    up = 1.0 - down
    up *= up
    round_top = np.sqrt(1.0 - up * up)
    centre = _LUNG_CENTRE[0] + _LUNG_CENTRE[1] * np.sqrt(down)
    half = np.float32(patient.lung_width - sum(_LUNG_CENTRE)) * round_top
    waist = np.float32(0.05) * np.maximum(down - 0.72, 0.0)  # the ribs turn in below
    return centre + half - waist, np.maximum(centre - half, np.float32(MEDIAL))


def dome_height(patient: Patient, film: Film, frame: Frame, raised: tuple[float, float]) -> Field:
    """(S, S) y of the hemidiaphragm: a dome a side, falling to the costophrenic angle.

    Args:
        raised: how much higher the right and the left half stand (volume loss).
    """
    right = patient.dome_right + film.breath - raised[0]
    left = patient.dome_right + patient.dome_drop + film.breath - raised[1]
    top = frame.by_side(right, left)
    middle, wall = np.float32(0.36), np.float32(patient.lung_width - 0.01)
    outside = np.maximum(frame.out - middle, 0.0) / (wall - middle)
    inside = np.maximum(middle - frame.out, 0.0) / middle
    fall = np.float32(patient.recess) - top
    dome: Field = top + fall * outside * outside * (0.55 + 0.45 * outside) + 0.10 * inside * inside
    return dome


def draw_lungs(
    patient: Patient, film: Film, frame: Frame, raised: tuple[float, float] = (0.0, 0.0)
) -> Lungs:
    """Draw both lungs; see ``dome_height`` for ``raised``."""
    wall, medial = lung_wall(patient, frame.y)
    dome = dome_height(patient, film, frame, raised)
    shallow = 1.0 - np.clip((wall - frame.out) / np.float32(0.17), 0.0, 1.0)
    thick = np.sqrt(1.0 - shallow * shallow) * step(frame.out - medial - 0.04, 0.07)
    above = dome - frame.y
    # Behind the dome lies more lung, seen faintly through it.
    behind = 0.13 * np.clip(1.0 + above / np.float32(0.16), 0.0, 1.0)
    fill = np.where(above > -0.012, step(above, 0.012), np.float32(0.0))
    air = thick * (behind + (1.0 - behind) * fill) * np.float32(LUNG_AIR)
    return Lungs(wall, dome, air)


def draw_body(patient: Patient, frame: Frame, lungs: Lungs) -> Field:
    """(S, S) soft tissue: the body's outline, shoulders, neck, breasts, belly."""
    y, out = frame.y, frame.out
    trapezius = np.exp(-np.square((out - 0.27) / np.float32(0.13)))
    shoulder = -1.03 + 0.44 * out - 0.12 * trapezius
    side = np.float32(0.93 * (0.5 + 0.5 * patient.soft_tissue)) + 0.32 * step(-0.3 - y, 0.3)
    depth = np.maximum(np.minimum(y - shoulder, side - out), 0.28 - out)
    shallow = 1.0 - np.clip(depth / np.float32(0.40), 0.0, 1.0)
    body: Field = np.float32(1.55 * patient.soft_tissue) * np.sqrt(
        1.0 - shallow * shallow * shallow
    )
    belly = np.float32(0.42) * step(y - lungs.dome - 0.06, 0.20)
    body += np.where(depth > 0, belly, np.float32(0.0))
    if patient.sex == "F":
        for centre in (-0.42, 0.42):
            body += np.float32(0.16) * ball(frame, (centre, 0.34), (0.31, 0.27))
    gas = patient.stomach * ball(frame, (0.36, patient.dome_right + 0.24), (0.15, 0.09), 0.3)
    body -= np.float32(0.35) * gas
    return body


def draw_mediastinum(patient: Patient, film: Film, frame: Frame, lungs: Lungs) -> Field:
    """(S, S) heart (its apex to the image's right), great vessels, hila, and the airways' air."""
    size = patient.heart
    floor = patient.dome_right + patient.dome_drop + film.breath  # what the heart lies on
    heart = ball(frame, (0.13, floor - 0.17), (0.40 * size, 0.28 * size), 0.60)
    atrium = ball(frame, (-0.06, floor - 0.18), (0.17 * size, 0.23))
    auricle = ball(frame, (0.15, floor - 0.36), (0.15 * size, 0.20), -0.25)
    upper = ball(frame, (0.0, -0.30), (0.15, 0.52))
    arch = ball(frame, (0.10, -0.29), (0.085 * patient.aorta + 0.03, 0.10))
    trunk = ball(frame, (0.13, -0.10), (0.095, 0.13))
    hila = ball(frame, (-0.19, -0.02), (0.075, 0.12), 0.35) + ball(
        frame, (0.20, -0.06), (0.07, 0.10), -0.35
    )
    solid: Field = np.maximum(np.maximum(0.66 * heart, 0.52 * atrium), 0.46 * auricle)
    solid += 0.34 * upper + 0.34 * arch + 0.22 * trunk
    # Below the dome the heart lies in front of as much less belly.
    solid *= 1.0 - 0.9 * step(frame.y - lungs.dome, 0.06)
    solid += 0.15 * hila
    part = frame.between((-0.35, 0.35), (-1.6, 0.2))
    solid[part] -= _airways(frame.cut(part))
    return solid


def _airways(frame: Frame) -> Field:
    """(S, S) trachea and main bronchi, as attenuation taken away."""
    carina = -0.24
    wander = 0.012 * np.sin(frame.y * np.float32(3.0))
    trachea = tube_of_air((frame.x + wander) / np.float32(0.047)) * step(carina - frame.y, 0.03)
    below = frame.y - np.float32(carina)
    slope = frame.by_side(0.55, 0.95)
    bronchi = tube_of_air((frame.out - slope * below) / np.float32(0.04))
    bronchi *= step(below, 0.02) * step(0.15 - below, 0.05)
    airways: Field = 0.24 * trachea + 0.15 * bronchi
    return airways


def tube_of_air(across: Field) -> Field:
    """(S, S) path length through a round tube; ``across`` from its axis, in radii."""
    path: Field = np.sqrt(np.maximum(1.0 - across * across, np.float32(0.0)))
    return path


def draw_haze(film: Film, size: int) -> Field:
    """(S, S) uneven soft tissue and scatter: slow, small, different on every film."""
    rng = np.random.default_rng([film.seed, 1])
    return 0.035 * smooth_noise(rng, 4, size) + 0.015 * smooth_noise(rng, 12, size)


def draw_fissure(patient: Patient, frame: Frame, lungs: Lungs, raised: float) -> Field:
    """(S, S) the horizontal fissure of the right lung, a hairline."""
    line = np.float32(patient.fissure - raised) + 0.10 * (frame.out - 0.3) * (frame.out - 0.3)
    hair = tube((frame.y - line) / np.float32(0.008)) * step(frame.out - 0.22, 0.05)
    return np.where(frame.right, 0.07 * hair * lungs.air, np.float32(0.0))
