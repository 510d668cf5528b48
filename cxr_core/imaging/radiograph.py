"""Bytes of an uploaded file -> ``Radiograph``: told apart by content, never by file name."""

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import DecodedFilm, PixelSpacing
from cxr_core.imaging.dicom.decode import decode_dicom, is_dicom, is_dicom_without_preamble
from cxr_core.imaging.gray_range import window_by_pixels
from cxr_core.imaging.raster import decode_raster, decode_tiff, is_raster, is_tiff
from cxr_core.imaging.windowing import apply_window

_WINDOW_KEY = re.compile(r"(window|table)_(\d{1,2})")
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
# The gray levels anew, from the pixels alone; else the key of a window that the file offers.
GRAY_LEVELS = "gray_levels"
CORRECTIONS: dict[str, CorrectionWords] = {
    "invert": CorrectionWords("Invert", "inverted", "Inverting it"),
    GRAY_LEVELS: CorrectionWords(
        "Derive the gray levels from the pixels",
        "stretched to its own gray range",
        "Deriving its gray levels from the pixels",
    ),
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


def correction_words(correction: str) -> CorrectionWords:
    """A correction in words: one of ``CORRECTIONS``, or a window or table that a file offers.

    Raises:
        ImageError: there is no such correction.
    """
    if correction in CORRECTIONS:
        return CORRECTIONS[correction]
    if found := _WINDOW_KEY.fullmatch(correction):
        name = f"the file's {found[1]} {found[2]}"
        return CorrectionWords(f"Use {name}", f"windowed by {name}", f"Using {name}")
    raise _no_correction_error(correction, tuple(CORRECTIONS))


def window_corrections(radiograph: Radiograph) -> tuple[str, ...]:
    """The windows and tables of the file that the film could be read by instead, by their keys."""
    used = radiograph.model_window.key if radiograph.model_window else ""
    return tuple(window.key for window in radiograph.windows if window.key != used)


def _no_correction_error(correction: str, known: tuple[str, ...]) -> ImageError:
    return ImageError(
        "There is no such correction",
        value=correction,
        remedy=f"Choose one of {', '.join(known)}.",
    )


def apply_correction(radiograph: Radiograph, correction: str) -> Radiograph:
    """The film as it should have come.

    The orientation that a DICOM stated no longer holds after a turn, so it is dropped. A window is
    applied to the stored values, so nothing is lost by the one that was applied before.

    Args:
        correction: one of ``CORRECTIONS``, or the key of one of the film's ``windows``.

    Raises:
        ImageError: there is no such correction.
    """
    windows = {window.key: window for window in radiograph.windows}
    if correction not in (*CORRECTIONS, *windows):
        raise _no_correction_error(correction, (*CORRECTIONS, *windows))
    done = correction_words(correction).done
    steps = (*radiograph.processing_log, f"{done[0].upper()}{done[1:]} on request")
    if correction == GRAY_LEVELS or correction in windows:
        window = windows.get(correction) or window_by_pixels(radiograph.stored)
        return replace(
            radiograph,
            pixels=apply_window(radiograph.stored, window, inverted=radiograph.inverted),
            model_window=window,
            processing_log=steps,
        )
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
