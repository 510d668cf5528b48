"""Planted findings: the density that each adds to the healthy chest, and its box."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.phantom.anatomy import Lungs, lung_wall
from cxr_core.phantom.patient import (
    Acquisition,
    FloatImage,
    Patient,
    PatientGrid,
    smooth_noise,
    smoothstep,
)

# The shapes a finding takes, and how often. An effusion does not always lie at the base, so that
# no single place of the film is right for most of them.
_SHAPE_PROBABILITIES: dict[str, dict[str, float]] = {
    "effusion": {"meniscus": 0.44, "pleural": 0.36, "fissural": 0.20},
    "atelectasis": {"plates": 0.6, "wedge": 0.4},
    "infiltration": {"patches": 1.0},
}
# Findings that a phantom can show; the model may have others.
PLANTED_KEYS = tuple(key for key in ABNORMAL_KEYS if key in _SHAPE_PROBABILITIES)
_MAX_TRIES = 60  # to find a place that is free
# Half the width and half the height (half sides of the film), and the angle (radians).
_SIZE_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "meniscus": ((0.24, 0.32), (0.0, 0.0), (0.0, 0.0)),  # its height follows from the dome's
    "pleural": ((0.15, 0.20), (0.22, 0.31), (0.0, 0.0)),
    "fissural": ((0.23, 0.29), (0.14, 0.19), (-0.35, 0.35)),
    "plates": ((0.19, 0.26), (0.16, 0.22), (-0.5, 0.5)),
    "wedge": ((0.21, 0.27), (0.20, 0.29), (-0.3, 0.3)),
    "patches": ((0.18, 0.25), (0.19, 0.26), (0.0, 0.0)),
}
_STRENGTH_RANGES = {
    "effusion": (0.75, 0.95),
    "atelectasis": (0.55, 0.78),
    "infiltration": (0.50, 0.75),
}
_TAIL_FRACTION = 0.01  # of a finding's density, left outside of its box at each of the four edges
Extent = tuple[float, float, float, float]  # x, y, width, height in pixels


# Where findings will lie: shape, side, place and size, before anything is drawn.


@dataclass(frozen=True)
class FindingPlan:
    """One finding before it is drawn, in the patient's coordinates.

    Attributes:
        finding: key.
        shape: how it looks, one of the finding's ``_SHAPE_PROBABILITIES``.
        side: -1 the patient's right (image's left), 1 the left.
        centre: (x, y).
        half_size: half of the width and of the height that it takes up.
        angle: radians, downwards as it goes outwards.
        strength: part of the lung's air that gives way, 0 to 1.
        seed: of its texture.
    """

    finding: str
    shape: str
    side: int
    centre: tuple[float, float]
    half_size: tuple[float, float]
    angle: float
    strength: float
    seed: int

    def overlaps(self, other: "FindingPlan") -> bool:
        """Whether the two take up some of the same room."""
        gaps = [abs(a - b) for a, b in zip(self.centre, other.centre, strict=True)]
        reach = [a + b for a, b in zip(self.half_size, other.half_size, strict=True)]
        return all(gap < room for gap, room in zip(gaps, reach, strict=True))


def plan_findings(
    patient: Patient, acquisition: Acquisition, findings: Sequence[str], rng: np.random.Generator
) -> tuple[FindingPlan, ...]:
    """Choose shape, side, place and size of each finding, apart from one another."""
    plans: list[FindingPlan] = []
    for finding in findings:
        for _ in range(_MAX_TRIES):
            plan = _sample_plan(patient, acquisition, finding, rng)
            if not any(plan.overlaps(other) for other in plans):
                break
        plans.append(plan)
    return tuple(plans)


def volume_loss(plans: Sequence[FindingPlan]) -> tuple[float, float]:
    """How much higher the right and the left hemidiaphragm stand, for the lung that shrank."""
    shrunk = {plan.side for plan in plans if plan.finding == "atelectasis"}
    return (0.008 if -1 in shrunk else 0.0, 0.008 if 1 in shrunk else 0.0)


def _sample_plan(
    patient: Patient, acquisition: Acquisition, finding: str, rng: np.random.Generator
) -> FindingPlan:
    shapes = _SHAPE_PROBABILITIES[finding]
    shape = str(rng.choice(list(shapes), p=list(shapes.values())))
    side = int(rng.choice([-1, 1]))
    # Sizes are meant for the film: a patient drawn larger does not have larger findings.
    scale = 1.0 / (acquisition.zoom * (patient.width * patient.height) ** 0.5)
    (low_x, high_x), (low_y, high_y), (low_angle, high_angle) = _SIZE_RANGES[shape]
    half_x, half_y = scale * rng.uniform(low_x, high_x), scale * rng.uniform(low_y, high_y)
    dome = patient.dome_right + acquisition.inspiration + (patient.dome_drop if side > 0 else 0.0)
    top, bottom = patient.apex + 0.04 + 0.7 * half_y, dome + 0.08 - 0.6 * half_y
    y = rng.uniform(top, bottom)
    if shape == "meniscus":  # from above the dome down to the costophrenic angle
        half_y = (patient.costophrenic_y - dome + rng.uniform(0.10, 0.30)) / 2.0
        y = patient.costophrenic_y - half_y
    outer, inner = (float(v[0]) for v in lung_wall(patient, np.array([y], dtype=np.float32)))
    if shape in ("meniscus", "pleural", "wedge"):
        x = outer - half_x
    else:
        free = max(outer - inner - 2.0 * half_x, 0.0)
        x = (outer + inner) / 2.0 + rng.uniform(-0.5, 0.5) * free
    return FindingPlan(
        finding=finding,
        shape=shape,
        side=side,
        centre=(side * x, float(y)),
        half_size=(half_x, half_y),
        angle=float(rng.uniform(low_angle, high_angle)),
        strength=float(rng.uniform(*_STRENGTH_RANGES[finding])),
        seed=int(rng.integers(2**32)),
    )


@dataclass(frozen=True)
class PlantedFindings:
    """What the findings add.

    Attributes:
        density: (S, S) attenuation.
        extents: finding and the box around nearly all of its density, one each.
    """

    density: FloatImage
    extents: tuple[tuple[str, Extent], ...]


def draw_findings(
    plans: Sequence[FindingPlan], frame: PatientGrid, lungs: Lungs, size: int
) -> PlantedFindings:
    """Draw the planned findings as attenuation, and box each."""
    total = np.zeros((size, size), dtype=np.float32)
    extents = []
    for plan in plans:
        within = np.where(frame.is_right == (plan.side < 0), lungs.air, np.float32(0.0))
        density = np.float32(plan.strength) * within * _DRAW_SHAPE[plan.shape](plan, frame, lungs)
        extents.append((plan.finding, _extent(density)))
        total += density
    return PlantedFindings(total, tuple(extents))


def _meniscus(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """Fluid at the base: it fills the costophrenic angle and climbs the wall in a curve."""
    top = np.float32(plan.centre[1] - plan.half_size[1])
    inner = np.float32(abs(plan.centre[0]) - plan.half_size[0])
    across = np.clip((frame.lateral - inner) / (lungs.wall - inner), 0.0, 1.0)
    level = top + np.float32(0.7 * plan.half_size[1]) * (1.0 - across * across * across)
    return smoothstep(frame.y - level, 0.018) * smoothstep(frame.lateral - inner, 0.05)


def _pleural(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """A pocket of fluid against the ribs, bulging inwards like a lens."""
    along = (frame.y - np.float32(plan.centre[1])) / np.float32(plan.half_size[1])
    bulge = np.float32(2.0 * plan.half_size[0]) * np.maximum(1.0 - along * along, np.float32(0.0))
    fluid = smoothstep(frame.lateral - lungs.wall + bulge, 0.015)
    return np.where(np.abs(along) < 1.0, fluid, np.float32(0.0))


def _fissural(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """Fluid in a fissure: an even, sharply bordered lens."""
    along, across = _rotated_coordinates(plan, frame)
    round_ends = np.sqrt(np.maximum(1.0 - along * along, np.float32(0.0)))
    border = np.float32(0.85 * plan.half_size[1]) * round_ends * np.sqrt(round_ends)
    return np.where(round_ends > 0, smoothstep(border - np.abs(across), 0.018), np.float32(0.0))


def _plates(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """Two or three straight, thin, dense bands, roughly side by side."""
    rng = np.random.default_rng(plan.seed)
    along, across = _rotated_coordinates(plan, frame)
    count = int(rng.integers(2, 4))
    places = np.linspace(-0.62, 0.62, count) * plan.half_size[1] + rng.uniform(-0.02, 0.02, count)
    bands = np.zeros_like(along)
    for place in places:
        shifted = along - np.float32(rng.uniform(-0.15, 0.15))
        square = np.square(shifted / np.float32(rng.uniform(0.75, 1.0)))
        tilt, bow = (np.float32(rng.normal(0.0, 0.02)) for _ in range(2))
        from_axis = np.abs(across - np.float32(place) - tilt * along - bow * square)
        thick = np.float32(rng.uniform(0.020, 0.032)) * (1.0 - 0.7 * square)  # thin at the ends
        bands = np.maximum(
            bands, smoothstep(1.0 - square, 0.5) * smoothstep(thick - from_axis, 0.016)
        )
    return bands


def _wedge(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """A collapsed segment: straight borders from a point near the hilum, streaks within."""
    rng = np.random.default_rng(plan.seed)
    along, across = _rotated_coordinates(plan, frame)
    opening = np.float32(0.5 * plan.half_size[1]) * (along + 1.0)
    inside = smoothstep(opening - np.abs(across), 0.012) * smoothstep(1.0 - along, 0.05)
    fan = across / np.maximum(opening, np.float32(0.01))
    streaks = np.cos(fan * np.float32(rng.uniform(5.0, 7.0)) + np.float32(rng.uniform(0, 6)))
    wedge: FloatImage = inside * (0.82 + 0.18 * streaks)
    return wedge


def _patches(plan: FindingPlan, frame: PatientGrid, lungs: Lungs) -> FloatImage:
    """Fuzzy blotches in a cluster, without borders."""
    rng = np.random.default_rng(plan.seed)
    dx = (frame.x - np.float32(plan.centre[0])) / np.float32(plan.half_size[0])
    dy = (frame.y - np.float32(plan.centre[1])) / np.float32(plan.half_size[1])
    cluster = smoothstep(1.0 - np.sqrt(dx * dx + dy * dy), 0.45)
    size = len(frame.x)
    blotches = smooth_noise(rng, 26, size) + 0.45 * smooth_noise(rng, 60, size)
    return cluster * (0.15 + 0.85 * smoothstep(blotches, 1.5))


def _rotated_coordinates(plan: FindingPlan, frame: PatientGrid) -> tuple[FloatImage, FloatImage]:
    """Along the finding's axis, outwards (-1 to 1 within it), and across it, downwards."""
    dx: FloatImage = frame.lateral - np.float32(abs(plan.centre[0]))
    dy: FloatImage = frame.y - np.float32(plan.centre[1])
    cosine, sine = math.cos(plan.angle), math.sin(plan.angle)
    along, across = (cosine * dx + sine * dy) / plan.half_size[0], cosine * dy - sine * dx
    return along.astype(np.float32, copy=False), across.astype(np.float32, copy=False)


_DRAW_SHAPE = {
    "meniscus": _meniscus,
    "pleural": _pleural,
    "fissural": _fissural,
    "plates": _plates,
    "wedge": _wedge,
    "patches": _patches,
}


def _extent(density: FloatImage) -> Extent:
    """The box that leaves ``_TAIL_FRACTION`` of the density outside at each edge."""
    edges = []
    for axis in (0, 1):  # sums along y give x, and the other way round
        share = np.cumsum(density.sum(axis=axis, dtype=np.float64))
        low, high = np.searchsorted(
            share, [_TAIL_FRACTION * share[-1], (1.0 - _TAIL_FRACTION) * share[-1]]
        )
        edges.append((float(low), float(high + 1 - low)))
    (x, width), (y, height) = edges
    return x, y, width, height
