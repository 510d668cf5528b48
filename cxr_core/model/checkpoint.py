"""A model folder as a PyTorch network: ``model.safetensors`` beside ``model.json``."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from cxr_core.config import GateParameters
from cxr_core.files import atomic_write
from cxr_core.model.architectures import build_model
from cxr_core.model.folder import (
    WEIGHTS_FILE,
    file_sha256,
    load_gate_for,
    not_this_network_error,
    read_weights,
    require_unaltered,
)
from cxr_core.model.metadata import (
    DEFAULT_ARCHITECTURE,
    ModelMetadata,
    load_metadata,
    write_metadata,
)
from cxr_core.model.network import ChestNetwork


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
        # Not save_file, whose error for a full disk is no OSError.
        temporary.write_bytes(save(state))
    return file_sha256(folder / WEIGHTS_FILE)


def load_weights(folder: Path, architecture: str = DEFAULT_ARCHITECTURE) -> ChestNetwork:
    """The network of ``folder/model.safetensors``: float32, evaluation mode, frozen.

    Args:
        architecture: one of ``architectures.ARCHITECTURES``.

    Raises:
        CheckpointError: missing, damaged, or not this network's tensors.
        ConfigError: there is no such network.
    """
    weights = read_weights(folder)
    model = build_model(architecture)
    try:
        model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    except (RuntimeError, ValueError) as error:
        raise not_this_network_error(folder / WEIGHTS_FILE, str(error)) from error
    return model.eval().requires_grad_(False)


def load_verified_weights(folder: Path, metadata: ModelMetadata) -> ChestNetwork:
    """The network of a folder whose ``model.json`` is read already, refused where it was altered.

    Raises:
        CheckpointError: missing, altered, damaged, or not this network's tensors.
        ConfigError: this version does not have the network that ``model.json`` names.
    """
    require_unaltered(folder, metadata)
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
    model = load_verified_weights(folder, metadata)
    gate = load_gate_for(folder, metadata, model.n_channels)
    return Checkpoint(model=model, metadata=metadata, gate=gate)


def _to_storage_dtype(tensor: Tensor, *, half: bool) -> Tensor:
    # Only convolutions and the classifier have more than one dimension; norms have one.
    return tensor.to(torch.float16) if half and tensor.dim() > 1 else tensor
