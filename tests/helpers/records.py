"""An ``Analysis`` and a ``Record`` for the exports, whose every figure is known."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cxr_core.evaluation.cutoffs import Cutoffs
from cxr_core.evaluation.metrics.bootstrap import NOT_ESTIMABLE, Interval
from cxr_core.evaluation.metrics.flag_worth import BandShare
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.overlay import MapStyle
from cxr_core.export.record import Record
from cxr_core.findings import KEYS
from cxr_core.imaging.radiograph import Radiograph, read_radiograph
from cxr_core.reading.analyzer import Analysis
from tests.helpers.analyses import make_analysis, make_radiograph

CREATED = datetime(2026, 3, 9, 14, 5, 6, tzinfo=UTC)


def export_analysis(
    film: Radiograph | None = None, *, cutoffs: Cutoffs | None = None, **changes: Any
) -> Analysis:
    """Effusion 50 % against 31 %, the others below it; its map has one positive cell (2, 1).

    Args:
        cutoffs: both cut-offs of each finding, the specific ones 31 %; without them there is one.
    """
    if film is None:
        ramp = np.tile(np.linspace(20, 220, 600), (512, 1)).astype(np.uint8)
        film = make_radiograph(ramp, sha256="ab" * 32)
    spot = np.full((7, 7), -0.2, dtype=np.float32)
    spot[2, 1] = 1.0
    # Logits and margins that no calibration links, so that none can stand in another's place.
    values = {
        "logits": dict(zip(KEYS, (-1.5, 0.25, 2.0, -3.0), strict=True)),
        "margins": dict(zip(KEYS, (0.8, -0.3, -1.1, -1.9), strict=True)),
        "evidence": dict.fromkeys(KEYS, spot),
        "margin_maps": dict.fromkeys(KEYS, spot),
        "warnings": ("16 bit.",),
        "model_sha256": "cd" * 32,
        "engine": "An engine 1.2",
    }
    return make_analysis(
        (0.5, 0.25, 0.125, 0.0625),
        cutoffs=(0.31,) * 4,
        pair=cutoffs,
        radiograph=film,
        **(values | changes),
    )


def export_analysis_of(data: bytes, **changes: Any) -> Analysis:
    """The same numbers for the film in these bytes."""
    film = read_radiograph(data)
    return export_analysis(film, warnings=film.warnings, **changes)


def make_facts(*, likely: BandShare) -> ModelFacts:
    """Of a demonstration model, with too few test films in the two lower bands."""
    few = BandShare(4, 1, NOT_ESTIMABLE)
    return ModelFacts(
        demonstration=True,
        n_films=421,
        mean_auroc=Interval(0.8049, 0.77, 0.84, "enough"),
        bands={key: {"unlikely": few, "uncertain": few, "likely": likely} for key in KEYS},
    )


def make_record(analysis: Analysis | None = None, **changes: Any) -> Record:
    """A reading of the effusion's map, asked for at ``CREATED``."""
    record = Record(
        analysis=analysis or export_analysis(),
        shown_finding="effusion",
        style=MapStyle(),
        created=CREATED,
    )
    return replace(record, **changes)
