"""What a DICOM file says of its gray values: modality LUT, windows and VOI tables, padding.

DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.5.1.1.2 (pixel padding). Which of a file's
windows the film is shown by is decided in ``render``.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from cxr_core.imaging.decoded import scale_to_uint8
from cxr_core.imaging.dicom.tags import get_code, get_float, get_floats, get_int, get_items
from cxr_core.imaging.windowing import VoiFunction, Window

# A file's own word for a window, as "HARDER"; anything longer could be about the patient.
_SAFE_NAME = re.compile(r"[A-Za-z0-9 ._+/-]{1,16}")
_MIN_VALUES = 16  # of a film
# The share of a film's pixels on either side of its padding, for that to lie between them; and the
# share of true padding whose right neighbour is padding too.
_MIN_BEYOND, _MIN_TOGETHER = 0.01, 0.8
_MAX_NOISE = 0.1  # of the film's range: how wide a border's values may be, and the gap beside them
MAX_WINDOWS = 12  # a select box of more would serve nobody


# The ways in which a DICOM file proposes to show its film: its windows and its VOI tables.


def file_windows(ds: Dataset) -> tuple[Window, ...]:
    """All that the file offers, its tables first, as they would be applied first; at most
    ``MAX_WINDOWS``.

    Malformed ones are left out.
    """
    # No further ones: a file may hold thousands, and each is a table to be applied.
    n_tables = min(MAX_WINDOWS, len(get_items(ds, "VOILUTSequence")))
    tables = [_lut_window(ds, index) for index in range(n_tables)]
    found = [window for window in tables if window is not None]
    centers, widths = get_floats(ds, "WindowCenter"), get_floats(ds, "WindowWidth")
    names = _explanations(ds.get("WindowCenterWidthExplanation"))
    function = voi_function(ds)
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if center is None or width is None or not is_valid_width(width, function):
            continue
        name = names[index] if index < len(names) and names[index] else ""
        label = _window_name(name, "File's window", index)
        found.append(Window(label, center, width, function, key=f"window_{index + 1}"))
    return tuple(found[:MAX_WINDOWS])


def voi_function(ds: Dataset) -> VoiFunction:
    """VOILUTFunction; LINEAR where absent or unknown, as PS3.3 C.11.2.1.3 has it."""
    said = get_code(ds, "VOILUTFunction")
    if said == "SIGMOID":
        return "SIGMOID"
    return "LINEAR_EXACT" if said == "LINEAR_EXACT" else "LINEAR"


def is_valid_width(width: float, function: VoiFunction) -> bool:
    """PS3.3 C.11.2.1.2: a LINEAR window is at least 1 wide, the others wider than 0."""
    return width >= 1 or (width > 0 and function != "LINEAR")


def read_voi_lut(ds: Dataset, index: int = 0) -> tuple[int, NDArray[np.uint8]] | None:
    """One VOI LUT as gray levels: the stored value it begins at, and uint8 (entries,).

    None where the table is malformed.
    """
    item = get_items(ds, "VOILUTSequence")[index]
    if "LUTData" not in item:  # pydicom would hand back the values as they came
        return None
    try:
        entries, first, bits = map(int, item.LUTDescriptor)
        last = first + (entries or 2**16) - 1
        if bits == 8:  # pydicom would index the table in 8 bits, however long it is
            item.LUTDescriptor = [entries, first, 16]
        table = apply_voi_lut(np.arange(first, last + 1), ds, index=index)
        # Some files promise 16 bits and give 12: the table itself tells how many it uses.
        used = min(bits, int(table.max()).bit_length())
        return first, scale_to_uint8(table[None], low=0, high=2**used - 1)[0]
    except Exception:  # whatever a malformed table makes it raise
        return None


def _lut_window(ds: Dataset, index: int) -> Window | None:
    found = read_voi_lut(ds, index)
    if found is None or np.ptp(found[1]) == 0:
        return None
    first, table = found
    names = _explanations(get_items(ds, "VOILUTSequence")[index].get("LUTExplanation"))
    last = first + len(table) - 1
    return Window(
        _window_name(names[0] if names else "", "File's table", index),
        (first + last + 1) / 2,
        float(last - first + 1),
        lut=table,
        lut_start=first,
        key=f"table_{index + 1}",
    )


def _explanations(value: Any) -> list[str]:
    """A file's words, "" for each that is no short plain word."""
    several = list(value) if isinstance(value, MultiValue | list) else [value]
    words = [str(word or "").strip() for word in several]
    return [word if _SAFE_NAME.fullmatch(word) else "" for word in words]


def _window_name(name: str, kind: str, index: int) -> str:
    """As "File's window 2, HARDER"; numbered, as names may be missing or the same."""
    return f"{kind} {index + 1}" + (f", {name.capitalize()}" if name else "")


