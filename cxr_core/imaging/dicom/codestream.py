"""A compressed frame's bytes: which codec wrote them, what they say of themselves, and mending.

Headers of data sets lie about their frames: they name another codec, another depth, or promise an
uncompressed picture. So a frame is told by its own markers: JPEG (ISO/IEC 10918-1, B.1),
JPEG-LS (ISO/IEC 14495-1, C.1), JPEG 2000 (ISO/IEC 15444-1, annex A).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from cxr_core.errors import ImageError
from cxr_core.imaging.decoded import check_decoded_bytes
from cxr_core.imaging.jpeg import check_scans

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_J2K_START, _J2K_SOT, _J2K_EOC = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\xd9"
_JP2_SIGNATURE = b"\0\0\0\x0cjP  "
_SOT_LENGTH = 12  # bytes of a tile-part's header with its marker
# Start of frame -> the transfer syntax whose decoder reads it; 8-bit SOF1 is read as baseline is.
_SYNTAX_BY_SOF = {
    0xC0: JPEGBaseline8Bit,
    0xC1: JPEGExtended12Bit,
    0xC2: JPEGBaseline8Bit,  # progressive: retired from DICOM, and read by the same decoders
    0xC3: JPEGLosslessSV1,
    0xF7: JPEGLSLossless,
}


_RETIRED_JPEG = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (52, 53, 54, 55, 56))
_FAMILIES: dict[UID, tuple[str, ...]] = {
    JPEGBaseline8Bit: _RETIRED_JPEG,
    JPEGExtended12Bit: _RETIRED_JPEG,
    JPEG2000: tuple(f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)),
}
_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1)
# A drawn film takes a byte for 50 pixels, a real one for 10; a picture of one gray level, for any
# number. Small frames may be anything: they are soon decoded.
MAX_PIXELS_PER_BYTE = 1000
_MIN_RATIO_BYTES = 4096
_MAX_NOTHING = 100_000  # codes of an RLE segment that stand for no byte


@dataclass(frozen=True)
class Codestream:
    """What a frame says of itself.

    Attributes:
        syntax: a transfer syntax of its codec.
        rows, columns: pixels.
        precision: bits a sample.
        components: samples a pixel.
    """

    syntax: UID
    rows: int
    columns: int
    precision: int
    components: int


def parse_codestream(frame: bytes) -> Codestream | None:
    """Read a frame's header; None where it is neither JPEG, JPEG-LS nor JPEG 2000."""
    if frame.startswith((_J2K_START, _JP2_SIGNATURE)):
        return _parse_jpeg_2000(frame)
    if frame.startswith(_SOI):
        return _parse_jpeg(frame)
    return None


def _parse_jpeg(frame: bytes) -> Codestream | None:
    at = len(_SOI)
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        header = frame[at + 4 : at + 10]  # precision, rows, columns, components
        if marker in _SYNTAX_BY_SOF and len(header) == 6:
            syntax = _SYNTAX_BY_SOF[marker]
            if syntax == JPEGExtended12Bit and header[0] == 8:
                syntax = JPEGBaseline8Bit
            rows, columns = int.from_bytes(header[1:3]), int.from_bytes(header[3:5])
            return Codestream(syntax, rows, columns, header[0], header[5])
        at += 2 + max(2, int.from_bytes(frame[at + 2 : at + 4]))
    return None


def _parse_jpeg_2000(frame: bytes) -> Codestream | None:
    start = frame.find(_J2K_START)
    size = frame[start + 4 : start + 43]  # from Lsiz to the first component's depth
    if start < 0 or len(size) < 39:
        return None
    right, bottom, left, top = (int.from_bytes(size[at : at + 4]) for at in (4, 8, 12, 16))
    return Codestream(
        syntax=JPEG2000,
        rows=bottom - top,
        columns=right - left,
        precision=(size[38] & 0x7F) + 1,
        components=int.from_bytes(size[36:38]),
    )


def same_codec(stated: UID, found: UID) -> bool:
    """Whether two transfer syntaxes are of one codec, so that either's decoder reads both."""
    codecs = (
        ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"),  # baseline within extended
        ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"),
        ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
        (JPEG2000Lossless, JPEG2000),
    )
    return stated == found or any(stated in codec and found in codec for codec in codecs)


def is_of_family(stated: UID, found: UID) -> bool:
    """Whether a stated transfer syntax, which no decoder here knows by its name, is of the codec
    that was found: retired kinds of JPEG, and JPEG 2000 of high throughput."""
    return stated in _FAMILIES.get(found, ())


def bare_codestream(frame: bytes) -> bytes:
    """A JPEG 2000 codestream without the boxes around it, which may state another size."""
    return frame[frame.find(_J2K_START) :] if frame.startswith(_JP2_SIGNATURE) else frame


def check_codestream(found: Codestream, frame: bytes) -> None:
    """Refuse by a frame's header what no radiograph is, before anything is decoded.

    Raises:
        ImageError: too large, or too large for its few bytes, or a JPEG of too many scans.
        ValueError: another number of channels than gray and colour have.
    """
    if found.components not in (1, 3):
        raise ValueError(f"the compressed image has {found.components:,} channels")
    sample_bytes = 1 if found.precision <= 8 else 2
    check_decoded_bytes(found.columns, found.rows, found.components * sample_bytes)
    n_pixels = found.columns * found.rows
    if n_pixels > MAX_PIXELS_PER_BYTE * max(len(frame), _MIN_RATIO_BYTES):
        raise ImageError(
            "The compressed image is too short for its size",
            value=f"{len(frame):,} bytes for {found.columns:,} x {found.rows:,} pixels",
            remedy="The file is damaged, or was made to keep the program busy. Export the film "
            "again.",
        )
    if found.syntax in _JPEG:
        check_scans(frame)


