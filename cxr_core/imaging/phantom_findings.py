"""Planted findings: the density that each adds to the healthy chest, and its box."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr_core.imaging.phantom_anatomy import Lungs
from cxr_core.imaging.phantom_plans import Plan
from cxr_core.imaging.phantom_shapes import Field, Frame, smooth_noise, step

_TAIL = 0.01  # of a finding's density, left outside of its box at each of the four edges

Extent = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class Planted:
    """What the findings add.

    Attributes:
        density: (S, S) attenuation.
        extents: finding and the box around nearly all of its density, one each.
    """

    density: Field
    extents: tuple[tuple[str, Extent], ...]


def draw_findings(plans: Sequence[Plan], frame: Frame, lungs: Lungs, size: int) -> Planted:
    """Draw the planned findings as attenuation, and box each."""
    total = np.zeros((size, size), dtype=np.float32)
    extents = []
    for plan in plans:
        within = np.where(frame.right == (plan.side < 0), lungs.air, np.float32(0.0))
        density = np.float32(plan.strength) * within * _SHAPE_OF[plan.shape](plan, frame, lungs)
        extents.append((plan.finding, _extent(density)))
        total += density
    return Planted(total, tuple(extents))


def _meniscus(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """Fluid at the base: it fills the costophrenic angle and climbs the wall in a curve."""
    top = np.float32(plan.centre[1] - plan.half[1])
    inner = np.float32(abs(plan.centre[0]) - plan.half[0])
    across = np.clip((frame.out - inner) / (lungs.wall - inner), 0.0, 1.0)
    level = top + np.float32(0.7 * plan.half[1]) * (1.0 - across * across * across)
    return step(frame.y - level, 0.018) * step(frame.out - inner, 0.05)


def _pleural(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """A pocket of fluid against the ribs, bulging inwards like a lens."""
    along = (frame.y - np.float32(plan.centre[1])) / np.float32(plan.half[1])
    bulge = np.float32(2.0 * plan.half[0]) * np.maximum(1.0 - along * along, np.float32(0.0))
    fluid = step(frame.out - lungs.wall + bulge, 0.015)
    return np.where(np.abs(along) < 1.0, fluid, np.float32(0.0))


def _fissural(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """Fluid in a fissure: an even, sharply bordered lens."""
    along, across = _turned(plan, frame)
    round_ends = np.sqrt(np.maximum(1.0 - along * along, np.float32(0.0)))
    border = np.float32(0.85 * plan.half[1]) * round_ends * np.sqrt(round_ends)
    return np.where(round_ends > 0, step(border - np.abs(across), 0.018), np.float32(0.0))


def _plates(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """Two or three straight, thin, dense bands, roughly side by side."""
    rng = np.random.default_rng(plan.seed)
    along, across = _turned(plan, frame)
    count = int(rng.integers(2, 4))
    places = np.linspace(-0.62, 0.62, count) * plan.half[1] + rng.uniform(-0.02, 0.02, count)
    bands = np.zeros_like(along)
    for place in places:
        shifted = along - np.float32(rng.uniform(-0.15, 0.15))
        square = np.square(shifted / np.float32(rng.uniform(0.75, 1.0)))
        tilt, bow = (np.float32(rng.normal(0.0, 0.02)) for _ in range(2))
        from_axis = np.abs(across - np.float32(place) - tilt * along - bow * square)
        thick = np.float32(rng.uniform(0.020, 0.032)) * (1.0 - 0.7 * square)  # thin at the ends
        bands = np.maximum(bands, step(1.0 - square, 0.5) * step(thick - from_axis, 0.016))
    return bands


def _wedge(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """A collapsed segment: straight borders from a point near the hilum, streaks within."""
    rng = np.random.default_rng(plan.seed)
    along, across = _turned(plan, frame)
    opening = np.float32(0.5 * plan.half[1]) * (along + 1.0)
    inside = step(opening - np.abs(across), 0.012) * step(1.0 - along, 0.05)
    fan = across / np.maximum(opening, np.float32(0.01))
    streaks = np.cos(fan * np.float32(rng.uniform(5.0, 7.0)) + np.float32(rng.uniform(0, 6)))
    wedge: Field = inside * (0.82 + 0.18 * streaks)
    return wedge


def _patches(plan: Plan, frame: Frame, lungs: Lungs) -> Field:
    """Fuzzy blotches in a cluster, without borders."""
    rng = np.random.default_rng(plan.seed)
    dx = (frame.x - np.float32(plan.centre[0])) / np.float32(plan.half[0])
    dy = (frame.y - np.float32(plan.centre[1])) / np.float32(plan.half[1])
    cluster = step(1.0 - np.sqrt(dx * dx + dy * dy), 0.45)
    size = len(frame.x)
    blotches = smooth_noise(rng, 26, size) + 0.45 * smooth_noise(rng, 60, size)
    return cluster * (0.15 + 0.85 * step(blotches, 1.5))


def _turned(plan: Plan, frame: Frame) -> tuple[Field, Field]:
    """Along the finding's axis, outwards (-1 to 1 within it), and across it, downwards."""
    dx: Field = frame.out - np.float32(abs(plan.centre[0]))
    dy: Field = frame.y - np.float32(plan.centre[1])
    cosine, sine = math.cos(plan.angle), math.sin(plan.angle)
    along, across = (cosine * dx + sine * dy) / plan.half[0], cosine * dy - sine * dx
    return along.astype(np.float32, copy=False), across.astype(np.float32, copy=False)


_SHAPE_OF = {
    "meniscus": _meniscus,
    "pleural": _pleural,
    "fissural": _fissural,
    "plates": _plates,
    "wedge": _wedge,
    "patches": _patches,
}


def _extent(density: Field) -> Extent:
    """The box that leaves ``_TAIL`` of the density outside at each edge."""
    edges = []
    for axis in (0, 1):  # sums along y give x, and the other way round
        share = np.cumsum(density.sum(axis=axis, dtype=np.float64))
        low, high = np.searchsorted(share, [_TAIL * share[-1], (1.0 - _TAIL) * share[-1]])
        edges.append((float(low), float(high + 1 - low)))
    (x, width), (y, height) = edges
    return x, y, width, height
