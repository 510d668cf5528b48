"""Strips and tiles of a TIFF beside its header: what libtiff and Pillow pass over in silence.

Neither asks whether the parts hold what the header says. A film with too small an ImageLength loses
its lung bases, one with another ImageWidth is torn, and uncompressed strips that end early are
filled with whatever follows in the file.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from cxr_core.imaging.dicom.codestream import parse_codestream
from cxr_core.imaging.jpeg import JpegKindError
from cxr_core.imaging.jpeg_code import decode_checked
from cxr_core.imaging.unpacked import deflated_size, lzw_size, packbits_size

# TIFF 6.0, section 8.
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES, _JPEG_TABLES = 322, 323, 324, 325, 347
_NONE, _LZW, _JPEG, _DEFLATE, _PACKBITS = 1, 5, 7, (8, 32946), 32773  # compressions
_PLANES_APART, _SUBSAMPLED = 2, 6  # values of PlanarConfiguration and PhotometricInterpretation
_SLACK = 1 << 20  # bytes that the parts may unpack to beyond their picture: tiles are padded
FULL_STRIP_WARNING = (
    "The file's last strip holds more rows than its header says: the lowest part of the film may "
    "be missing. Compare it with the original."
)

SURPLUS_WARNING = (
    "The file's compressed parts hold a few bytes more than its picture, as damaged files do. "
    "Compare it with the original."
)


class TiffPartsError(ValueError):
    """The parts of a TIFF are damaged, or do not hold what its header says."""


class _Part(NamedTuple):
    """One strip or tile."""

    data: bytes  # as it is stored
    columns: int
    rows: int  # that the header leaves for it
    row_bytes: int
    full_rows: int  # of the strips before it; ``rows`` of a tile and of a file's only strip


def check_parts(data: bytes, tags: Any) -> tuple[str, ...]:
    """See that each part unpacks, strictly, to what the header says.

    Looked at are uncompressed, deflated, JPEG, LZW and PackBits parts; of the last two only whether
    one holds more, since libtiff tells itself whether one ends early.

    Args:
        data: the file.
        tags: of its first page, by Pillow.

    Returns:
        A warning where the last strip is as long as those before it: some programs pad it. And one
        where an LZW part holds a few bytes more, as after a changed bit: its code has no checksum;
        and one where the code of a progressive JPEG part breaks the rules.

    Raises:
        ImageError: a JPEG part has too many scans.
        JpegDamageError: a JPEG part is damaged.
        TiffPartsError: anything else that does not fit.
        zlib.error: a deflated part is damaged.
    """
    if _first(tags, _PHOTOMETRIC) == _SUBSAMPLED and _first(tags, _COMPRESSION) != _JPEG:
        return ()  # a row of its pixels is no row of bytes
    parts = list(_parts(data, tags))
    compression = _first(tags, _COMPRESSION, _NONE)
    tables = bytes(tags.get(_JPEG_TABLES, b""))
    room = sum(part.rows * part.row_bytes for part in parts) * 2 + _SLACK
    warnings: set[str] = set()
    for part in parts:
        if compression == _NONE:
            size: int | None = len(part.data)
        elif compression in _DEFLATE:
            size = deflated_size(part.data, room)
            room -= size
        elif compression == _JPEG:
            size, broken = _jpeg_size(part, tables)
            warnings.update([broken] if broken else [])
        elif compression == _LZW:
            stated, full = part.rows * part.row_bytes, part.full_rows * part.row_bytes
            size = lzw_size(part.data, max(stated, full) + part.row_bytes)
            if size is not None and stated < size < stated + min(part.rows, part.row_bytes):
                warnings.add(SURPLUS_WARNING)
        else:
            size = packbits_size(part.data) if compression == _PACKBITS else None
        if size is not None and _is_padded(
            part, size, may_be_less=compression in (_LZW, _PACKBITS)
        ):
            warnings.add(FULL_STRIP_WARNING)
    return tuple(sorted(warnings))


def _is_padded(part: _Part, size: int, *, may_be_less: bool) -> bool:
    """Whether what a part unpacks to fits the strips before it and not the header.

    Raises:
        TiffPartsError: it fits neither.
    """
    stated, full = part.rows * part.row_bytes, part.full_rows * part.row_bytes
    # Of a width that is wrong by one column each row is too long by a byte at least.
    slack = min(part.rows, part.row_bytes)
    if size < stated and not may_be_less:
        raise TiffPartsError(f"a part holds {size:,} of its {stated:,} bytes")
    if size < stated + slack:
        return False
    if full <= size < full + slack:
        return True
    raise TiffPartsError(f"a part holds {size:,} bytes, and the header names {stated:,}")


def _jpeg_size(part: _Part, tables: bytes) -> tuple[int | None, str]:
    """Bytes of a JPEG part, decoded strictly, and what is to be said of its code; None of a kind
    that only libtiff may know.

    Raises:
        TiffPartsError: it is not as wide as the header says.
    """
    frame = tables[:-2] + part.data[2:] if tables else part.data
    header = parse_codestream(frame)
    if header is not None and header.columns != part.columns:
        raise TiffPartsError(f"a part has {header.columns:,} columns, not {part.columns:,}")
    broken = ""
    with contextlib.suppress(JpegKindError):  # nothing says that it is damaged
        _, broken = decode_checked(frame)
    return None if header is None else header.rows * part.row_bytes, broken


def _parts(data: bytes, tags: Any) -> Iterator[_Part]:
    """All parts, in the file's order.

    Raises:
        TiffPartsError: there are more or fewer of them than the header needs.
    """
    width, length = int(tags[_WIDTH]), int(tags[_LENGTH])
    tiled = _TILES in tags
    columns = _first(tags, _TILE_WIDTH) if tiled else width
    full_rows = _first(tags, _TILE_LENGTH) if tiled else _first(tags, _ROWS_PER_STRIP, length)
    full_rows = full_rows if tiled else min(full_rows, length)
    if not (columns and full_rows):
        raise TiffPartsError("its parts have no size")
    samples, bits = _first(tags, _SAMPLES, 1), _several(tags, _BITS) or (1,)
    bits = bits if len(bits) >= samples else bits[:1] * samples
    planes = bits[:samples] if _first(tags, _PLANAR) == _PLANES_APART else (sum(bits[:samples]),)
    across, down = -(-width // columns), -(-length // full_rows)
    starts = _several(tags, _TILES if tiled else _STRIPS)
    sizes = _several(tags, _TILE_BYTES if tiled else _STRIP_BYTES)
    if len(starts) == across * down == 1:
        planes = (sum(planes),)  # some programs write all planes as one strip
    if len(starts) != across * down * len(planes):
        raise TiffPartsError(
            f"it has {len(starts):,} parts, and its header needs {across * down * len(planes):,}"
        )
    unsized = _first(tags, _COMPRESSION, _NONE) == _NONE and not any(sizes)  # by old programs
    for number, start in enumerate(starts):
        plane, place = divmod(number, across * down)
        last = not tiled and place // across == down - 1
        rows = length - (down - 1) * full_rows if last else full_rows
        row_bytes = -(-columns * planes[plane] // 8)
        size = rows * row_bytes if unsized else sizes[number : number + 1] and sizes[number]
        if not row_bytes or not size or start + size > len(data):
            raise TiffPartsError("a part lies outside of the file")
        yield _Part(
            data[start : start + size], columns, rows, row_bytes, full_rows if down > 1 else rows
        )


def _several(tags: Any, tag: int) -> tuple[int, ...]:
    """A tag's values; none where it is absent."""
    value = tags.get(tag, ())
    return tuple(int(one) for one in value) if isinstance(value, tuple) else (int(value),)


def _first(tags: Any, tag: int, default: int = 0) -> int:
    """A tag's value, or the first of several."""
    return next(iter(_several(tags, tag)), default)
