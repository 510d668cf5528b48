"""What a JPEG's code tells of damage that libjpeg has no word for.

A changed bit that still is a code moves what follows, and the code then seldom ends where the
picture does. libjpeg complains only where it ends early or leaves more than a few bytes.

- Of gray films with a single scan one more row of blocks is decoded than they have. Behind a sound
  code it stays empty but for its first block, which is made of the bits that fill the last byte.
- Of progressive films libjxl parses the code, too. It keeps JPEGs so that it can give back the same
  bytes, and therefore takes none that no encoder writes: with a run of empty blocks beyond the
  picture's end, more coefficients than a block has, or zeros that nothing follows. A lost sector
  often leaves nothing else, for each of the many scans comes to its end, and the picture is only
  blurred or speckled. That takes about as long as decoding, beside which it runs; of other films
  libjxl tells next to nothing more. ``imagecodecs`` is imported where it is used, so that films of
  other kinds do not wait for it.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from cxr_core.imaging.jpeg import check_scans, decode_jpeg, jpeg_segments

BROKEN_CODE_WARNING = (
    "The code of this progressive JPEG breaks the format's rules, as in damaged files. Compare it "
    "with the original."
)
LOOSE_END_WARNING = (
    "The code of this JPEG goes on behind its picture, as in damaged files. Compare it with the "
    "original."
)
_START, _SCAN, _RESTARTS = b"\xff\xd8", 0xDA, 0xDD
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
# Applications' segments and comments: libjxl reads colour profiles and more of them, and refuses
# what is odd there.
_NO_PICTURE = frozenset((*range(0xE0, 0xF0), 0xFE))
_BRIGHTNESS_SAMPLING = frozenset((0x11, 0x21, 0x12, 0x22))  # that libjxl knows; colour has 1 x 1
_REFUSED = "JxlEncoderAddJPEGFrame"  # what imagecodecs names where the parse failed
_BLOCK, _EMPTY = 8, 128  # px; the gray level of a block without a code
_MAX_HEIGHT = 65_400  # px, a little less than libjpeg's
_PAST_THE_END = "Corrupt JPEG data: premature end of data segment"


def decode_checked(data: bytes, mode: str = "L") -> tuple[NDArray[np.uint8], str]:
    """``decode_jpeg``, and what is to be said of the code, a calm sentence; "" of most.

    Raises:
        ImageError, JpegDamageError, JpegKindError: as ``decode_jpeg`` does.
    """
    check_scans(data)
    if mode == "L" and (found := _decode_past_end(data)) is not None:
        return found
    progressive = _bare_progressive(data)
    if progressive is None:
        return decode_jpeg(data, mode), ""
    with ThreadPoolExecutor(1) as pool:  # neither holds the interpreter
        sound = pool.submit(_is_sound, progressive)
        pixels = decode_jpeg(data, mode)
    return pixels, "" if sound.result() else BROKEN_CODE_WARNING


def _decode_past_end(data: bytes) -> tuple[NDArray[np.uint8], str] | None:
    """A gray JPEG of one scan and what is to be said of its end; None where that cannot be told,
    for a film of another kind, and where the decoder complains of more than the end.

    Raises:
        JpegDamageError: as ``decode_jpeg`` does.
    """
    frame = _sequential_frame(data)
    if frame is None:
        return None
    at, height, width = frame
    longer = (-(-height // _BLOCK) + 1) * _BLOCK
    pixels = np.zeros((longer, width, 1), np.uint8)
    try:
        simplejpeg.decode_jpeg(
            data[:at] + longer.to_bytes(2) + data[at + 2 :], "GRAY", strict=True, buffer=pixels
        )
    except ValueError as error:
        if str(error) != _PAST_THE_END:
            return None
    first, others = np.split(pixels[-_BLOCK:, :, 0], [_BLOCK], axis=1)
    # With an empty first block the code ended before; without an empty last one the decoder did.
    if _is_empty(first) or not _is_empty(others[:, -_BLOCK:]):
        return None
    if _is_empty(others):
        return pixels[:height, :, 0], ""
    return decode_jpeg(data), LOOSE_END_WARNING  # or refused, of more than a few bytes


def _is_empty(block: NDArray[np.uint8]) -> bool:
    return bool((block == _EMPTY).all())


def _sequential_frame(data: bytes) -> tuple[int, int, int] | None:
    """Where a gray JPEG of one scan and without restarts has its height, and its height and width
    in px; None of others."""
    frame = None
    for marker, body, start in jpeg_segments(data):
        if marker == _SCAN:
            return frame
        if marker == _RESTARTS:  # each piece's end is looked at by libjpeg
            return None
        if marker in _SEQUENTIAL and body[:1] == b"\x08" and body[5:6] == b"\x01":
            sides = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            frame = (start + 5, *sides) if 0 < sides[0] < _MAX_HEIGHT and sides[1] else None
    return None


def _is_sound(progressive: bytes) -> bool:
    from imagecodecs import JpegxlError, jpegxl_encode_jpeg

    try:
        # With no room for what it would write, libjxl stops when it has parsed the JPEG.
        jpegxl_encode_jpeg(progressive, out=bytearray())
    except JpegxlError as error:
        return _REFUSED not in str(error)
    return True


def _bare_progressive(data: bytes) -> bytes | None:
    """A progressive JPEG without what is no part of its picture; None of any other kind, and of
    channels that libjxl does not read."""
    kept = [_START]
    known = False
    for marker, body, start in jpeg_segments(data):
        if marker == _SCAN:
            return b"".join((*kept, data[start:])) if known else None
        if marker == _PROGRESSIVE:
            sampling = body[7::3]
            gray = len(sampling) == 1
            coloured = len(sampling) == 3 and sampling[1] == sampling[2] == 0x11
            known = body[:1] == b"\x08" and (
                gray or (coloured and sampling[0] in _BRIGHTNESS_SAMPLING)
            )
        if marker not in _NO_PICTURE:
            kept.append(data[start : start + 4 + len(body)])
    return None
