"""A decoded raster picture -> gray values: turned upright, channels reduced, nothing saturated."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import colour_share, scale_to_bytes

_EXIF_ORIENTATION = 0x0112
ORIENTATIONS = {  # those that are not upright: EXIF 2.32, tag 0x0112
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A 16-bit colour picture reaches us with 8 bits a channel; with less than half of those in use,
# too few gray levels are left to read a film by.
_LEAST_SPAN = 128


class Gray(NamedTuple):
    """What became of a picture's channels."""

    stored: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]  # (H, W)
    pixels: NDArray[np.uint8]  # (H, W)
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    colour: float = 0.0  # share of the picture that has some


def upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Turn the picture as its EXIF orientation says."""
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if orientation not in ORIENTATIONS:
        return image, ()
    return image.transpose(ORIENTATIONS[orientation]), (orientation_step(orientation),)


def orientation_step(orientation: int) -> str:
    """What is said of a picture that was turned, by the key of ``ORIENTATIONS``."""
    return f"Turned upright as its EXIF orientation says ({orientation})."


def to_gray(image: Image.Image, depth: int) -> Gray:
    """The gray values of a loaded picture of any mode.

    Args:
        depth: bits a channel in the file; Pillow hands 16-bit colour on with 8.

    Raises:
        ImageError: 16-bit colour that uses too few of its levels.
    """
    if image.mode.startswith("I"):  # 16-bit gray, as "I;16" or widened to "I"
        return from_16_bit(np.asarray(image).astype(np.uint16))
    steps, warnings, colour = [], [], 0.0
    if image.has_transparency_data:
        image, note = _on_black(image)
        steps.append(note or "The alpha channel was opaque and was dropped.")
        warnings.extend([note] if note else [])
    if image.mode == "1":
        warnings.append("This picture has only black and white, without gray values.")
    if image.mode not in ("1", "L"):
        rgb = image.convert("RGB")
        colour = colour_share(np.asarray(rgb))
        if colour > 0:
            warnings.append(
                "This picture has colour; a radiograph has none. Only its brightness was read."
            )
            steps.append("Colour reduced to luminance.")
        image = rgb
    values = np.array(image.convert("L"))  # (H, W) uint8; exact where the channels are equal
    if depth == 16:
        return _from_upper_bytes(values, steps, warnings)._replace(colour=colour)
    steps.append("8-bit gray values kept as they are.")
    return Gray(values, values, tuple(steps), tuple(warnings), colour)


def _on_black(image: Image.Image) -> tuple[Image.Image, str]:
    """Composite over black; the note is empty when the picture was opaque all over."""
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB"), ""
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    note = "Parts of this picture are transparent; they were laid on black."
    return Image.alpha_composite(black, rgba).convert("RGB"), note


def from_16_bit(values: NDArray[np.uint16]) -> Gray:
    """Gray values (H, W), the least to 0 and the greatest to 255."""
    low, high = int(values.min()), int(values.max())
    step = f"16-bit values {low} to {high} scaled to 0 to 255."
    return Gray(values, scale_to_bytes(values, low=low, high=high), (step,), ())


def _from_upper_bytes(values: NDArray[np.uint8], steps: list[str], warnings: list[str]) -> Gray:
    """Gray (H, W) of a 16-bit picture with colour or alpha: the upper byte of each channel."""
    low, high = int(values.min()), int(values.max())
    if high - low < _LEAST_SPAN:
        raise ImageError(
            "A 16-bit picture with colour or alpha uses too little of its range to be read",
            value=f"{high - low + 1} of 256 gray levels",
            remedy="Save the film as a 16-bit PNG in plain grayscale.",
        )
    steps.append(f"Upper 8 bits of 16, values {low} to {high}, scaled to 0 to 255.")
    pixels = scale_to_bytes(values, low=low, high=high)
    return Gray(values, pixels, tuple(steps), tuple(warnings))
