"""The engine that reads with OpenVINO on the CPU: no PyTorch, a third of its time and memory.

Its package starts a telemetry client when it is imported; here it is told that there is none.
"""

import sys
import threading
from collections import deque
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import EngineError
from cxr_core.model.densenet_graph import MAX_INPUT, MAX_MAGNITUDE, Array, build_densenet
from cxr_core.model.head import no_numbers_error

_TELEMETRY = "openvino_telemetry"
_import_lock = threading.Lock()


def _openvino() -> tuple[ModuleType, ModuleType]:
    """The package and its operations, imported without its telemetry."""
    with _import_lock:
        # A module of this name that is None cannot be imported; OpenVINO then goes without.
        sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]
        import openvino
        from openvino import opset13
    return openvino, opset13


class _Operations:
    """``densenet_graph.Operations`` as OpenVINO's nodes."""

    def __init__(self, opset: Any) -> None:
        self._opset = opset

    def conv(self, x: Any, weight: Array, bias: Array | None, *, stride: int, pad: int) -> Any:
        steps, pads = [stride, stride], [pad, pad]
        y = self._opset.convolution(x, self._constant(weight), steps, pads, pads, [1, 1])
        return y if bias is None else self._opset.add(y, self._by_channel(bias))

    def scale_shift(self, x: Any, scale: Array, shift: Array) -> Any:
        scaled = self._opset.multiply(x, self._by_channel(scale))
        return self._opset.add(scaled, self._by_channel(shift))

    def relu(self, x: Any) -> Any:
        return self._opset.relu(x)

    def max_pool(self, x: Any) -> Any:
        pooled = self._opset.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3])
        return pooled.output(0)  # the other one is where the greatest were

    def average_pool(self, x: Any) -> Any:
        return self._opset.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], True)

    def concat(self, x: Any, y: Any) -> Any:
        return self._opset.concat([x, y], 1)

    def magnitude(self, x: Any) -> Any:
        axes = self._constant(np.array([1, 2, 3]))
        return self._opset.reduce_mean(self._opset.absolute(x), axes)

    def _constant(self, array: NDArray[Any]) -> Any:
        return self._opset.constant(np.ascontiguousarray(array))

    def _by_channel(self, array: Array) -> Any:
        return self._constant(array.reshape(1, -1, 1, 1))


class OpenVINOEngine:
    """DenseNet121's features by OpenVINO. Thread-safe: a request serves one forward at a time."""

    def __init__(
        self, weights: Mapping[str, NDArray[Any]], *, bf16: bool = False,
        threads: int | None = None, streams: int = 1, many: bool = False,
    ) -> None:  # fmt: skip
        """Compile the network.

        Args:
            weights: as ``densenet_graph.build_densenet`` takes them.
            bf16: compute in bfloat16 where the CPU can: faster, with logits that differ by .02.
            threads: of one forward; None for all cores.
            streams: forwards that may go on beside one another, with so many threads each.
            many: whether readers in bulk are to use them all (``batch_size``). A batch would take
                as long as its films do one after the other.

        Raises:
            EngineError: OpenVINO cannot be loaded or refuses the network, or it is none.
        """
        try:
            openvino, opset = _openvino()
        except (ImportError, OSError) as error:
            raise _failed("be loaded", error) from error
        precision = "bf16" if bf16 else "f32"
        images = opset.parameter([-1, 3, -1, -1], np.float32)
        outputs = build_densenet(weights, _Operations(opset), images)
        options: dict[str, Any] = {
            # Without this it would take bfloat16 on a CPU that has it.
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            options |= {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams * threads}
        if many:  # a thread that is tied to its core waits there for the decoders
            options["ENABLE_CPU_PINNING"] = False
        try:
            model = openvino.Model([outputs.features, *outputs.magnitudes], [images], "densenet121")
            self._compiled = openvino.Core().compile_model(model, "CPU", options)
            in_use = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        except RuntimeError as error:
            raise _failed("compile the network", error) from error
        if in_use != precision:
            raise EngineError(
                f"OpenVINO computes in another precision than {precision}",
                value=in_use,
                remedy="Set CXR_ENGINE_PRECISION to f32, or CXR_ENGINE to torch.",
            )
        version = openvino.__version__.split("-")[0]
        self.name = f"OpenVINO {version}{', bf16' if bf16 else ''}"
        self.batch_size = streams if many else 1
        self._idle: deque[Any] = deque()  # requests; as many as were ever needed at once

    def features(self, images: Array) -> Array:
        """float32 (B, 3, S, S) normalised images -> (B, 1024, h, w) activations, a new array.

        Raises:
            CheckpointError: the network's values grow beyond all bounds on these images.
            EngineError: OpenVINO fails.
        """
        if not np.abs(images).max() <= MAX_INPUT:
            raise no_numbers_error(len(images), len(images))
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            answer, *magnitudes = request.infer({0: images}).values()
            features: Array = answer.copy()  # the request writes its next one over it
            largest = np.max(magnitudes, axis=0)  # (B,), NaN where one is NaN
        except RuntimeError as error:
            raise _failed("read these images", error) from error
        finally:
            self._idle.append(request)
        if not (largest <= MAX_MAGNITUDE).all():
            raise no_numbers_error(int((~(largest <= MAX_MAGNITUDE)).sum()), len(images))
        return features


def _failed(what: str, error: Exception) -> EngineError:
    reason = str(error).strip().splitlines()
    return EngineError(
        f"OpenVINO cannot {what}",
        value=reason[-1] if reason else type(error).__name__,
        remedy="Install it again, or set CXR_ENGINE to torch.",
    )
