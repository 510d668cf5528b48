"""Which bits of a stored number are the pixel: DICOM PS3.5, 8.1.1, and files that break it.

As DCMTK reads them: the bits from HighBit downwards, as many as BitsStored. Where a file
contradicts itself, the reading that its own pixels speak for is taken, and a sentence says so.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from cxr_core.imaging.dicom.tags import get_int

_ROUGHER = 2.0  # times: values that wrap round jump at every turn
# The same of numbers whose bytes are swapped: films are 10 times as rough and more with them, and
# the other way round less than a tenth. Smaller pictures than this are stopped for their size.
_MUCH_ROUGHER, _MIN_SIDE = 3.0, 128
SWAPPED_NOTE = "The file's numbers are stored with their two bytes swapped; they were swapped back."
# For the sign of all pixels every so many-th row is looked at; the part of the range at either side
# of where values wrap round, and the share of pixels that lie there where they do.
_SIGN_ROWS, _SEAM, _MIN_AT_SEAM = 8, 16, 0.005
_MIN_JUMPS, _MORE_JUMPS = 0.001, 4  # share of neighbours, and times as many as the other way


class BitLayout(NamedTuple):
    """Where the pixel lies in its stored number.

    Attributes:
        stored: bits of the pixel, 1 or more.
        high: its most significant bit, counted from 0.
        signed: two's complement.
        note: what the file leaves out or gets wrong, a sentence; else "".
    """

    stored: int
    high: int
    signed: bool
    note: str = ""


def bit_layout(ds: Dataset, container: int) -> BitLayout:
    """The layout that a file states, made possible.

    Args:
        container: bits of the numbers that were decoded: 8, 16 or 32, or a codestream's precision.
    """
    stored, high = get_int(ds, "BitsStored"), get_int(ds, "HighBit")
    signed = get_int(ds, "PixelRepresentation") == 1
    if stored is None or stored < 1:
        note = f"The file does not say how many bits its pixels use; all {container} were taken."
        return BitLayout(container, container - 1, signed, note)
    if stored > container:
        return BitLayout(container, container - 1, signed)
    if high is None or high == stored - 1:
        return BitLayout(stored, stored - 1, signed)
    if high < stored - 1 or high >= container:
        note = (
            f"The file contradicts itself on its bits (bits stored {stored}, high bit {high}); "
            f"the lowest {stored} were taken."
        )
        return BitLayout(stored, stored - 1, signed, note if high < stored - 1 else "")
    return BitLayout(stored, high, signed)


def extract_bits(
    numbers: NDArray[Any], layout: BitLayout, film_mask: NDArray[np.bool_] | None = None
) -> tuple[NDArray[Any], str]:
    """The pixels' values, and what is to be said of the file's bits ("" for nothing).

    Args:
        numbers: (H, W) or (H, W, 3), unsigned integers as stored.
        film_mask: True where ``numbers`` are film, (H, W); padding may use any bits.
    """
    container = numbers.dtype.itemsize * 8
    stored, high, signed, note = layout
    shift = high + 1 - stored
    film = numbers if film_mask is None else numbers[film_mask]
    most = int(film.max()) if film.size else 0
    if shift and most < 2**stored and (film & (2**shift - 1)).any():
        note = (
            f"The file contradicts itself on its bits: it says that they begin at bit {shift} "
            "(high bit), and they begin at bit 0."
        )
        shift, high = 0, stored - 1
    bare = (numbers >> shift) & (2**stored - 1)
    masked = _to_values(bare, stored, signed)
    if has_other_sign(bare, stored, signed=signed, film_mask=film_mask):
        said, are = ("signed", "are not") if signed else ("unsigned", "are signed")
        note = f"The file says that its pixels are {said}, and they {are}."
        return _to_values(bare, stored, not signed), note
    if high + 1 == container or _fits(film, high, signed, container):
        return masked, note
    whole = _to_values(numbers >> shift, container - shift, signed)
    used = most.bit_length() if not signed else container
    if _roughness(masked) > _ROUGHER * _roughness(whole):
        return whole, f"The file says that its pixels use {stored} bits; they use {used}."
    extra = f"Bits above the {stored} that the file says its pixels use were left out."
    return masked, note or extra


def with_bytes_in_order(numbers: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """16-bit numbers (H, W) with their bytes swapped where that makes a film of noise, and what is
    to be said of it; others as they are, and ""."""
    if numbers.dtype != np.uint16 or numbers.ndim != 2 or min(numbers.shape) < _MIN_SIDE:
        return numbers, ""
    swapped = numbers.byteswap()
    if _roughness(numbers) <= _MUCH_ROUGHER * _roughness(swapped):
        return numbers, ""
    return swapped, SWAPPED_NOTE


def has_other_sign(
    numbers: NDArray[Any], bits: int, *, signed: bool, film_mask: NDArray[np.bool_] | None = None
) -> bool:
    """Whether values of so many bits wrap round as they are stated, and do not the other way.

    Values that wrap round jump by most of their range from pixel to pixel, and many of them lie at
    either side of where they do. A white border about a dark film jumps, too, but it is one value.
    """
    if bits > 32 or numbers.ndim != 2:
        return False
    rows = numbers[::_SIGN_ROWS].astype(np.int64)
    film = rows if film_mask is None else rows[film_mask[::_SIGN_ROWS]]
    whole = 2**bits
    # Turned so that the place where the stated values wrap round is at 0.
    turned = (film + whole // 2) % whole if signed else film
    near = whole // _SEAM
    for side in (turned[turned < near], turned[turned >= whole - near]):
        if not side.size:
            return False
        commonest = np.unique(side, return_counts=True)[1].max()
        if side.size - commonest < _MIN_AT_SEAM * film.size:
            return False
    stated, other = (
        (np.abs(np.diff(_to_values(rows, bits, kind), axis=1)) > whole // 2).mean()
        for kind in (signed, not signed)
    )
    return bool(stated > max(_MIN_JUMPS, _MORE_JUMPS * other))


def _fits(film: NDArray[Any], high: int, signed: bool, container: int) -> bool:
    """Whether nothing is set above the high bit, or only the sign again."""
    above = film >> (high + 1)
    if not above.any():
        return True
    sign = (film >> high) & 1
    return signed and bool((above == sign * (2 ** (container - high - 1) - 1)).all())


def _to_values(numbers: NDArray[Any], bits: int, signed: bool) -> NDArray[Any]:
    """Unsigned numbers of so many bits as the values that they stand for."""
    if not signed:
        return numbers
    wide = numbers.astype(np.int64)
    wide[wide >= 2 ** (bits - 1)] -= 2**bits
    return wide.astype(np.dtype(f"i{numbers.dtype.itemsize}"))


def _roughness(values: NDArray[Any]) -> float:
    """Mean step from pixel to pixel, as a fraction of the range that most of them cover."""
    wide = values[::4].astype(np.float64)  # (H / 4, W)
    low, high = np.percentile(wide, (3, 97))
    return float(np.abs(np.diff(wide, axis=1)).mean() / (high - low + 1))
