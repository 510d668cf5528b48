"""What Pillow does not tell of a PNG: all bits of 16-bit channels, and rows beyond its header's.

Of 16 bits a channel in colour or with alpha Pillow hands on the upper byte alone, and a film of 12
bits has 16 gray levels there. Its codec has all bytes: it is asked for the upper and for the lower
ones. And it stops at the last row that the header names, whatever follows: a film whose header says
too few rows would lose its lung bases without a word.
"""

import io
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNREAD_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
# Bites of compressed data, and the least bytes of one: rows that fit into one bite are not missed.
_BITES, _MIN_BITE = 256, 64
_HEADER = slice(16, 29)  # IHDR's contents: width, height, depth, colour type and three more
_DEPTH, _COLOUR_TYPE, _INTERLACE = 24, 25, 28  # places of the three in the file
_RGB, _GRAY_ALPHA, _RGBA = 2, 4, 6  # colour types (PNG 3rd edition, 11.2.1)
_CHANNELS = {0: 1, _RGB: 3, 3: 1, _GRAY_ALPHA: 2, _RGBA: 4}
# Adam7 (10.1.2): where each pass begins and how far apart its pixels are, in x and in y.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip
_WHOLE = ((0, 0, 1, 1),)
_RAW_MODES = {_RGB: ("RGB;16B", "RGB;16L"), _RGBA: ("RGBA;16B", "RGBA;16L")}


class SurplusRowsError(ValueError):
    """A PNG whose data go on after the last row of its header."""


def has_16_bit_channels(data: bytes) -> bool:
    """Whether a PNG has 16 bits a channel and more than one channel."""
    return data[_DEPTH] == 16 and data[_COLOUR_TYPE] in (*_RAW_MODES, _GRAY_ALPHA)


def read_16_bit_channels(data: bytes) -> NDArray[np.uint16]:
    """All channels of such a PNG, uint16 (H, W, C): gray and alpha, RGB, or RGB and alpha.

    Raises:
        Exception: of any kind where the picture is damaged.
    """
    if data[_COLOUR_TYPE] == _GRAY_ALPHA:
        # To the codec, gray and alpha of 16 bits are four channels of 8.
        high, low = np.moveaxis(_load(_as_rgba(data)).reshape(*_sides(data), 2, 2), 3, 0)
    else:
        high, low = (_load(data, raw_mode) for raw_mode in _RAW_MODES[data[_COLOUR_TYPE]])
    return (high.astype(np.uint16) * 256 + low).astype(np.uint16)


def without_text(data: bytes) -> bytes:
    """A PNG without its texts and colour profile: Pillow refuses long ones, and none is read here.

    Some hold a whole report. Bytes that are no sequence of chunks are handed back as they are, for
    the decoder to judge.
    """
    chunks = list(_chunks(data))
    kept = [at for at in chunks if _name(data, at) not in _UNREAD_CHUNKS]
    if len(kept) == len(chunks) or chunks[-1].stop > len(data):
        return data
    end = chunks[-1].stop
    return b"".join([data[: len(PNG_SIGNATURE)], *(data[at] for at in kept), data[end:]])


class CountingPng(PngImagePlugin.PngImageFile):
    """Pillow's reader, which hands the data to its codec in small bites and counts them."""

    def __init__(self, data: bytes) -> None:
        self.taken = 0  # bytes of compressed data, so far
        self._bite = max(_MIN_BITE, len(data) // _BITES)
        super().__init__(io.BytesIO(data))

    def load_read(self, read_bytes: int) -> bytes:
        """The next bite."""
        bite = super().load_read(min(read_bytes, self._bite))
        self.taken += len(bite)
        return bite


def check_rows(data: bytes, taken: int) -> None:
    """See that a PNG's data hold no more rows than its header says; that they hold as many is for
    the decoder to see. A few bytes more are left alone: some programs write them.

    Args:
        data: the file.
        taken: bytes of compressed data that the decoder took before it was content. Only where
            some are left they are unpacked once more, which takes half as long as the decoding did.

    Raises:
        SurplusRowsError: they hold more.
        zlib.error: they cannot be unpacked.
    """
    bodies = [
        slice(at.start + 8, at.stop - 4) for at in _chunks(data) if _name(data, at) == b"IDAT"
    ]
    if sum(at.stop - at.start for at in bodies) <= taken:
        return
    passes = list(_passes(data))
    expected = sum(rows * row for rows, row in passes)
    row = max((row for rows, row in passes if rows), default=0)
    packed = b"".join(data[at] for at in bodies)
    unpacked = zlib.decompressobj().decompress(packed, expected + row)
    if len(unpacked) >= expected + row:
        raise SurplusRowsError(
            f"its data hold more than the {_sides(data)[0]:,} rows of its header"
        )


def _passes(data: bytes) -> Iterator[tuple[int, int]]:
    """Rows of each pass and their length in bytes, by the header."""
    height, width = _sides(data)
    bits = data[_DEPTH] * _CHANNELS[data[_COLOUR_TYPE]]
    for x, y, step_x, step_y in _PASSES if data[_INTERLACE] else _WHOLE:
        columns, rows = -((x - width) // step_x), -((y - height) // step_y)
        yield (rows if columns else 0), 1 + -(-columns * bits // 8)  # a filter's byte comes first


def _chunks(data: bytes) -> Iterator[slice]:
    """Where each chunk lies, from its length to its checksum; the last may reach beyond the end."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield slice(at, end)
        at = end


def _name(data: bytes, chunk: slice) -> bytes:
    return data[chunk.start + 4 : chunk.start + 8]


def _sides(data: bytes) -> tuple[int, int]:
    """Rows and columns, by the header."""
    return int.from_bytes(data[20:24]), int.from_bytes(data[16:20])


def _as_rgba(data: bytes) -> bytes:
    """The same file, said to have four channels of 8 bits."""
    header = bytearray(data[_HEADER])
    header[8], header[9] = 8, _RGBA
    check = zlib.crc32(b"IHDR" + header).to_bytes(4)
    return data[: _HEADER.start] + bytes(header) + check + data[_HEADER.stop + 4 :]


def _load(data: bytes, raw_mode: str | None = None) -> NDArray[np.uint8]:
    """The picture's channels (H, W, C), unpacked as ``raw_mode`` says."""
    image = PngImagePlugin.PngImageFile(io.BytesIO(data))
    if raw_mode is not None:
        image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    return np.asarray(image)
