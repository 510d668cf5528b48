"""How many bytes compressed data unpack to, without keeping them: what a decoder that stops at the
last row of a header does not tell."""

import zlib

import numpy as np

_CHUNK = 1 << 20  # bytes unpacked at a time and dropped
_CLEAR, _END, _FIRST_FREE = 256, 257, 258  # LZW (TIFF 6.0, section 13)
_MAX_CODES = 4096
_MAX_LZW_BYTES = 8 << 20  # a second's work; larger parts are not measured


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


def packbits_size(data: bytes) -> int:
    """Bytes that PackBits data unpack to (TIFF 6.0, section 9)."""
    at, size = 0, 0
    while at + 1 < len(data):
        header = data[at]
        if header < 128:  # as they are
            size += min(header + 1, len(data) - at - 1)
            at += header + 2
        else:
            size += 257 - header if header > 128 else 0  # one byte repeated; 128 is nothing
            at += 2 if header > 128 else 1
    return size


def lzw_size(data: bytes) -> int | None:
    """Bytes that TIFF's LZW data unpack to; None of those of before TIFF 6.0 and of long ones.

    Codes that no table holds end the count: they are for the decoder to refuse.
    """
    if len(data) > _MAX_LZW_BYTES or (data[:1] == b"\0" and data[1:2] and data[1] & 1):
        return None
    widths = np.array([_width(k) for k in range(_MAX_CODES - _FIRST_FREE + 2)])
    starts = np.cumsum(widths) - widths
    padded = np.frombuffer(data + b"\0\0\0", np.uint8).astype(np.uint32)
    bit, size = 0, 0
    while True:
        # All codes up to the next clear: their widths are known, since each adds an entry.
        at = bit + starts
        at = at[at + widths <= 8 * len(data)]
        place = at // 8
        words = padded[place] << 16 | padded[place + 1] << 8 | padded[place + 2]
        codes = words >> (24 - at % 8 - widths[: len(at)]) & ((1 << widths[: len(at)]) - 1)
        stops = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        upto = int(stops[0]) if len(stops) else len(codes)
        size += _string_bytes(codes[:upto].tolist())
        if not len(stops) or codes[upto] == _END:
            return size
        bit = int(at[upto] + widths[upto])


def _width(codes_since_clear: int) -> int:
    """Bits of the next code: the table is said to be full one entry early."""
    free = _FIRST_FREE + max(0, codes_since_clear - 1)
    return 9 if free < 511 else 10 if free < 1023 else 11 if free < 2047 else 12


def _string_bytes(codes: list[int]) -> int:
    """Bytes of the strings that codes stand for, the table empty before the first."""
    lengths = [1] * _FIRST_FREE
    total, before = 0, 0
    for code in codes:
        if before:
            lengths.append(before + 1)
        if code >= len(lengths):
            break
        before = lengths[code]
        total += before
    return total
