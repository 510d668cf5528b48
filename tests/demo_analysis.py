"""An ``Analysis`` with chosen numbers, for tests of what is said of one."""

import numpy as np

from cxr_core.config import EvidenceScale, OperatingPoint
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.reading.analyzer import Analysis

Four = tuple[float, float, float, float]


def made_up(
    probabilities: Four,
    *,
    points: Four = (0.25, 0.15, 0.2, 0.35),
    view: str | None = None,
    under_18: bool | None = None,
    portable: bool = False,
    gate: GateResult | None = None,
    warnings: tuple[str, ...] = (),
    film: str = "a",
) -> Analysis:
    """What a model might have said; ``film`` is repeated to make the film's hash."""
    named = dict(zip(KEYS, probabilities, strict=True))
    cut_offs = dict(zip(KEYS, points, strict=True))
    logits = {key: float(np.log(p / (1 - p))) for key, p in named.items()}
    gray = np.zeros((64, 64), np.uint8)
    return Analysis(
        probabilities=named,
        logits=logits,
        above={key: named[key] >= cut_offs[key] for key in KEYS},
        operating_points={
            key: OperatingPoint(t, t, t, "sensitivity", 0.8, 0.8, 0.5)
            for key, t in cut_offs.items()
        },
        evidence={key: np.zeros((7, 7), np.float32) for key in KEYS},
        margins={key: logits[key] - float(np.log(t / (1 - t))) for key, t in cut_offs.items()},
        margin_maps={key: np.zeros((7, 7), np.float32) for key in KEYS},
        evidence_scale=EvidenceScale(3.0),
        gate=gate or GateResult(passed=True, reasons=()),
        correction=None,
        warnings=warnings,
        image_sha256=(film * 64)[:64],
        model_sha256="b" * 64,
        radiograph=Radiograph(
            stored=gray,
            pixels=gray,
            file_format="PNG",
            processing_log=(),
            warnings=warnings,
            view=view,
            under_18=under_18,
            portable=portable,
            sha256=(film * 64)[:64],
        ),
    )
