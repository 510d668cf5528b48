"""PNG and JPEG -> ``DecodedFilm``: gray values told exactly, nothing saturated."""

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import BLOCK, SUBSAMPLED_BLOCK, damage_warnings
from cxr_core.imaging.decoded import (
    COLOUR_WARNING,
    MAX_PIXELS,
    DecodedFilm,
    check_size,
    colour_fraction,
)
from cxr_core.imaging.dicom.codestream import parse_codestream
from cxr_core.imaging.gray_range import film_range, sample_film
from cxr_core.imaging.jpeg import JpegDamageError, JpegKindError, check_scans, decode_jpeg
from cxr_core.imaging.plain_tiff import read_plain_tiff
from cxr_core.imaging.scaled_film import scale_film
from cxr_core.imaging.tiff_strips import check_parts

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
# A 16-bit colour picture reaches us with 8 bits a channel; with less than half of those in use,
# too few gray levels are left to read a film by.
_MIN_LEVEL_SPAN = 128
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
# TIFF 6.0, section 8; 274 is EXIF's orientation too.
_BITS, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_WHITE_IS_ZERO = 0
UNCHECKED_JPEG_WARNING = (
    "This kind of JPEG could not be checked for damage; compare it with the original."
)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"


# A decoded raster picture -> gray values: turned upright, channels reduced, nothing saturated.


class Grayscale(NamedTuple):
    """What became of a picture's channels."""

    stored: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]  # (H, W)
    pixels: NDArray[np.uint8]  # (H, W)
    processing_log: tuple[str, ...]
    warnings: tuple[str, ...]
    colour_fraction: float = 0.0  # share of the picture that has some


def apply_exif_orientation(
    image: Image.Image, orientation: int
) -> tuple[Image.Image, tuple[str, ...]]:
    """Turn the picture as its file's EXIF orientation says."""
    if orientation not in EXIF_TRANSPOSES:
        return image, ()
    return image.transpose(EXIF_TRANSPOSES[orientation]), (orientation_log_entry(orientation),)


def orientation_log_entry(orientation: int) -> str:
    """What is said of a picture that was turned, by the key of ``EXIF_TRANSPOSES``."""
    return f"Rotated upright according to its EXIF orientation ({orientation})."


def to_grayscale(image: Image.Image, depth: int) -> Grayscale:
    """The gray values of a loaded picture of any mode.

    Args:
        depth: bits a channel in the file; Pillow hands 16-bit colour on with 8.

    Raises:
        ImageError: 16-bit colour that uses too few of its levels.
    """
    if image.mode.startswith("I"):  # 16-bit gray, as "I;16" or widened to "I"
        return grayscale_from_uint16(np.asarray(image).astype(np.uint16))
    steps, warnings, colour = [], [], 0.0
    if image.has_transparency_data:
        image, note = _composite_on_black(image)
        steps.append(note or "The alpha channel was opaque and was dropped.")
        warnings.extend([note] if note else [])
    if image.mode == "1":
        warnings.append("This image is black and white only, without gray levels.")
    if image.mode not in ("1", "L"):
        rgb = image.convert("RGB")
        colour = colour_fraction(np.asarray(rgb))
        if colour > 0:
            warnings.append(COLOUR_WARNING)
            steps.append("Colour reduced to luminance.")
        image = rgb
    values = np.array(image.convert("L"))  # (H, W) uint8; exact where the channels are equal
    if depth == 16:
        return _grayscale_from_upper_bytes(values, steps, warnings)._replace(colour_fraction=colour)
    steps.append("8-bit gray values kept as they are.")
    return Grayscale(values, values, tuple(steps), tuple(warnings), colour)


def _composite_on_black(image: Image.Image) -> tuple[Image.Image, str]:
    """Composite over black; the note is empty when the picture was opaque all over."""
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB"), ""
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    note = "Transparent parts of this image were filled with black."
    return Image.alpha_composite(black, rgba).convert("RGB"), note


def grayscale_from_uint16(values: NDArray[np.uint16]) -> Grayscale:
    """Gray values (H, W) by the bits that the film fills, or else by its own range."""
    shown = scale_film(values, integer=True)
    return Grayscale(shown.values, shown.pixels, (f"16-bit {shown.step}",), shown.warnings)


