"""What computes a model's features while films are read, and which one is used.

Where PyTorch sees a CUDA device, it reads there. Elsewhere OpenVINO is the default where it is
installed and knows the network, for it needs neither PyTorch's start nor its memory (docs/engine.md
has the figures); PyTorch is there for every network.
"""

import importlib.util
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from cxr_core.config import GateParameters
from cxr_core.errors import EngineError
from cxr_core.model.folder import load_gate_for, read_weights, require_unaltered
from cxr_core.model.head import LinearHead, pool, split_weights
from cxr_core.model.metadata import DENSENET121, ModelMetadata, load_metadata

ENGINE_ENV_VAR = "CXR_ENGINE"
PRECISION_ENV_VAR = "CXR_ENGINE_PRECISION"
THREADS_ENV_VAR = "CXR_ENGINE_THREADS"
EngineName = Literal["auto", "openvino", "torch", "cuda"]
Precision = Literal["f32", "bf16"]
_MAX_THREADS = 1024
MAX_STREAMS = 4  # forwards of OpenVINO at once: each takes memory
# There where a driver is: nothing that costs PyTorch's import.
_DRIVER_FILES = ("/dev/nvidiactl", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")
logger = logging.getLogger(__name__)


class Engine(Protocol):
    """What every engine does. Thread-safe, and nothing of a film changes the next one's answer.

    Attributes:
        name: with its version, as exports tell it.
        batch_size: films that it computes at once where as many threads ask: in one forward that
            they share, or each in its own; 1 where a film has the engine to itself.
    """

    name: str
    batch_size: int

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (B, 3, S, S) normalised images -> (B, C, h, w) activations, a new array.

        Raises:
            CheckpointError: the network's answer is no number.
            EngineError: the engine fails.
        """


@dataclass(frozen=True)
class EngineSettings:
    """Which engine reads, and how.

    Attributes:
        engine: ``auto`` is PyTorch on a CUDA device where it sees one; else OpenVINO where it is
            installed and knows the network; else PyTorch on the CPU.
        precision: bfloat16 is for OpenVINO and CUDA.
        threads: of one forward of OpenVINO; None for all cores.
        many: films are read in bulk, so that several forwards of OpenVINO go on at once.
    """

    engine: EngineName = "auto"
    precision: Precision = "f32"
    threads: int | None = None
    many: bool = False

    @classmethod
    def from_environment(cls) -> "EngineSettings":
        """``CXR_ENGINE``, ``CXR_ENGINE_PRECISION``, and ``CXR_ENGINE_THREADS`` or else
        ``OMP_NUM_THREADS``, which PyTorch reads, too.

        Raises:
            EngineError: one of them is set to what it cannot be.
        """
        engine: EngineName = _one_of(get_args(EngineName), ENGINE_ENV_VAR)
        precision: Precision = _one_of(get_args(Precision), PRECISION_ENV_VAR)
        return cls(engine, precision, _threads())

    def for_many(self) -> "EngineSettings":
        """The same for a process that reads one film after the other and nothing else: forwards of
        few threads beside one another leave no core waiting for the others (docs/engine.md)."""
        cores = os.cpu_count() or 1
        return replace(self, threads=self.threads or max(1, cores // MAX_STREAMS), many=True)


def _one_of(possible: tuple[Any, ...], variable: str) -> Any:
    """What a variable is set to; the first where it is not."""
    stated = os.environ.get(variable, "").strip() or possible[0]
    if stated not in possible:
        raise _setting_error(variable, stated, possible)
    return stated


def _threads() -> int | None:
    stated = os.environ.get(THREADS_ENV_VAR, "").strip()
    if not stated:
        of_openmp = os.environ.get("OMP_NUM_THREADS", "").strip()  # may be a list, by level
        return max(1, int(of_openmp)) if of_openmp.isascii() and of_openmp.isdigit() else None
    if not (stated.isascii() and stated.isdigit() and 1 <= int(stated[:9]) <= _MAX_THREADS):
        raise _setting_error(THREADS_ENV_VAR, stated, (f"a number of 1 to {_MAX_THREADS}",))
    return int(stated)


def _setting_error(variable: str, value: str, possible: tuple[str, ...]) -> EngineError:
    return EngineError(
        f"{variable} is set to what it cannot be",
        value=value,
        remedy=f"Set it to {' or '.join(possible)}, or leave it unset.",
    )


@dataclass(frozen=True, eq=False)
class ServedModel:
    """All that reading a film takes.

    Attributes:
        head: the last layer, whose weights the maps are made of.
    """

    engine: Engine
    head: LinearHead
    metadata: ModelMetadata
    gate: GateParameters | None = None

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (B, 3, S, S) normalised images -> raw logits (B, 4).

        Raises:
            CheckpointError: they are no numbers.
        """
        return self.head.logits(pool(self.engine.features(images)))


def load_served_model(folder: str | Path, settings: EngineSettings | None = None) -> ServedModel:
    """Load a model folder to read films with, and refuse it if anything was altered.

    Args:
        settings: None for those of the environment.

    Raises:
        CheckpointError: a file is missing, altered, or made for other findings.
        ConfigError: this version does not have the network that ``model.json`` names.
        EngineError: the engine that was asked for is not there, or cannot read with this network.
    """
    folder, settings = Path(folder), settings or EngineSettings.from_environment()
    metadata = load_metadata(folder)
    require_unaltered(folder, metadata)
    features, head = split_weights(read_weights(folder), folder)
    engine = (
        _cuda(folder, metadata, settings)
        or _openvino(features, metadata, settings)
        or _torch(folder, metadata, settings)
    )
    logger.info("Reading with %s", engine.name)
    gate = load_gate_for(folder, metadata, head.weight.shape[1])
    return ServedModel(engine, head, metadata, gate)


def sees_cuda() -> bool:
    """Whether PyTorch sees a CUDA device. It is imported only where there is a driver."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1")
    if hidden or not any(Path(file).exists() for file in _DRIVER_FILES):
        return False
    import torch

    return torch.cuda.is_available()


def _cuda(folder: Path, metadata: ModelMetadata, settings: EngineSettings) -> Engine | None:
    """PyTorch on a CUDA device; None where the CPU is to read."""
    asked = settings.engine == "cuda"
    if not asked and (settings.engine != "auto" or not sees_cuda()):
        return None
    from cxr_core.model.checkpoint import load_weights
    from cxr_core.model.torch_engine import TorchEngine

    network = load_weights(folder, metadata.architecture)
    bf16, side = settings.precision == "bf16", metadata.preprocessing.size
    try:
        return TorchEngine(network, device="cuda", bf16=bf16, side=side)
    except EngineError as error:  # a card too old, or full
        if asked:
            raise
        logger.warning("The CUDA device is not used. %s", error)
        return None


def _openvino(
    weights: Mapping[str, NDArray[Any]], metadata: ModelMetadata, settings: EngineSettings
) -> Engine | None:
    """The OpenVINO engine; None where PyTorch is to read."""
    if settings.engine == "torch":
        return None
    asked = settings.engine == "openvino"
    unfit = None
    if metadata.architecture != DENSENET121:
        unfit = _unfit_error("does not know this network", metadata.architecture)
    elif importlib.util.find_spec("openvino") is None:
        unfit = _unfit_error("is not installed", "pip install openvino")
    if unfit is not None:
        if asked:
            raise unfit
        return None
    from cxr_core.model.densenet_graph import UnfitWeightsError
    from cxr_core.model.openvino_engine import OpenVINOEngine

    try:
        return OpenVINOEngine(
            weights,
            bf16=settings.precision == "bf16",
            threads=settings.threads,
            streams=_streams(settings),
            many=settings.many,
        )
    except UnfitWeightsError as error:  # PyTorch says what is wrong with them, or can read them
        if asked:
            raise
        logger.info("%s", error)
        return None


def _streams(settings: EngineSettings) -> int:
    """Forwards of OpenVINO beside one another."""
    cores = os.cpu_count() or 1
    return max(1, min(MAX_STREAMS, cores // (settings.threads or cores)))


def _unfit_error(reason: str, value: str) -> EngineError:
    return EngineError(
        f"OpenVINO {reason}",
        value=value,
        remedy=f"Set {ENGINE_ENV_VAR} to torch, or leave it unset.",
    )


def _torch(folder: Path, metadata: ModelMetadata, settings: EngineSettings) -> Engine:
    if settings.precision != "f32":
        raise EngineError(
            "This engine computes in f32 only",
            value=f"torch, {PRECISION_ENV_VAR}={settings.precision}",
            remedy=f"Leave {PRECISION_ENV_VAR} unset, or read with OpenVINO or by CUDA.",
        )
    # Imported where it is needed: PyTorch takes seconds and half a gigabyte.
    from cxr_core.model.checkpoint import load_weights
    from cxr_core.model.torch_engine import TorchEngine

    return TorchEngine(load_weights(folder, metadata.architecture))
