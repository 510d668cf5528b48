"""Bytes of a film -> ``Analysis``: the one facade of the pages, the batch reader and exports."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxr_core.config import EvidenceScale, OperatingPoint
from cxr_core.errors import ImageError
from cxr_core.evaluation.cutoffs import Band, Cutoffs, Setting, cutoffs_of_model
from cxr_core.evaluation.scoring import cutoff_logits, margin_maps, margins, to_probabilities
from cxr_core.findings import ABNORMAL_IN_WORDS, ABNORMAL_KEYS, KEYS, LABELS, NORMAL_KEY
from cxr_core.imaging.correction import Correction, correction_key
from cxr_core.imaging.gate import GateResult, check_radiograph
from cxr_core.imaging.preprocessing import normalise, to_square
from cxr_core.imaging.radiograph import Radiograph, apply_correction
from cxr_core.imaging.workers.pool import read_radiograph_in_worker, start_workers
from cxr_core.model.engine import EngineSettings, ServedModel, load_served_model
from cxr_core.model.head import pool
from cxr_core.model.metadata import UNCALIBRATED_WARNING, ModelMetadata, why_uncalibrated
from cxr_core.reading.approved import require_approved, require_approved_files
from cxr_core.reading.perturbations import Probes, read_perturbed
from cxr_core.wording import listed

# No Finding against the three findings: they exclude each other, but four outputs may not.


@dataclass(frozen=True)
class NoFindingStatement:
    """What is to be said of No Finding beside the three.

    Attributes:
        sentence: calm and whole; empty where the four numbers say all.
        contradiction: the four outputs cannot all be right; the one case that is an alert.
        under_headline: the same under a headline that says already what is flagged.
    """

    sentence: str = ""
    contradiction: bool = False
    under_headline: str = ""


def no_finding_statement(
    probabilities: Mapping[str, float],
    above: Mapping[str, bool],
    likely: Mapping[str, bool] | None = None,
) -> NoFindingStatement:
    """Tell a contradiction from a film that is merely not called normal.

    No Finding means that no finding at all was reported, so P(No Finding) and the probability
    of any one finding cannot add up to more than 1.

    Args:
        probabilities: calibrated, by finding key; as the model assumes them, since No Finding is
            never re-based.
        above: whether each reaches its operating point.
        likely: whether each reaches its specific cut-off; ``above`` without it. A flag that only
            the sensitive setting raises contradicts nothing: uncertain is uncertain.
    """
    found = [key for key in ABNORMAL_KEYS if above[key]]
    contrary = [key for key in found if likely is None or likely[key]]
    if contrary and above[NORMAL_KEY]:
        names = listed([LABELS[key] for key in contrary])
        verb = "is" if len(contrary) == 1 else "are"
        return NoFindingStatement(
            f"{names} {verb} flagged, and the film is called normal too. The two exclude "
            "each other: rely on neither for this film.",
            contradiction=True,
        )
    likeliest = max(ABNORMAL_KEYS, key=lambda key: probabilities[key])
    if probabilities[NORMAL_KEY] > 1.0 - probabilities[likeliest]:
        return NoFindingStatement(
            "Before any adjustment to your site, the probabilities of No Finding and "
            f"{LABELS[likeliest]} add up to more than 100 %. The two exclude each other: rely on "
            "neither for this film.",
            contradiction=True,
        )
    if found and above[NORMAL_KEY]:
        told = "The film is called normal, too: only the sensitive setting flags anything on it."
        return NoFindingStatement(told, under_headline=told)
    if found:
        return NoFindingStatement()
    if above[NORMAL_KEY]:
        rest = "The model did not look for anything else."
        return NoFindingStatement(f"None of the {ABNORMAL_IN_WORDS} flagged. {rest}", False, rest)
    rest = "not called normal either. Something else may be there."
    return NoFindingStatement(
        f"None of the {ABNORMAL_IN_WORDS} flagged, but {rest}",
        under_headline=rest[0].upper() + rest[1:],
    )


@dataclass(frozen=True)
class Analysis:
    """What one model says of one film; dictionaries are by finding key.

    Attributes:
        probabilities: calibrated, 0 to 1.
        logits: raw, as the network returned them.
        above: whether the calibrated probability reaches the operating point.
        operating_points: the cut-offs at which findings are flagged in ``setting``.
        evidence: signed Grad-CAM, float32 (7, 7) at 224 px, logit units; its mean plus the
            classifier's bias is the raw logit.
        margins: calibrated logit less the operating point's; 0 or more is above.
        margin_maps: float32 (7, 7), calibrated logit units, the map that is shown: evidence with
            its zero at the operating point, its mean is the margin (``evaluation.scoring``).
        evidence_scale: the model's fixed scale for all four margin maps.
        gate: whether the film looks readable, and what speaks against it.
        correction: what was done to the film on the user's word, as ``Correction.key`` spells it;
            None when nothing.
        warnings: calm sentences about the film, and about a model that is not calibrated.
        image_sha256: of the bytes that were read.
        model_sha256: of the model that read them.
        setting: which of the two cut-offs flags (``at_setting``).
        cutoffs: both of them; None where only ``operating_points`` are known.
        engine: what computed the network, with its version.
    """

    probabilities: dict[str, float]
    logits: dict[str, float]
    above: dict[str, bool]
    operating_points: dict[str, OperatingPoint]
    evidence: dict[str, NDArray[np.float32]]
    margins: dict[str, float]
    margin_maps: dict[str, NDArray[np.float32]]
    evidence_scale: EvidenceScale
    gate: GateResult
    correction: str | None
    warnings: tuple[str, ...]
    image_sha256: str
    model_sha256: str
    radiograph: Radiograph
    setting: Setting = "standard"
    cutoffs: Cutoffs | None = None
    engine: str = ""

    @property
    def has_bands(self) -> bool:
        """Whether the model has two cut-offs a finding, between which it is uncertain."""
        return self.cutoffs is not None and self.cutoffs.paired

    @property
    def bands(self) -> dict[str, Band]:
        """The band of each finding, the same in every setting."""
        cutoffs = self.cutoffs or Cutoffs(self.operating_points)
        return {key: cutoffs.band(key, p) for key, p in self.probabilities.items()}

    @property
    def likely(self) -> dict[str, bool]:
        """Whether each finding is likely: above its specific cut-off."""
        return {key: band == "likely" for key, band in self.bands.items()}


def at_setting(analysis: Analysis, setting: Setting) -> Analysis:
    """The same reading as it is flagged in another setting; a map's zero goes with its cut-off."""
    if analysis.cutoffs is None or setting == analysis.setting:
        return analysis
    points = analysis.cutoffs.points(setting)
    shift = dict(
        zip(KEYS, cutoff_logits(analysis.operating_points) - cutoff_logits(points), strict=True)
    )
    return replace(
        analysis,
        setting=setting,
        operating_points=points,
        above={key: p >= points[key].threshold for key, p in analysis.probabilities.items()},
        margins={key: m + float(shift[key]) for key, m in analysis.margins.items()},
        margin_maps={
            key: (shown + shift[key]).astype(np.float32)
            for key, shown in analysis.margin_maps.items()
        },
    )


