"""Compressed parts of a TIFF, checked for damage that libtiff prints to nobody and passes over."""

import zlib
from collections.abc import Iterator

from PIL import TiffImagePlugin

from cxr_core.imaging.jpeg import JpegKindError, decode_jpeg

_COMPRESSION, _JPEG_TABLES = 259, 347
_PARTS = ((273, 279), (324, 325))  # offsets and lengths: of strips, of tiles
_DEFLATE, _JPEG = (8, 32946), 7
_CHUNK = 1 << 20  # bytes unpacked at a time and dropped
_SLACK = (
    1 << 20
)  # bytes that the parts may unpack to beyond their picture: lines and tiles are padded


def check_parts(data: bytes, image: TiffImagePlugin.TiffImageFile) -> None:
    """Unpack each deflated or JPEG part by itself, strictly; other compressions are not looked at.

    Raises:
        ImageError: a JPEG part has too many scans.
        ValueError, zlib.error: a part is damaged or ends early, or they hold far more than the
            picture.
    """
    compression = image.tag_v2.get(_COMPRESSION)
    if compression in _DEFLATE:
        # 8 bytes a sample are more than any kind has; many parts may be one and the same bytes.
        room = image.width * image.height * len(image.getbands()) * 8 + _SLACK
        for part in _parts(data, image):
            room -= _check_deflated(part, room)
    elif compression == _JPEG:
        tables = bytes(image.tag_v2.get(_JPEG_TABLES, b""))
        for part in _parts(data, image):
            try:
                decode_jpeg(tables[:-2] + part[2:] if tables else part)
            except JpegKindError:
                continue  # libtiff may know it; nothing says that it is damaged


def _parts(data: bytes, image: TiffImagePlugin.TiffImageFile) -> Iterator[bytes]:
    for offsets, lengths in _PARTS:
        starts, sizes = image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ())
        for start, size in zip(starts, sizes, strict=False):
            yield data[start : start + size]


def _check_deflated(part: bytes, room: int) -> int:
    """Bytes that a part unpacks to."""
    stream = zlib.decompressobj()
    rest, size = part, 0
    while not stream.eof:
        unpacked = stream.decompress(rest, _CHUNK)
        rest = stream.unconsumed_tail
        size += len(unpacked)
        if size > room:
            raise ValueError("the deflated parts hold more than the picture")
        if not unpacked and not rest and not stream.eof:
            raise ValueError("a deflated part ends early")
    return size
