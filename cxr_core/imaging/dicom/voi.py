"""DICOM's gray value chain: modality LUT, then VOI LUT or window, then MONOCHROME1, then 8 bits.

DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric interpretation),
C.7.5.1.1.2 (pixel padding). The formulas are pydicom's own.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from cxr_core.imaging.decoded import scale_to_bytes
from cxr_core.imaging.dicom.tags import code, items, number, values, whole
from cxr_core.imaging.windowing import Function, Window

# A file's own word for a window, as "HARDER"; anything longer could be about the patient.
_NAME = re.compile(r"[A-Za-z0-9 ._+/-]{1,16}")
MAX_WINDOWS = 12  # a select box of more would serve nobody
# A window that leaves fewer of the film's pixels between its ends shows no film.
_LEAST_INSIDE = 0.05


# The ways in which a DICOM file proposes to show its film: its windows and its VOI tables.


def file_windows(ds: Dataset) -> tuple[Window, ...]:
    """All that the file offers, its tables first, as they would be applied first.

    Malformed ones are left out.
    """
    tables = [_table_window(ds, index) for index in range(len(items(ds, "VOILUTSequence")))]
    found = [window for window in tables if window is not None]
    centers, widths = values(ds, "WindowCenter"), values(ds, "WindowWidth")
    names = _names(ds.get("WindowCenterWidthExplanation"))
    function = voi_function(ds)
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if center is None or width is None or not is_window(width, function):
            continue
        name = names[index] if index < len(names) and names[index] else ""
        found.append(Window(_title(name, "File's window", index), center, width, function))
    return tuple(found[:MAX_WINDOWS])


def voi_function(ds: Dataset) -> Function:
    """VOILUTFunction; LINEAR where absent or unknown, as PS3.3 C.11.2.1.3 has it."""
    said = code(ds, "VOILUTFunction")
    if said == "SIGMOID":
        return "SIGMOID"
    return "LINEAR_EXACT" if said == "LINEAR_EXACT" else "LINEAR"


def is_window(width: float, function: Function) -> bool:
    """PS3.3 C.11.2.1.2: a LINEAR window is at least 1 wide, the others wider than 0."""
    return width >= 1 or (width > 0 and function != "LINEAR")


def voi_table(ds: Dataset, index: int = 0) -> tuple[int, NDArray[np.uint8]] | None:
    """One VOI LUT as gray levels: the stored value it begins at, and uint8 (entries,).

    None where the table is malformed.
    """
    item = items(ds, "VOILUTSequence")[index]
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
        return first, scale_to_bytes(table[None], low=0, high=2**used - 1)[0]
    except Exception:  # whatever a malformed table makes it raise
        return None


def _table_window(ds: Dataset, index: int) -> Window | None:
    found = voi_table(ds, index)
    if found is None or np.ptp(found[1]) == 0:
        return None
    first, table = found
    names = _names(items(ds, "VOILUTSequence")[index].get("LUTExplanation"))
    last = first + len(table) - 1
    return Window(
        _title(names[0] if names else "", "File's table", index),
        (first + last + 1) / 2,
        float(last - first + 1),
        table=table,
        first=first,
    )


def _names(value: Any) -> list[str]:
    """A file's words, "" for each that is no short plain word."""
    several = list(value) if isinstance(value, MultiValue | list) else [value]
    words = [str(word or "").strip() for word in several]
    return [word if _NAME.fullmatch(word) else "" for word in words]


def _title(name: str, kind: str, index: int) -> str:
    """As "File's window 2, HARDER"; numbered, as names may be missing or the same."""
    return f"{kind} {index + 1}" + (f", {name.capitalize()}" if name else "")


class Shown(NamedTuple):
    """A film's gray values as a display would show them, before MONOCHROME1 is inverted."""

    pixels: NDArray[np.uint8]  # (H, W)
    window: tuple[float, float] | None
    step: str
    warning: str | None


def padding(raw: NDArray[Any], ds: Dataset) -> NDArray[np.bool_] | None:
    """Where the raw values (H, W) are padding and not film; None where nothing or all of it is."""
    value = whole(ds, "PixelPaddingValue")
    if value is None:
        return None
    limit = whole(ds, "PixelPaddingRangeLimit")
    ends = [_signed(end, ds) for end in (value, value if limit is None else limit)]
    mask = (raw >= min(ends)) & (raw <= max(ends))
    return mask if mask.any() and not mask.all() else None


def _signed(value: int, ds: Dataset) -> int:
    """Padding is often written unsigned where the pixels are signed 16 bit."""
    signed = whole(ds, "PixelRepresentation") == 1
    return value - 2**16 if signed and value >= 2**15 else value


