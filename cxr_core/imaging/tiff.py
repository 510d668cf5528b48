"""TIFF -> ``DecodedFilm``: one page of gray values, 16 bits and floats scaled, never saturated."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.damage import damage_warnings
from cxr_core.imaging.decoded import MAX_PIXELS, DecodedFilm, check_size
from cxr_core.imaging.dicom.bits import has_other_sign
from cxr_core.imaging.plain_tiff import (
    TiffKindError,
    kind_error,
    mend_sample_format,
    read_plain_tiff,
)
from cxr_core.imaging.raster import (
    EXIF_TRANSPOSES,
    Grayscale,
    grayscale_from_values,
    orientation_log_entry,
    pixel_bytes,
    to_grayscale,
    traces_of_damage,
)
from cxr_core.imaging.tiff_parts import TiffPartsError, check_parts

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
# TIFF 6.0, section 8; 274 is EXIF's orientation too.
_BITS, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_SAMPLES, _PLANAR, _SAMPLE_FORMAT = 277, 284, 339
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_WHITE_IS_ZERO, _PLANES_APART, _SIGNED = 0, 2, 2  # values of three of these tags
_NEW_SUBFILE_TYPE, _COPY_OR_MASK = 254, 0b101  # the tag, and two of its bits
_MAX_COPIES = 16
_NO_PHOTOMETRIC = (
    "The file does not say which end of its values is bright (photometric interpretation); "
    "it is shown with the greatest as white."
)
_UNSIGNED_NOTE = "The file says that its pixels are signed, and they are not."
_INVERTED_STEP = "MINISWHITE: inverted, so that dense is bright."


def is_tiff(data: bytes) -> bool:
    """Whether the bytes begin as a TIFF file does."""
    return data.startswith(TIFF_SIGNATURES)


def decode_tiff(data: bytes) -> DecodedFilm:
    """Decode a TIFF of one page; smaller copies of it behind it are not looked at.

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
    check_size(*image.size, pixel_bytes(image))
    if tile > MAX_PIXELS:  # libtiff would set aside memory for it
        raise _tiff_damage_error(data)
    if image.is_animated and not _are_copies(data):  # not n_frames, which would walk all pages
        raise ImageError(
            "This TIFF file has several pages; a radiograph has one",
            value="more than one page",
            remedy="Save the page you need as a separate PNG or TIFF.",
        )
    samples = _get_int(image, _SAMPLES) or 1
    if _get_int(image, _BITS) == 16 and samples > 1:  # Pillow would halve its depth
        try:
            return _decode_unusual_tiff(data, None)
        except TiffKindError:
            if _get_int(image, _PLANAR) == _PLANES_APART:
                raise  # Pillow takes one plane's values for another's
    return _decode_by_pillow(data, image)


def _decode_by_pillow(data: bytes, image: TiffImagePlugin.TiffImageFile) -> DecodedFilm:
    orientation = _get_int(image, _ORIENTATION)
    white_is_zero = image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    try:
        parts_warnings = check_parts(data, image.tag_v2)
        is_jpeg = image.info.get("compression") in ("jpeg", "tiff_jpeg")
        image.load()  # turns the picture upright, too
        if image.mode == "LAB":
            raise kind_error("colour as CIE L*a*b*")
        gray = _tiff_to_grayscale(image, white_is_zero=white_is_zero)
        notes = (*parts_warnings, *traces_of_damage(image, gray, is_jpeg=is_jpeg))
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes
        raise _tiff_damage_error(data, error) from error
    steps = [orientation_log_entry(orientation)] if orientation in EXIF_TRANSPOSES else []
    if white_is_zero:
        steps.append(_INVERTED_STEP)
    return DecodedFilm(
        stored=gray.stored,
        pixels=gray.pixels,
        file_format="TIFF",
        processing_log=(*steps, *gray.processing_log),
        warnings=(*notes, *gray.warnings),
        colour_fraction=gray.colour_fraction,
        inverted=gray.inverted,
    )


def _are_copies(data: bytes) -> bool:
    """Whether all pages behind the first are smaller copies of it or masks, by their own words."""
    pages = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    try:
        for page in range(1, _MAX_COPIES + 2):
            pages.seek(page)
            if not int(pages.tag_v2.get(_NEW_SUBFILE_TYPE, 0)) & _COPY_OR_MASK:
                return False
    except EOFError:
        return True
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _tiff_damage_error(data) from error
    return False


