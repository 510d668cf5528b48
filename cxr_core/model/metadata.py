"""``model.json``: everything that a probability depends on beside the weights, and its hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cxr_core.config import Calibration, EvidenceScale, OperatingPoint, Preprocessing, short
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.files import atomic_write, read_json
from cxr_core.findings import KEYS, LABELS

FORMAT_VERSION = 1
DENSENET121 = "densenet121"
DEFAULT_ARCHITECTURE = DENSENET121  # also that of a model.json that names none
METADATA_FILE = "model.json"
UNCALIBRATED_WARNING = (
    "This model's probabilities are not calibrated: they rank films, but are no frequencies."
)
# What pages, the card and training read of the provenance; what else stands in it is only kept.
_PROVENANCE_KINDS: dict[str, tuple[type, str]] = {
    "config": (dict, "object"),
    "counts": (dict, "object"),
    "lineage": (list, "list"),
    "demonstration": (bool, "yes or no"),
    "uncalibrated": (str, "text"),
}
_MAX_COUNT = 10**12  # films of a part
_RESTORE_REMEDY = "Restore the folder as train.py wrote it, or make it again with train.py."


@dataclass(frozen=True)
class ModelMetadata:
    """What travels with the weights.

    Attributes:
        architecture: the network's name, one of ``architectures.ARCHITECTURES``.
        operating_points: by finding key; the cut-offs at which a finding is flagged.
        sensitive_points: the cut-offs that miss little, nowhere above the others; None for a
            model of an earlier version, which has one cut-off a finding.
        gate: what ``checkpoint.save_gate`` returned; None for a model without a gate.
        provenance: preset, configuration, data fingerprint, counts, seed, library versions.
        weights_sha256: of the weights file.
        model_sha256: of the canonical ``model.json``, weights' hash included.
    """

    preprocessing: Preprocessing
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    evidence_scale: EvidenceScale
    architecture: str = DEFAULT_ARCHITECTURE
    gate: dict[str, Any] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    model_sha256: str = ""
    sensitive_points: dict[str, OperatingPoint] | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError: a sensitive cut-off lies above the other one."""
        for key, point in (self.sensitive_points or {}).items():
            if point.threshold > self.operating_points[key].threshold:
                raise ConfigError(
                    f"The sensitive cut-off of {LABELS[key]} lies above the other one",
                    value=f"{point.threshold} and {self.operating_points[key].threshold}",
                    remedy="Fit the cut-offs again with train.py --finalize.",
                )

    @property
    def is_demonstration(self) -> bool:
        """Whether the model says that it only shows what the tool does; one that does not tell
        counts as such."""
        return bool(self.provenance.get("demonstration", True))


def uses_external_data(provenance: Mapping[str, Any]) -> bool:
    """Whether a model's weights come in part from elsewhere, as its provenance tells."""
    # "outside_weights" is an earlier version's name.
    known = provenance.get("uses_external_data", provenance.get("outside_weights"))
    if known is None:  # a model of before this was noted
        return bool(provenance.get("config", {}).get("weights") != "none")
    return bool(known)


def why_uncalibrated(provenance: Mapping[str, Any]) -> str:
    """Why a model's probabilities are the plain sigmoid of its logits; "" where they are not."""
    return str(provenance.get("uncalibrated", ""))


def canonical_sha256(document: Mapping[str, Any]) -> str:
    """SHA-256 of ``document`` without its own ``model_sha256``, keys sorted, no spaces."""
    content = {key: value for key, value in document.items() if key != "model_sha256"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_metadata(folder: Path, metadata: ModelMetadata, *, weights_sha256: str) -> str:
    """Write ``folder/model.json`` and return its ``model_sha256``."""
    document: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "architecture": metadata.architecture,
        "findings": list(KEYS),
        "preprocessing": asdict(metadata.preprocessing),
        "calibration": asdict(metadata.calibration),
        "operating_points": _points_document(metadata.operating_points),
        **(
            {}
            if metadata.sensitive_points is None
            else {"sensitive_points": _points_document(metadata.sensitive_points)}
        ),
        "evidence_scale": asdict(metadata.evidence_scale),
        **({} if metadata.gate is None else {"gate": metadata.gate}),
        "provenance": metadata.provenance,
        "weights_sha256": weights_sha256,
    }
    document = json.loads(json.dumps(document))  # tuples become lists, as they will be read
    document["model_sha256"] = canonical_sha256(document)
    with atomic_write(folder / METADATA_FILE) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return str(document["model_sha256"])


def _points_document(points: Mapping[str, OperatingPoint]) -> dict[str, dict[str, Any]]:
    return {key: asdict(points[key]) for key in KEYS}


