"""Analyses with chosen numbers, and an analyzer that gives them, for tests that need no network."""

from collections.abc import Sequence

import numpy as np

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.model.metadata import ModelMetadata
from cxr_core.reading.analyzer import Analysis, Analyzer

POINT = OperatingPoint(0.5, 0.4, 0.6, "sensitivity", 0.8, 0.81, 0.7)


def analysis(
    margins: Sequence[float],
    *,
    radiograph: Radiograph | None = None,
    stopped: str = "",
    model_sha256: str = "m" * 64,
) -> Analysis:
    """An analysis with these margins; every point is 0.5, so a margin is the calibrated logit."""
    film = np.zeros((64, 64), dtype=np.uint8)
    radiograph = radiograph or Radiograph(
        stored=film, pixels=film, file_format="PNG", sha256="a" * 64, processing_log=()
    )
    by_key = dict(zip(KEYS, margins, strict=True))
    return Analysis(
        probabilities={key: float(1 / (1 + np.exp(-margin))) for key, margin in by_key.items()},
        logits=by_key,
        above={key: margin >= 0 for key, margin in by_key.items()},
        operating_points=dict.fromkeys(KEYS, POINT),
        evidence=dict.fromkeys(KEYS, np.zeros((7, 7), dtype=np.float32)),
        margins=by_key,
        margin_maps=dict.fromkeys(KEYS, np.zeros((7, 7), dtype=np.float32)),
        evidence_scale=EvidenceScale(1.0),
        gate=GateResult(passed=not stopped, reasons=(stopped,) if stopped else ()),
        correction=None,
        warnings=radiograph.warnings,
        image_sha256=radiograph.sha256,
        model_sha256=model_sha256,
        radiograph=radiograph,
    )


class FakeAnalyzer(Analyzer):
    """Says of every film that its Effusion is just above; counts the films that it read."""

    def __init__(self, model_sha256: str = "m" * 64) -> None:
        self.metadata = ModelMetadata(
            Preprocessing(),
            Calibration(),
            dict.fromkeys(KEYS, POINT),
            EvidenceScale(1.0),
            model_sha256=model_sha256,
        )
        self.films = 0

    def analyze_radiograph(
        self, radiograph: Radiograph, *, correction: str | None = None
    ) -> Analysis:
        self.films += 1
        return analysis(
            (0.25, -1.0, -1.0, -1.0),
            radiograph=radiograph,
            model_sha256=self.metadata.model_sha256,
        )