class Analyzer:
    """A loaded model that reads films. It keeps nothing between calls and is thread-safe.

    Attributes:
        batch_size: films that its engine reads at once where as many threads ask.
    """

    batch_size = 1

    def __init__(self, model: ServedModel) -> None:
        self.model = model
        self.batch_size = model.engine.batch_size
        self.metadata: ModelMetadata = model.metadata
        uncalibrated = why_uncalibrated(self.metadata.provenance)
        self._model_warnings = (UNCALIBRATED_WARNING,) if uncalibrated else ()

    def analyze(self, data: bytes, *, correction: str | Correction | None = None) -> Analysis:
        """Read one film; it is decoded in a process of its own (``imaging.workers``).

        Args:
            data: the bytes of a PNG, JPEG, TIFF or single-frame grayscale DICOM file.
            correction: on the user's word, before reading: a ``Correction``, or steps joined by
                ``+`` as in ``invert+rotate_cw``. The steps: ``invert``, ``rotate_ccw``,
                ``rotate_cw``, ``rotate_180``, ``mirror``, ``gray_levels`` (anew, from the pixels),
                the key of one of the file's windows and tables, as ``window_2`` or ``table_1``,
                and ``crop_L_T_R_B``, pixels off each side.

        Raises:
            ImageError: the bytes are not one readable film, it costs too much to decode it, or
                there is no such correction.
        """
        asked = correction_key(correction)
        return self.analyze_radiograph(read_radiograph_in_worker(data), correction=asked)

    def analyze_radiograph(
        self, radiograph: Radiograph, *, correction: str | None = None
    ) -> Analysis:
        """Read one film that is decoded already, as ``analyze`` does.

        Raises:
            ImageError: there is no such correction.
            CheckpointError: the model's answer is no number.
            EngineError: the engine fails.
        """
        asked = Correction.parse(correction)
        radiograph = apply_correction(radiograph, asked)
        square = to_square(radiograph.pixels, self.metadata.preprocessing.size)  # (S, S)
        images = normalise(square, self.metadata.preprocessing)  # (1, 3, S, S)
        features = self.model.engine.features(images)  # (1, C, h, w)
        pooled = pool(features)  # (1, C)
        logits = self.model.head.logits(pooled)  # (1, 4)
        evidence = self.model.head.evidence(features[0])  # (4, h, w)
        probabilities = to_probabilities(logits, self.metadata.calibration)[0]  # (4,)
        points = self.metadata.operating_points
        calibration = self.metadata.calibration
        distances = margins(logits[0], calibration, points)  # (4,)
        maps = margin_maps(evidence, logits[0], calibration, points).astype(np.float32)
        gate = check_radiograph(radiograph, self.model.gate, pooled[0], square)
        return Analysis(
            probabilities={key: float(p) for key, p in zip(KEYS, probabilities, strict=True)},
            logits={key: float(z) for key, z in zip(KEYS, logits[0], strict=True)},
            above={
                key: bool(p >= points[key].threshold)
                for key, p in zip(KEYS, probabilities, strict=True)
            },
            operating_points=dict(points),
            evidence=dict(zip(KEYS, evidence, strict=True)),
            margins={key: float(m) for key, m in zip(KEYS, distances, strict=True)},
            margin_maps=dict(zip(KEYS, maps, strict=True)),
            evidence_scale=self.metadata.evidence_scale,
            gate=gate,
            correction=asked.key or None,
            warnings=(*self._model_warnings, *radiograph.warnings, *gate.notes),
            image_sha256=radiograph.sha256,
            model_sha256=self.metadata.model_sha256,
            radiograph=radiograph,
            cutoffs=cutoffs_of_model(self.metadata),
            engine=self.model.engine.name,
        )

    def probe(self, data: bytes, analysis: Analysis) -> Probes:
        """Read a film again under small changes of its picture; half a second on two cores.

        Args:
            data: the bytes that ``analysis`` was made of.
            analysis: this model's, of these bytes; its correction holds for the changes too.

        Raises:
            ImageError: the analysis is of another film or by another model.
        """
        asked = (hashlib.sha256(data).hexdigest(), self.metadata.model_sha256)
        if asked != (analysis.image_sha256, analysis.model_sha256):
            raise ImageError(
                "The film and the analysis do not match",
                value=f"film {asked[0][:12]}, analysis of {analysis.image_sha256[:12]}",
                remedy="Read the film again, then check its stability.",
            )
        return read_perturbed(
            analysis.radiograph.pixels,
            self.model,
            image_sha256=analysis.image_sha256,
            correction=analysis.correction,
        )


def load_analyzer(folder: str | Path, settings: EngineSettings | None = None) -> Analyzer:
    """Load the model of a run folder, ready to read films.

    Args:
        settings: of the engine; None for those of the environment.

    Raises:
        CheckpointError: the folder is incomplete or was altered, its weights are no numbers, or
            ``CXR_MODEL_SHA256`` or ``CXR_MODEL_FILES_SHA256`` approves another one.
        EngineError: the engine that ``CXR_ENGINE`` names cannot read with it.
    """
    require_approved_files(Path(folder))
    start_workers()  # which takes them about as long as the weights take
    model = load_served_model(folder, settings)
    require_approved(model.metadata.model_sha256, Path(folder))
    return Analyzer(model)