def load_metadata(folder: str | Path) -> ModelMetadata:
    """Read and verify ``folder/model.json``, without the weights.

    Raises:
        CheckpointError: missing, not JSON, another format version, altered since it was
            written, or made for other findings.
    """
    path = Path(folder) / METADATA_FILE
    document = _read_document(path)
    if document.get("format") != FORMAT_VERSION:
        raise CheckpointError(
            f"This model folder has a format that this version does not read ({path})",
            value=short(document.get("format")),
            remedy=f"Use a folder of format {FORMAT_VERSION}, or make it again with train.py.",
        )
    if document.get("findings") != list(KEYS):
        raise CheckpointError(
            f"This model has other findings, or another order of them ({path})",
            value=short(document.get("findings")),
            remedy=f"Use a model made for {', '.join(KEYS)}, in this order.",
        )
    expected, actual = document.get("model_sha256"), _canonical_sha256_of_file(document, path)
    if expected != actual:
        raise CheckpointError(
            f"model.json was changed after it was written ({path})",
            value=f"SHA-256 {actual[:12]}…, expected {str(short(expected))[:12]}…",
            remedy=_RESTORE_REMEDY,
        )
    return _parse(document, path)


def _canonical_sha256_of_file(document: Mapping[str, Any], path: Path) -> str:
    try:
        return canonical_sha256(document)
    except ValueError as error:  # half a character, or a number of thousands of digits
        raise _unreadable_error(path, "it holds a text or a number that no model has") from error


def _unreadable_error(path: Path, reason: object) -> CheckpointError:
    return CheckpointError(
        f"model.json cannot be read ({short(reason)})", value=path, remedy=_RESTORE_REMEDY
    )


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            "There is no model in this folder (model.json is missing)",
            value=path.parent,
            remedy="Give the folder of a finished run, for example models/default.",
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable_error(path, error) from error
    if not isinstance(document, dict):
        raise CheckpointError("model.json is not an object", value=path, remedy=_RESTORE_REMEDY)
    return document


def _parse(document: dict[str, Any], path: Path) -> ModelMetadata:
    for name in ("architecture", "weights_sha256", "model_sha256"):
        if not isinstance(document.get(name, ""), str):
            raise _invalid_error(path, f"{name} is no text")
    for name in ("gate", "provenance"):
        if not isinstance(document.get(name, {}), dict):
            raise _invalid_error(path, f"{name} is no object")
    _check_provenance(document.get("provenance", {}), path)
    try:
        preprocessing = document["preprocessing"]
        calibration = document["calibration"]
        return ModelMetadata(
            preprocessing=Preprocessing(
                size=preprocessing["size"],
                mean=tuple(preprocessing["mean"]),
                std=tuple(preprocessing["std"]),
            ),
            calibration=Calibration(calibration["scale"], tuple(calibration["offsets"])),
            operating_points=_parse_points(document["operating_points"]),
            sensitive_points=_parse_points(document["sensitive_points"])
            if "sensitive_points" in document
            else None,
            evidence_scale=EvidenceScale(**document["evidence_scale"]),
            architecture=document.get("architecture", DEFAULT_ARCHITECTURE),
            gate=document.get("gate"),
            provenance=document["provenance"],
            weights_sha256=document["weights_sha256"],
            model_sha256=document["model_sha256"],
        )
    except ConfigError as error:
        raise _invalid_error(path, f"{error.problem}: {error.value}") from error
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise _invalid_error(path, repr(error)) from error


def _check_provenance(provenance: Mapping[str, Any], path: Path) -> None:
    """Refuse a provenance in which what others read is of another kind than they take it for."""
    for name, (kind, word) in _PROVENANCE_KINDS.items():
        if name in provenance and not isinstance(provenance[name], kind):
            raise _invalid_error(path, f"provenance.{name} is no {word}")
    for part, counts in provenance.get("counts", {}).items():
        numbers = counts.values() if isinstance(counts, dict) else [None]
        if not all(isinstance(number, int) and 0 <= number < _MAX_COUNT for number in numbers):
            raise _invalid_error(path, f"provenance.counts.{short(part)} are no whole numbers")
    config = provenance.get("config", {})
    for name, kind in {"teachers": list, "low_res_px": int, "low_res_film_px": int}.items():
        if name in config and not isinstance(config[name], kind):
            raise _invalid_error(path, f"provenance.config.{name} is of another kind")


def _invalid_error(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"model.json lacks a value or has an invalid one ({reason})",
        value=path,
        remedy=_RESTORE_REMEDY,
    )


def _parse_points(document: Mapping[str, Any]) -> dict[str, OperatingPoint]:
    return {key: OperatingPoint(**document[key]) for key in KEYS}
