"""Gray values -> network input: the one preprocessing of training and serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import Preprocessing

if TYPE_CHECKING:
    import torch


def to_square(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Squash the whole film to a square, antialiased.

    Nothing is cropped: the costophrenic angles, where an effusion shows first, lie at the edge.
    Bilinear with antialiasing, because the same film at 1024 px and area-averaged to 384 px then
    gives nearly the same square (docs/experiments.md, "Smaller choices").

    Args:
        pixels: uint8 (H, W).
        size: side of the square in pixels.

    Returns:
        uint8 (size, size), a new array.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def normalise(images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Gray films to three equal channels, ``(x / 255 - mean) / std``.

    Args:
        images: uint8 (B, S, S), or one film (S, S).
        preprocessing: mean and std per channel on the scale 0 to 1.

    Returns:
        float32 (B, 3, S, S); B is 1 for one film.

    Raises:
        TypeError: the images are not uint8.
        ValueError: they have neither two nor three axes.
    """
    _require_films(images.dtype == np.uint8, images)
    films = images[None] if images.ndim == 2 else images  # (B, S, S)
    gray = films[:, None].astype(np.float32) / np.float32(255)  # (B, 1, S, S)
    mean = np.array(preprocessing.mean, np.float32).reshape(1, 3, 1, 1)
    std = np.array(preprocessing.std, np.float32).reshape(1, 3, 1, 1)
    normalised: NDArray[np.float32] = (gray - mean) / std
    return normalised  # (B, 3, S, S)


def normalise_tensor(images: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """``normalise`` for training: the same numbers, on the films' own device.

    Args, returns and raises as ``normalise``, with tensors.
    """
    import torch  # reading a film does without

    _require_films(images.dtype == torch.uint8, images)
    films = images.unsqueeze(0) if images.ndim == 2 else images  # (B, S, S)
    gray = films.unsqueeze(1).to(torch.float32).div_(255)  # (B, 1, S, S)
    mean = torch.tensor(preprocessing.mean, device=gray.device).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std, device=gray.device).view(1, 3, 1, 1)
    return (gray - mean).div_(std)  # (B, 3, S, S)


def _require_films(is_uint8: bool, images: NDArray[np.uint8] | torch.Tensor) -> None:
    if not is_uint8:
        raise TypeError(f"Films must be uint8, not {images.dtype}")
    if images.ndim not in (2, 3):
        raise ValueError(f"Films must be (S, S) or (B, S, S), not {tuple(images.shape)}")


def preprocess(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """One film of any size to the network's input.

    Args:
        pixels: uint8 (H, W).
        preprocessing: size, mean and std, from the checkpoint.

    Returns:
        float32 (1, 3, S, S).
    """
    return normalise(to_square(pixels, preprocessing.size), preprocessing)