def _grayscale_from_upper_bytes(
    values: NDArray[np.uint8], steps: list[str], warnings: list[str]
) -> Grayscale:
    """Gray (H, W) of a 16-bit picture with colour or alpha: the upper byte of each channel."""
    film = film_range(sample_film(values))
    if film.high - film.low < _MIN_LEVEL_SPAN:
        raise ImageError(
            "A 16-bit image with colour or alpha uses too little of its range to be read",
            value=f"{film.high - film.low + 1:.0f} of 256 gray levels",
            remedy="Save the film as a 16-bit PNG in plain grayscale.",
        )
    shown = scale_film(values, integer=True)
    steps.append(f"Upper 8 bits of 16: {shown.step}")
    return Grayscale(shown.values, shown.pixels, tuple(steps), (*warnings, *shown.warnings))


# TIFF -> ``DecodedFilm``: one page of gray values, 16 bits and floats scaled, never saturated.


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
        tile = _get_int(image, _TILE_WIDTH) * _get_int(image, _TILE_LENGTH)
    except Exception as error:  # whatever a parser raises on hostile bytes
        return _decode_unusual_tiff(data, error)
    check_size(*image.size, _pixel_bytes(image))
    if tile > MAX_PIXELS:  # libtiff would set aside memory for it
        raise _tiff_damage_error(data)
    if image.is_animated:  # not n_frames, which would walk through every page
        raise ImageError(
            "This TIFF file has several pages; a radiograph has one",
            value="more than one page",
            remedy="Save the page you need as a separate PNG or TIFF.",
        )
    orientation = _get_int(image, _ORIENTATION)
    white_is_zero = image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    bits = _get_int(image, _BITS)
    try:
        check_parts(data, image)
        is_jpeg = image.info.get("compression") in ("jpeg", "tiff_jpeg")
        image.load()  # turns the picture upright, too
        notes = _traces_of_damage(image, is_jpeg=is_jpeg)
        gray = _tiff_to_grayscale(image, bits, white_is_zero=white_is_zero)
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise _tiff_damage_error(data) from error
    steps = [orientation_log_entry(orientation)] if orientation in EXIF_TRANSPOSES else []
    if white_is_zero:
        steps.append("MINISWHITE: inverted, so that dense is bright.")
    return DecodedFilm(
        stored=gray.stored,
        pixels=gray.pixels,
        file_format="TIFF",
        processing_log=(*steps, *gray.processing_log),
        warnings=(*notes, *gray.warnings),
        colour_fraction=gray.colour_fraction,
    )


def _decode_unusual_tiff(data: bytes, cause: Exception) -> DecodedFilm:
    """A TIFF that Pillow has no kind of picture for: 64-bit values, gray with alpha.

    Raises:
        ImageError: "this kind of TIFF", or damaged where there is no header.
    """
    try:
        plain = read_plain_tiff(data)
    except ImageError:
        raise
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _tiff_damage_error(data) from cause or error
    values = plain.values.astype(np.float64)  # (H, W)
    if not np.isfinite(values).all():
        raise _invalid_values_error()
    if plain.white_is_zero:
        values = values.max() - values
    whole = bool((values == np.rint(values)).all())
    shown = scale_film(values, integer=whole)
    return DecodedFilm(
        stored=shown.values.astype(np.float32),
        pixels=shown.pixels,
        file_format="TIFF",
        processing_log=(f"{plain.kind} {shown.step.removeprefix('values ')}",),
        warnings=(*plain.warnings, *shown.warnings),
    )


def _get_int(image: TiffImagePlugin.TiffImageFile, tag: int) -> int:
    """A tag's value, or the first of several; 0 where it is absent."""
    value = image.tag_v2.get(tag, 0)
    return int(value[0] if isinstance(value, tuple) else value)


def _tiff_to_grayscale(image: Image.Image, bits: int, *, white_is_zero: bool) -> Grayscale:
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)  # (H, W), in this machine's byte order
        return grayscale_from_uint16((1 << bits) - 1 - values if white_is_zero else values)
    if image.mode in ("I", "F"):
        return _grayscale_from_float(image, bits, white_is_zero=white_is_zero)
    return to_grayscale(image, bits)  # Pillow has inverted 8 bits and less


