"""Drawn parts of the body, cut across or along, in the grays of a CT window or an MR sequence."""

from dataclasses import dataclass

import numpy as np

from cxr_core.training.drawn_shapes import SIDE, Floats, Generator, X, Y, blob, paint


@dataclass(frozen=True)
class Tissues:
    """Gray levels, 0 to 255, as a CT window or an MR sequence gives them."""

    air: float
    lung: float
    fat: float
    soft: float
    fluid: float
    bone: float


def ct_tissues(rng: Generator) -> Tissues:
    """The grays of a soft tissue, lung, bone or wide window."""
    window = rng.integers(4)
    u = rng.uniform
    if window == 0:  # soft tissue
        return Tissues(0, u(0, 25), u(40, 100), u(110, 180), u(90, 200), 255)
    if window == 1:  # lung
        return Tissues(u(0, 15), u(20, 110), u(170, 240), u(210, 255), u(220, 255), 255)
    if window == 2:  # bone
        return Tissues(0, u(0, 30), u(40, 80), u(60, 110), u(60, 110), u(180, 255))
    return Tissues(u(0, 10), u(20, 70), u(90, 120), u(100, 140), u(100, 140), u(160, 255))


def mr_tissues(rng: Generator) -> Tissues:
    """The grays of any sequence."""
    u = rng.uniform
    return Tissues(u(0, 12), u(0, 30), u(60, 255), u(50, 180), u(0, 255), u(0, 90))


def _bones_around(
    picture: Floats, rng: Generator, wide: float, high: float, tissues: Tissues
) -> None:
    """Ribs, cut across."""
    for angle in np.linspace(0, 2 * np.pi, rng.integers(6, 16)) + rng.uniform(0, 1):
        x, y = wide * np.cos(angle), high * np.sin(angle)
        size = rng.uniform(0.02, 0.06)
        mask = blob(rng, x, y, size * rng.uniform(1, 2.5), size)
        paint(picture, mask, tissues.bone)


def _spine(picture: Floats, rng: Generator, y: float, tissues: Tissues) -> None:
    size = rng.uniform(0.08, 0.17)
    paint(picture, blob(rng, 0, y, size, size * 0.85), tissues.bone)
    paint(picture, blob(rng, 0, y + size * 1.3, size * 0.5, size * 0.45), tissues.bone)
    paint(picture, blob(rng, 0, y + size * 0.95, size * 0.4, size * 0.35), tissues.fluid)


