"""Where findings will lie: shape, side, place and size, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxr_core.imaging.phantom_anatomy import lung_wall
from cxr_core.imaging.phantom_patient import Film, Patient

# The shapes a finding takes, and how often. An effusion does not always lie at the base, so that
# no single place of the film is right for most of them.
_SHAPES: dict[str, dict[str, float]] = {
    "effusion": {"meniscus": 0.44, "pleural": 0.36, "fissural": 0.20},
    "atelectasis": {"plates": 0.6, "wedge": 0.4},
    "infiltration": {"patches": 1.0},
}
_TRIES = 60  # to find a place that is free
# Half the width and half the height (half sides of the film), and the angle (radians).
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "meniscus": ((0.24, 0.32), (0.0, 0.0), (0.0, 0.0)),  # its height follows from the dome's
    "pleural": ((0.15, 0.20), (0.22, 0.31), (0.0, 0.0)),
    "fissural": ((0.23, 0.29), (0.14, 0.19), (-0.35, 0.35)),
    "plates": ((0.19, 0.26), (0.16, 0.22), (-0.5, 0.5)),
    "wedge": ((0.21, 0.27), (0.20, 0.29), (-0.3, 0.3)),
    "patches": ((0.18, 0.25), (0.19, 0.26), (0.0, 0.0)),
}
_STRENGTHS = {"effusion": (0.75, 0.95), "atelectasis": (0.55, 0.78), "infiltration": (0.50, 0.75)}


@dataclass(frozen=True)
class Plan:
    """One finding before it is drawn, in the patient's coordinates.

    Attributes:
        finding: key.
        shape: how it looks, one of the finding's ``_SHAPES``.
        side: -1 the patient's right (image's left), 1 the left.
        centre: (x, y).
        half: half of the width and of the height that it takes up.
        angle: radians, downwards as it goes outwards.
        strength: part of the lung's air that gives way, 0 to 1.
        seed: of its texture.
    """

    finding: str
    shape: str
    side: int
    centre: tuple[float, float]
    half: tuple[float, float]
    angle: float
    strength: float
    seed: int

    def meets(self, other: "Plan") -> bool:
        """Whether the two take up some of the same room."""
        gaps = [abs(a - b) for a, b in zip(self.centre, other.centre, strict=True)]
        reach = [a + b for a, b in zip(self.half, other.half, strict=True)]
        return all(gap < room for gap, room in zip(gaps, reach, strict=True))


def plan_findings(
    patient: Patient, film: Film, findings: Sequence[str], rng: np.random.Generator
) -> tuple[Plan, ...]:
    """Choose shape, side, place and size of each finding, apart from one another."""
    plans: list[Plan] = []
    for finding in findings:
        for _ in range(_TRIES):
            plan = _plan(patient, film, finding, rng)
            if not any(plan.meets(other) for other in plans):
                break
        plans.append(plan)
    return tuple(plans)


def volume_loss(plans: Sequence[Plan]) -> tuple[float, float]:
    """How much higher the right and the left hemidiaphragm stand, for the lung that shrank."""
    shrunk = {plan.side for plan in plans if plan.finding == "atelectasis"}
    return (0.008 if -1 in shrunk else 0.0, 0.008 if 1 in shrunk else 0.0)


def _plan(patient: Patient, film: Film, finding: str, rng: np.random.Generator) -> Plan:
    shapes = _SHAPES[finding]
    shape = str(rng.choice(list(shapes), p=list(shapes.values())))
    side = int(rng.choice([-1, 1]))
    # Sizes are meant for the film: a patient drawn larger does not have larger findings.
    scale = 1.0 / (film.zoom * (patient.width * patient.height) ** 0.5)
    (low_x, high_x), (low_y, high_y), (low_angle, high_angle) = _RANGES[shape]
    half_x, half_y = scale * rng.uniform(low_x, high_x), scale * rng.uniform(low_y, high_y)
    dome = patient.dome_right + film.breath + (patient.dome_drop if side > 0 else 0.0)
    top, bottom = patient.apex + 0.04 + 0.7 * half_y, dome + 0.08 - 0.6 * half_y
    y = rng.uniform(top, bottom)
    if shape == "meniscus":  # from above the dome down to the costophrenic angle
        half_y = (patient.recess - dome + rng.uniform(0.10, 0.30)) / 2.0
        y = patient.recess - half_y
    outer, inner = (float(v[0]) for v in lung_wall(patient, np.array([y], dtype=np.float32)))
    if shape in ("meniscus", "pleural", "wedge"):
        x = outer - half_x
    else:
        free = max(outer - inner - 2.0 * half_x, 0.0)
        x = (outer + inner) / 2.0 + rng.uniform(-0.5, 0.5) * free
    return Plan(
        finding=finding,
        shape=shape,
        side=side,
        centre=(side * x, float(y)),
        half=(half_x, half_y),
        angle=float(rng.uniform(low_angle, high_angle)),
        strength=float(rng.uniform(*_STRENGTHS[finding])),
        seed=int(rng.integers(2**32)),
    )
