"""Bytes of an uploaded file -> ``Radiograph``: told apart by content, never by file name."""

import hashlib
import re
from dataclasses import dataclass, replace

from cxr_core.errors import ImageError
from cxr_core.imaging.correction import (
    CORRECTIONS,
    GRAY_LEVELS,
    Correction,
    Crop,
    no_correction_error,
)
from cxr_core.imaging.decoded import (
    MAX_FILE_BYTES,
    MIN_DECODED_SIDE,
    DecodedFilm,
    PixelSpacing,
)
from cxr_core.imaging.dicom.decode import decode_dicom, is_dicom, is_dicom_without_preamble
from cxr_core.imaging.gray_range import window_by_pixels
from cxr_core.imaging.raster import decode_raster, is_raster
from cxr_core.imaging.tiff import decode_tiff, is_tiff
from cxr_core.imaging.windowing import Window, apply_window

ACCEPTED_FORMATS = "PNG, JPEG, TIFF or DICOM"
# First bytes of what people upload by mistake, and what to call it.
_SIGNATURES = (
    (b"GIF8", "a GIF image or animation"),
    (b"BM", "a BMP image"),
    (b"\0\0\1\0", "an icon"),
    (b"8BPS", "a Photoshop image"),
    (b"DDS ", "a DDS texture"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"PK\3\4", "a ZIP archive or an Office document"),
    (b"PK\5\6", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\0\0\0\x0cjP  ", "a bare JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"II\xbc\1", "a JPEG XR image"),
    (b"\x89PNG", "a PNG that was changed on its way, as a transfer of texts does"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"NRRD", "an NRRD volume"),
    (b"ObjectType", "a MetaImage header"),
    (b"\0\5\x16\7", "a Mac's companion file without the film"),
    (b"\0\0\0\1Bud1", "a Mac's folder settings"),
    (b"MZ", "a program for Windows"),
    (b"\x7fELF", "a program"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"\xff\xfe", "a text file, not an image"),  # UTF-16
    (b"\xfe\xff", "a text file, not an image"),
)
_NIFTI = (b"n+1\0", b"ni1\0")  # at 344


@dataclass(frozen=True, kw_only=True, eq=False)
class Radiograph(DecodedFilm):
    """One uploaded film: what ``DecodedFilm`` holds, and which bytes it came from.

    Attributes:
        sha256: hexadecimal SHA-256 of the uploaded bytes.
    """

    sha256: str


def read_radiograph(data: bytes | bytearray | memoryview) -> Radiograph:
    """Read one PNG, JPEG, TIFF or single-frame grayscale DICOM file.

    Raises:
        ImageError: the bytes are not one readable film; each cause has its own words.
    """
    film = decode_radiograph(bytes(data))
    return Radiograph(sha256=hashlib.sha256(data).hexdigest(), **vars(film))


def check_file_size(size: int) -> None:
    """Refuse a file that is larger than any film.

    Args:
        size: bytes.

    Raises:
        ImageError: it has more than ``MAX_FILE_BYTES``.
    """
    if size > MAX_FILE_BYTES:
        raise ImageError(
            "The file is too large to be a radiograph",
            value=f"{size / 2**20:,.0f} MB",
            remedy=f"A film takes at most {MAX_FILE_BYTES // 2**20} MB. Export the film itself.",
        )


def decode_radiograph(data: bytes) -> DecodedFilm:
    """As ``read_radiograph``, without the hash of the bytes."""
    check_file_size(len(data))
    if not data:
        raise ImageError(
            "The file is empty",
            value="0 bytes",
            remedy="Copy or export the film again, then upload it.",
        )
    if is_dicom(data):
        return decode_dicom(data)
    if is_raster(data):
        return decode_raster(data)
    if is_tiff(data):
        return decode_tiff(data)
    # Some files have an empty preamble, and no prefix behind it.
    for candidate in (data, data[128:] if not any(data[:128]) else b""):
        if is_dicom_without_preamble(candidate):
            return decode_dicom(candidate)
    raise ImageError(
        "This file cannot be read",
        value=f"it looks like {_describe_content(data)}",
        remedy=f"Save the film as {ACCEPTED_FORMATS} and upload that.",
    )


