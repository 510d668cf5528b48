"""JPEG 2000 frames: decoded, and the end of each code-block compared with its stated length.

The picture lies in code-blocks of 64 x 64 wavelet coefficients as a rule, each an arithmetic code
of so many bytes (ISO/IEC 15444-1, annexes B to D). Such a code knows no wrong values: after a
changed bit a decoder goes on and draws noise. But it is done elsewhere, mostly hundreds of bytes
before the block's last byte or behind it. OpenJPEG counts them in streams whose header says that
their blocks are terminated predictably (table A.19). That bit changes nothing else in decoding, so
it is set in every stream, and the check costs no time.

How often it is right: ``bench/damaged_films.py``.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array

from cxr_core.imaging.dicom.codestream import next_segment

_SOT, _SOD = b"\xff\x90", b"\xff\x93"
_SOT_LENGTH = 12  # bytes of a tile-part's first segment with its marker
# Coding style of all components and of one: where the byte of its code-blocks' style lies (A.6).
_STYLE_OFFSETS = {b"\xff\x52": 12, b"\xff\x53": 9}
_PREDICTABLE, _HIGH_THROUGHPUT = 0x10, 0x40  # high-throughput blocks are another code
_MAX_PRECISION = 16  # bits
# Encoders end blocks as they like within a few bytes. Where OpenJPEG cuts them to a rate, one block
# of a film may lack more of its last pass: in 5,400 intact streams (``bench/jpeg_2000_ends.py``) it
# was 20 bytes at most down to a third of a bit a pixel, and 210 at an eighth. None had bytes over.
MAX_GAP = 8  # bytes
_THIN = 0.25  # bits a pixel
_MAX_LONE_LACK, _MAX_LONE_LACK_IF_THIN = 32, 256  # bytes that the only such block may lack
_COMPLAINT = re.compile(r"PTERM check failure: (\d+) (remaining|synthesized)")
_MAX_SAID = 10_000  # complaints that are kept: a hostile stream has millions of blocks
_logger = logging.getLogger("imagecodecs")


class CodeBlocks(NamedTuple):
    """By how many bytes code-blocks missed their ends; those within two bytes are not listed.

    Attributes:
        left_over, lacking: of each such block.
        thin: the stream has so few bytes that its encoder may have cut a block short.
    """

    left_over: tuple[int, ...]
    lacking: tuple[int, ...]
    thin: bool = False

    @property
    def damaged(self) -> int:
        """How many blocks end where no encoder ends them."""
        left_over = sum(gap > MAX_GAP for gap in self.left_over)
        lacking = [gap for gap in self.lacking if gap > MAX_GAP]
        most = _MAX_LONE_LACK_IF_THIN if self.thin else _MAX_LONE_LACK
        if not left_over and len(lacking) == 1 and lacking[0] <= most:
            return 0
        return left_over + len(lacking)

    @property
    def warning(self) -> str:
        """A calm sentence; "" where all is well."""
        n = self.damaged
        if not n:
            return ""
        what = (
            "One block of this JPEG 2000 image does not fit its stated length"
            if n == 1
            else f"{n:,} blocks of this JPEG 2000 image do not fit their stated lengths"
        )
        return f"{what}: the file was probably damaged on its way. Compare it with the original."


def decode_frame(ds: Dataset) -> tuple[NDArray[Any], str]:
    """The numbers of a data set that holds one frame alone, and what is to be said of it.

    Gray numbers are those that the data set speaks of (``decode_gray``). Colour is decoded by
    Pillow, for pydicom knows its colours, and checked besides.

    Raises:
        Exception: of any kind, as the decoders raise it.
    """
    stream = get_frame(ds.PixelData, 0, number_of_frames=1)
    if ds.SamplesPerPixel == 1:
        signed = ds.PixelRepresentation == 1
        gray, blocks = decode_gray(stream, precision=ds.BitsStored, signed=signed)
        return gray, blocks.warning
    colour: NDArray[Any] = pixel_array(ds, decoding_plugin="pillow")
    _, blocks = decode_stream(stream)
    return colour, blocks.warning


def decode_stream(stream: bytes) -> tuple[NDArray[Any], CodeBlocks]:
    """Decode a codestream without boxes around it.

    Returns:
        (H, W) or (H, W, channels), of the stream's own depth and sign; and its blocks.

    Raises:
        Exception: of any kind, as the decoder raises it.
    """
    # Imported here, so that films of other kinds do not wait for it.
    from imagecodecs import jpeg2k_decode

    with _said() as said:
        values = jpeg2k_decode(_with_checked_ends(stream), verbose=2, numthreads=1)
    gaps: dict[str, list[int]] = {"remaining": [], "synthesized": []}
    for words in said:
        for count, kind in _COMPLAINT.findall(words):
            gaps[kind].append(int(count))
    return values, CodeBlocks(
        left_over=tuple(gaps["remaining"]),
        lacking=tuple(gaps["synthesized"]),
        thin=8 * len(stream) < _THIN * values.size,
    )


def decode_gray(stream: bytes, *, precision: int, signed: bool) -> tuple[NDArray[Any], CodeBlocks]:
    """Decode a stream of one component to the numbers that the data set's header speaks of.

    Args:
        precision: bits a sample, of the stream.
        signed: the header's pixel representation, which may be another than the stream's. Signed
            numbers under an unsigned header are moved up to begin at 0, as Pillow does; unsigned
            ones under a signed header are those of two's complement.

    Returns:
        (H, W), 8 or 16 bits, signed as asked for; and the stream's blocks.

    Raises:
        ValueError: more than 16 bits a sample, or more than one component.
        Exception: of any kind, as the decoder raises it.
    """
    if precision > _MAX_PRECISION:
        raise ValueError(f"{precision} bits a sample")
    values, blocks = decode_stream(stream)
    if values.ndim != 2:
        raise ValueError(f"an array of {values.ndim} dimensions")
    bits = 8 * values.dtype.itemsize
    if values.dtype.kind == "i" and not signed:
        unsigned = values.view(f"u{bits // 8}")  # the sum wraps, as it should
        return unsigned + unsigned.dtype.type(1 << (precision - 1)), blocks
    if values.dtype.kind == "u" and signed:
        return (values << (bits - precision)).view(f"i{bits // 8}") >> (bits - precision), blocks
    return values, blocks


def _with_checked_ends(stream: bytes) -> bytes:
    """The stream with the bit set by which OpenJPEG compares its code-blocks' ends."""
    checked = bytearray(stream)
    for at in _segments(stream):
        offset = _STYLE_OFFSETS.get(stream[at : at + 2])
        if offset is not None and not stream[at + offset] & _HIGH_THROUGHPUT:
            checked[at + offset] |= _PREDICTABLE
    return bytes(checked)


