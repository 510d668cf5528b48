"""JPEG decoded strictly: where libjpeg warns of damage and guesses on, the picture is refused.

Pillow and pydicom drop libjpeg's warnings, so that a file cut at its half is a film with a gray
lower half. simplejpeg is the same library (libjpeg-turbo) with its warnings as errors, and its
pixels are the same.
"""

from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from cxr_core.errors import ImageError

# A progressive JPEG of three channels has a dozen scans, and could sensibly have a few dozen. Each
# one is a walk over the whole picture, however few bytes it takes.
MAX_SCANS = 100
_START_OF_SCAN = b"\xff\xda"

# Markers that begin a frame (ISO/IEC 10918-1, table B.1, and 14495-1).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_FIRST_ARITHMETIC, _JPEG_LS = 0xC9, 0xF7
# Warnings of libjpeg (jerror.h) that say that samples were lost or guessed. Its others are about
# header fields that do not touch the picture (a JFIF revision, an Adobe transform, an ICC profile),
# but simplejpeg stops at them, too.
_DAMAGE = (
    "Corrupt JPEG data: ",
    "Premature end of JPEG file",
    "Inconsistent progression sequence",
)
_HARMLESS = ("Corrupt JPEG data: bad ICC marker",)
# A scan in entropy coding ends at a marker that is neither a stuffed byte nor a restart.
_NO_MARKER = frozenset((0x00, 0xFF, *range(0xD0, 0xD8)))
_SCAN, _TABLES, _PROGRESSIVE, _END = 0xDA, 0xDB, 0xC2, 0xD9
_N_COEFFICIENTS = 64
# Steps of the lowest frequencies, gray levels times 8: 66 in libjpeg's quality 10, at which a
# probability moves by .05, and 132 in quality 5 (.17); 33 in quality 20 (.01).
_LOW_FREQUENCIES, _COARSE = 10, 60
COARSE_JPEG_WARNING = (
    "The film was compressed so strongly (JPEG) that its fine structures are lost; such films are "
    "read less reliably."
)
_COLOURS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # Pillow's modes of a JPEG


class JpegDamageError(ValueError):
    """A JPEG whose picture is damaged; its text says how, a clause."""


class JpegKindError(ValueError):
    """A JPEG that cannot be decoded strictly, whole or not."""


def decode_jpeg(data: bytes, mode: str = "L") -> NDArray[np.uint8]:
    """Decode an 8-bit JPEG, baseline or progressive, without guessing what is missing.

    Args:
        data: the file or the frame; what follows its end marker is not looked at.
        mode: as Pillow would decode it: ``L``, ``RGB`` or ``CMYK`` (0 is no ink).

    Returns:
        uint8 (H, W), or (H, W, channels) in colour, equal to Pillow's.

    Raises:
        ImageError: it has more than ``MAX_SCANS`` scans.
        JpegDamageError: the data end early, hold bytes that are no code, or more than the picture.
        JpegKindError: other depths, odd header fields, or a mode that is none of the three.
    """
    if mode not in _COLOURS:
        raise JpegKindError(f"a JPEG of mode {mode}")
    check_scans(data)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, _COLOURS[mode], strict=True)
    except ValueError as error:
        said = str(error)
        if said.startswith(_DAMAGE) and not said.startswith(_HARMLESS):
            raise JpegDamageError(said.removeprefix(_DAMAGE[0]).lower()) from error
        raise JpegKindError(said) from error
    if not _has_all_scans(data):
        raise JpegDamageError("its last scans are missing")
    if mode == "L":
        return pixels[:, :, 0]
    return pixels if mode == "RGB" else 255 - pixels  # Adobe stores CMYK inverted


def is_coarse(data: bytes) -> bool:
    """Whether a JPEG keeps so few gray levels of its brightness that a film suffers."""
    for marker, body, _ in jpeg_segments(data):
        if marker == _TABLES and body[:1] and body[0] & 15 == 0:  # the brightness's table
            size = 2 if body[0] >> 4 else 1
            low = body[1 : 1 + size * _LOW_FREQUENCIES]
            steps = [int.from_bytes(low[at : at + size]) for at in range(0, len(low), size)]
            return sum(steps) > _COARSE * len(steps)
    return False


def _has_all_scans(data: bytes) -> bool:
    """Whether all of the brightness came: a progressive JPEG may end after any of its scans, and
    no decoder complains of the blurred picture that it is then."""
    first, missing = b"", set(range(_N_COEFFICIENTS))
    for marker, body, _ in jpeg_segments(data):
        if marker in _FRAMES and not first:
            if marker != _PROGRESSIVE:
                return True
            first = body[6:7]  # the name of the first component
        if marker == _SCAN and first and body:
            names = body[1 : 1 + 2 * body[0] : 2]
            begin, end, bits = body[1 + 2 * body[0] :][:3]
            if first in (names[at : at + 1] for at in range(len(names))) and not bits & 15:
                missing -= set(range(begin, end + 1))
    return not (first and missing)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """A JPEG's markers up to its end, each with what its segment holds and where it begins."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in _NO_MARKER:
            at = data.find(b"\xff", at + 1)  # coded data
            if at < 0:
                return
            continue
        if data[at + 1] == _END:
            return
        length = max(2, int.from_bytes(data[at + 2 : at + 4]))
        yield data[at + 1], data[at + 4 : at + 2 + length], at
        at += 2 + length


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of very many scans before anything is decoded.

    Raises:
        ImageError: it has more than ``MAX_SCANS``.
    """
    n_scans = data.count(_START_OF_SCAN)  # no coded data hold these two bytes
    if n_scans > MAX_SCANS:
        raise ImageError(
            "This JPEG image is stored in too many scans to be a radiograph",
            value=f"{n_scans:,} scans",
            remedy="Export the film again as a baseline JPEG, PNG, TIFF or DICOM.",
        )


def unread_kind(data: bytes) -> str:
    """Of a JPEG that cannot be decoded, its kind where that is the cause; "" where it is not."""
    for marker, body, _ in jpeg_segments(data):
        if marker == _JPEG_LS:
            return "JPEG-LS"
        if marker in _FRAMES and body and body[0] != 8:
            return f"{body[0]} bits a sample"
        if marker in _FRAMES:
            return "arithmetic coding" if marker >= _FIRST_ARITHMETIC else ""
    return ""
