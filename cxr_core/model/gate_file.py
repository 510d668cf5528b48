"""The input gate of a model folder: arrays in ``gate.safetensors``, the rest in ``model.json``."""

import hashlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from cxr_core.atomic import replacing
from cxr_core.config import GateParameters
from cxr_core.errors import CheckpointError, ConfigError

GATE_FILE = "gate.safetensors"
_REFIT = "Restore the folder as train.py wrote it, or fit the gate again with train.py --finish."


def save_gate(folder: Path, gate: GateParameters) -> dict[str, Any]:
    """Write ``folder/gate.safetensors``; returns what belongs in ``model.json``."""
    data = save(gate.arrays)
    with replacing(folder / GATE_FILE) as temporary:
        temporary.write_bytes(data)
    return {
        "kinds": list(gate.kinds),
        "threshold": gate.threshold,
        "films": gate.films,
        "wrongly_stopped": gate.wrongly_stopped,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def load_gate(folder: Path, stored: dict[str, Any]) -> GateParameters:
    """Read and verify the gate that ``model.json`` describes.

    Raises:
        CheckpointError: the file is missing, altered, or does not hold the arrays.
    """
    path = folder / GATE_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            "The input gate's file is missing", value=path, remedy=_REFIT
        ) from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != stored.get("sha256"):
        raise CheckpointError(
            "The input gate is not the one that model.json was written for",
            value=f"{path}, SHA-256 {actual[:12]}… for {str(stored.get('sha256'))[:12]}…",
            remedy=_REFIT,
        )
    try:
        return GateParameters(
            kinds=tuple(stored["kinds"]),
            threshold=float(stored["threshold"]),
            arrays=load(data),
            films=int(stored["films"]),
            wrongly_stopped=float(stored["wrongly_stopped"]),
        )
    except (KeyError, TypeError, ValueError, SafetensorError, ConfigError) as error:
        raise CheckpointError(
            f"The input gate cannot be used ({error!r})", value=path, remedy=_REFIT
        ) from error
