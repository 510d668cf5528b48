"""The files of a model folder beside ``model.json``: weights and input gate, as NumPy arrays."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save

from cxr_core.config import GateParameters
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.files import atomic_write
from cxr_core.model.metadata import ModelMetadata

WEIGHTS_FILE = "model.safetensors"
GATE_FILE = "gate.safetensors"
_REFIT_GATE_REMEDY = (
    "Restore the folder as train.py wrote it, or fit the gate again with train.py --finalize."
)
# What an earlier version called them: models that it wrote are still read.
_RENAMED_GATE_KEYS = {
    "films": "n_films",
    "kinds": "class_names",
    "wrongly_stopped": "false_rejection_rate",
}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_weights(folder: Path) -> dict[str, NDArray[Any]]:
    """The tensors of ``folder/model.safetensors`` by name; those of numbers as float32.

    Raises:
        CheckpointError: missing, damaged, or not all of them numbers.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise CheckpointError(
            "The weights file is missing",
            value=path,
            remedy="Restore model.safetensors beside model.json, or make the folder again.",
        )
    try:
        weights = {name: _to_float32(array) for name, array in load_file(path).items()}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise not_this_network_error(path, str(error)) from error
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        raise CheckpointError(
            f"The weights hold values that are not numbers ({len(broken)} tensors, the first is "
            f"{broken[0]})",
            value=path,
            remedy="Restore the folder as train.py wrote it, or train again: the run diverged.",
        )
    return weights


def _to_float32(array: NDArray[Any]) -> NDArray[Any]:
    kind = np.float32 if np.issubdtype(array.dtype, np.floating) else array.dtype
    return array.astype(kind)  # a copy, which may be written to


def not_this_network_error(path: Path, reason: str) -> CheckpointError:
    """What is said of a weights file that a network cannot be made of."""
    return CheckpointError(
        f"The weights file does not hold this network ({(reason.splitlines() or [''])[0]})",
        value=path,
        remedy="Restore the folder as train.py wrote it, or make it again with train.py.",
    )


def require_unaltered(folder: Path, metadata: ModelMetadata) -> None:
    """Raise CheckpointError where the weights are others than ``model.json`` says."""
    weights = folder / WEIGHTS_FILE
    if weights.is_file() and (actual := file_sha256(weights)) != metadata.weights_sha256:
        raise CheckpointError(
            f"The weights do not match model.json ({weights})",
            value=f"SHA-256 {actual[:12]}…, expected {metadata.weights_sha256[:12]}…",
            remedy="Restore the folder as train.py wrote it, or run train.py --finalize on it.",
        )


# The input gate of a model folder: arrays in ``gate.safetensors``, the rest in ``model.json``.


def save_gate(folder: Path, gate: GateParameters) -> dict[str, Any]:
    """Write ``folder/gate.safetensors``; returns what belongs in ``model.json``.

    Stored as float16, at half the size: over 842 films no log probability moved by more than
    0.003 (docs/gate.md).
    """
    data = save({name: array.astype(np.float16) for name, array in gate.arrays.items()})
    with atomic_write(folder / GATE_FILE) as temporary:
        temporary.write_bytes(data)
    return {
        "class_names": list(gate.class_names),
        "threshold": gate.threshold,
        "n_films": gate.n_films,
        "false_rejection_rate": gate.false_rejection_rate,
        **({} if gate.probe_threshold is None else {"probe_threshold": gate.probe_threshold}),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def load_gate(folder: Path, metadata: dict[str, Any]) -> GateParameters:
    """Read and verify the gate that ``model.json`` describes.

    Raises:
        CheckpointError: the file is missing, altered, or does not hold the arrays.
    """
    path = folder / GATE_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            "The input gate's file is missing", value=path, remedy=_REFIT_GATE_REMEDY
        ) from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != metadata.get("sha256"):
        raise CheckpointError(
            "The input gate does not match model.json",
            value=f"{path}, SHA-256 {actual[:12]}…, expected {str(metadata.get('sha256'))[:12]}…",
            remedy=_REFIT_GATE_REMEDY,
        )
    metadata = {_RENAMED_GATE_KEYS.get(name, name): value for name, value in metadata.items()}
    try:
        return GateParameters(
            class_names=tuple(metadata["class_names"]),
            threshold=float(metadata["threshold"]),
            arrays={name: array.astype(np.float32) for name, array in load(data).items()},
            n_films=int(metadata["n_films"]),
            false_rejection_rate=float(metadata["false_rejection_rate"]),
            probe_threshold=(
                float(metadata["probe_threshold"]) if "probe_threshold" in metadata else None
            ),
        )
    except (
        KeyError, TypeError, ValueError, ArithmeticError, IndexError, SafetensorError, ConfigError
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"The input gate cannot be used ({error!r})", value=path, remedy=_REFIT_GATE_REMEDY
        ) from error


def load_gate_for(folder: Path, metadata: ModelMetadata, n_channels: int) -> GateParameters | None:
    """The gate of a model whose features have ``n_channels``; None for a model without one.

    Raises:
        CheckpointError: as ``load_gate``, or it was fitted on another network.
    """
    gate = None if metadata.gate is None else load_gate(folder, metadata.gate)
    if gate is not None and gate.probe_threshold is not None:
        channels = len(gate.arrays["probe_weight"])
        if channels != n_channels:
            raise CheckpointError(
                "The input gate was fitted on another network",
                value=f"{channels} channels, the network has {n_channels}",
                remedy=_REFIT_GATE_REMEDY,
            )
    return gate
