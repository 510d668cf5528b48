"""Gray values -> network input: the one preprocessing of training and serving."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from cxr_core.config import Preprocessing


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


def normalise(images: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """Gray films to three equal channels, ``(x / 255 - mean) / std``, on the films' own device.

    Args:
        images: uint8 (B, S, S), or one film (S, S).
        preprocessing: mean and std per channel on the scale 0 to 1.

    Returns:
        float32 (B, 3, S, S); B is 1 for one film.

    Raises:
        TypeError: the images are not uint8.
        ValueError: they have neither two nor three axes.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"Films must be uint8, not {images.dtype}")
    if images.ndim not in (2, 3):
        raise ValueError(f"Films must be (S, S) or (B, S, S), not {tuple(images.shape)}")
    films = images.unsqueeze(0) if images.ndim == 2 else images  # (B, S, S)
    gray = films.unsqueeze(1).to(torch.float32).div_(255)  # (B, 1, S, S)
    mean = torch.tensor(preprocessing.mean, device=gray.device).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std, device=gray.device).view(1, 3, 1, 1)
    return (gray - mean).div_(std)  # (B, 3, S, S)


def preprocess(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> torch.Tensor:
    """One film of any size to the network's input.

    Args:
        pixels: uint8 (H, W).
        preprocessing: size, mean and std, from the checkpoint.

    Returns:
        float32 (1, 3, S, S) on the CPU.
    """
    square = torch.from_numpy(to_square(pixels, preprocessing.size))  # (S, S)
    return normalise(square, preprocessing)
