"""Random changes of a batch of training films, all at once, on whatever device they are."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cxr_core.errors import ConfigError

CROP_ATTEMPTS = 10


@dataclass(frozen=True)
class Augmentation:
    """How far a training film may differ from itself; the neutral value of each is none.

    Attributes:
        flip: probability of a mirror image, 0 to 1.
        rotation: largest turn either way, degrees.
        scale: least and largest side of the part that is shown, as a fraction of the film's;
            below 1 zooms in, above 1 leaves a black border.
        translation: largest move either way, as a fraction of the film's side.
        brightness: largest gray value added or taken, on the scale 0 to 1.
        contrast: largest relative change of the distance from the film's mean gray.
        crop_area: least and largest area of a random crop, as a fraction of the film's, which
            is squashed to the square; its aspect ratio is up to 4/3 either way, as in
            torchvision's RandomResizedCrop (Szegedy et al., CVPR 2015).
        min_resolution: half of the films of a batch are reduced to between this fraction of their
            side and the whole, and enlarged again, as films from small pictures are; 1 leaves
            them sharp.
    """

    flip: float = 0.0
    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    translation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    crop_area: tuple[float, float] = (1.0, 1.0)
    min_resolution: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what would train on films that nobody could read.

        Raises:
            ConfigError: a value out of its range, or not a number.
        """
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # nan lies in no range
                raise _range_error(name, value, f"Use {low:g} to {high:g}.")
        for name, (low, high) in _PAIR_RANGES.items():
            pair = getattr(self, name)
            if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
                raise _range_error(
                    name,
                    ",".join(f"{value:g}" for value in pair),
                    f"Use two numbers from {low:g} to {high:g}, the smaller one first.",
                )

    def sample(self, count: int, generator: torch.Generator) -> "AugmentationParams":
        """Draw the changes of ``count`` films.

        Args:
            generator: on the CPU, so that a seed gives the same films on every device.
        """
        matrices = self._affine(count, generator)  # (B, 2, 3)
        gain = 1 + self.contrast * _uniform(count, generator)  # (B,)
        offset = self.brightness * _uniform(count, generator)  # (B,)
        if self.crop_area != (1.0, 1.0):
            matrices = _compose(self._crop(count, generator), matrices)
        if self.min_resolution == 1:
            return AugmentationParams(matrices, gain, offset)
        low = self.min_resolution
        resolution = low + (1 - low) * float(torch.rand((), generator=generator))
        blurred = torch.rand(count, generator=generator) < 0.5  # (B,)
        return AugmentationParams(matrices, gain, offset, blurred, resolution)

    def _affine(self, count: int, generator: torch.Generator) -> Tensor:
        """(B, 2, 3) matrices from the shown picture's coordinates to the film's."""
        angle = math.radians(self.rotation) * _uniform(count, generator)
        low, high = self.scale
        scale = low + (high - low) * torch.rand(count, generator=generator)
        mirrored = torch.rand(count, generator=generator) < self.flip
        sign = torch.where(mirrored, -1.0, 1.0)
        # affine_grid spans -1 to 1, so a shift of the whole side is 2.
        shift_x = 2 * self.translation * _uniform(count, generator)
        shift_y = 2 * self.translation * _uniform(count, generator)
        cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
        rows = (sign * cosine, -sine, shift_x, sign * sine, cosine, shift_y)
        return torch.stack(rows, dim=1).view(-1, 2, 3)  # (B, 2, 3)

    def _crop(self, count: int, generator: torch.Generator) -> Tensor:
        """(B, 2, 3) matrices of crops that lie inside the film.

        Of ten draws of area and aspect the first that fits is taken, and the whole film where
        none does.
        """
        low, high = self.crop_area
        shape = (CROP_ATTEMPTS, count)
        area = low + (high - low) * torch.rand(shape, generator=generator)  # (A, B)
        aspect = torch.exp(math.log(4 / 3) * (2 * torch.rand(shape, generator=generator) - 1))
        width, height = torch.sqrt(area * aspect), torch.sqrt(area / aspect)  # (A, B)
        fits = (width <= 1) & (height <= 1)
        first = fits.int().argmax(dim=0, keepdim=True)  # (1, B)
        width = torch.where(fits.any(0), width.gather(0, first)[0], 1.0)  # (B,)
        height = torch.where(fits.any(0), height.gather(0, first)[0], 1.0)  # (B,)
        left = (1 - width) * _uniform(count, generator)  # (B,) the crop's centre, -1 to 1
        top = (1 - height) * _uniform(count, generator)
        zero = torch.zeros(count)
        rows = (width, zero, left, zero, height, top)
        return torch.stack(rows, dim=1).view(-1, 2, 3)  # (B, 2, 3)


