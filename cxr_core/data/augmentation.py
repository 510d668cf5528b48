"""Random changes of a batch of training films, all at once, on whatever device they are."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """How far a training film may differ from itself; the neutral value of each is none.

    Attributes:
        flip: probability of a mirror image, 0 to 1.
        turn: largest turn either way, degrees.
        scale: least and largest side of the part that is shown, as a fraction of the film's;
            below 1 zooms in, above 1 leaves a black border.
        shift: largest move either way, as a fraction of the film's side.
        brightness: largest gray value added or taken, on the scale 0 to 1.
        contrast: largest relative change of the distance from the film's mean gray.
    """

    flip: float = 0.0
    turn: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change each film of a batch on its own.

        Args:
            images: float (B, 1, S, S), gray values 0 to 1.
            generator: on the CPU, so that a seed gives the same films on every device.

        Returns:
            float (B, 1, S, S), 0 to 1.
        """
        grid = functional.affine_grid(
            self._affine(len(images), generator).to(images.device),
            list(images.shape),
            align_corners=False,
        )  # (B, S, S, 2)
        moved = functional.grid_sample(images, grid, align_corners=False)  # (B, 1, S, S)
        gain = 1 + self.contrast * _either_way(len(images), generator)  # (B,)
        offset = self.brightness * _either_way(len(images), generator)  # (B,)
        gain, offset = (value.to(images.device).view(-1, 1, 1, 1) for value in (gain, offset))
        mean = moved.mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
        return ((moved - mean) * gain + mean + offset).clamp(0, 1)  # (B, 1, S, S)

    def _affine(self, count: int, generator: torch.Generator) -> Tensor:
        """(B, 2, 3) matrices from the shown picture's coordinates to the film's."""
        angle = math.radians(self.turn) * _either_way(count, generator)
        low, high = self.scale
        scale = low + (high - low) * torch.rand(count, generator=generator)
        mirrored = torch.rand(count, generator=generator) < self.flip
        sign = torch.where(mirrored, -1.0, 1.0)
        # affine_grid spans -1 to 1, so a shift of the whole side is 2.
        shift_x = 2 * self.shift * _either_way(count, generator)
        shift_y = 2 * self.shift * _either_way(count, generator)
        cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
        rows = (sign * cosine, -sine, shift_x, sign * sine, cosine, shift_y)
        return torch.stack(rows, dim=1).view(-1, 2, 3)  # (B, 2, 3)


def _either_way(count: int, generator: torch.Generator) -> Tensor:
    """(B,) uniform numbers from -1 to 1."""
    return 2 * torch.rand(count, generator=generator) - 1
