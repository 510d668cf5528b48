"""A model as one ONNX file for other people's software: pixels in, probabilities and maps out."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import ConfigError
from cxr_core.files import atomic_write
from cxr_core.findings import KEYS
from cxr_core.model.densenet_graph import Array, build_densenet
from cxr_core.model.folder import read_weights, require_unaltered
from cxr_core.model.head import LinearHead, split_weights
from cxr_core.model.metadata import DENSENET121, ModelMetadata, load_metadata
from cxr_core.version import VERSION

INPUT, PROBABILITIES, MAPS = "pixels", "probabilities", "maps"
_OPSET, _IR_VERSION = 17, 8  # of ONNX 1.12, of 2022; newer readers read them, too
_PREPROCESSING = (
    "The whole film, nothing cropped, as 8-bit gray levels with air black and bone white, upright, "
    "squashed to a square of {size} pixels with antialiased bilinear resampling (Pillow's "
    "Image.resize with Resampling.BILINEAR). Scaling by 255, mean and standard deviation are in "
    "the graph."
)
_MAPS = (
    "Signed Grad-CAM in logit units: the mean of a map plus the classifier's bias is the raw "
    "logit; positive speaks for the finding."
)
_WARNING = (
    "A research tool, not a medical device. The input check that stops what is no upright frontal "
    "chest film is not in this file."
)


class _Operations:
    """``densenet_graph.Operations`` as nodes of an ONNX graph."""

    def __init__(self, onnx: ModuleType) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def conv(self, x: str, weight: Array, bias: Array | None, *, stride: int, pad: int) -> str:
        inputs = [x, self.constant(weight), *([] if bias is None else [self.constant(bias)])]
        sides = list(weight.shape[2:])
        return self.node("Conv", *inputs, kernel_shape=sides, strides=[stride] * 2, pads=[pad] * 4)

    def scale_shift(self, x: str, scale: Array, shift: Array) -> str:
        zero, one = np.zeros_like(scale), np.ones_like(scale)
        statistics = (self.constant(array) for array in (scale, shift, zero, one))
        return self.node("BatchNormalization", x, *statistics, epsilon=0.0)

    def relu(self, x: str) -> str:
        return self.node("Relu", x)

    def max_pool(self, x: str) -> str:
        return self.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)

    def average_pool(self, x: str) -> str:
        return self.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])

    def concat(self, x: str, y: str) -> str:
        return self.node("Concat", x, y, axis=1)

    def magnitude(self, x: str) -> str:
        return x  # what is not given out is not computed

    def constant(self, array: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        stored = self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.constants.append(stored)
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **settings: Any) -> str:
        name = output or f"t{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **settings))
        return name


def export_onnx(folder: Path, out: Path) -> None:
    """Write the model of a folder as one ONNX file.

    Its input ``pixels`` is uint8 (B, S, S). Its outputs are ``probabilities``, float32 (B, 4),
    calibrated, and ``maps``, float32 (B, 4, h, w), as ``Analysis.evidence``, both in the order of
    ``KEYS``. The metadata of the file says how a film becomes pixels, and holds the cut-offs.

    Raises:
        CheckpointError: the folder is incomplete or was altered.
        ConfigError: the package onnx is missing, or the network is no DenseNet121.
        EngineError: the weights are out of bounds.
        OSError: the file cannot be written.
    """
    metadata, features, head = _opened(folder)
    data = _model(features, head, metadata).SerializeToString(deterministic=True)
    with atomic_write(out) as temporary:
        temporary.write_bytes(data)


def features_model(folder: Path) -> Any:
    """Normalised ``images``, float32 (B, 3, S, S), to ``features``, (B, 1024, h, w), as an ONNX
    model: for comparing engines.

    Raises as ``export_onnx``.
    """
    _, weights, _ = _opened(folder)
    import onnx

    op, helper, kind = _Operations(onnx), onnx.helper, onnx.TensorProto.FLOAT
    found = build_densenet(weights, op, "images").features
    op.node("Identity", found, output="features")
    images = helper.make_tensor_value_info("images", kind, ["films", 3, "rows", "columns"])
    features = helper.make_tensor_value_info("features", kind, ["films", 1024, None, None])
    return _checked(onnx, op, images, [features])


def _opened(folder: Path) -> tuple[ModelMetadata, dict[str, NDArray[Any]], LinearHead]:
    metadata = load_metadata(folder)
    if metadata.architecture != DENSENET121:
        raise ConfigError(
            "Only a DenseNet121 can be written as ONNX",
            value=metadata.architecture,
            remedy="Export another model.",
        )
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError(
            "Writing ONNX needs the package onnx",
            value="it is not installed",
            remedy='Install it with pip install "chest-radiograph-reader[onnx]".',
        )
    require_unaltered(folder, metadata)
    return metadata, *split_weights(read_weights(folder), folder)


def _model(weights: Mapping[str, NDArray[Any]], head: LinearHead, metadata: ModelMetadata) -> Any:
    import onnx

    op = _Operations(onnx)
    features = build_densenet(weights, op, _normalised(op, metadata)).features  # (B, C, h, w)
    maps = op.node("Conv", features, op.constant(head.weight[:, :, None, None]), output=MAPS)
    mean = op.node("ReduceMean", maps, axes=[2, 3], keepdims=0)  # (B, 4), the logits less the bias
    calibration = metadata.calibration
    offsets = calibration.scale * head.bias.astype(np.float64) + np.array(calibration.offsets)
    scaled = op.node("Mul", mean, op.constant(np.array(calibration.scale, np.float32)))
    calibrated = op.node("Add", scaled, op.constant(offsets.astype(np.float32)))
    op.node("Sigmoid", calibrated, output=PROBABILITIES)

    helper, side = onnx.helper, metadata.preprocessing.size
    pixels = helper.make_tensor_value_info(INPUT, onnx.TensorProto.UINT8, ["films", side, side])
    shapes: dict[str, list[str | int | None]] = {
        PROBABILITIES: ["films", len(KEYS)],
        MAPS: ["films", len(KEYS), "rows", "columns"],
    }
    outputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    model = _checked(onnx, op, pixels, outputs)
    model.doc_string = _WARNING
    helper.set_model_props(model, _described(metadata))
    return model


def _checked(onnx: ModuleType, op: _Operations, given: Any, outputs: list[Any]) -> Any:
    helper = onnx.helper
    graph = helper.make_graph(op.nodes, "densenet121", [given], outputs, op.constants)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="cxr_core",
        producer_version=VERSION,
    )
    onnx.checker.check_model(model)
    return model


def _normalised(op: _Operations, metadata: ModelMetadata) -> str:
    """uint8 (B, S, S) -> float32 (B, 3, S, S), as ``imaging.preprocessing.normalise``."""
    preprocessing = metadata.preprocessing
    gray = op.node("Unsqueeze", INPUT, op.constant(np.array([1])))  # (B, 1, S, S)
    gray = op.node("Cast", gray, to=1)  # float32
    gray = op.node("Div", gray, op.constant(np.array(255, np.float32)))
    mean, std = (
        op.constant(np.array(values, np.float32).reshape(1, 3, 1, 1))
        for values in (preprocessing.mean, preprocessing.std)
    )
    return op.node("Div", op.node("Sub", gray, mean), std)  # (B, 3, S, S)


def _described(metadata: ModelMetadata) -> dict[str, str]:
    """What a file says of itself; what is no text is JSON."""
    values: dict[str, Any] = {
        "warning": _WARNING,
        "findings": list(KEYS),
        "preprocessing": _PREPROCESSING.format(size=metadata.preprocessing.size),
        "preprocessing_settings": asdict(metadata.preprocessing),
        "maps": _MAPS,
        "cutoffs": {key: point.threshold for key, point in metadata.operating_points.items()},
        "sensitive_cutoffs": {
            key: point.threshold for key, point in (metadata.sensitive_points or {}).items()
        },
        "calibration": asdict(metadata.calibration),
        "architecture": metadata.architecture,
        "model_sha256": metadata.model_sha256,
        "weights_sha256": metadata.weights_sha256,
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
