"""Drawn lateral chests, for the input gate."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from cxr_core.imaging.gate import GATE_SIDE
from cxr_core.training.drawn_shapes import SIDE, Generator, Square, X, Y, blob, bump


def drawn_lateral(rng: Generator) -> Square:
    """A lateral chest (224, 224), facing either side.

    The trunk before black ground: arms and shoulders bright at the top, lung before and behind
    the heart, the spine a band that darkens downwards, the abdomen bright below the diaphragm.
    """
    u = rng.uniform
    lean, belly, waist = u(-0.15, 0.15), u(-0.15, 0.3), np.clip(-Y - 0.4, 0, 1)
    front = -u(0.45, 1) - belly * (Y + 0.2) + lean * Y + u(0.1, 0.7) * waist**1.5
    if rng.random() < 0.35:
        front = front - bump(Y, u(0.1, 0.5), u(0.15, 0.3)) * u(0.1, 0.35)  # a breast
    back = u(0.45, 1) + lean * Y - u(0.05, 0.6) * waist**1.5 - u(0, 0.2) * Y**2
    depth = np.clip(np.minimum(X - front, back - X) / u(0.08, 0.4), 0, 1)  # 0 at the skin
    ground, tissue = u(0, 25), u(130, 220)
    picture = ground + (tissue - ground) * depth ** u(0.4, 1)
    top, base = u(-0.85, -0.45), u(0.2, 0.75)
    dome = base + u(0, 0.35) * (X + u(-0.2, 0.5)) ** 2 + u(-0.25, 0.35) * X
    before, behind = front + u(0.08, 0.25), back - u(0.03, 0.25)
    edges = (
        *((X - before) / u(0.1, 0.25), (behind - X) / u(0.1, 0.25)),
        *((dome - Y) / u(0.05, 0.15), (Y - top - u(0, 0.5) * X**2) / u(0.1, 0.5)),
    )
    lung = np.clip(np.min(edges, axis=0), 0, 1)
    picture -= lung * u(0.25, 0.8) * (tissue - ground)
    heart = blob(rng, u(-0.4, -0.05), base - u(0.15, 0.4), u(0.2, 0.45), u(0.25, 0.5), 0.15)
    picture += heart * lung * u(20, 100)
    spine = bump(X, back - u(0.15, 0.4) + u(-0.1, 0.2) * Y**2, u(0.08, 0.16))
    picture += spine * np.clip(u(0.4, 1) - 0.5 * Y, 0, 1) * depth * u(10, 70)
    picture += bump(X, u(-0.1, 0.1), 0.06) * lung * u(0, 40)  # hila, trachea
    picture += np.clip((u(-0.7, -0.3) - Y) / u(0.2, 0.6), 0, 1) * depth * u(20, 110)  # shoulders
    if rng.random() < 0.4:  # an arm across the upper corner
        slope = Y + 1 + u(-0.3, 0.9) * (X - u(-0.5, 0.5))
        arm = np.clip(1.5 - np.abs(slope) / u(0.1, 0.3), 0, 1) * (X < 0)
        picture = np.maximum(picture, arm * tissue * u(0.5, 1))
    picture += np.clip((Y - dome) / 0.15, 0, 1) * depth * u(0, 70)
    picture += np.sin((Y - u(0.2, 0.7) * X) * u(14, 22)) * lung * u(0, 12)  # ribs
    picture = gaussian_filter(picture, u(0.5, 3.5)) + rng.normal(0, u(0, 6), picture.shape)
    gray = np.clip(picture / 255, 0, 1) ** u(0.6, 1.6) * 255
    whole = Image.fromarray(gray.astype(np.uint8))
    left, upper, right, lower = (SIDE * u(-0.1, 0.12) for _ in range(4))
    whole = whole.rotate(u(-8, 8), Image.Resampling.BILINEAR, fillcolor=int(ground)).transform(
        (GATE_SIDE, GATE_SIDE),
        Image.Transform.EXTENT,
        (left, upper, SIDE - right, SIDE - lower),
        Image.Resampling.BILINEAR,
        fillcolor=int(ground),
    )
    square = np.asarray(whole)
    return np.ascontiguousarray(square[:, ::-1]) if rng.random() < 0.5 else square
