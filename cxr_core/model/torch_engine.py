"""The engine that is always there, and reads with every network: PyTorch, on the CPU or by CUDA.

On a CUDA device one forward at a time is computed, for all threads whose films wait at that moment:
a card takes a batch in little more time than one film.
"""

import threading
from collections import deque
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cxr_core.errors import EngineError
from cxr_core.model.network import ChestNetwork

CUDA_BATCH = 32  # films of one forward; a DenseNet121 takes about 1 GB of the card for them
_WARM_UPS = 3  # forwards before one is recorded, in which cuDNN chooses and allocates
Floats32 = NDArray[np.float32]


class _Call:
    """The images of one caller, and what became of them."""

    def __init__(self, images: Floats32) -> None:
        self.images = images
        self.features: Floats32 | None = None
        self.error: BaseException | None = None


class TorchEngine:
    """Any network's features by PyTorch. Thread-safe.

    Attributes:
        batch_size: films of one forward that is shared by threads; 1 where each has its own.
    """

    def __init__(
        self,
        model: ChestNetwork,
        *,
        device: str = "cpu",
        batch_size: int | None = None,
        bf16: bool = False,
        side: int | None = None,
    ) -> None:
        """Take a frozen network in evaluation mode.

        Args:
            device: ``cpu`` or ``cuda``.
            batch_size: None for ``CUDA_BATCH`` on a CUDA device, and 1 on the CPU.
            bf16: convolutions in bfloat16, on a CUDA device; else float32, without TensorFloat-32.
            side: of the images that will come, in pixels; on a CUDA device forwards of that size
                are recorded once and replayed. None records nothing.

        Raises:
            EngineError: PyTorch sees no such device, or it cannot compute this network.
        """
        on_cuda = device == "cuda"
        self.batch_size = batch_size or (CUDA_BATCH if on_cuda else 1)
        self.name = f"torch {torch.__version__}{', CUDA' * on_cuda}{', bf16' * bf16}"
        self._forward = _cpu_forward(model)
        self._waiting: deque[_Call] = deque()
        self._computing = threading.Lock()
        if on_cuda:
            self._forward = _cuda_forward(model, self.batch_size, bf16=bf16, side=side)

    def features(self, images: Floats32) -> Floats32:
        """float32 (B, 3, S, S) normalised images -> (B, C, h, w) activations, a new array.

        Raises:
            EngineError: the CUDA device fails, or its memory is full.
        """
        if self.batch_size == 1:
            return self._compute(images)
        starts = range(0, len(images), self.batch_size)
        parts = [self._together(images[start : start + self.batch_size]) for start in starts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _compute(self, images: Floats32) -> Floats32:
        with torch.inference_mode():
            features = self._forward(torch.from_numpy(images))  # (B, C, h, w)
        return np.ascontiguousarray(features.numpy())

    def _together(self, images: Floats32) -> Floats32:
        """Whoever is next to compute does so for all that wait, the longest waiting first."""
        call = _Call(images)
        self._waiting.append(call)
        with self._computing:
            while call.features is None and call.error is None:
                self._answer(self._next_calls())
        if call.error is not None:
            raise call.error
        assert call.features is not None
        return call.features

    def _next_calls(self) -> list[_Call]:
        calls = [self._waiting.popleft()]
        room = self.batch_size - len(calls[0].images)
        while self._waiting and len(self._waiting[0].images) <= room:
            if self._waiting[0].images.shape[1:] != calls[0].images.shape[1:]:
                break
            calls.append(self._waiting.popleft())
            room -= len(calls[-1].images)
        return calls

    def _answer(self, calls: list[_Call]) -> None:
        try:
            images = [call.images for call in calls]
            features = self._compute(images[0] if len(images) == 1 else np.concatenate(images))
        except RuntimeError as error:
            if len(calls) > 1:  # the card may have room for fewer
                for call in calls:
                    self._answer([call])
                return
            calls[0].error = _failed(error)
        except BaseException as error:  # nobody may wait for an answer that never comes
            for call in calls:
                call.error = error
        else:
            bounds = np.cumsum([len(call.images) for call in calls])[:-1]
            for call, part in zip(calls, np.split(features, bounds), strict=True):
                call.features = part


# (B, 3, S, S) on the CPU -> float32 (B, C, h, w) on the CPU.
Forward = Callable[[Tensor], Tensor]


def _cpu_forward(model: ChestNetwork) -> Forward:
    def forward(images: Tensor) -> Tensor:
        if len(images) > 1:  # faster for a batch, and the features agree
            images = images.to(memory_format=torch.channels_last)
        return model.forward_features(images)

    return forward


def _cuda_forward(model: ChestNetwork, batch_size: int, *, bf16: bool, side: int | None) -> Forward:
    if not torch.cuda.is_available():
        raise EngineError(
            "PyTorch sees no CUDA device",
            value=f"torch {torch.__version__}",
            remedy="Leave CXR_ENGINE unset, or install a build of PyTorch for this card.",
        )
    if bf16 and not torch.cuda.is_bf16_supported():
        raise EngineError(
            "This CUDA device does not compute in bfloat16",
            value=torch.cuda.get_device_name(),
            remedy="Leave CXR_ENGINE_PRECISION unset.",
        )
    try:
        forward = _CudaForward(model, batch_size, bf16=bf16, side=side)
        if side is not None:  # what this card cannot do is said now, and not at the first film
            with torch.inference_mode():
                forward(torch.zeros(1, 3, side, side))
    except RuntimeError as error:
        raise _failed(error) from error
    return forward


class _CudaForward:
    """A forward on a CUDA device, recorded once a size of batch (1, 2, 4 ...), then replayed.

    A DenseNet121 is over 400 kernels of a few microseconds. Started one by one they keep the card
    waiting, and the interpreter from all that other threads do for their films.
    """

    def __init__(
        self, model: ChestNetwork, batch_size: int, *, bf16: bool, side: int | None
    ) -> None:
        torch.backends.cudnn.allow_tf32 = False  # on otherwise, and has three decimals
        self._device = torch.device("cuda", torch.cuda.current_device())
        # On Hopper float32 is a quarter faster contiguous, and bfloat16 channels last (bench.gpu).
        self._format = torch.channels_last if bf16 else torch.contiguous_format
        model = model.to(self._device).to(memory_format=self._format)
        if bf16:
            for module in model.modules():  # once, and not in every forward
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.to(torch.bfloat16)
        self._model, self._bf16, self._side, self._most = model, bf16, side, batch_size
        self._recorded: dict[int, tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = {}
        self._memory = torch.cuda.graph_pool_handle()

    def __call__(self, images: Tensor) -> Tensor:
        """As ``Forward``, in inference mode; one call at a time."""
        with torch.cuda.device(self._device):
            batch = images.to(self._device)
            if images.shape[-2:] != (self._side, self._side) or len(images) > self._most:
                features = self._plain(batch.contiguous(memory_format=self._format))
            else:
                graph, inputs, outputs = self._record_of(batch)
                inputs[: len(batch)].copy_(batch)
                graph.replay()
                features = outputs[: len(batch)]
            return features.float().contiguous().cpu()

    def _plain(self, batch: Tensor) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16, enabled=self._bf16, cache_enabled=False):
            return self._model.forward_features(batch)

    def _record_of(self, batch: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        """The recorded forward of the next power of two of films, its inputs and its outputs."""
        size = min(self._most, 1 << (len(batch) - 1).bit_length())
        if size not in self._recorded:
            inputs = torch.zeros((size, *batch.shape[1:]), device=self._device)
            inputs = inputs.to(memory_format=self._format)
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UPS):
                    self._plain(inputs)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # Other threads may use the card for another model meanwhile.
            with torch.cuda.graph(graph, pool=self._memory, capture_error_mode="thread_local"):
                outputs = self._plain(inputs)
            self._recorded[size] = graph, inputs, outputs
        return self._recorded[size]


def _failed(error: RuntimeError) -> EngineError:
    reason = str(error).strip().splitlines()
    return EngineError(
        "The CUDA device cannot read with this network",
        value=reason[0] if reason else type(error).__name__,
        remedy="Free its memory, or set CXR_ENGINE to openvino or torch.",
    )
