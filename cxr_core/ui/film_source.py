"""What the browser is sent of a film: its values at full depth, and the windows on offer.

The values travel once, as packed bytes in the session's own connection; ``viewer/pixels.js``
unpacks them, and every window is applied there. The layout: four bytes with the length of the
header (little-endian), the header as JSON, then the planes, each deflated.

A plane is (H, W) codes of 8 or 16 bit, row by row, each as its difference from its left neighbour;
of 16 bit, all low bytes come before all high bytes. So a film shrinks to a third.
"""

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.windowing import (
    Window,
    contrast_window,
    full_range_window,
    has_integer_values,
    window_from_range,
)
from cxr_core.ui.film_view import downscale

# A longer side than this is scaled down for the screen; the model never sees that copy.
MAX_FILM_SIDE = 4096
MODEL_WINDOW = "As the model sees it"
_MAX_CODE = 2**16 - 1


def window_choices(radiograph: Radiograph) -> list[Window]:
    """The windows on offer: as the model sees it, the file's own, then computed ones.

    The first one's numbers say where a drag begins; its picture is ``radiograph.pixels``.
    """
    whole = full_range_window(radiograph.stored)
    # Of 8 bits as they are, black is 0 and white 255, whatever the film has of them.
    as_is = window_from_range("", 0, 255) if radiograph.stored.dtype == np.uint8 else whole
    first = radiograph.model_window or as_is
    offered = [*radiograph.windows, whole, contrast_window(radiograph.stored)]
    return [replace(first, name=MODEL_WINDOW), *offered]


def pack_film(radiograph: Radiograph, key: str) -> bytes:
    """A film for the viewer.

    Args:
        key: what the film is asked for by (``film_view``'s ``film_key``).

    Returns:
        Header and planes, as at the head of this module. "As the model sees it" is a table over the
        codes where the 8-bit picture is a function of the stored values, as it nearly always is,
        and a second plane of its own where it is not.
    """
    codes, slope, intercept = _to_codes(radiograph.stored)
    table = _model_table(codes, radiograph.pixels)
    planes = [downscale(codes, MAX_FILM_SIDE)]
    if table is None:
        planes.append(downscale(radiograph.pixels, MAX_FILM_SIDE))
    packed = [_pack_plane(plane) for plane in planes]
    height, width = planes[0].shape
    spacing = radiograph.pixel_spacing
    header = {
        "key": key,
        "height": height,
        "width": width,
        "bits": [8 * plane.dtype.itemsize for plane in planes],
        "sizes": [len(plane) for plane in packed],
        "slope": slope,
        "intercept": intercept,
        "top": int(codes.max()),
        "integer": has_integer_values(radiograph.stored),
        # windowing.apply_window computes in single precision up to 16 bit, and so does the browser.
        "single": radiograph.stored.dtype.itemsize <= 2,
        "inverted": radiograph.inverted,
        "windows": [_describe(window) for window in window_choices(radiograph)],
        "modelTable": None if table is None else _base64(table),
        "spacing": None
        if spacing is None
        else {"row": spacing.row, "column": spacing.column, "note": spacing.note},
    }
    start = json.dumps(header).encode()
    return len(start).to_bytes(4, "little") + start + b"".join(packed)


def _to_codes(stored: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """Stored values (H, W) as uint8 or uint16 codes, with value = code * slope + intercept."""
    low, high = stored.min(), stored.max()
    if not has_integer_values(stored):
        slope = float(high - low) / _MAX_CODE or 1.0
        codes = np.rint((stored.astype(np.float64) - float(low)) / slope)
        return codes.astype(np.uint16), slope, float(low)
    start = min(int(low), 0)
    codes = stored if start == 0 else stored.astype(np.int32) - start
    kind = np.uint8 if int(high) - start <= np.iinfo(np.uint8).max else np.uint16
    return codes.astype(kind, copy=False), 1.0, float(start)


def _model_table(codes: NDArray[Any], pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The gray level that the model reads for each code; None where one code has several.

    Codes between those of the film, which the browser's interpolation may give, are filled in.
    """
    table = np.zeros(int(codes.max()) + 1, np.uint8)
    table[codes] = pixels
    if not np.array_equal(table[codes], pixels):
        return None
    seen = np.zeros(len(table), bool)
    seen[codes] = True
    used = np.flatnonzero(seen)
    filled = np.interp(np.arange(len(table)), used, table[used])
    return np.asarray(np.rint(filled), dtype=np.uint8)


def _pack_plane(plane: NDArray[Any]) -> bytes:
    """(H, W) of uint8 or uint16, deflated."""
    steps = plane.copy()
    steps[:, 1:] -= plane[:, :-1]  # wraps round, as the browser's sums do
    if steps.dtype == np.uint16:
        parts = [(steps & 255).astype(np.uint8), (steps >> 8).astype(np.uint8)]
    else:
        parts = [steps]
    # Of differences, runs are all that is worth looking for, and this is several times faster.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return b"".join([*(packer.compress(part.tobytes()) for part in parts), packer.flush()])


def _describe(window: Window) -> dict[str, object]:
    return {
        "name": window.name,
        "center": window.center,
        "width": window.width,
        "function": window.function,
        "table": None if window.lut is None else _base64(window.lut),
        "start": window.lut_start,
    }


def _base64(table: NDArray[np.uint8]) -> str:
    return base64.b64encode(table.tobytes()).decode()