def mend_codestream(frame: bytes) -> bytes:
    """The frame without what decoders stumble over; the same bytes where there is nothing.

    What follows a JPEG's end is dropped. A JPEG 2000 codestream is put together again of its main
    header and its tile-parts, by their stated lengths: what machines write between the last
    tile-part and the end (comments, a pad byte), a missing end and an unstated length (Psot 0)
    are no fault of the picture.

    Raises:
        ValueError: a JPEG 2000 codestream ends within a tile-part: it is cut short.
    """
    if frame.startswith((_J2K_START, _JP2_SIGNATURE)):
        return _mend_jpeg_2000(frame[frame.find(_J2K_START) :])
    if frame.startswith(_SOI) and (end := frame.rfind(_EOI)) > 0:
        return frame[: end + len(_EOI)]
    return frame


def check_jpeg_2000(frame: bytes) -> None:
    """Refuse a JPEG 2000 codestream whose tile-parts end early or are not all there.

    Other frames are not looked at.

    Raises:
        ValueError: it is cut short, or holds fewer tiles than its size has, or fewer parts of one
            than the tile says: often those that come last have the film's finest detail.
    """
    if not frame.startswith((_J2K_START, _JP2_SIGNATURE)):
        return
    stream = frame[frame.find(_J2K_START) :]
    size = [int.from_bytes(stream[at : at + 4]) for at in range(8, 40, 4)]
    right, bottom, _, _, width, height, left, top = size
    if not width or not height:
        raise ValueError("the JPEG 2000 codestream states no tile size")
    expected = -(-(right - left) // width) * -(-(bottom - top) // height)
    parts: dict[int, set[int]] = {}  # of each tile, those that are there
    n_parts: dict[int, int] = {}  # and how many it says it has, if it says so
    for header in _tile_parts(stream):
        tile = int.from_bytes(header[4:6])
        parts.setdefault(tile, set()).add(header[10])
        n_parts[tile] = max(n_parts.get(tile, 0), header[11])
    if len(parts) < expected:
        raise ValueError(f"the JPEG 2000 codestream has {len(parts)} of its {expected} tiles")
    for tile, found in parts.items():
        if len(found) < n_parts[tile]:
            raise ValueError(
                f"the JPEG 2000 codestream has {len(found)} of the {n_parts[tile]} parts of a tile"
            )


def _tile_parts(stream: bytes) -> Iterator[bytes]:
    """The first segment of each tile-part of a codestream, whatever lies between them."""
    whole = _mend_jpeg_2000(stream)
    at = 2
    while whole[at : at + 2] != _J2K_SOT:
        at = next_segment(whole, at)
    while whole[at : at + 2] == _J2K_SOT:
        yield whole[at : at + _SOT_LENGTH]
        at += int.from_bytes(whole[at + 6 : at + 10])


def _mend_jpeg_2000(stream: bytes) -> bytes:
    at = 2
    while stream[at : at + 2] != _J2K_SOT:
        at = next_segment(stream, at)
    whole = bytearray(stream[:at])
    while True:
        if stream[at : at + 2] == _J2K_SOT:
            length = int.from_bytes(stream[at + 6 : at + 10])
            end = at + length if length else stream.rfind(_J2K_EOC)
            if end < at + _SOT_LENGTH or end > len(stream):
                raise ValueError("the JPEG 2000 codestream is cut short")
            part = bytearray(stream[at:end])
            part[6:10] = (end - at).to_bytes(4)
            whole += part
            at = end
        elif stream[at : at + 1] == b"\xff" and stream[at : at + 2] != _J2K_EOC:
            try:
                at = next_segment(stream, at)
            except ValueError:
                break  # padding behind the last tile-part
        else:
            break
    return bytes(whole) + _J2K_EOC


def next_segment(stream: bytes, at: int) -> int:
    """Where the marker segment of a JPEG 2000 codestream ends that begins at ``at``.

    Raises:
        ValueError: there is none, or it is cut short.
    """
    length = int.from_bytes(stream[at + 2 : at + 4])
    if stream[at : at + 1] != b"\xff" or length < 2 or at + 2 + length > len(stream):
        raise ValueError("the JPEG 2000 codestream is cut short")
    return at + 2 + length


def check_rle(frame: bytes, rows: int, columns: int) -> None:
    """Refuse an RLE frame of which a segment is not as long as the picture (PS3.5, annex G).

    Raises:
        ValueError: with both lengths. One byte more is padding.
    """
    n_segments = int.from_bytes(frame[:4], "little")
    starts = [int.from_bytes(frame[at : at + 4], "little") for at in range(4, 64, 4)][:n_segments]
    for start, end in zip(starts, [*starts[1:], len(frame)], strict=True):
        most = 8 * rows * columns  # what is longer than that need not be counted to its end
        length = _packbits_length(frame[start:end], most)
        if not rows * columns <= length <= rows * columns + 1:
            more = "more than " if length > most else ""
            raise ValueError(
                f"an RLE segment holds {more}{length:,} bytes, where {rows} rows x {columns} "
                f"columns need {rows * columns:,}"
            )


def _packbits_length(segment: bytes, most: int) -> int:
    """Bytes that a PackBits segment unpacks to; not counted further once above ``most``."""
    at = length = n_nothing = 0
    while at < len(segment) - 1 and length <= most:  # a lone last byte is padding
        head = segment[at]
        if head < 128:
            length += min(head + 1, len(segment) - at - 1)
            at += head + 2
        elif head > 128:
            length += 257 - head
            at += 2
        else:  # no byte at all, which a program writes now and then if ever
            n_nothing += 1
            if n_nothing > _MAX_NOTHING:
                raise ValueError("an RLE segment is made of codes for nothing")
            at += 1
    return length