def _trunk(rng: Generator, tissues: Tissues) -> tuple[Floats, float, float]:
    """Skin, fat and muscle; the half axes of what is inside."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    wide = rng.uniform(0.6, 1.1)
    high = wide * rng.uniform(0.55, 0.9)
    paint(picture, blob(rng, 0, 0, wide, high, 0.05), tissues.fat)
    rim = rng.uniform(0.8, 0.97)
    paint(picture, blob(rng, 0, 0, wide * rim, high * rim, 0.05), tissues.soft)
    return picture, wide * rim, high * rim


def axial_chest(rng: Generator, tissues: Tissues) -> Floats:
    """Lungs, heart, ribs and spine at any height."""
    picture, wide, high = _trunk(rng, tissues)
    size = rng.uniform(0.45, 1)  # apices to bases
    for side in (-1, 1):
        lung = blob(
            rng, side * wide * rng.uniform(0.4, 0.5), rng.uniform(-0.1, 0.1),
            wide * 0.38 * size, high * rng.uniform(0.7, 0.85) * size, 0.15,
        )  # fmt: skip
        paint(picture, lung, tissues.lung)
        for _ in range(rng.integers(0, 8)):  # vessels
            spot = rng.uniform(-0.3, 0.3, 2)
            vessel = blob(rng, side * wide * 0.45 + spot[0], spot[1], 0.02, 0.03)
            paint(picture, vessel * lung, tissues.soft)
    heart = rng.uniform(0.12, 0.4)
    paint(picture, blob(rng, rng.uniform(-0.15, 0.15), -0.1 * high, heart * wide, heart * high),
           tissues.soft)  # fmt: skip
    for _ in range(rng.integers(0, 5)):
        x, y = rng.uniform(-0.15, 0.15), rng.uniform(-0.3, 0.2)
        paint(picture, blob(rng, x, y, 0.06, 0.06), tissues.fluid)
    _bones_around(picture, rng, wide * 0.92, high * 0.92, tissues)
    _spine(picture, rng, high * rng.uniform(0.5, 0.75), tissues)
    return picture


def axial_abdomen(rng: Generator, tissues: Tissues) -> Floats:
    """Liver, kidneys, bowel and spine; or a pelvis."""
    picture, wide, high = _trunk(rng, tissues)
    if rng.random() < 0.7:
        paint(picture, blob(rng, 0, 0, wide * 0.85, high * 0.8), tissues.fat)
    if rng.random() < 0.7:  # liver
        x, y = -0.45 * wide, rng.uniform(-0.2, 0.1)
        gray = tissues.soft + rng.normal(0, 25)
        paint(picture, blob(rng, x, y, 0.4 * wide, 0.6 * high, 0.2), gray)
    for _ in range(rng.integers(2, 14)):
        x, y = rng.uniform(-0.65, 0.65) * wide, rng.uniform(-0.7, 0.5) * high
        gray = rng.choice([tissues.soft, tissues.fluid, tissues.air]) + rng.normal(0, 20)
        wide_part, high_part = rng.uniform(0.04, 0.25, 2)
        paint(picture, blob(rng, x, y, wide_part, high_part, 0.2), gray)
    if rng.random() < 0.6:  # kidneys
        for side in (-1, 1):
            paint(picture, blob(rng, side * 0.45 * wide, 0.35 * high, 0.13, 0.17, 0.2),
                   tissues.fluid)  # fmt: skip
    if rng.random() < 0.3:  # pelvis
        for side in (-1, 1):
            paint(picture, blob(rng, side * 0.6 * wide, 0, 0.1, rng.uniform(0.1, 0.4)),
                   tissues.bone)  # fmt: skip
    _spine(picture, rng, high * rng.uniform(0.3, 0.7), tissues)
    return picture


def head(rng: Generator, tissues: Tissues) -> Floats:
    """Axial, or coronal with the neck below it."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.45, 0.85), rng.uniform(0.6, 0.95)
    if rng.random() < 0.3:
        paint(picture, blob(rng, 0, high, rng.uniform(0.25, 0.5), 0.7), tissues.soft)
    thick = rng.uniform(0.9, 0.98)
    if rng.random() < 0.7:  # otherwise a brain without its skull, as it is published
        paint(picture, blob(rng, 0, 0, wide, high), tissues.fat)
        paint(picture, blob(rng, 0, 0, wide * thick, high * thick), tissues.bone)
    thick *= rng.uniform(0.82, 0.95)
    paint(picture, blob(rng, 0, 0, wide * thick, high * thick), tissues.soft)
    _folds(picture, rng, wide * thick, high * thick, tissues)
    size, gap = rng.uniform(0.03, 0.15), rng.uniform(0.05, 0.15)
    if rng.random() < 0.7:  # ventricles
        for side in (-1, 1):
            paint(picture, blob(rng, side * gap, -0.05, size * 0.6, size * 2, 0.2), tissues.fluid)
    if rng.random() < 0.3:  # sinuses, orbits, petrous bones
        for side in (-1, 1):
            x, y = side * rng.uniform(0.1, 0.35), rng.uniform(-0.6, 0.5)
            gray = rng.choice([tissues.air, tissues.bone, tissues.fluid])
            paint(picture, blob(rng, x, y, 0.13, 0.13, 0.2), gray)
    return picture


def _folds(picture: Floats, rng: Generator, wide: float, high: float, tissues: Tissues) -> None:
    """Gray matter: an uneven rim of another gray."""
    for _ in range(rng.integers(0, 30)):
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.95)
        x, y = depth * wide * np.cos(angle), depth * high * np.sin(angle)
        gray = tissues.soft + rng.normal(0, 35)
        paint(picture, blob(rng, x, y, 0.06, 0.08, 0.3), gray)


