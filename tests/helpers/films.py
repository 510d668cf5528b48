"""Small PNG and JPEG files with known values, for the tests of the raster decoder."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from cxr_core.phantom.draw import draw_phantom

SIDE = 80


def noise(*shape: int, below: int = 256, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, below, shape).astype(kind)


def noisy_film(side: int, seed: int | None = None) -> np.ndarray:
    """A phantom of 12 bit whose lowest bits are noise, so that no two films share any bytes.

    Args:
        seed: of the noise; None for another one each time.
    """
    drawn = draw_phantom(1, size=side).pixels.astype(np.uint16) * 16
    return drawn + np.random.default_rng(seed).integers(0, 16, drawn.shape, np.uint16)


def smooth_film() -> np.ndarray:
    """A film that JPEG keeps to a gray level or two: a slope in both directions."""
    row = np.linspace(20, 230, 96)
    return np.rint(row[:, None] * 0.6 + row[None, :] * 0.4).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by its specification, for kinds that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def png16(values: np.ndarray, colour: int) -> bytes:
    """16-bit PNG of (H, W, channels); colour type 0 gray, 2 RGB, 4 gray + alpha, 6 RGBA."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, colour, rows)
