"""Ribs, clavicles, shoulder blades and spine, as attenuation."""

import numpy as np

from cxr_core.imaging.phantom_anatomy import Lungs
from cxr_core.imaging.phantom_patient import Patient
from cxr_core.imaging.phantom_shapes import Field, Frame, step, tube

_FIRST_RIB = 0.06  # how far below the apex the first arc begins
_THICK = 0.44  # a rib's height over the spacing of the ribs


def draw_bones(patient: Patient, frame: Frame, lungs: Lungs) -> Field:
    """(S, S) all bones of the chest."""
    bones = _ribs(patient, frame, lungs)
    spine = frame.between((-0.12, 0.12), (-1.6, 1.6))
    bones[spine] += _spine(patient, frame.cut(spine))
    upper = frame.between((-1.6, 1.6), (-0.9, 0.2))
    bones[upper] += _shoulder_blades(frame.cut(upper))
    collar = frame.between((-1.6, 1.6), (patient.clavicle - 0.3, patient.clavicle + 0.12))
    bones[collar] += _clavicles(patient, frame.cut(collar))
    bones *= np.float32(patient.bone)
    return bones


def _ribs(patient: Patient, frame: Frame, lungs: Lungs) -> Field:
    """Back arcs fall outwards to the wall; front arcs go on from there, falling inwards."""
    rng = np.random.default_rng([patient.seed, 2])
    jitter = rng.uniform(-0.10, 0.10, size=(2, 32)).astype(np.float32)
    wall = np.float32(patient.lung_width)
    part = np.minimum(frame.out / wall, np.float32(1.15))
    square = part * part
    start = np.float32(patient.apex + _FIRST_RIB)
    slope = np.float32(patient.rib_slope)
    back_curve = slope * (0.25 * part + 0.75 * square * square)
    back = _arcs((frame.y - start - back_curve) / np.float32(patient.rib_spacing), jitter[0])
    inward = np.maximum(1.0 - part, 0.0)
    front_curve = slope + wall * (0.25 * np.sqrt(inward) + 0.55 * inward)
    front = _arcs((frame.y - start - front_curve) / np.float32(patient.rib_spacing), jitter[1])
    within = step(lungs.wall + 0.035 - frame.out, 0.012) * step(frame.y - start, 0.05)
    below = 1.0 - 0.55 * step(frame.y - lungs.dome - 0.05, 0.05)
    back *= step(frame.out - 0.07, 0.03)
    front *= step(frame.out - 0.32, 0.09) * step(0.50 - frame.y, 0.15)
    return within * below * (0.20 * back + 0.14 * front)


def _arcs(phase: Field, jitter: Field) -> Field:
    """(S, S) ribs one after another: whole numbers of ``phase`` are their axes."""
    index = np.rint(phase)
    offset = jitter[np.clip(index, 0, len(jitter) - 1).astype(np.intp)]
    across = (phase - index) * np.float32(2.0 / _THICK) + offset
    return np.where(index >= 0, tube(across), np.float32(0.0))


def _clavicles(patient: Patient, frame: Frame) -> Field:
    """An S a side, from beside the windpipe outwards and upwards."""
    t = (frame.out - np.float32(0.07)) / np.float32(0.75)
    axis = np.float32(patient.clavicle) - 0.16 * t + 0.045 * np.sin(t * np.float32(6.0))
    radius = 0.034 + 0.016 * np.clip(1.0 - 5.0 * t, 0.0, 1.0)
    ends = step(t, 0.02) * step(1.1 - t, 0.04)
    clavicles: Field = 0.30 * ends * tube((frame.y - axis) / radius)
    return clavicles


def _shoulder_blades(frame: Frame) -> Field:
    """A thin plate with a brighter inner edge, over the outer upper lung."""
    inner = 0.60 + 0.10 * np.square(frame.y + 0.35)
    inside = step(frame.out - inner, 0.015) * step(frame.y + 0.66, 0.04) * step(0.02 - frame.y, 0.1)
    edge = np.exp(-np.square((frame.out - inner - 0.015) / np.float32(0.014)))
    blades: Field = inside * (0.07 + 0.07 * edge)
    return blades


def _spine(patient: Patient, frame: Frame) -> Field:
    """Vertebral bodies with discs between; seen through the heart and above it."""
    spacing = np.float32(patient.rib_spacing * 0.92)
    body = frame.y / spacing
    gap = np.abs(body - np.rint(body)) * 2.0  # 0 within a vertebra, 1 in a disc
    column = np.maximum(1.0 - np.square(frame.x / np.float32(0.11)), np.float32(0.0))
    rims = np.exp(-np.square((frame.out - 0.072) / np.float32(0.010)))
    spine: Field = column * (0.20 - 0.07 * step(gap - 0.8, 0.1)) + 0.02 * rims
    return spine