def _grayscale_from_float(image: Image.Image, bits: int, *, white_is_zero: bool) -> Grayscale:
    """Signed, 32-bit or floating values, scaled from their own range."""
    values = np.asarray(image).astype(np.float32)  # (H, W); exact to 24 bits
    if not np.isfinite(values).all():
        raise _invalid_values_error()
    if white_is_zero:
        values = -values
    whole = bool((values == np.rint(values)).all())
    shown = scale_film(values, integer=whole)
    kind = "Floating" if image.mode == "F" else f"{bits}-bit"
    return Grayscale(shown.values, shown.pixels, (f"{kind} {shown.step}",), shown.warnings)


def _invalid_values_error() -> ImageError:
    return ImageError(
        "The TIFF file has invalid pixel values",
        value="infinite or undefined gray values",
        remedy="Export the film again as a 16-bit PNG or as DICOM.",
    )


def _tiff_damage_error(data: bytes) -> ImageError:
    return ImageError(
        "The file is damaged or incomplete and cannot be read",
        value=f"TIFF, {len(data):,} bytes",
        remedy="Copy the file again, or export the film again as PNG, TIFF or DICOM.",
    )


def _pixel_bytes(image: Image.Image) -> int:
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
    check_size(*image.size, _pixel_bytes(image))
    if kind == "JPEG":
        _check_frame_header(image, data)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(
            "The file is an animation; a radiograph is a single image",
            value=f"{frames} frames",
            remedy="Save the frame you need as a separate PNG.",
        )
    depth = data[24] if kind == "PNG" else 8  # IHDR: bits a channel (PNG 3rd edition, 11.2.1)
    try:
        loaded, notes = _load(image, data) if kind == "JPEG" else (image, ())
        loaded.load()
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        upright, orientation_log = apply_exif_orientation(loaded, orientation)
        gray = to_grayscale(upright, depth)
        notes = (*notes, *_traces_of_damage(loaded, is_jpeg=kind == "JPEG"))
    except ImageError:
        raise
    except JpegDamageError as error:
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
    """A JPEG's picture, decoded strictly, and a note where that could not be done.

    Raises:
        JpegDamageError: its picture is damaged.
    """
    try:
        return Image.fromarray(decode_jpeg(data, image.mode), image.mode), ()
    except JpegKindError:
        return image, (UNCHECKED_JPEG_WARNING,)


def _traces_of_damage(image: Image.Image, *, is_jpeg: bool) -> tuple[str, ...]:
    """What in a loaded picture, as it was coded, looks like damage."""
    if image.mode[0] in "IF":  # "L" would saturate them, and no JPEG has so many bits here
        return damage_warnings(np.asarray(image), blocks=())
    coloured = image.mode not in ("L", "1")
    blocks = (BLOCK, SUBSAMPLED_BLOCK) if coloured else (BLOCK,)
    return damage_warnings(np.asarray(image.convert("L")), blocks, is_jpeg=is_jpeg)


_UNREAD_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def _without_text(data: bytes) -> bytes:
    """A PNG without its texts and colour profile: Pillow refuses long ones, and none is read here.

    Some hold a whole report.

    Bytes that are no sequence of chunks are handed back as they are, for the decoder to judge.
    """
    kept, at = [data[: len(PNG_SIGNATURE)]], len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            return data
        if data[at + 4 : at + 8] not in _UNREAD_CHUNKS:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]]) if at > len(PNG_SIGNATURE) else data


def _open_header(data: bytes, kind: str) -> Image.Image:
    """Read the header only. The plugin itself, since ``Image.open`` has a size limit of its own
    that warns by a process-wide setting, and may hand a JPEG on to other plugins."""
    try:
        if kind == "PNG":
            return PngImagePlugin.PngImageFile(io.BytesIO(_without_text(data)))
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _damage_error(data, kind) from error


def _damage_error(data: bytes, kind: str, reason: str = "") -> ImageError:
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
