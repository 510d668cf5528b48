"""The engine that is always there, and reads with every network: PyTorch."""

import numpy as np
import torch
from numpy.typing import NDArray

from cxr_core.errors import EngineError
from cxr_core.model.network import ChestNetwork


class TorchEngine:
    """Any network's features by PyTorch, in float32. Thread-safe."""

    def __init__(self, model: ChestNetwork, *, device: str = "cpu") -> None:
        """Take a frozen network in evaluation mode.

        Args:
            device: ``cpu`` or ``cuda``.

        Raises:
            EngineError: PyTorch sees no such device.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineError(
                "PyTorch sees no CUDA device",
                value=f"torch {torch.__version__}",
                remedy="Leave CXR_ENGINE unset, or install a build of PyTorch for this card.",
            )
        if device == "cuda":  # TensorFloat-32, on otherwise, has three decimals
            torch.backends.cudnn.allow_tf32 = False
        self._model, self._device = model.to(device), torch.device(device)
        self.name = f"torch {torch.__version__}{', CUDA' if device == 'cuda' else ''}"

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (B, 3, S, S) normalised images -> (B, C, h, w) activations, a new array."""
        batch = torch.from_numpy(images).to(self._device)  # (B, 3, S, S)
        if len(batch) > 1:  # faster for a batch, and the features agree
            batch = batch.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            features = self._model.forward_features(batch)  # (B, C, h, w)
        return np.ascontiguousarray(features.cpu().numpy())
