"""The ways in which a DICOM file proposes to show its film: its windows and its VOI tables."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_voi_lut

from cxr_core.imaging.decoded import scale_to_bytes
from cxr_core.imaging.dicom_tags import code, items, values
from cxr_core.imaging.windowing import Function, Window

# A file's own word for a window, as "HARDER"; anything longer could be about the patient.
_NAME = re.compile(r"[A-Za-z0-9 ._+/-]{1,16}")
MAX_WINDOWS = 12  # a select box of more would serve nobody


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
