"""Plain TIFF files of kinds that Pillow does not know, by the specification (TIFF 6.0).

Whole samples of any common type, uncompressed or deflated, in strips, one page: 64-bit floats,
gray with an alpha channel, 16 bits and more. Anything else is "this kind of TIFF".
"""

import io
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from cxr_core.errors import ImageError
from cxr_core.imaging.channels import gray_of_channels
from cxr_core.imaging.decoded import check_size
from cxr_core.imaging.tiff_parts import check_parts

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _STRIP_BYTES, _PLANAR = 273, 274, 277, 279, 284
_PREDICTOR, _TILES, _SAMPLE_FORMAT = 317, 324, 339
_UNCOMPRESSED, _DEFLATE = (1,), (8, 32946)
_PLANES_APART, _DIFFERENCES = 2, 2  # values of PlanarConfiguration and Predictor
_KINDS = {1: "u", 2: "i", 3: "f"}  # SampleFormat
# Floats below these are no gray values but integers: the least numbers that a float can hold.
_LEAST_FLOATS = {2: 1e-3, 4: 1e-30, 8: 1e-200}
# Floats that gray values are, but for a few; as integers they would leave most of 32 bits empty.
_USUAL_FLOATS, _MOST = (1e-6, 1e7), 0.999
_FLOATS_NOTE = "The file says that its values are whole numbers, and they are floating."
_NO_FLOATS_NOTE = "The file says that its values are floating, and they are whole numbers."
_WORDS = {"u": "integer", "i": "signed integer", "f": "floating"}


class PlainTiff(NamedTuple):
    """The gray values of a plain TIFF."""

    values: NDArray[Any]  # (H, W)
    kind: str  # of its values, in words, as "64-bit floating"
    white_is_zero: bool
    colour_fraction: float
    warnings: tuple[str, ...]


class TiffKindError(ImageError):
    """A TIFF of a kind that is not read here, whole or not."""


def read_plain_tiff(data: bytes) -> PlainTiff:
    """Read the one page of a plain TIFF.

    Raises:
        TiffKindError: another kind of TIFF.
        ImageError: a size that is refused.
        Exception: of other kinds where the bytes are damaged.
    """
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
    stream = io.BytesIO(data)
    stream.seek(tags.next)
    tags.load(stream)
    width, length = int(tags[_WIDTH]), int(tags[_LENGTH])
    samples = int(tags.get(_SAMPLES, 1))
    bits, formats = _same(tags.get(_BITS, 1)), _same(tags.get(_SAMPLE_FORMAT, 1))
    check_size(width, length, max(1, samples * bits // 8))
    letter = _KINDS.get(formats, "")
    compression, predictor = int(tags.get(_COMPRESSION, 1)), int(tags.get(_PREDICTOR, 1))
    plain = (
        compression in (*_UNCOMPRESSED, *_DEFLATE)
        and (predictor == 1 or (predictor == _DIFFERENCES and letter in "ui"))
        and int(tags.get(_ORIENTATION, 1)) == 1
        and _TILES not in tags
        and 1 <= samples <= 4
        and (letter, bits) in {(k, b) for k in "ui" for b in (8, 16, 32, 64)} | {
            ("f", 16), ("f", 32), ("f", 64)
        }
    )  # fmt: skip
    if not plain:
        raise kind_error(
            f"{samples} x {bits or 'different'} bits a pixel, compression {compression}"
        )
    kind = np.dtype(f"{'<' if data[:2] == b'II' else '>'}{letter}{bits // 8}")
    expected = width * length * samples * kind.itemsize
    parts_warnings = check_parts(data, tags)
    body = _body(data, tags, expected, deflated=compression in _DEFLATE)
    values = np.frombuffer(body, kind, width * length * samples)
    if int(tags.get(_PLANAR, 1)) == _PLANES_APART:
        values = np.moveaxis(values.reshape(samples, length, width), 0, 2)
    else:
        values = values.reshape(length, width, samples)
    if predictor == _DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=kind.newbyteorder("="))
    values, note = mend_sample_format(values.astype(values.dtype.newbyteorder("=")))
    gray = gray_of_channels(values)
    words = f"{bits}-bit {_WORDS[values.dtype.kind]}"
    white_is_zero = tags.get(_PHOTOMETRIC) == 0
    warnings = (*parts_warnings, *([note] if note else []), *gray.warnings)
    return PlainTiff(gray.values, words, white_is_zero, gray.colour_fraction, warnings)


def mend_sample_format(values: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Values (H, W) of 16 to 64 bits as what they are, integers or floats, where a file says the
    other, and what is to be said of it; others as they are, and "".

    Old programs write floats and no SampleFormat; as integers they show a film by its logarithm.
    """
    size = values.dtype.itemsize
    if values.dtype.kind == "f" and size in _LEAST_FLOATS:
        most = float(np.abs(values).max()) if np.isfinite(values).all() else np.inf
        if 0 < most < _LEAST_FLOATS[size]:
            return values.view(f"u{size}"), _NO_FLOATS_NOTE
    elif values.dtype.kind in "ui" and size in (4, 8):
        floats = values.view(f"f{size}")
        sizes = np.abs(floats[floats != 0])
        if np.isfinite(floats).all() and sizes.size:
            usual = (sizes >= _USUAL_FLOATS[0]) & (sizes <= _USUAL_FLOATS[1])
            if usual.mean() > _MOST:
                return floats, _FLOATS_NOTE
    return values, ""


def _same(value: Any) -> int:
    """A tag that all samples share; 0 where they differ."""
    several = value if isinstance(value, tuple) else (value,)
    return int(several[0]) if len(set(several)) == 1 else 0


def kind_error(what: str) -> TiffKindError:
    """That this kind of TIFF cannot be read, and which it is."""
    return TiffKindError(
        "This kind of TIFF cannot be read",
        value=what,
        remedy="Save the film as a 16-bit grayscale PNG or TIFF, or as DICOM.",
    )


def _body(data: bytes, tags: Any, expected: int, *, deflated: bool) -> bytes:
    """All strips after one another.

    Raises:
        ValueError: fewer bytes than the size needs.
    """
    starts, sizes = (
        value if isinstance(value, tuple) else (value,)
        for value in (tags[_STRIPS], tags[_STRIP_BYTES])
    )
    body = bytearray()
    for start, size in zip(starts, sizes, strict=True):
        strip = data[start : start + size]
        body += zlib.decompressobj().decompress(strip, expected) if deflated else strip
        if len(body) >= expected:
            break
    if len(body) < expected:
        raise ValueError("the strips are cut short")
    return bytes(body[:expected])
