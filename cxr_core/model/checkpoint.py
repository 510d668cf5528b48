"""A model folder: ``model.safetensors`` beside ``model.json``, checked against each other."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save
from safetensors.torch import load_file, save_file
from torch import Tensor

from cxr_core.config import GateParameters
from cxr_core.errors import CheckpointError, ConfigError
from cxr_core.files import atomic_write
from cxr_core.model.architectures import DEFAULT_ARCHITECTURE, build_model
from cxr_core.model.metadata import ModelMetadata, load_metadata, write_metadata
from cxr_core.model.network import ChestNetwork

GATE_FILE = "gate.safetensors"
_REFIT_GATE_REMEDY = (
    "Restore the folder as train.py wrote it, or fit the gate again with train.py --finalize."
)
WEIGHTS_FILE = "model.safetensors"
# What an earlier version called them: models that it wrote are still read.
_RENAMED_GATE_KEYS = {
    "films": "n_films",
    "kinds": "class_names",
    "wrongly_stopped": "false_rejection_rate",
}


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


@dataclass(frozen=True)
class Checkpoint:
    """A frozen network in evaluation mode and all that it needs to be read."""

    model: ChestNetwork
    metadata: ModelMetadata
    gate: GateParameters | None = None


def save_weights(folder: Path, model: ChestNetwork, *, half: bool) -> str:
    """Write ``folder/model.safetensors`` and return its SHA-256.

    Args:
        half: store the convolutions' and the classifier's weights as float16 (14 MB for 28);
            the norms and their statistics stay float32, since float16 cannot hold their range.
    """
    state = {
        name: _to_storage_dtype(tensor, half=half).contiguous()
        for name, tensor in model.state_dict().items()
    }
    with atomic_write(folder / WEIGHTS_FILE) as temporary:
        save_file(state, temporary)
    return file_sha256(folder / WEIGHTS_FILE)


def load_weights(folder: Path, architecture: str = DEFAULT_ARCHITECTURE) -> ChestNetwork:
    """The network of ``folder/model.safetensors``: float32, evaluation mode, frozen.

    Args:
        architecture: one of ``architectures.ARCHITECTURES``.

    Raises:
        CheckpointError: missing, damaged, or not this network's tensors.
        ConfigError: there is no such network.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise CheckpointError(
            "The weights file is missing",
            value=path,
            remedy="Restore model.safetensors beside model.json, or make the folder again.",
        )
    model = build_model(architecture)
    try:
        model.load_state_dict({key: _to_float32(value) for key, value in load_file(path).items()})
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"The weights file does not hold this network ({reason})",
            value=path,
            remedy="Restore the folder as train.py wrote it, or make it again with train.py.",
        ) from error
    broken = [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
    if broken:
        raise CheckpointError(
            f"The weights hold values that are not numbers ({len(broken)} tensors, the first is "
            f"{broken[0]})",
            value=path,
            remedy="Restore the folder as train.py wrote it, or train again: the run diverged.",
        )
    return model.eval().requires_grad_(False)


def load_verified_weights(folder: Path, metadata: ModelMetadata) -> ChestNetwork:
    """The network of a folder whose ``model.json`` is read already, refused where it was altered.

    Raises:
        CheckpointError: missing, altered, damaged, or not this network's tensors.
        ConfigError: this version does not have the network that ``model.json`` names.
    """
    weights = folder / WEIGHTS_FILE
    if weights.is_file():
        actual = file_sha256(weights)
        if actual != metadata.weights_sha256:
            raise CheckpointError(
                f"The weights do not match model.json ({weights})",
                value=f"SHA-256 {actual[:12]}…, expected {metadata.weights_sha256[:12]}…",
                remedy="Restore the folder as train.py wrote it, or run train.py --finalize on it.",
            )
    return load_weights(folder, metadata.architecture)


def save_checkpoint(
    folder: Path, model: ChestNetwork, metadata: ModelMetadata, *, half: bool = False
) -> ModelMetadata:
    """Write weights, then ``model.json``; return ``metadata`` with both hashes set."""
    weights_sha256 = save_weights(folder, model, half=half)
    return save_metadata(folder, replace(metadata, weights_sha256=weights_sha256))


def save_metadata(folder: Path, metadata: ModelMetadata) -> ModelMetadata:
    """Write ``model.json`` for the weights that are there already."""
    weights_sha256 = file_sha256(folder / WEIGHTS_FILE)
    model_sha256 = write_metadata(folder, metadata, weights_sha256=weights_sha256)
    return replace(metadata, weights_sha256=weights_sha256, model_sha256=model_sha256)


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Load a model folder and refuse it if anything was altered.

    Raises:
        CheckpointError: a file is missing, altered, or made for other findings.
        ConfigError: this version does not have the network that ``model.json`` names.
    """
    folder = Path(folder)
    metadata = load_metadata(folder)
    gate = None if metadata.gate is None else load_gate(folder, metadata.gate)
    model = load_verified_weights(folder, metadata)
    if gate is not None and gate.probe_threshold is not None:
        channels = len(gate.arrays["probe_weight"])
        if channels != model.n_channels:
            raise CheckpointError(
                "The input gate was fitted on another network",
                value=f"{channels} channels, the network has {model.n_channels}",
                remedy=_REFIT_GATE_REMEDY,
            )
    return Checkpoint(model=model, metadata=metadata, gate=gate)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _to_storage_dtype(tensor: Tensor, *, half: bool) -> Tensor:
    # Only convolutions and the classifier have more than one dimension; norms have one.
    return tensor.to(torch.float16) if half and tensor.dim() > 1 else tensor


def _to_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
