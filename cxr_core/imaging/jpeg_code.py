"""The code of a progressive JPEG, parsed a second time by a stricter reader.

libjpeg does not ask whether a run of empty blocks goes on beyond the picture's end, whether a block
holds more coefficients than fit, or whether zeros are counted that nothing follows. In the many
scans of a progressive JPEG a lost sector often leaves nothing else: each scan comes to its end, and
the picture is blurred or speckled from the damage on. libjxl keeps a JPEG so that it can give back
the same bytes, and therefore takes none that no encoder writes.

It is asked for that parse alone (about the time of decoding, beside which it runs), of progressive
JPEGs alone: of others it tells no more than libjpeg. ``imagecodecs`` is imported where it is used,
so that films of other kinds do not wait for it.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.jpeg import check_scans, decode_jpeg, jpeg_segments

BROKEN_CODE_WARNING = (
    "The code of this progressive JPEG breaks the format's rules, as in damaged files. Compare it "
    "with the original."
)
_START, _SCAN, _PROGRESSIVE = b"\xff\xd8", 0xDA, 0xC2
# Applications' segments and comments: libjxl reads colour profiles and more of them, and refuses
# what is odd there.
_NO_PICTURE = frozenset((*range(0xE0, 0xF0), 0xFE))
_BRIGHTNESS_SAMPLING = frozenset((0x11, 0x21, 0x12, 0x22))  # that libjxl knows; colour has 1 x 1
_REFUSED = "JxlEncoderAddJPEGFrame"  # what imagecodecs names where the parse failed


def decode_checked(data: bytes, mode: str = "L") -> tuple[NDArray[np.uint8], str]:
    """``decode_jpeg``, and what is to be said of the code, a calm sentence; "" of most.

    Raises:
        ImageError, JpegDamageError, JpegKindError: as ``decode_jpeg`` does.
    """
    check_scans(data)
    progressive = _bare_progressive(data)
    if progressive is None:
        return decode_jpeg(data, mode), ""
    with ThreadPoolExecutor(1) as pool:  # neither holds the interpreter
        sound = pool.submit(_is_sound, progressive)
        pixels = decode_jpeg(data, mode)
    return pixels, "" if sound.result() else BROKEN_CODE_WARNING


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