class VoiResult(NamedTuple):
    """A film's gray values as a display would show them, before MONOCHROME1 is inverted."""

    pixels: NDArray[np.uint8]  # (H, W)
    stored: NDArray[Any]  # (H, W), the values that they were made of
    window: Window | None  # by which they were made; None for 8 bits kept as they are
    log_entry: str
    warnings: tuple[str, ...] = ()


class ModalityResult(NamedTuple):
    """A film's values after the modality LUT."""

    values: NDArray[Any]  # (H, W), uint8, uint16, int16 or float32
    log_entry: str
    warning: str | None = None
    slope: float = 1.0  # of the values for the stored numbers; 1 where a table was applied
    intercept: float = 0.0


def padding_mask(raw: NDArray[Any], ds: Dataset) -> NDArray[np.bool_] | None:
    """Where the raw values (H, W) are padding and not film; None where nothing or all of it is."""
    value = get_int(ds, "PixelPaddingValue")
    if value is None:
        return None
    limit = get_int(ds, "PixelPaddingRangeLimit")
    ends = [_to_signed(end, ds) for end in (value, value if limit is None else limit)]
    mask = (raw >= min(ends)) & (raw <= max(ends))
    if not mask.any() or mask.all() or _is_in_the_film(raw, mask):
        return None
    return mask


def _is_in_the_film(raw: NDArray[Any], mask: NDArray[np.bool_]) -> bool:
    """Whether what a file calls padding is film: values between those of the film, scattered over
    it or of several kinds, as a padding value that somebody left in a header names them; or a range
    of values, next to the film's, that is too wide to be a border's noise."""
    film, padding = raw[~mask], raw[mask]
    least, most = float(padding.min()), float(padding.max())
    first, last = float(film.min()), float(film.max())
    if first > most or last < least:
        gap, span = max(first - most, least - last), _MAX_NOISE * (last - first)
        return most - least > span and gap < span
    inside = (film < least).mean() > _MIN_BEYOND and (film > most).mean() > _MIN_BEYOND
    if not inside:
        return False
    together = (mask[:, 1:] & mask[:, :-1]).sum() / mask.sum()
    return bool(least != most or together < _MIN_TOGETHER)


def _to_signed(value: int, ds: Dataset) -> int:
    """Padding is often written unsigned where the pixels are signed 16 bit."""
    signed = get_int(ds, "PixelRepresentation") == 1
    return value - 2**16 if signed and value >= 2**15 else value


def apply_modality_transform(raw: NDArray[Any], ds: Dataset) -> ModalityResult:
    """Apply the Modality LUT Sequence, or else the rescale slope and intercept.

    Args:
        raw: (H, W) as stored in the file.
    """
    as_stored = "Stored values taken as they are."
    if get_items(ds, "ModalityLUTSequence"):
        try:
            # int64: pydicom computes in the type it is given, where uint8 would overflow.
            values = apply_modality_lut(raw.astype(np.int64), ds)
        except Exception:  # whatever a malformed table makes it raise
            note = "The file's modality table cannot be used; the stored values were taken instead."
            return ModalityResult(to_smallest_dtype(raw), as_stored, note)
        if _loses_the_film(values, raw):
            note = (
                "The file's modality table leaves next to nothing of the film; the stored values "
                "were taken instead."
            )
            return ModalityResult(to_smallest_dtype(raw), as_stored, note)
        step = f"Modality table applied: values {_range_text(values)}."
        return ModalityResult(to_smallest_dtype(values), step)
    slope, intercept = get_float(ds, "RescaleSlope"), get_float(ds, "RescaleIntercept")
    slope, intercept = (1.0 if slope is None else slope), (intercept or 0.0)
    if slope == 0:
        note = "The file's rescale slope is 0; the stored values were taken instead."
        return ModalityResult(to_smallest_dtype(raw), as_stored, note)
    if (slope, intercept) == (1, 0):
        return ModalityResult(to_smallest_dtype(raw), f"Stored values {_range_text(raw)}.")
    rescale = Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = slope, intercept
    values = apply_modality_lut(raw, rescale)  # float64
    step = f"Rescaled by {slope:g} and {intercept:+g}: values {_range_text(values)}."
    return ModalityResult(to_smallest_dtype(values), step, None, slope, intercept)


def _loses_the_film(values: NDArray[Any], raw: NDArray[Any]) -> bool:
    """Whether a table makes so few values of a film's many that there is no film in them."""
    before, after = np.unique(raw[::4, ::4]).size, np.unique(values[::4, ::4]).size
    return after < _MIN_VALUES <= before


def to_smallest_dtype(values: NDArray[Any]) -> NDArray[Any]:
    """The smallest of uint8, uint16 and int16 that holds the values exactly, else float32."""
    if values.dtype in (np.uint8, np.uint16, np.int16):
        return values
    low, high = values.min(), values.max()
    if np.array_equal(values, np.rint(values)):
        for kind in (np.uint16, np.int16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return values.astype(kind)
    return values.astype(np.float32)


def _range_text(values: NDArray[Any]) -> str:
    return f"{values.min():g} to {values.max():g}"