def sagittal_head(rng: Generator, tissues: Tissues) -> Floats:
    """Head, face and neck from the side; or a brain alone."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.75)
    if rng.random() < 0.7:  # otherwise a brain alone
        for x, y, across, down in ((-0.3, 0.6, 0.4, 0.5), (0.15, 0.8, 0.35, 0.6)):  # face, neck
            paint(picture, blob(rng, x, y, across, down, 0.15), tissues.soft)
        paint(picture, blob(rng, 0, -0.15, wide, high), tissues.fat)
        paint(picture, blob(rng, 0, -0.15, wide * 0.93, high * 0.93), tissues.bone)
    paint(picture, blob(rng, 0, -0.17, wide * 0.86, high * 0.84), tissues.soft)
    _folds(picture, rng, wide * 0.85, high * 0.85, tissues)
    gray = rng.choice([tissues.fluid, tissues.soft, tissues.fat])
    paint(picture, blob(rng, 0, -0.1, rng.uniform(0.1, 0.3), 0.08, 0.2), gray)
    paint(picture, blob(rng, 0.3, 0.3, 0.2, 0.15, 0.2), tissues.soft + rng.normal(0, 30))
    paint(picture, blob(rng, 0.1, 0.6, 0.07, 0.5, 0.1), gray)
    return picture


def sagittal_spine(rng: Generator, tissues: Tissues) -> Floats:
    """Vertebrae below one another before the canal, in soft tissue."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    paint(picture, blob(rng, 0, 0, rng.uniform(0.5, 1.1), 1.6), tissues.soft)
    paint(picture, blob(rng, 0.6, 0, rng.uniform(0.1, 0.3), 1.4), tissues.fat)
    bend, count = rng.uniform(-0.25, 0.25), int(rng.integers(4, 12))
    size = 1 / count
    for y in np.linspace(-1, 1, count):
        x = bend * np.cos(2.5 * y)
        paint(picture, blob(rng, x, y, rng.uniform(0.12, 0.22), size * 0.8, 0.1),
               tissues.bone + rng.normal(0, 8))  # fmt: skip
    canal = np.clip(1.5 - np.abs(X - bend * np.cos(2.5 * Y) - 0.28) * 20, 0, 1)
    paint(picture, canal, tissues.fluid)
    return picture


def limb(rng: Generator, tissues: Tissues) -> Floats:
    """One or two limbs or joints, across or along."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    sides = (-0.5, 0.5) if rng.random() < 0.5 else (0.0,)
    along = rng.random() < 0.4
    for x in sides:
        size = rng.uniform(0.3, 0.48) if len(sides) == 2 else rng.uniform(0.4, 0.8)
        paint(picture, blob(rng, x, 0, size, 1.6 if along else size), tissues.fat)
        paint(picture, blob(rng, x, 0, size * 0.85, 1.6 if along else size * 0.85), tissues.soft)
        bone = size * rng.uniform(0.2, 0.6)
        for y in (-0.8, 0.8) if along else (0,):
            high = 0.75 if along else bone
            paint(picture, blob(rng, x, y, bone, high, 0.1), tissues.bone)
            paint(picture, blob(rng, x, y, bone * 0.7, high * 0.9, 0.1), tissues.fat)
    return picture


def any_slice(rng: Generator, tissues: Tissues) -> Floats:
    """No anatomy at all: parts within parts, often the same on both sides."""
    picture = np.full((SIDE, SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.4, 1.1, 2)
    levels = [tissues.air, tissues.lung, tissues.fat, tissues.soft, tissues.fluid, tissues.bone]
    for share in np.sort(rng.uniform(0.6, 1, rng.integers(1, 4)))[::-1]:
        paint(picture, blob(rng, 0, 0, wide * share, high * share, 0.2), rng.choice(levels))
    for _ in range(rng.integers(1, 10)):
        (x, y), (across, down) = rng.uniform(-0.7, 0.7, 2), rng.uniform(0.05, 0.4, 2)
        gray = rng.choice(levels)
        for side in (1, -1) if rng.random() < 0.6 else (1,):
            paint(picture, blob(rng, side * x * wide, y * high, across, down, 0.2), gray)
    return picture