def _describe_content(data: bytes) -> str:
    """What a file that is no film looks like, in a few words."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP image"
    if data[344:348] in _NIFTI:
        return "a NIfTI volume"
    if re.match(rb"P[1-7]\s", data):
        return "a portable any-map (PBM, PGM or PPM)"
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF image, or a video"
    if _is_text(data[:512]):
        return "a text file, not an image"
    if not any(data):
        return "nothing but zeros"
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    return f"a file of unknown type (first bytes {start})"


def _is_text(start: bytes) -> bool:
    # Bytes that are no UTF-8 are dropped: Latin-1 text has some, a binary file has many.
    text = start.decode("utf-8", errors="ignore")
    printable = [character for character in text if character.isprintable() or character.isspace()]
    return b"\0" not in start and len("".join(printable).encode()) >= 0.9 * len(start)


# What a user may do to a film that came wrong.


def window_corrections(radiograph: Radiograph) -> tuple[str, ...]:
    """The windows and tables of the file that the film could be read by instead, by their keys."""
    used = radiograph.model_window.key if radiograph.model_window else ""
    return tuple(window.key for window in radiograph.windows if window.key != used)


def apply_correction(radiograph: Radiograph, correction: str | Correction) -> Radiograph:
    """The film as it should have come; unchanged by a correction that is none.

    The orientation that a DICOM stated no longer holds after a turn or a mirror, so it is dropped.
    A window is applied to the stored values, so nothing is lost by the one that was applied before.

    Args:
        correction: a ``Correction`` or its key; a window must be one of the film's ``windows``.

    Raises:
        ImageError: there is no such correction, or a crop that leaves too little of the film.
    """
    asked = Correction.parse(correction)
    if not asked:
        return radiograph
    film = radiograph
    if asked.gray:
        window = _window(film, asked.gray)
        shown = apply_window(film.stored, window, inverted=film.inverted)
        film = replace(film, pixels=shown, model_window=window)
    if asked.crop:
        _check_crop(film.pixels.shape, asked.crop)
    if asked.inverted:
        film = replace(film, pixels=255 - film.pixels, inverted=not film.inverted)
    done = asked.words.done
    return replace(
        film,
        pixels=asked.move(film.pixels),
        stored=asked.move(film.stored),
        orientation=None if asked.moves else film.orientation,
        pixel_spacing=turn_spacing(film.pixel_spacing, asked.quarters),
        processing_log=(*film.processing_log, f"{done[0].upper()}{done[1:]} on request"),
    )


def _window(radiograph: Radiograph, key: str) -> Window:
    if key == GRAY_LEVELS:
        return window_by_pixels(radiograph.stored)
    windows = {window.key: window for window in radiograph.windows}
    if key not in windows:
        raise no_correction_error(key, (*CORRECTIONS, *windows))
    return windows[key]


def _check_crop(shape: tuple[int, ...], crop: Crop) -> None:
    height, width = shape[0] - crop.top - crop.bottom, shape[1] - crop.left - crop.right
    if min(height, width) < MIN_DECODED_SIDE:
        raise ImageError(
            "The crop leaves too little of the film",
            value=f"{crop.sides} of {shape[1]} x {shape[0]} pixels",
            remedy=f"Leave at least {MIN_DECODED_SIDE} pixels on each side.",
        )


def turn_spacing(spacing: PixelSpacing | None, quarters: int) -> PixelSpacing | None:
    """A film's pixel spacing after so many quarter turns: rows become columns at each."""
    if spacing is None or quarters % 2 == 0:
        return spacing
    return replace(spacing, row=spacing.column, column=spacing.row)
