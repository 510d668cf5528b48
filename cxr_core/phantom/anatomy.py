"""The healthy chest as attenuation: path lengths through soft tissue, bone and air, added up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cxr_core.phantom.patient import (
    Acquisition,
    FloatImage,
    Patient,
    PatientGrid,
    bone_cylinder,
    ellipsoid,
    smooth_noise,
    smoothstep,
)

_LUNG_AIR = 0.98  # attenuation that the air of the lungs takes away where they are deepest
_LUNG_CENTRE = (0.26, 0.17)  # the lung's middle at the apex, and how far outwards it moves below
_MEDIASTINUM_HALF_WIDTH = 0.085  # half width of what lies between the lungs
_FIRST_RIB = 0.06  # how far below the apex the first arc begins
_RIB_HEIGHT = 0.44  # a rib's height over the spacing of the ribs
_VESSEL_STEMS = 9  # stems a side
_VESSEL_STEP = 0.065
_VESSEL_GENERATIONS = 10
_MIN_VESSEL_WIDTH = 0.0028
_SUPERSAMPLING = 2  # the canvas is so many times finer than the film


@dataclass(frozen=True)
class Lungs:
    """The lungs and their distances, (S, S) each.

    Attributes:
        wall: from the middle of the chest to the ribs, at this height.
        dome: y of the hemidiaphragm, at this distance from the middle.
        air: attenuation that the lung's air takes away, 0 outside of the lungs.
    """

    wall: FloatImage
    dome: FloatImage
    air: FloatImage


def lung_wall(patient: Patient, y: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Outer and inner border of the lungs at the height ``y``, from the middle of the chest."""
    span = np.float32(patient.costophrenic_y - patient.apex)
    down = np.clip((y - np.float32(patient.apex)) / span, 0.0, 1.0)
    up = 1.0 - down
    up *= up
    round_top = np.sqrt(1.0 - up * up)
    centre = _LUNG_CENTRE[0] + _LUNG_CENTRE[1] * np.sqrt(down)
    half = np.float32(patient.lung_width - sum(_LUNG_CENTRE)) * round_top
    waist = np.float32(0.05) * np.maximum(down - 0.72, 0.0)  # the ribs turn in below
    return centre + half - waist, np.maximum(centre - half, np.float32(_MEDIASTINUM_HALF_WIDTH))


def _dome_height(
    patient: Patient, acquisition: Acquisition, frame: PatientGrid, raised: tuple[float, float]
) -> FloatImage:
    """(S, S) y of the hemidiaphragm: a dome a side, falling to the costophrenic angle.

    Args:
        raised: how much higher the right and the left half stand (volume loss).
    """
    right = patient.dome_right + acquisition.inspiration - raised[0]
    left = patient.dome_right + patient.dome_drop + acquisition.inspiration - raised[1]
    top = frame.by_side(right, left)
    middle, wall = np.float32(0.36), np.float32(patient.lung_width - 0.01)
    outside = np.maximum(frame.lateral - middle, 0.0) / (wall - middle)
    inside = np.maximum(middle - frame.lateral, 0.0) / middle
    fall = np.float32(patient.costophrenic_y) - top
    dome: FloatImage = (
        top + fall * outside * outside * (0.55 + 0.45 * outside) + 0.10 * inside * inside
    )
    return dome


def draw_lungs(
    patient: Patient,
    acquisition: Acquisition,
    frame: PatientGrid,
    raised: tuple[float, float] = (0.0, 0.0),
) -> Lungs:
    """Draw both lungs; see ``_dome_height`` for ``raised``."""
    wall, medial = lung_wall(patient, frame.y)
    dome = _dome_height(patient, acquisition, frame, raised)
    shallow = 1.0 - np.clip((wall - frame.lateral) / np.float32(0.17), 0.0, 1.0)
    thick = np.sqrt(1.0 - shallow * shallow) * smoothstep(frame.lateral - medial - 0.04, 0.07)
    above = dome - frame.y
    # Behind the dome lies more lung, seen faintly through it.
    behind = 0.13 * np.clip(1.0 + above / np.float32(0.16), 0.0, 1.0)
    fill = np.where(above > -0.012, smoothstep(above, 0.012), np.float32(0.0))
    air = thick * (behind + (1.0 - behind) * fill) * np.float32(_LUNG_AIR)
    return Lungs(wall, dome, air)