def _decode_unusual_tiff(data: bytes, cause: Exception | None) -> DecodedFilm:
    """A TIFF that Pillow has no kind of picture for: 64-bit values, deep channels.

    Raises:
        TiffKindError: "this kind of TIFF".
        ImageError: damaged where there is no header.
    """
    try:
        plain = read_plain_tiff(data)
    except ImageError:
        raise
    except Exception as error:  # whatever a parser raises on hostile bytes
        raise _tiff_damage_error(data, error) from cause or error
    values = plain.values  # (H, W)
    if not np.isfinite(values).all():
        raise _invalid_values_error()
    gray = grayscale_from_values(
        values.astype(np.uint16 if values.dtype == np.uint16 else np.float64),
        plain.kind,
        integer=values.dtype.kind in "ui" or bool((values == np.rint(values)).all()),
        white_is_zero=plain.white_is_zero,
    )
    stored = gray.stored
    traces = damage_warnings(stored, blocks=())
    return DecodedFilm(
        stored=stored if stored.dtype == np.uint16 else stored.astype(np.float32),
        pixels=gray.pixels,
        file_format="TIFF",
        processing_log=(*((_INVERTED_STEP,) if plain.white_is_zero else ()), *gray.processing_log),
        warnings=(*plain.warnings, *traces, *gray.warnings),
        colour_fraction=plain.colour_fraction,
        inverted=gray.inverted,
    )


def _get_int(image: TiffImagePlugin.TiffImageFile, tag: int) -> int:
    """A tag's value, or the first of several; 0 where it is absent."""
    value = image.tag_v2.get(tag, 0)
    return int(value[0] if isinstance(value, tuple) else value)


def _tiff_to_grayscale(image: TiffImagePlugin.TiffImageFile, *, white_is_zero: bool) -> Grayscale:
    bits, is_signed = _get_int(image, _BITS), _get_int(image, _SAMPLE_FORMAT) == _SIGNED
    if image.mode in ("1", "L") and _PHOTOMETRIC not in image.tag_v2:
        gray = to_grayscale(ImageOps.invert(image))  # Pillow takes a missing one for MINISWHITE
        return gray._replace(warnings=(_NO_PHOTOMETRIC, *gray.warnings))
    if image.mode == "L" and bits == 8 and is_signed:  # Pillow takes them for unsigned ones
        return _signed_8_bits(np.asarray(image), white_is_zero=white_is_zero)
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)  # (H, W), in this machine's byte order
        return grayscale_from_values(values, "16-bit", integer=True, white_is_zero=white_is_zero)
    if image.mode not in ("I", "F"):
        return to_grayscale(image)  # Pillow has inverted 8 bits and less
    numbers, note = np.asarray(image), ""  # (H, W), int32 or float32
    if image.mode == "I" and bits == 16 and is_signed:
        unsigned = numbers.astype(np.uint16)
        if has_other_sign(unsigned, 16, signed=True):
            numbers, note = unsigned, _UNSIGNED_NOTE
    elif bits == 32:
        numbers, note = mend_sample_format(numbers)
        if image.mode == "I" and not note and not is_signed:  # in Pillow's hands they wrapped round
            numbers = numbers.view(np.uint32)
    floats = numbers.astype(np.float32)  # exact to 24 bits
    if not np.isfinite(floats).all():
        raise _invalid_values_error()
    kind = "Floating" if numbers.dtype.kind == "f" else f"{bits}-bit"
    whole = bool((floats == np.rint(floats)).all())
    gray = grayscale_from_values(floats, kind, integer=whole, white_is_zero=white_is_zero)
    return gray._replace(warnings=((note,) if note else ()) + gray.warnings)


def _signed_8_bits(values: NDArray[np.uint8], *, white_is_zero: bool) -> Grayscale:
    """Signed values, which Pillow has handed on, and inverted, as if they were unsigned."""
    values = 255 - values if white_is_zero else values
    note = _UNSIGNED_NOTE if has_other_sign(values, 8, signed=True) else ""
    if not note:
        values = values ^ np.uint8(128)
    gray = to_grayscale(Image.fromarray(255 - values if white_is_zero else values))
    return gray._replace(warnings=((note,) if note else ()) + gray.warnings)


def _invalid_values_error() -> ImageError:
    return ImageError(
        "The TIFF file has invalid pixel values",
        value="infinite or undefined gray values",
        remedy="Export the film again as a 16-bit PNG or as DICOM.",
    )


def _tiff_damage_error(data: bytes, error: Exception | None = None) -> ImageError:
    reason = f", {error}" if isinstance(error, TiffPartsError) else ""
    return ImageError(
        "The file is damaged or incomplete and cannot be read",
        value=f"TIFF, {len(data):,} bytes{reason}",
        remedy="Copy the file again, or export the film again as PNG, TIFF or DICOM.",
    )
