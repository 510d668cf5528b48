"""How many bytes compressed data unpack to, without keeping them: what a decoder that stops at the
last row of a header does not tell.

``imagecodecs`` is imported where it is used, so that films of other kinds do not wait for it.
"""

import zlib

_CHUNK = 1 << 20  # bytes unpacked at a time and dropped


def deflated_size(data: bytes, most: int) -> int:
    """Bytes that a zlib stream unpacks to.

    Raises:
        ValueError: it ends early, or unpacks to more than ``most`` bytes.
        zlib.error: it is damaged.
    """
    stream = zlib.decompressobj()
    rest, size = data, 0
    while not stream.eof:
        unpacked = stream.decompress(rest, _CHUNK)
        rest = stream.unconsumed_tail
        size += len(unpacked)
        if size > most:
            raise ValueError("deflated data hold more than the picture")
        if not unpacked and not rest and not stream.eof:
            raise ValueError("deflated data end early")
    return size


def packbits_size(data: bytes) -> int | None:
    """Bytes that PackBits data unpack to (TIFF 6.0, section 9); None of those that end early."""
    from imagecodecs import PackbitsError, packbits_decode

    try:
        return len(packbits_decode(data))
    except PackbitsError:
        return None


def lzw_size(data: bytes, most: int) -> int | None:
    """Bytes that TIFF's LZW data unpack to, not counted further once above ``most``.

    None of those of before TIFF 6.0, and where a code is in no table: the decoder refuses them.
    """
    if data[:1] == b"\0" and data[1:2] and data[1] & 1:
        return None
    from imagecodecs import LzwError, lzw_decode

    try:
        return len(lzw_decode(data, out=most + 1))
    except LzwError:
        return None
