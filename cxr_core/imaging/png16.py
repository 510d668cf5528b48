"""PNG files of 16 bits a channel in colour or with alpha, at their full depth.

Pillow hands on the upper byte of each channel alone, and a film of 12 bits has 16 gray levels
there. Its codec has all bytes: it is asked for the upper and for the lower ones.
"""

import io
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

_HEADER = slice(16, 29)  # IHDR's contents: width, height, depth, colour type and three more
_DEPTH, _COLOUR_TYPE = 24, 25  # places of the two in the file
_RGB, _GRAY_ALPHA, _RGBA = 2, 4, 6  # colour types (PNG 3rd edition, 11.2.1)
_RAW_MODES = {_RGB: ("RGB;16B", "RGB;16L"), _RGBA: ("RGBA;16B", "RGBA;16L")}


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
