"""The last layer in NumPy: pooled features, logits, and the maps that they are the mean of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.errors import CheckpointError
from cxr_core.findings import KEYS
from cxr_core.model.folder import WEIGHTS_FILE, not_this_network_error

Floats32 = NDArray[np.float32]


def require_finite(logits: Floats32) -> Floats32:
    """The logits as they are, (B, K).

    Raises:
        CheckpointError: one is not a finite number; no probability can be made of it, and every
            comparison with a cut-off would pass for "not flagged".
    """
    if not np.isfinite(logits).all():
        raise no_numbers_error(int((~np.isfinite(logits)).any(axis=1).sum()), len(logits))
    return logits


def no_numbers_error(broken: int, films: int) -> CheckpointError:
    """What is said where ``broken`` of ``films`` films have no answer."""
    return CheckpointError(
        "The model did not answer with numbers",
        value=f"{broken} of {films} films",
        remedy="Its weights are damaged or diverged in training: use another model.",
    )


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Global average pooling and one linear layer.

    Attributes:
        weight: float32 (K, C).
        bias: float32 (K,).
    """

    weight: Floats32
    bias: Floats32

    def logits(self, pooled: Floats32) -> Floats32:
        """Pooled features (B, C) -> logits (B, K).

        Raises:
            CheckpointError: they are no numbers.
        """
        return require_finite(pooled @ self.weight.T + self.bias)

    def evidence(self, features: Floats32) -> Floats32:
        """Signed Grad-CAM of one film, in logit units.

        With global average pooling d logit_k / d A_c(x, y) = w_kc / (h w), so h w times the map of
        Grad-CAM before its ReLU (Selvaraju et al., ICCV 2017) is the sum over c of w_kc A_c(x, y).
        ``model.gradcam`` has it from the grad-cam package; the tests hold the two together.

        Args:
            features: (C, h, w) activations, after the last ReLU.

        Returns:
            float32 (K, h, w), whose mean plus ``bias`` is the logit; positive speaks for.
        """
        maps: Floats32 = np.tensordot(self.weight, features, axes=1)
        return maps  # (K, h, w)


def split_weights(
    weights: Mapping[str, NDArray[Any]], folder: Path
) -> tuple[dict[str, NDArray[Any]], LinearHead]:
    """A network's tensors by name -> those of its features, by their own names, and its last layer.

    Args:
        folder: where they are from, for what is said of them.

    Raises:
        CheckpointError: there is no last layer of one output a finding.
    """
    left = dict(weights)
    weight, bias = left.pop("classifier.weight", None), left.pop("classifier.bias", None)
    if weight is None or bias is None:
        raise not_this_network_error(folder / WEIGHTS_FILE, "its classifier is missing")
    if weight.ndim != 2 or len(weight) != len(KEYS) or bias.shape != (len(KEYS),):
        shapes = f"{weight.shape} and {bias.shape}"
        raise not_this_network_error(folder / WEIGHTS_FILE, f"its classifier has {shapes}")
    features = {name.removeprefix("features."): array for name, array in left.items()}
    return features, LinearHead(weight, bias)


def pool(features: Floats32) -> Floats32:
    """(B, C, h, w) activations -> (B, C) means."""
    pooled: Floats32 = features.mean(axis=(2, 3))
    return pooled