def _segments(stream: bytes) -> Iterator[int]:
    """Where the marker segments of the main header and of the tile-parts' headers begin.

    Raises:
        ValueError: a header is cut short.
    """
    at, end_of_part = 2, 0
    while at < len(stream):
        marker = stream[at : at + 2]
        if marker == _SOT:
            length = int.from_bytes(stream[at + 6 : at + 10])
            if 0 < length < _SOT_LENGTH:
                return
            end_of_part = at + length if length else len(stream)  # 0: up to the end
            at += _SOT_LENGTH
        elif marker == _SOD:
            at = end_of_part
        elif at >= end_of_part > 0:
            return  # the end, or what some machines write behind the last tile-part
        else:
            yield at
            at = next_segment(stream, at)


@contextmanager
def _said() -> Iterator[list[str]]:
    """What imagecodecs logs in this thread, kept out of the log."""
    collector = _Collector()
    # A logger that is quieter, or was put out of use, would hide a damaged film.
    _logger.setLevel(logging.WARNING)
    _logger.disabled = False
    _logger.addFilter(collector)
    try:
        yield collector.said
    finally:
        _logger.removeFilter(collector)


class _Collector(logging.Filter):
    """Takes this thread's records out of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        if len(self.said) < _MAX_SAID:
            self.said.append(record.getMessage())
        return False
