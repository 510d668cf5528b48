"""PNG and JPEG -> ``DecodedFilm``: gray values told exactly, nothing saturated."""

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.channels import TRANSPARENT_WARNING, gray_of_channels
from cxr_core.imaging.damage import BLOCK, SUBSAMPLED_BLOCK, damage_warnings
from cxr_core.imaging.decoded import (
    COLOUR_WARNING,
    DecodedFilm,
    check_size,
    colour_fraction,
    has_colour,
)
from cxr_core.imaging.dicom.bits import has_other_sign, with_bytes_in_order
from cxr_core.imaging.dicom.codestream import parse_codestream
from cxr_core.imaging.jpeg import (
    COARSE_JPEG_WARNING,
    JpegDamageError,
    JpegKindError,
    check_scans,
    is_coarse,
    unread_kind,
)
from cxr_core.imaging.jpeg_code import decode_checked
from cxr_core.imaging.png import (
    PNG_SIGNATURE,
    CountingPng,
    SurplusRowsError,
    check_rows,
    has_16_bit_channels,
    read_16_bit_channels,
    without_text,
)
from cxr_core.imaging.scaled_film import scale_film, show_eight_bits

_EXIF_ORIENTATION = 0x0112
EXIF_TRANSPOSES = {  # those that are not upright: EXIF 2.32, tag 0x0112
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
UNCHECKED_JPEG_WARNING = (
    "This kind of JPEG could not be checked for damage; compare it with the original."
)
_SIGNED_NOTE = "The file says that its pixels are unsigned, and they are signed."
_FIRST_TRANSPOSED = 5  # of the orientations: rows are columns from here on
# Colours that are multiplied by their alpha already, and what is left without it.
_LAID_ON_BLACK = {"La": "L", "RGBa": "RGB"}
JPEG_SIGNATURE = b"\xff\xd8\xff"


# A decoded raster picture -> gray values: turned upright, channels reduced, nothing saturated.


class Grayscale(NamedTuple):
    """What became of a picture's channels."""

    stored: NDArray[Any]  # (H, W) uint8, uint16, int16 or float32
    pixels: NDArray[np.uint8]  # (H, W)
    processing_log: tuple[str, ...]
    warnings: tuple[str, ...]
    colour_fraction: float = 0.0  # share of the picture that has some
    inverted: bool = False  # low stored values are bright


def apply_exif_orientation(
    image: Image.Image, orientation: int
) -> tuple[Image.Image, tuple[str, ...]]:
    """Turn the picture as its file's EXIF orientation says."""
    if orientation not in EXIF_TRANSPOSES:
        return image, ()
    return image.transpose(EXIF_TRANSPOSES[orientation]), (orientation_log_entry(orientation),)


def turn_upright(channels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The same of channels (H, W, C) that are no picture of Pillow's."""
    if orientation >= _FIRST_TRANSPOSED:
        channels = channels.swapaxes(0, 1)
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    return np.flip(channels, flips) if flips else channels


def orientation_log_entry(orientation: int) -> str:
    """What is said of a picture that was turned, by the key of ``EXIF_TRANSPOSES``."""
    return f"Rotated upright according to its EXIF orientation ({orientation})."


def to_grayscale(image: Image.Image) -> Grayscale:
    """The gray values of a loaded picture of any mode."""
    if image.mode.startswith("I"):  # 16-bit gray, as "I;16" or widened to "I"
        deep = np.asarray(image).astype(np.uint16)
        return grayscale_from_values(deep, "16-bit", integer=True)
    steps, warnings, colour = [], [], 0.0
    if image.mode in _LAID_ON_BLACK:
        opaque = image.split()[-1].getextrema() == (255, 255)
        warnings.extend([] if opaque else [TRANSPARENT_WARNING])
        image = _without_alpha(image)
    if image.has_transparency_data:
        image, note = _composite_on_black(image)
        steps.append(note or "The alpha channel was opaque and was dropped.")
        warnings.extend([note] if note else [])
    if image.mode == "1":
        warnings.append("This image is black and white only, without gray levels.")
    if image.mode not in ("1", "L"):
        rgb = image.convert("RGB")
        colour = colour_fraction(np.asarray(rgb))
        if has_colour(np.asarray(rgb)):
            warnings.append(COLOUR_WARNING)
            steps.append("Colour reduced to luminance.")
        image = rgb
    gray = image if image.mode == "L" else image.convert("L")  # exact where channels are equal
    values: NDArray[np.uint8] = np.array(gray)
    shown = show_eight_bits(values)
    steps.append(shown.step)
    return Grayscale(values, shown.pixels, tuple(steps), (*warnings, *shown.warnings), colour)


def _without_alpha(image: Image.Image) -> Image.Image:
    """A picture that lies on black already, without its alpha; others as they are."""
    if image.mode not in _LAID_ON_BLACK:
        return image
    return Image.merge(_LAID_ON_BLACK[image.mode], image.split()[:-1])


def _composite_on_black(image: Image.Image) -> tuple[Image.Image, str]:
    """Composite over black; the note is empty when the picture was opaque all over."""
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB"), ""
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, rgba).convert("RGB"), TRANSPARENT_WARNING


def grayscale_from_values(
    values: NDArray[Any], kind: str, *, integer: bool, white_is_zero: bool = False
) -> Grayscale:
    """Gray values (H, W) by the bits that the film fills, or else by its own range.

    Args:
        kind: what they are, in words, as "16-bit".
        integer: they are whole numbers.
        white_is_zero: the least value is the brightest.
    """
    values, notes = _mended_numbers(values)
    shown = scale_film(values, integer=integer)
    pixels = 255 - shown.pixels if white_is_zero else shown.pixels
    steps = (f"{kind} {shown.step}",)
    return Grayscale(shown.values, pixels, steps, (*notes, *shown.warnings), inverted=white_is_zero)


def _mended_numbers(values: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """16-bit numbers whose bytes or whose sign a program got wrong, as they were meant."""
    if values.dtype != np.uint16:
        return values, ()
    values, swapped = with_bytes_in_order(values)
    notes = (swapped,) if swapped else ()
    if has_other_sign(values, 16, signed=False):
        return values.view(np.int16), (*notes, _SIGNED_NOTE)
    return values, notes


def grayscale_from_channels(channels: NDArray[Any], kind: str) -> Grayscale:
    """Gray values of deep channels (H, W, C), as ``gray_of_channels`` takes them."""
    gray = gray_of_channels(channels)
    shown = grayscale_from_values(gray.values, kind, integer=channels.dtype.kind != "f")
    return shown._replace(
        warnings=(*gray.warnings, *shown.warnings), colour_fraction=gray.colour_fraction
    )


def pixel_bytes(image: Image.Image) -> int:
    """Bytes of a pixel of an opened picture, as Pillow will hand them on: a palette as RGB."""
    if image.mode in ("I", "F"):
        return 4
    if image.mode.startswith("I;16"):
        return 2
    return 3 if image.mode in ("P", "PA") else len(image.getbands())


def is_raster(data: bytes) -> bool:
    """Whether the bytes begin as a PNG or a JPEG file does."""
    return data.startswith((PNG_SIGNATURE, JPEG_SIGNATURE))


def decode_raster(data: bytes) -> DecodedFilm:
    """Decode one PNG or JPEG.

    8-bit gray is kept exactly; 16-bit gray is scaled linearly by the bits that it fills, or else by
    its own range (Pillow's own conversion would saturate above 255). Where a picture is partly
    transparent it is laid on black, as the unexposed border of a film is; an opaque alpha channel
    (some NIH films have one) changes nothing. Colour is reduced to ITU-R 601 luminance.

    Raises:
        ImageError: damaged, cut short, an animation, too small or too large.
    """
    kind = "PNG" if data.startswith(PNG_SIGNATURE) else "JPEG"
    image = _open_header(data, kind)
    check_size(*image.size, pixel_bytes(image))
    if kind == "JPEG":
        _check_frame_header(image, data)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(
            "The file is an animation; a radiograph is a single image",
            value=f"{frames} frames",
            remedy="Save the frame you need as a separate PNG.",
        )
    is_deep = kind == "PNG" and has_16_bit_channels(data)
    check_size(*image.size, pixel_bytes(image) * (2 if is_deep else 1))
    try:
        loaded, notes = _load(image, data) if kind == "JPEG" else (image, ())
        loaded.load()
        if isinstance(image, CountingPng):
            check_rows(data, image.taken)
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        upright, orientation_log = apply_exif_orientation(loaded, orientation)
        if is_deep:
            channels = read_16_bit_channels(without_text(data))
            gray = grayscale_from_channels(turn_upright(channels, orientation), "16-bit")
        else:
            gray = to_grayscale(upright)
        notes = (*notes, *traces_of_damage(loaded, gray, is_jpeg=kind == "JPEG"))
    except ImageError:
        raise
    except (JpegDamageError, SurplusRowsError) as error:
        raise _damage_error(data, kind, str(error)) from error
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise _damage_error(data, kind) from error
    return DecodedFilm(
        stored=gray.stored,
        pixels=gray.pixels,
        file_format=kind,
        processing_log=(*orientation_log, *gray.processing_log),
        warnings=(*notes, *gray.warnings),
        colour_fraction=gray.colour_fraction,
    )


def _check_frame_header(image: Image.Image, data: bytes) -> None:
    """Refuse a JPEG whose first frame header, the decoder's, is not the one that was opened.

    Raises:
        ImageError: its size was never looked at; or it has too many scans.
    """
    found = parse_codestream(data)
    if found is not None and (found.columns, found.rows) != image.size:
        reason = f"two sizes: {found.columns:,} x {found.rows:,} and {image.width} x {image.height}"
        raise _damage_error(data, "JPEG", reason)
    check_scans(data)


def _load(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """A JPEG's picture, decoded strictly, and notes: where that could not be done, and others.

    Raises:
        JpegDamageError: its picture is damaged.
    """
    try:
        pixels, broken = decode_checked(data, image.mode)
    except JpegKindError:
        return image, (UNCHECKED_JPEG_WARNING,)
    notes = (COARSE_JPEG_WARNING if is_coarse(data) else "", broken)
    return Image.fromarray(pixels, image.mode), tuple(note for note in notes if note)


def traces_of_damage(image: Image.Image, gray: Grayscale, *, is_jpeg: bool) -> tuple[str, ...]:
    """What in a loaded picture, as it was coded, looks like damage.

    Args:
        gray: what became of it.
    """
    if gray.stored.dtype != np.uint8:  # no JPEG has so many bits here
        return damage_warnings(gray.stored, blocks=())
    image = _without_alpha(image)
    coloured = image.mode not in ("L", "1")
    blocks = (BLOCK, SUBSAMPLED_BLOCK) if coloured else (BLOCK,)
    luminance = image if image.mode == "L" else image.convert("L")
    return damage_warnings(np.asarray(luminance), blocks, is_jpeg=is_jpeg)


def _open_header(data: bytes, kind: str) -> Image.Image:
    """Read the header only. The plugin itself, since ``Image.open`` has a size limit of its own
    that warns by a process-wide setting, and may hand a JPEG on to other plugins."""
    try:
        if kind == "PNG":
            return CountingPng(without_text(data))
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _damage_error(data, kind) from error


def _damage_error(data: bytes, kind: str, reason: str = "") -> ImageError:
    if kind == "JPEG" and (unread := unread_kind(data)):
        return ImageError(
            "This kind of JPEG cannot be read",
            value=unread,
            remedy="Save the film as an 8-bit JPEG, a 16-bit PNG or as DICOM.",
        )
    end = b"IEND" if kind == "PNG" else b"\xff\xd9"
    size = f"{kind}, {len(data):,} bytes"
    if end not in data[-1024:]:
        return ImageError(
            "The file is incomplete",
            value=size,
            remedy="Copy or download the file again; the transfer was probably interrupted.",
        )
    return ImageError(
        "The file is damaged and cannot be read",
        value=f"{size}{reason and f', {reason}'}",
        remedy="Export the film again as PNG, JPEG, TIFF or DICOM.",
    )