def draw_body(patient: Patient, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """(S, S) soft tissue: the body's outline, shoulders, neck, breasts, belly."""
    y, out = frame.y, frame.lateral
    trapezius = np.exp(-np.square((out - 0.27) / np.float32(0.13)))
    shoulder = -1.03 + 0.44 * out - 0.12 * trapezius
    side = np.float32(0.93 * (0.5 + 0.5 * patient.soft_tissue)) + 0.32 * smoothstep(-0.3 - y, 0.3)
    depth = np.maximum(np.minimum(y - shoulder, side - out), 0.28 - out)
    shallow = 1.0 - np.clip(depth / np.float32(0.40), 0.0, 1.0)
    body: FloatImage = np.float32(1.55 * patient.soft_tissue) * np.sqrt(
        1.0 - shallow * shallow * shallow
    )
    belly = np.float32(0.42) * smoothstep(y - lungs.dome - 0.06, 0.20)
    body += np.where(depth > 0, belly, np.float32(0.0))
    if patient.sex == "F":
        for centre in (-0.42, 0.42):
            body += np.float32(0.16) * ellipsoid(frame, (centre, 0.34), (0.31, 0.27))
    gas = patient.stomach * ellipsoid(frame, (0.36, patient.dome_right + 0.24), (0.15, 0.09), 0.3)
    body -= np.float32(0.35) * gas
    return body


def draw_mediastinum(
    patient: Patient, acquisition: Acquisition, frame: PatientGrid, lungs: Lungs
) -> FloatImage:
    """(S, S) heart (its apex to the image's right), great vessels, hila, and the airways' air."""
    size = patient.heart
    floor = (
        patient.dome_right + patient.dome_drop + acquisition.inspiration
    )  # what the heart lies on
    heart = ellipsoid(frame, (0.13, floor - 0.17), (0.40 * size, 0.28 * size), 0.60)
    atrium = ellipsoid(frame, (-0.06, floor - 0.18), (0.17 * size, 0.23))
    auricle = ellipsoid(frame, (0.15, floor - 0.36), (0.15 * size, 0.20), -0.25)
    upper = ellipsoid(frame, (0.0, -0.30), (0.15, 0.52))
    arch = ellipsoid(frame, (0.10, -0.29), (0.085 * patient.aorta + 0.03, 0.10))
    trunk = ellipsoid(frame, (0.13, -0.10), (0.095, 0.13))
    hila = ellipsoid(frame, (-0.19, -0.02), (0.075, 0.12), 0.35) + ellipsoid(
        frame, (0.20, -0.06), (0.07, 0.10), -0.35
    )
    solid: FloatImage = np.maximum(np.maximum(0.66 * heart, 0.52 * atrium), 0.46 * auricle)
    solid += 0.34 * upper + 0.34 * arch + 0.22 * trunk
    # Below the dome the heart lies in front of as much less belly.
    solid *= 1.0 - 0.9 * smoothstep(frame.y - lungs.dome, 0.06)
    solid += 0.15 * hila
    part = frame.slices_of((-0.35, 0.35), (-1.6, 0.2))
    solid[part] -= _airways(frame.crop(part))
    return solid


def _airways(frame: PatientGrid) -> FloatImage:
    """(S, S) trachea and main bronchi, as attenuation taken away."""
    carina = -0.24
    wander = 0.012 * np.sin(frame.y * np.float32(3.0))
    trachea = _air_cylinder((frame.x + wander) / np.float32(0.047)) * smoothstep(
        carina - frame.y, 0.03
    )
    below = frame.y - np.float32(carina)
    slope = frame.by_side(0.55, 0.95)
    bronchi = _air_cylinder((frame.lateral - slope * below) / np.float32(0.04))
    bronchi *= smoothstep(below, 0.02) * smoothstep(0.15 - below, 0.05)
    airways: FloatImage = 0.24 * trachea + 0.15 * bronchi
    return airways


def _air_cylinder(across: FloatImage) -> FloatImage:
    """(S, S) path length through a round tube; ``across`` from its axis, in radii."""
    path: FloatImage = np.sqrt(np.maximum(1.0 - across * across, np.float32(0.0)))
    return path


def draw_haze(acquisition: Acquisition, size: int) -> FloatImage:
    """(S, S) uneven soft tissue and scatter: slow, small, different on every film."""
    rng = np.random.default_rng([acquisition.seed, 1])
    return 0.035 * smooth_noise(rng, 4, size) + 0.015 * smooth_noise(rng, 12, size)


def draw_fissure(patient: Patient, frame: PatientGrid, lungs: Lungs, raised: float) -> FloatImage:
    """(S, S) the horizontal fissure of the right lung, a hairline."""
    line = np.float32(patient.fissure - raised) + 0.10 * (frame.lateral - 0.3) * (
        frame.lateral - 0.3
    )
    hair = bone_cylinder((frame.y - line) / np.float32(0.008)) * smoothstep(
        frame.lateral - 0.22, 0.05
    )
    return np.where(frame.is_right, 0.07 * hair * lungs.air, np.float32(0.0))


# Ribs, clavicles, shoulder blades and spine, as attenuation.


def draw_bones(patient: Patient, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """(S, S) all bones of the chest."""
    bones = _ribs(patient, frame, lungs)
    spine = frame.slices_of((-0.12, 0.12), (-1.6, 1.6))
    bones[spine] += _spine(patient, frame.crop(spine))
    upper = frame.slices_of((-1.6, 1.6), (-0.9, 0.2))
    bones[upper] += _shoulder_blades(frame.crop(upper))
    collar = frame.slices_of((-1.6, 1.6), (patient.clavicle - 0.3, patient.clavicle + 0.12))
    bones[collar] += _clavicles(patient, frame.crop(collar))
    bones *= np.float32(patient.bone)
    return bones


def _ribs(patient: Patient, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """Back arcs fall outwards to the wall; front arcs go on from there, falling inwards."""
    rng = np.random.default_rng([patient.seed, 2])
    jitter = rng.uniform(-0.10, 0.10, size=(2, 32)).astype(np.float32)
    wall = np.float32(patient.lung_width)
    part = np.minimum(frame.lateral / wall, np.float32(1.15))
    square = part * part
    start = np.float32(patient.apex + _FIRST_RIB)
    slope = np.float32(patient.rib_slope)
    back_curve = slope * (0.25 * part + 0.75 * square * square)
    back = _arcs((frame.y - start - back_curve) / np.float32(patient.rib_spacing), jitter[0])
    inward = np.maximum(1.0 - part, 0.0)
    front_curve = slope + wall * (0.25 * np.sqrt(inward) + 0.55 * inward)
    front = _arcs((frame.y - start - front_curve) / np.float32(patient.rib_spacing), jitter[1])
    within = smoothstep(lungs.wall + 0.035 - frame.lateral, 0.012) * smoothstep(
        frame.y - start, 0.05
    )
    below = 1.0 - 0.55 * smoothstep(frame.y - lungs.dome - 0.05, 0.05)
    back *= smoothstep(frame.lateral - 0.07, 0.03)
    front *= smoothstep(frame.lateral - 0.32, 0.09) * smoothstep(0.50 - frame.y, 0.15)
    return within * below * (0.20 * back + 0.14 * front)


def _arcs(phase: FloatImage, jitter: FloatImage) -> FloatImage:
    """(S, S) ribs one after another: whole numbers of ``phase`` are their axes."""
    index = np.rint(phase)
    offset = jitter[np.clip(index, 0, len(jitter) - 1).astype(np.intp)]
    across = (phase - index) * np.float32(2.0 / _RIB_HEIGHT) + offset
    return np.where(index >= 0, bone_cylinder(across), np.float32(0.0))


def _clavicles(patient: Patient, frame: PatientGrid) -> FloatImage:
    """An S a side, from beside the windpipe outwards and upwards."""
    t = (frame.lateral - np.float32(0.07)) / np.float32(0.75)
    axis = np.float32(patient.clavicle) - 0.16 * t + 0.045 * np.sin(t * np.float32(6.0))
    radius = 0.034 + 0.016 * np.clip(1.0 - 5.0 * t, 0.0, 1.0)
    ends = smoothstep(t, 0.02) * smoothstep(1.1 - t, 0.04)
    clavicles: FloatImage = 0.30 * ends * bone_cylinder((frame.y - axis) / radius)
    return clavicles


def _shoulder_blades(frame: PatientGrid) -> FloatImage:
    """A thin plate with a brighter inner edge, over the outer upper lung."""
    inner = 0.60 + 0.10 * np.square(frame.y + 0.35)
    inside = (
        smoothstep(frame.lateral - inner, 0.015)
        * smoothstep(frame.y + 0.66, 0.04)
        * smoothstep(0.02 - frame.y, 0.1)
    )
    edge = np.exp(-np.square((frame.lateral - inner - 0.015) / np.float32(0.014)))
    blades: FloatImage = inside * (0.07 + 0.07 * edge)
    return blades


def _spine(patient: Patient, frame: PatientGrid) -> FloatImage:
    """Vertebral bodies with discs between; seen through the heart and above it."""
    spacing = np.float32(patient.rib_spacing * 0.92)
    body = frame.y / spacing
    gap = np.abs(body - np.rint(body)) * 2.0  # 0 within a vertebra, 1 in a disc
    column = np.maximum(1.0 - np.square(frame.x / np.float32(0.11)), np.float32(0.0))
    rims = np.exp(-np.square((frame.lateral - 0.072) / np.float32(0.010)))
    spine: FloatImage = column * (0.20 - 0.07 * smoothstep(gap - 0.8, 0.1)) + 0.02 * rims
    return spine


# The lungs' vessels: trees that branch from the hila and thin out towards the pleura.


def draw_vessels(patient: Patient, frame: PatientGrid) -> FloatImage:
    """(S, S) attenuation of the vessels, to be weighted by the lung's air around them."""
    size = len(frame.x)
    side = _SUPERSAMPLING * size
    starts, ends, widths = _vessel_tree(patient)
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
    soft = np.asarray(canvas.reduce(_SUPERSAMPLING), dtype=np.float32)
    return soft * np.float32(0.33 * patient.vessels / 255)


def _vessel_tree(
    patient: Patient,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends (N, 2) and widths (N,) of all pieces, in the patient's coordinates."""
    rng = np.random.default_rng([patient.seed, 3])
    sides = np.repeat([-1.0, 1.0], _VESSEL_STEMS)
    angle = np.tile(
        np.linspace(-1.25, 1.35, _VESSEL_STEMS), 2
    )  # up and outwards ... down and outwards
    angle = angle + rng.uniform(-0.22, 0.22, len(angle))
    root = np.where(sides < 0, -0.02, -0.05) + 0.05 * angle
    place = np.stack([sides * rng.uniform(0.09, 0.15, len(angle)), root], axis=1)  # (N, 2)
    width = rng.uniform(0.020, 0.030, len(angle))
    starts, ends, widths = [], [], []
    for _ in range(_VESSEL_GENERATIONS):
        angle = angle + rng.uniform(-0.28, 0.28, len(angle))
        length = _VESSEL_STEP * rng.uniform(0.8, 1.25, len(angle))
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
        seen = (width > _MIN_VESSEL_WIDTH) & (np.abs(place[:, 0]) < 0.85)
        place, sides, width, angle = place[seen], sides[seen], width[seen], angle[seen]
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(widths)