_RANGES: dict[str, tuple[float, float]] = {
    "flip": (0, 1),
    "rotation": (0, 180),
    "translation": (0, 1),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "min_resolution": (0.05, 1),
}
# A side of a tenth, or ten times the film, leaves nothing to see; an area below a hundredth too.
_PAIR_RANGES: dict[str, tuple[float, float]] = {"scale": (0.1, 10), "crop_area": (0.01, 1)}


def _range_error(name: str, value: object, remedy: str) -> ConfigError:
    return ConfigError(f"augmentation.{name} is out of range", value=value, remedy=remedy)


@dataclass(frozen=True)
class AugmentationParams:
    """What was drawn for the films of a batch, so that what lies on a film can move with it.

    Attributes:
        matrices: (B, 2, 3) from the shown picture's coordinates to the film's, -1 to 1.
        gain, offset: (B,) of the gray values about the film's mean.
        blurred: bool (B,), the films that are shown at a lower resolution; None for none.
        resolution: their side as a fraction of the film's, one for the batch.
    """

    matrices: Tensor
    gain: Tensor
    offset: Tensor
    blurred: Tensor | None = None
    resolution: float = 1.0

    def select(self, indices: slice | Tensor) -> "AugmentationParams":
        """The changes of some of the films; an index may repeat a film."""
        return AugmentationParams(
            self.matrices[indices],
            self.gain[indices],
            self.offset[indices],
            None if self.blurred is None else self.blurred[indices],
            self.resolution,
        )

    def warp(self, maps: Tensor) -> Tensor:
        """Films or maps, float (B, C, S, S), as they are shown; what was outside is 0."""
        matrices = self.matrices.to(maps.device)
        grid = functional.affine_grid(matrices, list(maps.shape), align_corners=False)
        return functional.grid_sample(maps, grid, align_corners=False)  # (B, C, S, S)

    def blur(self, images: Tensor) -> Tensor:
        """Some of the films, float (B, 1, S, S), reduced with antialiasing and enlarged again."""
        if self.blurred is None or not self.blurred.any():
            return images
        chosen = self.blurred.to(images.device)  # (B,)
        side = max(1, round(self.resolution * images.shape[-1]))
        small = functional.interpolate(
            images[chosen], (side, side), mode="bilinear", antialias=True, align_corners=False
        )
        result = images.clone()
        result[chosen] = functional.interpolate(
            small, images.shape[-2:], mode="bilinear", align_corners=False
        )
        return result  # (B, 1, S, S)

    def adjust_intensity(self, images: Tensor) -> Tensor:
        """Gray values 0 to 1, float (B, 1, S, S), brighter or darker, harder or softer."""
        gain = self.gain.to(images.device).view(-1, 1, 1, 1)
        offset = self.offset.to(images.device).view(-1, 1, 1, 1)
        mean = images.mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
        return ((images - mean) * gain + mean + offset).clamp(0, 1)  # (B, 1, S, S)


def _compose(outer: Tensor, inner: Tensor) -> Tensor:
    """(B, 2, 3): first ``inner``, then ``outer``, from the shown picture to the film."""
    linear = outer[:, :, :2] @ inner[:, :, :2]  # (B, 2, 2)
    shift = outer[:, :, :2] @ inner[:, :, 2:] + outer[:, :, 2:]  # (B, 2, 1)
    return torch.cat([linear, shift], dim=2)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    """(B,) uniform numbers from -1 to 1."""
    return 2 * torch.rand(count, generator=generator) - 1
