"""DenseNet121 as plain operations on NumPy weights, for engines that need no PyTorch.

Each norm that follows a convolution is folded into it; the others stay a scale and a shift a
channel.

An engine's ReLU may make a 0 of a NaN (OpenVINO's does), so that a network that overflows would
give finite numbers that mean nothing. Three bounds together exclude that: of the images, of every
constant, and of the activations of each dense block, which the graph gives out beside its features
(``DenseNetOutputs.magnitudes``). The widest sum in between is a dense layer's: a scale and a shift
of values below ``MAX_MAGNITUDE`` times the block's 800,000 values, then at most 1024 and 1152
products. With the bounds below that ends under 1e37; float32 goes to 3e38.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import EngineError

Array = NDArray[np.float32]
_BLOCKS = (6, 12, 24, 16)  # dense layers in each block (Huang et al., CVPR 2017, table 1)
_GROWTH, _BOTTLENECK, _STEM = 32, 128, 64  # channels
_EPS = np.float32(1e-5)  # of every norm, as in torchvision
_BATCH_COUNTER = "num_batches_tracked"
MAX_INPUT = 1e6  # of a normalised image
MAX_CONSTANT = 1e4  # of a folded weight, scale or shift
MAX_MAGNITUDE = 1e12  # mean absolute activation of a dense block


class UnfitWeightsError(EngineError):
    """Weights that this graph cannot be made of."""


class Operations(Protocol):
    """What an engine's graph is built of; tensors are the engine's own, (B, C, h, w)."""

    def conv(self, x: Any, weight: Array, bias: Array | None, *, stride: int, pad: int) -> Any:
        """Convolution with ``weight`` (out, in, k, k) and ``bias`` (out,)."""

    def scale_shift(self, x: Any, scale: Array, shift: Array) -> Any:
        """``x * scale + shift``, (C,) each."""

    def relu(self, x: Any) -> Any:
        """``max(x, 0)``."""

    def max_pool(self, x: Any) -> Any:
        """Side 3, stride 2, padded by 1."""

    def average_pool(self, x: Any) -> Any:
        """Side 2, stride 2."""

    def concat(self, x: Any, y: Any) -> Any:
        """Along the channels."""

    def magnitude(self, x: Any) -> Any:
        """Mean of the absolute values of each image, (B,)."""


@dataclass(frozen=True)
class DenseNetOutputs:
    """Attributes:
    features: (B, 1024, h, w) activations, after the last ReLU.
    magnitudes: one (B,) a dense block; each must be a number of at most ``MAX_MAGNITUDE``.
    """

    features: Any
    magnitudes: tuple[Any, ...]


def build_densenet(weights: Mapping[str, NDArray[Any]], op: Operations, x: Any) -> DenseNetOutputs:
    """The features of DenseNet121 by ``op``.

    Args:
        weights: float32 by torchvision's names, ``conv0.weight`` to ``norm5.bias``.
        x: the images, (B, 3, S, S), none beyond ``MAX_INPUT``.

    Raises:
        UnfitWeightsError: these are not a DenseNet121's tensors, or larger than the bounds.
    """
    return _Builder(weights, op).build(x)


class _Builder:
    def __init__(self, weights: Mapping[str, NDArray[Any]], op: Operations) -> None:
        self._left = {k: v for k, v in weights.items() if not k.endswith(_BATCH_COUNTER)}
        self._op = op

    def build(self, x: Any) -> DenseNetOutputs:
        op, magnitudes, channels = self._op, [], _STEM
        stem = self._conv(x, "conv0", 3, _STEM, side=7, norm="norm0", stride=2, pad=3)
        x = op.max_pool(op.relu(stem))
        for block, layers in enumerate(_BLOCKS, start=1):
            for layer in range(1, layers + 1):
                x = op.concat(
                    x, self._dense_layer(x, f"denseblock{block}.denselayer{layer}", channels)
                )
                channels += _GROWTH
            magnitudes.append(op.magnitude(x))
            if block < len(_BLOCKS):
                name = f"transition{block}"
                y = op.relu(op.scale_shift(x, *self._norm(f"{name}.norm", channels)))
                x = op.average_pool(self._conv(y, f"{name}.conv", channels, channels // 2))
                channels //= 2
        features = op.relu(op.scale_shift(x, *self._norm("norm5", channels)))
        if self._left:
            raise _not_densenet(f"{next(iter(self._left))} is none of its tensors")
        return DenseNetOutputs(features, tuple(magnitudes))

    def _dense_layer(self, x: Any, name: str, channels: int) -> Any:
        op = self._op
        y = op.relu(op.scale_shift(x, *self._norm(f"{name}.norm1", channels)))
        y = op.relu(self._conv(y, f"{name}.conv1", channels, _BOTTLENECK, norm=f"{name}.norm2"))
        return self._conv(y, f"{name}.conv2", _BOTTLENECK, _GROWTH, side=3, pad=1)

    def _conv(
        self, x: Any, name: str, n_in: int, n_out: int, *, side: int = 1, norm: str | None = None,
        stride: int = 1, pad: int = 0,
    ) -> Any:  # fmt: skip
        weight, shift = self._take(f"{name}.weight", (n_out, n_in, side, side)), None
        if norm is not None:
            scale, shift = self._norm(norm, n_out)
            weight = weight * scale[:, None, None, None]
        return self._op.conv(x, _bounded(weight, name), shift, stride=stride, pad=pad)

    def _norm(self, name: str, channels: int) -> tuple[Array, Array]:
        """Scale and shift of a norm with its running statistics, (C,) each."""
        gain, bias, mean, variance = (
            self._take(f"{name}.{part}", (channels,))
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        with np.errstate(invalid="ignore"):  # the root of a negative variance: refused below
            scale = gain / np.sqrt(variance + _EPS)
        return _bounded(scale, name), _bounded(bias - mean * scale, name)

    def _take(self, name: str, shape: tuple[int, ...]) -> Array:
        array = self._left.pop(name, None)
        if array is None or array.shape != shape:
            found = "missing" if array is None else f"{array.shape} for {shape}"
            raise _not_densenet(f"{name} is {found}")
        return array.astype(np.float32, copy=False)


def _bounded(array: Array, name: str) -> Array:
    largest = float(np.abs(array).max())  # NaN where one is NaN
    if not largest <= MAX_CONSTANT:
        raise UnfitWeightsError(
            "The weights are too large, or no numbers, for an engine other than torch",
            value=f"{name}, {largest:.3g}",
            remedy="Leave CXR_ENGINE unset, or set it to torch.",
        )
    return array


def _not_densenet(reason: str) -> UnfitWeightsError:
    return UnfitWeightsError(
        "These are not the tensors of a DenseNet121",
        value=reason,
        remedy="Leave CXR_ENGINE unset, or set it to torch.",
    )
