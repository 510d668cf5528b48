"""Bytes of an uploaded file -> ``Radiograph``: told apart by content, never by file name."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm, PixelSpacing
from cxr_core.imaging.dicom.decode import decode_dicom, is_dicom, is_dicom_without_preamble
from cxr_core.imaging.raster import decode_raster, decode_tiff, is_raster, is_tiff

ACCEPTED_FORMATS = "PNG, JPEG, TIFF or DICOM"
# First bytes of what people upload by mistake, and what to call it.
_SIGNATURES = (
    (b"GIF8", "a GIF image or animation"),
    (b"BM", "a BMP image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\0\0\0\x0cjP  ", "a bare JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 image"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


@dataclass(frozen=True)
class CorrectionWords:
    """A correction in words, from which every sentence about it is made.

    Attributes:
        action: what to do, e.g. "Invert".
        done: what was done, e.g. "inverted".
        doing: what would be done, e.g. "Inverting it".
    """

    action: str
    done: str
    doing: str


QUARTER_TURNS: dict[str, int] = {"rotate_ccw": 1, "rotate_cw": 3, "rotate_180": 2}
CORRECTIONS: dict[str, CorrectionWords] = {
    "invert": CorrectionWords("Invert", "inverted", "Inverting it"),
} | {
    name: CorrectionWords(f"Rotate {turn}", f"rotated {turn}", f"Rotating it {turn}")
    for name, turn in (
        ("rotate_ccw", "90° counter-clockwise"),
        ("rotate_cw", "90° clockwise"),
        ("rotate_180", "by 180°"),
    )
}


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
    film = _decode(bytes(data))
    return Radiograph(sha256=hashlib.sha256(data).hexdigest(), **vars(film))


def _decode(data: bytes) -> DecodedFilm:
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
    if is_dicom_without_preamble(data):
        return decode_dicom(data)
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
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF image, or a video"
    if _is_text(data[:512]):
        return "a text file, not an image"
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    return f"a file of unknown type (first bytes {start})"


def _is_text(start: bytes) -> bool:
    # Bytes that are no UTF-8 are dropped: Latin-1 text has some, a binary file has many.
    text = start.decode("utf-8", errors="ignore")
    printable = [character for character in text if character.isprintable() or character.isspace()]
    return b"\0" not in start and len("".join(printable).encode()) >= 0.9 * len(start)


# What a user may do to a film that lies wrong: invert it, or turn it upright.


def apply_correction(radiograph: Radiograph, correction: str) -> Radiograph:
    """The film as it should have come.

    The orientation that a DICOM stated no longer holds after a turn, so it is dropped.

    Raises:
        ImageError: there is no such correction.
    """
    if correction not in CORRECTIONS:
        raise ImageError(
            "There is no such correction",
            value=correction,
            remedy=f"Choose one of {', '.join(CORRECTIONS)}.",
        )
    done = CORRECTIONS[correction].done.capitalize()
    steps = (*radiograph.processing_log, f"{done} on request")
    if correction == "invert":
        pixels = 255 - radiograph.pixels  # (H, W)
        return replace(
            radiograph, pixels=pixels, inverted=not radiograph.inverted, processing_log=steps
        )
    quarters = QUARTER_TURNS[correction]
    return replace(
        radiograph,
        pixels=np.ascontiguousarray(np.rot90(radiograph.pixels, quarters)),
        stored=np.ascontiguousarray(np.rot90(radiograph.stored, quarters)),
        orientation=None,
        pixel_spacing=turn_spacing(radiograph.pixel_spacing, quarters),
        processing_log=steps,
    )


def turn_spacing(spacing: PixelSpacing | None, quarters: int) -> PixelSpacing | None:
    """A film's pixel spacing after so many quarter turns: rows become columns at each."""
    if spacing is None or quarters % 2 == 0:
        return spacing
    return replace(spacing, row=spacing.column, column=spacing.row)
