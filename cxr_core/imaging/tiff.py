"""TIFF -> ``DecodedFilm``: one page of gray values, 16 bits and floats scaled, never saturated."""

import io

import numpy as np
from PIL import Image, TiffImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import MAX_PIXELS, DecodedFilm, check_size, scale_to_bytes
from cxr_core.imaging.gray import ORIENTATIONS, Gray, from_16_bit, orientation_step, to_gray

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF

# TIFF 6.0, section 8; 274 is EXIF's orientation too.
_BITS, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_WHITE_IS_ZERO = 0


def is_tiff(data: bytes) -> bool:
    """Whether the bytes begin as a TIFF file does."""
    return data.startswith(TIFF_SIGNATURES)


def decode_tiff(data: bytes) -> DecodedFilm:
    """Decode a TIFF of one page.

    Gray of 8 bits is kept exactly; 12 and 16 bits, signed values, 32 bits and floats are scaled
    linearly from their own range. Where the file says that 0 is white (MINISWHITE) the film is
    inverted, so that dense is bright. Colour and transparency are handled as in a PNG.

    Raises:
        ImageError: damaged, several pages, too small or too large, or values that are no numbers.
    """
    try:
        # The plugin itself: ``Image.open`` has a size limit that warns by a process-wide setting.
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
        tile = _whole(image, _TILE_WIDTH) * _whole(image, _TILE_LENGTH)
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _damaged(data) from error
    check_size(*image.size)
    if tile > MAX_PIXELS:  # libtiff would set aside memory for it
        raise _damaged(data)
    if image.is_animated:  # not n_frames, which would walk through every page
        raise ImageError(
            "A radiograph is one picture, and this TIFF file holds more",
            value="several pages",
            remedy="Save the page you mean as a PNG or TIFF of its own.",
        )
    orientation = _whole(image, _ORIENTATION)
    white_is_zero = image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    bits = _whole(image, _BITS)
    try:
        image.load()  # turns the picture upright, too
        gray = _to_gray(image, bits, white_is_zero=white_is_zero)
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise _damaged(data) from error
    steps = [orientation_step(orientation)] if orientation in ORIENTATIONS else []
    if white_is_zero:
        steps.append("MINISWHITE: inverted, so that dense is bright.")
    return DecodedFilm(
        stored=gray.stored,
        pixels=gray.pixels,
        kind="TIFF",
        steps=(*steps, *gray.steps),
        warnings=gray.warnings,
        colour=gray.colour,
    )


def _whole(image: TiffImagePlugin.TiffImageFile, tag: int) -> int:
    """A tag's value, or the first of several; 0 where it is absent."""
    value = image.tag_v2.get(tag, 0)
    return int(value[0] if isinstance(value, tuple) else value)


def _to_gray(image: Image.Image, bits: int, *, white_is_zero: bool) -> Gray:
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)  # (H, W), in this machine's byte order
        return from_16_bit((1 << bits) - 1 - values if white_is_zero else values)
    if image.mode in ("I", "F"):
        return _from_wide(image, bits, white_is_zero=white_is_zero)
    return to_gray(image, bits)  # Pillow has inverted 8 bits and less


def _from_wide(image: Image.Image, bits: int, *, white_is_zero: bool) -> Gray:
    """Signed, 32-bit or floating values, scaled from their own range."""
    values = np.asarray(image).astype(np.float32)  # (H, W); exact to 24 bits
    if not np.isfinite(values).all():
        raise ImageError(
            "The TIFF file has values that are no numbers",
            value="infinite or undefined gray values",
            remedy="Export the film again as a 16-bit PNG or as DICOM.",
        )
    if white_is_zero:
        values = -values
    low, high = float(values.min()), float(values.max())
    kind = "Floating" if image.mode == "F" else f"{bits}-bit"
    step = f"{kind} values {low:g} to {high:g} scaled to 0 to 255."
    return Gray(values, scale_to_bytes(values, low=low, high=high), (step,), ())


def _damaged(data: bytes) -> ImageError:
    return ImageError(
        "The picture is damaged or cut short and cannot be decoded",
        value=f"TIFF, {len(data):,} bytes",
        remedy="Copy the file again, or export the film anew as PNG, TIFF or DICOM.",
    )
