"""Drawn slices of CT, MR, ultrasound and nuclear imaging, for the input gate.

They teach shapes, not anatomy: the gate sees 32 x 32 gray values. So each part varies widely, and
the slices come with every window, plane and frame in which such pictures are exported.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from cxr_core.imaging.gate import GATE_SIDE
from cxr_core.training.drawn_anatomy import (
    any_slice,
    axial_abdomen,
    axial_chest,
    ct_tissues,
    head,
    limb,
    mr_tissues,
    sagittal_head,
    sagittal_spine,
)
from cxr_core.training.drawn_shapes import SIDE, Floats, Generator, Square, X, Y, blob, paint


def _finish(picture: Floats, rng: Generator) -> Square:
    """Grain, a frame as scanners export it, and now and then another way up."""
    picture = picture + rng.normal(0, rng.choice([2, 8, 20]), picture.shape)
    if rng.random() < 0.2:  # the circle within which a CT is reconstructed
        inside = np.hypot(X, Y) < rng.uniform(0.85, 1.05)
        picture = np.where(inside, picture, rng.choice([0, rng.uniform(0, 100)]))
    whole = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    zoom = rng.uniform(0.7, 1.6)
    half = SIDE / 2 / zoom
    x, y = SIDE / 2 + rng.normal(0, 5, 2)
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
    tissues = ct_tissues(rng)
    parts = (axial_chest, axial_chest, axial_abdomen, axial_abdomen, head, limb, any_slice)
    picture = parts[rng.integers(len(parts))](rng, tissues)
    if rng.random() < 0.5:  # the table
        bow = rng.uniform(0, 0.4)
        depth = Y - rng.uniform(0.6, 0.9) + bow * X**2
        table = np.clip(1.5 - np.abs(depth) * SIDE / 2.5, 0, 1) * (np.abs(X) < 0.8)
        paint(picture, table, rng.uniform(60, 220))
    return _finish(picture, rng)


def drawn_mr(rng: Generator) -> Square:
    """An MR slice (224, 224) of any plane and sequence, brighter near its coil."""
    tissues = mr_tissues(rng)
    parts = (
        head, head, sagittal_head, sagittal_spine, axial_abdomen, axial_chest, limb,
        any_slice,
    )  # fmt: skip
    picture = parts[rng.integers(len(parts))](rng, tissues)
    across, down = rng.normal(0, 0.35, 2)
    return _finish(picture * np.clip(1 + across * X + down * Y, 0.2, 2), rng)


def drawn_ultrasound(rng: Generator) -> Square:
    """A sector or a strip of speckle (224, 224), with layers and dark vessels in it, on black."""
    apex = rng.uniform(-1.6, -0.85)
    radius, angle = np.hypot(X, Y - apex), np.arctan2(X, Y - apex)
    near, far = rng.uniform(0.02, 0.6), rng.uniform(1.4, 2.4)
    if rng.random() < 0.7:
        inside = (np.abs(angle) < rng.uniform(0.3, 0.9)) & (radius > near) & (radius < far)
    else:
        wide, high = rng.uniform((0.4, 0.65), (0.95, 0.92))
        inside = (np.abs(X) < wide) & (np.abs(Y - high + 0.9) < high)
    depth = (radius - near) / far
    echo = rng.uniform(50, 200) * np.exp(-depth * rng.uniform(-0.3, 2.5))
    for _ in range(rng.integers(0, 6)):  # layers
        at, thick = rng.uniform(0, 0.8), rng.uniform(0.01, 0.1)
        echo = echo + rng.uniform(-60, 140) * np.exp(-(((depth - at) / thick) ** 2))
    for _ in range(rng.integers(0, 7)):
        (x, y), (wide, high) = rng.uniform(-0.6, 0.7, 2), rng.uniform(0.05, 0.4, 2)
        paint(echo, blob(rng, x, y, wide, high, 0.25), rng.choice([0, 20, 120, 220]))
    speckle = rng.rayleigh(0.8, (SIDE // 2, SIDE // 2)).repeat(2, axis=0).repeat(2, axis=1)
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
    activity = np.zeros((SIDE, SIDE))
    if rng.random() < 0.4:  # whole bodies
        figures = (-0.45, 0.45) if rng.random() < 0.5 else (0.0,)
        level = rng.uniform(20, 120)
        for x in figures:
            size = rng.uniform(0.12, 0.22)
            for y, wide, high in ((-0.8, 0.5, 0.14), (-0.3, 1, 0.42), (0.2, 0.9, 0.25)):
                paint(activity, blob(rng, x, y, size * wide, high), level)
            for side in (-1, 1):
                paint(activity, blob(rng, x + side * size * 0.5, 0.65, size * 0.35, 0.4), level)
                paint(activity, blob(rng, x + side * size * 1.2, -0.2, size * 0.25, 0.5), level)
            paint(activity, blob(rng, x, -0.2, size * 0.2, 0.55), rng.uniform(80, 255))
    else:
        wide, high = rng.uniform(0.3, 0.95, 2)
        paint(activity, blob(rng, 0, 0, wide, high, 0.15), rng.uniform(10, 150))
        if rng.random() < 0.5:  # two organs: lungs, kidneys, lobes of a gland
            x, gray = rng.uniform(0.2, 0.5), rng.uniform(80, 255)
            wide, high = rng.uniform(0.1, 0.35), rng.uniform(0.15, 0.7)
            for side in (-1, 1):
                paint(activity, blob(rng, side * x, 0, wide, high, 0.2), gray)
    for _ in range(rng.integers(0, 9)):
        (x, y), (wide, high) = rng.uniform(-0.6, 0.6, 2), rng.uniform(0.03, 0.25, 2)
        paint(activity, blob(rng, x, y, wide, high, 0.3), rng.uniform(0, 255))
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
