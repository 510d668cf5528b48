"""Analyses with chosen numbers, and an analyzer that gives them, for tests without a network."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from cxr_core.config import EvidenceScale, OperatingPoint
from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.reading.analyzer import Analysis, Analyzer
from tests.helpers.models import make_metadata

CUTOFFS = (0.25, 0.15, 0.2, 0.35)
STOPPED = GateResult(passed=False, reasons=("Too dark.", "Too small."))


def make_radiograph(pixels: np.ndarray | None = None, **changes: Any) -> Radiograph:
    """A PNG's film of 8-bit (H, W) ``pixels``, black where none are given."""
    gray = np.zeros((64, 64), np.uint8) if pixels is None else pixels
    film = Radiograph(
        stored=gray, pixels=gray, file_format="PNG", sha256="a" * 64, processing_log=()
    )
    return replace(film, **changes)


def make_analysis(
    probabilities: tuple[float, ...],
    *,
    cutoffs: tuple[float, ...] = CUTOFFS,
    radiograph: Radiograph | None = None,
    pair: Cutoffs | None = None,
    **changes: Any,
) -> Analysis:
    """What a model without calibration would say at these probabilities; its maps are zero.

    Args:
        pair: both cut-offs of each finding; those of ``cutoffs`` are the specific ones then.
    """
    film = radiograph or make_radiograph()
    by_key = dict(zip(KEYS, probabilities, strict=True))
    points = dict(zip(KEYS, cutoffs, strict=True))
    zero = np.zeros((7, 7), np.float32)
    analysis = Analysis(
        probabilities=by_key,
        logits={key: float(logit(p)) for key, p in by_key.items()},
        above={key: p >= points[key] for key, p in by_key.items()},
        operating_points={
            key: OperatingPoint(cutoff, cutoff - 0.03, cutoff + 0.05, "sensitivity", 0.8, 0.81, 0.7)
            for key, cutoff in points.items()
        },
        evidence=dict.fromkeys(KEYS, zero),
        margins={key: float(logit(p) - logit(points[key])) for key, p in by_key.items()},
        margin_maps=dict.fromkeys(KEYS, zero),
        evidence_scale=EvidenceScale(1.0),
        gate=GateResult(passed=True, reasons=()),
        correction=None,
        warnings=film.warnings,
        image_sha256=film.sha256,
        model_sha256="b" * 64,
        radiograph=film,
        cutoffs=pair,
    )
    if pair is not None:
        changes = {"operating_points": pair.points("standard")} | changes
    return replace(analysis, **changes)


def analysis_with_margins(margins: tuple[float, ...], **changes: Any) -> Analysis:
    """An analysis with these margins; every cut-off is 0.5, so a margin is the logit."""
    probabilities = tuple(float(expit(margin)) for margin in margins)
    exact = dict(zip(KEYS, margins, strict=True))
    values = {"logits": exact, "margins": exact} | changes
    return make_analysis(probabilities, cutoffs=(0.5,) * len(KEYS), **values)


class FakeAnalyzer(Analyzer):
    """Says of every film that its Effusion is just above; counts the films that it read."""

    def __init__(self, model_sha256: str = "b" * 64) -> None:
        self.metadata = make_metadata(model_sha256=model_sha256)
        self.films = 0

    def analyze_radiograph(
        self, radiograph: Radiograph, *, correction: str | None = None
    ) -> Analysis:
        self.films += 1
        return analysis_with_margins(
            (0.25, -1.0, -1.0, -1.0),
            radiograph=radiograph,
            model_sha256=self.metadata.model_sha256,
        )