def modality_values(raw: NDArray[Any], ds: Dataset) -> tuple[NDArray[Any], str, str | None]:
    """Apply the Modality LUT Sequence, or else the rescale slope and intercept.

    Args:
        raw: (H, W) as stored in the file.

    Returns:
        The values (H, W) as uint8, uint16, int16 or float32; what was done; a warning or None.
    """
    if items(ds, "ModalityLUTSequence"):
        try:
            # int64: pydicom computes in the type it is given, where uint8 would overflow.
            values = apply_modality_lut(raw.astype(np.int64), ds)
        except Exception:  # whatever a malformed table makes it raise
            note = "The file's modality table cannot be used; the stored values were taken instead."
            return narrow(raw), "Stored values taken as they are.", note
        return narrow(values), f"Modality table applied: values {_span(values)}.", None
    slope, intercept = number(ds, "RescaleSlope"), number(ds, "RescaleIntercept")
    slope, intercept = (1.0 if slope is None else slope), (intercept or 0.0)
    if slope == 0:
        note = "The file's rescale slope is 0; the stored values were taken instead."
        return narrow(raw), "Stored values taken as they are.", note
    if (slope, intercept) == (1, 0):
        return narrow(raw), f"Stored values {_span(raw)}.", None
    rescale = Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = slope, intercept
    values = apply_modality_lut(raw, rescale)  # float64
    step = f"Rescaled by {slope:g} and {intercept:+g}: values {_span(values)}."
    return narrow(values), step, None


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The smallest of uint8, uint16 and int16 that holds the values exactly, else float32."""
    if values.dtype in (np.uint8, np.uint16, np.int16):
        return values
    low, high = values.min(), values.max()
    if np.array_equal(values, np.rint(values)):
        for kind in (np.uint16, np.int16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return values.astype(kind)
    return values.astype(np.float32)


def show(stored: NDArray[Any], ds: Dataset, film: NDArray[np.bool_] | None) -> Shown:
    """Apply the VOI LUT, or else the window, or else the film's whole range.

    Args:
        stored: (H, W) after the modality LUT.
        film: True where ``stored`` is film; None where all of it is. Padding sets no range.
    """
    window = _window(ds)
    if items(ds, "VOILUTSequence"):
        pixels = _by_table(stored, ds)
        if pixels is not None and _shows_film(pixels, film):
            return Shown(pixels, window, "The file's VOI table applied.", None)
        return _whole_range(stored, ds, film, "The file's VOI table cannot be used")
    if window is not None:
        pixels = _by_window(stored, ds, window)
        if _shows_film(pixels, film):
            step = f"The file's window applied: center {window[0]:g}, width {window[1]:g}."
            return Shown(pixels, window, step, None)
        return _whole_range(stored, ds, film, "The file's window shows next to nothing")
    if "WindowCenter" in ds or "WindowWidth" in ds:
        return _whole_range(stored, ds, film, "The file's window cannot be used")
    if stored.dtype == np.uint8 and whole(ds, "BitsStored") == 8:
        return Shown(stored, None, "8-bit values kept as they are.", None)
    return _whole_range(stored, ds, film, "The file gives no window")


def _window(ds: Dataset) -> tuple[float, float] | None:
    """(center, width), the first where the file has several; None where there is no valid one."""
    center, width = number(ds, "WindowCenter"), number(ds, "WindowWidth")
    if center is None or width is None:
        return None
    return (center, width) if is_window(width, voi_function(ds)) else None


def _by_window(stored: NDArray[Any], ds: Dataset, window: tuple[float, float]) -> NDArray[np.uint8]:
    voi = Dataset()  # asks pydicom for 0 to 255 out, whatever the film's own depth
    voi.PhotometricInterpretation = "MONOCHROME2"
    voi.BitsStored, voi.PixelRepresentation = 8, 0
    voi.WindowCenter, voi.WindowWidth = window
    voi.VOILUTFunction = voi_function(ds)
    shown = apply_voi_lut(stored, voi)  # float64 (H, W), 0 to 255
    return scale_to_bytes(shown, low=0, high=255)


def _by_table(stored: NDArray[Any], ds: Dataset) -> NDArray[np.uint8] | None:
    found = voi_table(ds)
    if found is None:
        return None
    first, table = found
    places = np.rint(stored).clip(first, first + len(table) - 1).astype(np.int64) - first
    shown: NDArray[np.uint8] = table[places]
    return shown


def _whole_range(
    stored: NDArray[Any], ds: Dataset, film: NDArray[np.bool_] | None, cause: str
) -> Shown:
    values = stored if film is None else stored[film]
    low, high = float(values.min()), float(values.max())
    step = f"Values {low:g} to {high:g} scaled to 0 to 255."
    warning = f"{cause}; its whole range of values was used."
    return Shown(scale_to_bytes(stored, low=low, high=high), None, step, warning)


def _shows_film(pixels: NDArray[np.uint8], film: NDArray[np.bool_] | None) -> bool:
    values = pixels if film is None else pixels[film]
    return bool(((values > 0) & (values < 255)).mean() >= _LEAST_INSIDE)


def _span(values: NDArray[Any]) -> str:
    return f"{values.min():g} to {values.max():g}"
