"""An ``Analysis`` and a ``Record`` with known values, made without a model."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cxr_core.config import EvidenceScale, OperatingPoint
from cxr_core.export.overlay import MapStyle
from cxr_core.export.record import Record
from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.reading.analyzer import Analysis

CREATED = datetime(2026, 3, 9, 14, 5, 6, tzinfo=UTC)
STOPPED = GateResult(passed=False, reasons=("Too dark.", "Too small."))
IMAGE_SHA256, MODEL_SHA256 = "ab" * 32, "cd" * 32


def make_analysis(film: Radiograph | None = None, **changes: Any) -> Analysis:
    """Effusion 50 % against 31 %, the others below it; its map has one positive cell (2, 1)."""
    if film is None:
        ramp = np.tile(np.linspace(20, 220, 600), (512, 1)).astype(np.uint8)
        film = Radiograph(
            stored=ramp, pixels=ramp, file_format="PNG", sha256=IMAGE_SHA256, processing_log=()
        )
    point = OperatingPoint(0.31, 0.28, 0.36, "sensitivity", 0.8, 0.81, 0.7)
    spot = np.full((7, 7), -0.2, dtype=np.float32)
    spot[2, 1] = 1.0
    analysis = Analysis(
        probabilities=dict(zip(KEYS, (0.5, 0.25, 0.125, 0.0625), strict=True)),
        logits=dict(zip(KEYS, (-1.5, 0.25, 2.0, -3.0), strict=True)),
        above=dict(zip(KEYS, (True, False, False, False), strict=True)),
        operating_points=dict.fromkeys(KEYS, point),
        evidence=dict.fromkeys(KEYS, spot),
        margins=dict(zip(KEYS, (0.8, -0.3, -1.1, -1.9), strict=True)),
        margin_maps=dict.fromkeys(KEYS, spot),
        evidence_scale=EvidenceScale(1.0),
        gate=GateResult(passed=True, reasons=()),
        correction=None,
        warnings=("16 bit.",),
        image_sha256=film.sha256,
        model_sha256=MODEL_SHA256,
        radiograph=film,
    )
    return replace(analysis, **changes)


def analysis_of(data: bytes, **changes: Any) -> Analysis:
    """The same numbers for the film in these bytes."""
    film = read_radiograph(data)
    return make_analysis(film, warnings=film.warnings, **changes)


def make_record(analysis: Analysis | None = None, **changes: Any) -> Record:
    """A reading of the effusion's map, asked for at ``CREATED``."""
    values = {"shown_finding": "effusion", "style": MapStyle(), "created": CREATED, **changes}
    return Record(analysis=analysis or make_analysis(), **values)
