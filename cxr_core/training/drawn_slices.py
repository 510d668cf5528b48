"""Drawn slices of CT, MR, ultrasound and nuclear imaging, and lateral chests, for the input gate.

They teach shapes, not anatomy: the gate sees 32 x 32 gray values. So each part varies widely, and
the slices come with every window, plane and frame in which such pictures are exported.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from cxr_core.imaging.gate import GATE_SIDE

Square = NDArray[np.uint8]
Floats = NDArray[np.float64]
Generator = np.random.Generator
_SIDE = 72  # px; thumbnails of 32 px need no more, and it is drawn in a tenth of the time
_X: Floats
_Y: Floats
_Y, _X = np.meshgrid(np.linspace(-1, 1, _SIDE), np.linspace(-1, 1, _SIDE), indexing="ij")


def _blob(
    rng: Generator, x: float, y: float, wide: float, high: float, roughness: float = 0.06
) -> Floats:
    """A soft-edged, slightly uneven ellipse, 0 to 1 (S, S); the picture spans -1 to 1."""
    tilt = rng.normal(0, 0.15)
    right, down = _X - x, _Y - y
    u = (right * np.cos(tilt) + down * np.sin(tilt)) / wide
    v = (down * np.cos(tilt) - right * np.sin(tilt)) / high
    angle, edge = np.arctan2(v, u), np.ones_like(u)
    for wave in range(2, 5):
        edge += rng.normal(0, roughness / wave) * np.cos(wave * angle + rng.uniform(0, 6.3))
    inside: Floats = np.clip((edge - np.hypot(u, v)) * min(wide, high) * _SIDE / 3 + 0.5, 0, 1)
    return inside


def _paint(picture: Floats, mask: Floats, gray: float) -> None:
    picture += mask * (gray - picture)


@dataclass(frozen=True)
class _Tissues:
    """Gray levels, 0 to 255, as a CT window or an MR sequence gives them."""

    air: float
    lung: float
    fat: float
    soft: float
    fluid: float
    bone: float


def _ct_tissues(rng: Generator) -> _Tissues:
    window = rng.integers(4)
    u = rng.uniform
    if window == 0:  # soft tissue
        return _Tissues(0, u(0, 25), u(40, 100), u(110, 180), u(90, 200), 255)
    if window == 1:  # lung
        return _Tissues(u(0, 15), u(20, 110), u(170, 240), u(210, 255), u(220, 255), 255)
    if window == 2:  # bone
        return _Tissues(0, u(0, 30), u(40, 80), u(60, 110), u(60, 110), u(180, 255))
    return _Tissues(u(0, 10), u(20, 70), u(90, 120), u(100, 140), u(100, 140), u(160, 255))


def _mr_tissues(rng: Generator) -> _Tissues:
    u = rng.uniform
    return _Tissues(u(0, 12), u(0, 30), u(60, 255), u(50, 180), u(0, 255), u(0, 90))


def _bones_around(
    picture: Floats, rng: Generator, wide: float, high: float, tissues: _Tissues
) -> None:
    """Ribs, cut across."""
    for angle in np.linspace(0, 2 * np.pi, rng.integers(6, 16)) + rng.uniform(0, 1):
        x, y = wide * np.cos(angle), high * np.sin(angle)
        size = rng.uniform(0.02, 0.06)
        mask = _blob(rng, x, y, size * rng.uniform(1, 2.5), size)
        _paint(picture, mask, tissues.bone)


def _spine(picture: Floats, rng: Generator, y: float, tissues: _Tissues) -> None:
    size = rng.uniform(0.08, 0.17)
    _paint(picture, _blob(rng, 0, y, size, size * 0.85), tissues.bone)
    _paint(picture, _blob(rng, 0, y + size * 1.3, size * 0.5, size * 0.45), tissues.bone)
    _paint(picture, _blob(rng, 0, y + size * 0.95, size * 0.4, size * 0.35), tissues.fluid)


def _trunk(rng: Generator, tissues: _Tissues) -> tuple[Floats, float, float]:
    """Skin, fat and muscle; the half axes of what is inside."""
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    wide = rng.uniform(0.6, 1.1)
    high = wide * rng.uniform(0.55, 0.9)
    _paint(picture, _blob(rng, 0, 0, wide, high, 0.05), tissues.fat)
    rim = rng.uniform(0.8, 0.97)
    _paint(picture, _blob(rng, 0, 0, wide * rim, high * rim, 0.05), tissues.soft)
    return picture, wide * rim, high * rim


def _axial_chest(rng: Generator, tissues: _Tissues) -> Floats:
    picture, wide, high = _trunk(rng, tissues)
    size = rng.uniform(0.45, 1)  # apices to bases
    for side in (-1, 1):
        lung = _blob(
            rng, side * wide * rng.uniform(0.4, 0.5), rng.uniform(-0.1, 0.1),
            wide * 0.38 * size, high * rng.uniform(0.7, 0.85) * size, 0.15,
        )  # fmt: skip
        _paint(picture, lung, tissues.lung)
        for _ in range(rng.integers(0, 8)):  # vessels
            spot = rng.uniform(-0.3, 0.3, 2)
            vessel = _blob(rng, side * wide * 0.45 + spot[0], spot[1], 0.02, 0.03)
            _paint(picture, vessel * lung, tissues.soft)
    heart = rng.uniform(0.12, 0.4)
    _paint(picture, _blob(rng, rng.uniform(-0.15, 0.15), -0.1 * high, heart * wide, heart * high),
           tissues.soft)  # fmt: skip
    for _ in range(rng.integers(0, 5)):
        x, y = rng.uniform(-0.15, 0.15), rng.uniform(-0.3, 0.2)
        _paint(picture, _blob(rng, x, y, 0.06, 0.06), tissues.fluid)
    _bones_around(picture, rng, wide * 0.92, high * 0.92, tissues)
    _spine(picture, rng, high * rng.uniform(0.5, 0.75), tissues)
    return picture


def _axial_abdomen(rng: Generator, tissues: _Tissues) -> Floats:
    picture, wide, high = _trunk(rng, tissues)
    if rng.random() < 0.7:
        _paint(picture, _blob(rng, 0, 0, wide * 0.85, high * 0.8), tissues.fat)
    if rng.random() < 0.7:  # liver
        x, y = -0.45 * wide, rng.uniform(-0.2, 0.1)
        gray = tissues.soft + rng.normal(0, 25)
        _paint(picture, _blob(rng, x, y, 0.4 * wide, 0.6 * high, 0.2), gray)
    for _ in range(rng.integers(2, 14)):
        x, y = rng.uniform(-0.65, 0.65) * wide, rng.uniform(-0.7, 0.5) * high
        gray = rng.choice([tissues.soft, tissues.fluid, tissues.air]) + rng.normal(0, 20)
        wide_part, high_part = rng.uniform(0.04, 0.25, 2)
        _paint(picture, _blob(rng, x, y, wide_part, high_part, 0.2), gray)
    if rng.random() < 0.6:  # kidneys
        for side in (-1, 1):
            _paint(picture, _blob(rng, side * 0.45 * wide, 0.35 * high, 0.13, 0.17, 0.2),
                   tissues.fluid)  # fmt: skip
    if rng.random() < 0.3:  # pelvis
        for side in (-1, 1):
            _paint(picture, _blob(rng, side * 0.6 * wide, 0, 0.1, rng.uniform(0.1, 0.4)),
                   tissues.bone)  # fmt: skip
    _spine(picture, rng, high * rng.uniform(0.3, 0.7), tissues)
    return picture


def _head(rng: Generator, tissues: _Tissues) -> Floats:
    """Axial, or coronal with the neck below it."""
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.45, 0.85), rng.uniform(0.6, 0.95)
    if rng.random() < 0.3:
        _paint(picture, _blob(rng, 0, high, rng.uniform(0.25, 0.5), 0.7), tissues.soft)
    thick = rng.uniform(0.9, 0.98)
    if rng.random() < 0.7:  # otherwise a brain without its skull, as it is published
        _paint(picture, _blob(rng, 0, 0, wide, high), tissues.fat)
        _paint(picture, _blob(rng, 0, 0, wide * thick, high * thick), tissues.bone)
    thick *= rng.uniform(0.82, 0.95)
    _paint(picture, _blob(rng, 0, 0, wide * thick, high * thick), tissues.soft)
    _folds(picture, rng, wide * thick, high * thick, tissues)
    size, gap = rng.uniform(0.03, 0.15), rng.uniform(0.05, 0.15)
    if rng.random() < 0.7:  # ventricles
        for side in (-1, 1):
            _paint(picture, _blob(rng, side * gap, -0.05, size * 0.6, size * 2, 0.2), tissues.fluid)
    if rng.random() < 0.3:  # sinuses, orbits, petrous bones
        for side in (-1, 1):
            x, y = side * rng.uniform(0.1, 0.35), rng.uniform(-0.6, 0.5)
            gray = rng.choice([tissues.air, tissues.bone, tissues.fluid])
            _paint(picture, _blob(rng, x, y, 0.13, 0.13, 0.2), gray)
    return picture


def _folds(picture: Floats, rng: Generator, wide: float, high: float, tissues: _Tissues) -> None:
    """Gray matter: an uneven rim of another gray."""
    for _ in range(rng.integers(0, 30)):
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.95)
        x, y = depth * wide * np.cos(angle), depth * high * np.sin(angle)
        gray = tissues.soft + rng.normal(0, 35)
        _paint(picture, _blob(rng, x, y, 0.06, 0.08, 0.3), gray)


def _sagittal_head(rng: Generator, tissues: _Tissues) -> Floats:
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.75)
    if rng.random() < 0.7:  # otherwise a brain alone
        for x, y, across, down in ((-0.3, 0.6, 0.4, 0.5), (0.15, 0.8, 0.35, 0.6)):  # face, neck
            _paint(picture, _blob(rng, x, y, across, down, 0.15), tissues.soft)
        _paint(picture, _blob(rng, 0, -0.15, wide, high), tissues.fat)
        _paint(picture, _blob(rng, 0, -0.15, wide * 0.93, high * 0.93), tissues.bone)
    _paint(picture, _blob(rng, 0, -0.17, wide * 0.86, high * 0.84), tissues.soft)
    _folds(picture, rng, wide * 0.85, high * 0.85, tissues)
    gray = rng.choice([tissues.fluid, tissues.soft, tissues.fat])
    _paint(picture, _blob(rng, 0, -0.1, rng.uniform(0.1, 0.3), 0.08, 0.2), gray)
    _paint(picture, _blob(rng, 0.3, 0.3, 0.2, 0.15, 0.2), tissues.soft + rng.normal(0, 30))
    _paint(picture, _blob(rng, 0.1, 0.6, 0.07, 0.5, 0.1), gray)
    return picture


def _sagittal_spine(rng: Generator, tissues: _Tissues) -> Floats:
    """Vertebrae below one another before the canal, in soft tissue."""
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    _paint(picture, _blob(rng, 0, 0, rng.uniform(0.5, 1.1), 1.6), tissues.soft)
    _paint(picture, _blob(rng, 0.6, 0, rng.uniform(0.1, 0.3), 1.4), tissues.fat)
    bend, count = rng.uniform(-0.25, 0.25), int(rng.integers(4, 12))
    size = 1 / count
    for y in np.linspace(-1, 1, count):
        x = bend * np.cos(2.5 * y)
        _paint(picture, _blob(rng, x, y, rng.uniform(0.12, 0.22), size * 0.8, 0.1),
               tissues.bone + rng.normal(0, 8))  # fmt: skip
    canal = np.clip(1.5 - np.abs(_X - bend * np.cos(2.5 * _Y) - 0.28) * 20, 0, 1)
    _paint(picture, canal, tissues.fluid)
    return picture


def _limb(rng: Generator, tissues: _Tissues) -> Floats:
    """One or two limbs or joints, across or along."""
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    sides = (-0.5, 0.5) if rng.random() < 0.5 else (0.0,)
    along = rng.random() < 0.4
    for x in sides:
        size = rng.uniform(0.3, 0.48) if len(sides) == 2 else rng.uniform(0.4, 0.8)
        _paint(picture, _blob(rng, x, 0, size, 1.6 if along else size), tissues.fat)
        _paint(picture, _blob(rng, x, 0, size * 0.85, 1.6 if along else size * 0.85), tissues.soft)
        bone = size * rng.uniform(0.2, 0.6)
        for y in (-0.8, 0.8) if along else (0,):
            high = 0.75 if along else bone
            _paint(picture, _blob(rng, x, y, bone, high, 0.1), tissues.bone)
            _paint(picture, _blob(rng, x, y, bone * 0.7, high * 0.9, 0.1), tissues.fat)
    return picture


def _any_slice(rng: Generator, tissues: _Tissues) -> Floats:
    """No anatomy at all: parts within parts, often the same on both sides."""
    picture = np.full((_SIDE, _SIDE), tissues.air, dtype=float)
    wide, high = rng.uniform(0.4, 1.1, 2)
    levels = [tissues.air, tissues.lung, tissues.fat, tissues.soft, tissues.fluid, tissues.bone]
    for share in np.sort(rng.uniform(0.6, 1, rng.integers(1, 4)))[::-1]:
        _paint(picture, _blob(rng, 0, 0, wide * share, high * share, 0.2), rng.choice(levels))
    for _ in range(rng.integers(1, 10)):
        (x, y), (across, down) = rng.uniform(-0.7, 0.7, 2), rng.uniform(0.05, 0.4, 2)
        gray = rng.choice(levels)
        for side in (1, -1) if rng.random() < 0.6 else (1,):
            _paint(picture, _blob(rng, side * x * wide, y * high, across, down, 0.2), gray)
    return picture


def _finish(picture: Floats, rng: Generator) -> Square:
    """Grain, a frame as scanners export it, and now and then another way up."""
    picture = picture + rng.normal(0, rng.choice([2, 8, 20]), picture.shape)
    if rng.random() < 0.2:  # the circle within which a CT is reconstructed
        inside = np.hypot(_X, _Y) < rng.uniform(0.85, 1.05)
        picture = np.where(inside, picture, rng.choice([0, rng.uniform(0, 100)]))
    whole = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    zoom = rng.uniform(0.7, 1.6)
    half = _SIDE / 2 / zoom
    x, y = _SIDE / 2 + rng.normal(0, 5, 2)
    across = half * rng.uniform(0.8, 1.25)
    whole = whole.transform(
        (GATE_SIDE, GATE_SIDE),
        Image.Transform.EXTENT,
        (x - across, y - half, x + across, y + half),
        Image.Resampling.BILINEAR,
        fillcolor=int(np.clip(picture[0, 0], 0, 255)),
    )
    turn = rng.random()
    if turn < 0.15:
        whole = whole.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    elif turn < 0.3:
        whole = whole.rotate(90 * int(rng.integers(1, 4)))
    if rng.random() < 0.25:
        _caption(whole, rng)
    if rng.random() < 0.05:
        whole = Image.eval(whole, lambda gray: 255 - gray)
    return np.asarray(whole)


def _caption(whole: Image.Image, rng: Generator) -> None:
    """Bars in place of the words in the corners, and sometimes a scale at the edge."""
    pen = ImageDraw.Draw(whole)
    for left in (4, GATE_SIDE - 60):
        for line in range(rng.integers(0, 7)):
            y = 4 + 6 * line
            pen.rectangle((left, y, left + rng.uniform(15, 55), y + 3), fill=230)
    if rng.random() < 0.5:
        pen.rectangle((GATE_SIDE - 10, 60, GATE_SIDE - 5, 160), fill=int(rng.integers(90, 256)))


def drawn_ct(rng: Generator) -> Square:
    """A CT slice (224, 224): chest, abdomen, head, limb, or none of these."""
    tissues = _ct_tissues(rng)
    parts = (_axial_chest, _axial_chest, _axial_abdomen, _axial_abdomen, _head, _limb, _any_slice)
    picture = parts[rng.integers(len(parts))](rng, tissues)
    if rng.random() < 0.5:  # the table
        bow = rng.uniform(0, 0.4)
        depth = _Y - rng.uniform(0.6, 0.9) + bow * _X**2
        table = np.clip(1.5 - np.abs(depth) * _SIDE / 2.5, 0, 1) * (np.abs(_X) < 0.8)
        _paint(picture, table, rng.uniform(60, 220))
    return _finish(picture, rng)


def drawn_mr(rng: Generator) -> Square:
    """An MR slice (224, 224) of any plane and sequence, brighter near its coil."""
    tissues = _mr_tissues(rng)
    parts = (
        _head, _head, _sagittal_head, _sagittal_spine, _axial_abdomen, _axial_chest, _limb,
        _any_slice,
    )  # fmt: skip
    picture = parts[rng.integers(len(parts))](rng, tissues)
    across, down = rng.normal(0, 0.35, 2)
    return _finish(picture * np.clip(1 + across * _X + down * _Y, 0.2, 2), rng)


def drawn_ultrasound(rng: Generator) -> Square:
    """A sector or a strip of speckle (224, 224), with layers and dark vessels in it, on black."""
    apex = rng.uniform(-1.6, -0.85)
    radius, angle = np.hypot(_X, _Y - apex), np.arctan2(_X, _Y - apex)
    near, far = rng.uniform(0.02, 0.6), rng.uniform(1.4, 2.4)
    if rng.random() < 0.7:
        inside = (np.abs(angle) < rng.uniform(0.3, 0.9)) & (radius > near) & (radius < far)
    else:
        wide, high = rng.uniform((0.4, 0.65), (0.95, 0.92))
        inside = (np.abs(_X) < wide) & (np.abs(_Y - high + 0.9) < high)
    depth = (radius - near) / far
    echo = rng.uniform(50, 200) * np.exp(-depth * rng.uniform(-0.3, 2.5))
    for _ in range(rng.integers(0, 6)):  # layers
        at, thick = rng.uniform(0, 0.8), rng.uniform(0.01, 0.1)
        echo = echo + rng.uniform(-60, 140) * np.exp(-(((depth - at) / thick) ** 2))
    for _ in range(rng.integers(0, 7)):
        (x, y), (wide, high) = rng.uniform(-0.6, 0.7, 2), rng.uniform(0.05, 0.4, 2)
        _paint(echo, _blob(rng, x, y, wide, high, 0.25), rng.choice([0, 20, 120, 220]))
    speckle = rng.rayleigh(0.8, (_SIDE // 2, _SIDE // 2)).repeat(2, axis=0).repeat(2, axis=1)
    picture = np.where(inside, echo * speckle, rng.uniform(0, 12))
    whole = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    whole = whole.resize((GATE_SIDE, GATE_SIDE), Image.Resampling.BILINEAR)
    if rng.random() < 0.6:
        _caption(whole, rng)
    if rng.random() < 0.1:
        twice = whole.resize((GATE_SIDE // 2, GATE_SIDE))
        whole.paste(twice, (0, 0))
        whole.paste(twice, (GATE_SIDE // 2, 0))
    return np.asarray(whole)


def drawn_nuclear(rng: Generator) -> Square:
    """A scintigram or PET slice (224, 224): smooth uptake, coarse counts, either polarity."""
    activity = np.zeros((_SIDE, _SIDE))
    if rng.random() < 0.4:  # whole bodies
        figures = (-0.45, 0.45) if rng.random() < 0.5 else (0.0,)
        level = rng.uniform(20, 120)
        for x in figures:
            size = rng.uniform(0.12, 0.22)
            for y, wide, high in ((-0.8, 0.5, 0.14), (-0.3, 1, 0.42), (0.2, 0.9, 0.25)):
                _paint(activity, _blob(rng, x, y, size * wide, high), level)
            for side in (-1, 1):
                _paint(activity, _blob(rng, x + side * size * 0.5, 0.65, size * 0.35, 0.4), level)
                _paint(activity, _blob(rng, x + side * size * 1.2, -0.2, size * 0.25, 0.5), level)
            _paint(activity, _blob(rng, x, -0.2, size * 0.2, 0.55), rng.uniform(80, 255))
    else:
        wide, high = rng.uniform(0.3, 0.95, 2)
        _paint(activity, _blob(rng, 0, 0, wide, high, 0.15), rng.uniform(10, 150))
        if rng.random() < 0.5:  # two organs: lungs, kidneys, lobes of a gland
            x, gray = rng.uniform(0.2, 0.5), rng.uniform(80, 255)
            wide, high = rng.uniform(0.1, 0.35), rng.uniform(0.15, 0.7)
            for side in (-1, 1):
                _paint(activity, _blob(rng, side * x, 0, wide, high, 0.2), gray)
    for _ in range(rng.integers(0, 9)):
        (x, y), (wide, high) = rng.uniform(-0.6, 0.6, 2), rng.uniform(0.03, 0.25, 2)
        _paint(activity, _blob(rng, x, y, wide, high, 0.3), rng.uniform(0, 255))
    coarse = int(rng.choice([16, 32, 64, 112]))
    counts = np.asarray(
        Image.fromarray(activity.astype(np.float32)).resize((coarse, coarse), Image.Resampling.BOX)
    ).astype(float)
    counts = rng.poisson(np.maximum(counts, 0) / (grain := rng.uniform(1, 20))) * grain
    picture = np.clip(counts, 0, 255).astype(np.uint8)
    whole = np.asarray(Image.fromarray(picture).resize((GATE_SIDE, GATE_SIDE)))
    return 255 - whole if rng.random() < 0.5 else whole


# By modality: what draws it, and how often it is drawn.
SLICES: dict[str, tuple[Callable[[Generator], Square], float]] = {
    "CT": (drawn_ct, 0.4),
    "MR": (drawn_mr, 0.3),
    "ultrasound": (drawn_ultrasound, 0.15),
    "nuclear": (drawn_nuclear, 0.15),
}


def drawn_slice(rng: Generator) -> Square:
    """A slice (224, 224) of any modality."""
    draws, shares = zip(*SLICES.values(), strict=True)
    square: Square = draws[rng.choice(len(draws), p=shares)](rng)
    return square


def drawn_lateral(rng: Generator) -> Square:
    """A lateral chest (224, 224), facing either side.

    The trunk before black ground: arms and shoulders bright at the top, lung before and behind
    the heart, the spine a band that darkens downwards, the abdomen bright below the diaphragm.
    """
    u = rng.uniform
    lean, belly, waist = u(-0.15, 0.15), u(-0.15, 0.3), np.clip(-_Y - 0.4, 0, 1)
    front = -u(0.45, 1) - belly * (_Y + 0.2) + lean * _Y + u(0.1, 0.7) * waist**1.5
    if rng.random() < 0.35:
        front = front - _bump(_Y, u(0.1, 0.5), u(0.15, 0.3)) * u(0.1, 0.35)  # a breast
    back = u(0.45, 1) + lean * _Y - u(0.05, 0.6) * waist**1.5 - u(0, 0.2) * _Y**2
    depth = np.clip(np.minimum(_X - front, back - _X) / u(0.08, 0.4), 0, 1)  # 0 at the skin
    ground, tissue = u(0, 25), u(130, 220)
    picture = ground + (tissue - ground) * depth ** u(0.4, 1)
    top, base = u(-0.85, -0.45), u(0.2, 0.75)
    dome = base + u(0, 0.35) * (_X + u(-0.2, 0.5)) ** 2 + u(-0.25, 0.35) * _X
    before, behind = front + u(0.08, 0.25), back - u(0.03, 0.25)
    edges = (
        *((_X - before) / u(0.1, 0.25), (behind - _X) / u(0.1, 0.25)),
        *((dome - _Y) / u(0.05, 0.15), (_Y - top - u(0, 0.5) * _X**2) / u(0.1, 0.5)),
    )
    lung = np.clip(np.min(edges, axis=0), 0, 1)
    picture -= lung * u(0.25, 0.8) * (tissue - ground)
    heart = _blob(rng, u(-0.4, -0.05), base - u(0.15, 0.4), u(0.2, 0.45), u(0.25, 0.5), 0.15)
    picture += heart * lung * u(20, 100)
    spine = _bump(_X, back - u(0.15, 0.4) + u(-0.1, 0.2) * _Y**2, u(0.08, 0.16))
    picture += spine * np.clip(u(0.4, 1) - 0.5 * _Y, 0, 1) * depth * u(10, 70)
    picture += _bump(_X, u(-0.1, 0.1), 0.06) * lung * u(0, 40)  # hila, trachea
    picture += np.clip((u(-0.7, -0.3) - _Y) / u(0.2, 0.6), 0, 1) * depth * u(20, 110)  # shoulders
    if rng.random() < 0.4:  # an arm across the upper corner
        slope = _Y + 1 + u(-0.3, 0.9) * (_X - u(-0.5, 0.5))
        arm = np.clip(1.5 - np.abs(slope) / u(0.1, 0.3), 0, 1) * (_X < 0)
        picture = np.maximum(picture, arm * tissue * u(0.5, 1))
    picture += np.clip((_Y - dome) / 0.15, 0, 1) * depth * u(0, 70)
    picture += np.sin((_Y - u(0.2, 0.7) * _X) * u(14, 22)) * lung * u(0, 12)  # ribs
    picture = gaussian_filter(picture, u(0.5, 3.5)) + rng.normal(0, u(0, 6), picture.shape)
    gray = np.clip(picture / 255, 0, 1) ** u(0.6, 1.6) * 255
    whole = Image.fromarray(gray.astype(np.uint8))
    left, upper, right, lower = (_SIDE * u(-0.1, 0.12) for _ in range(4))
    whole = whole.rotate(u(-8, 8), Image.Resampling.BILINEAR, fillcolor=int(ground)).transform(
        (GATE_SIDE, GATE_SIDE),
        Image.Transform.EXTENT,
        (left, upper, _SIDE - right, _SIDE - lower),
        Image.Resampling.BILINEAR,
        fillcolor=int(ground),
    )
    square = np.asarray(whole)
    return np.ascontiguousarray(square[:, ::-1]) if rng.random() < 0.5 else square


def _bump(along: Floats, middle: Floats | float, width: float) -> Floats:
    """A bell of height 1."""
    bell: Floats = np.exp(-(((along - middle) / width) ** 2))
    return bell
