"""Which of a DICOM file's windows the film is read by: the first that fits it, or its own range.

A file's window is not always its film's: some are written for other values (before the rescale,
before a shift of bits), some are a display's default, and a second one may be the good one. A
picture by such a window is dark or flat, and a model sees no disease in it. So every window and
table is held against the film's own values (``gray_range.window_fit``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from cxr_core.imaging.dicom.tags import get_int, get_items
from cxr_core.imaging.dicom.voi import ModalityResult, VoiResult, file_windows
from cxr_core.imaging.gray_range import (
    GOOD_FIT,
    USABLE_FIT,
    FilmRange,
    film_range,
    gray_range,
    nominal_range,
    outlier_sentence,
    sample_film,
    window_fit,
)
from cxr_core.imaging.hot_pixels import mend_hot_pixels
from cxr_core.imaging.scaled_film import show_eight_bits
from cxr_core.imaging.windowing import (
    Window,
    apply_window,
    has_integer_values,
    window_from_range,
)

# How much better a window must fit the numbers before the rescale to be taken for theirs.
_CLEARLY_BETTER = 0.1
# A window that is taken is told from this share of the film's inner values without contrast on, and
# below this share of the gray levels for the film. The film's outermost values do not count.
_MAX_FLAT, _MIN_USED, _EDGE = 0.25, 0.75, 1 / 32
_SAME_END = 0.004  # of the range, a gray level: ends that are the same


class _Candidate(NamedTuple):
    window: Window
    fit: float
    note: str  # what is unusual about it, a sentence; else ""


def render_film(
    modality: ModalityResult, ds: Dataset, film_mask: NDArray[np.bool_] | None
) -> VoiResult:
    """The film by the first of the file's tables and windows that fits it, or by its own range.

    Args:
        modality: the film's values after the modality LUT.
        film_mask: True where the values (H, W) are film; None where all are. Padding sets no range.
    """
    stored, defects = modality.values, None
    sample = sample_film(stored, film_mask)
    film = film_range(sample)
    is_8_bit = stored.dtype == np.uint8 and (get_int(ds, "BitsStored") or 8) == 8
    if not is_8_bit:  # those are taken as they are, as those of a PNG
        stored, defects = mend_hot_pixels(stored, film, film_mask)
    told = (defects,) if defects else ()
    offered = file_windows(ds)
    candidates = [_best_version(window, film, sample, modality) for window in offered]
    chosen = _choose(candidates)
    if chosen is not None:
        pixels = apply_window(stored, chosen.window)
        lost = _loss(chosen.window, film, sample, modality)
        notes = (*_notes(chosen, ds), *lost, *told)
        return VoiResult(pixels, stored, chosen.window, _log_entry(chosen), notes)
    cause = _why_none(ds, offered)
    if is_8_bit:
        eight = show_eight_bits(stored, film)
        kept = "; the 8-bit values were kept" if eight.pixels is stored else ""
        told = (f"{cause}{kept}.",) if _offers_any(ds) else ()
        return VoiResult(eight.pixels, stored, None, eight.step, (*told, *eight.warnings))
    shown = gray_range(
        film,
        # Numbers of 32 bits that no smaller type holds come as floats.
        integer=(modality.slope, modality.intercept) != (1, 0)
        or has_integer_values(stored)
        or bool((stored == np.rint(stored)).all()),
        slope=modality.slope,
        intercept=modality.intercept,
    )
    window = window_from_range(shown.name, shown.low, shown.high, integer=False)
    values = stored if film_mask is None else stored[film_mask]
    outliers = outlier_sentence(values, shown)
    step = f"Values {shown.low:g} to {shown.high:g} scaled to 0 to 255."
    warnings = (f"{cause}; {shown.name} was used.", *([outliers] if outliers else []), *told)
    return VoiResult(apply_window(stored, window), stored, window, step, warnings)


def _choose(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """The first that fits well; else the best one that can be used; else none."""
    for candidate in candidates:
        if candidate.fit >= GOOD_FIT:
            return candidate
    best = max(candidates, key=lambda candidate: candidate.fit, default=None)
    return best if best is not None and best.fit >= USABLE_FIT else None


def _best_version(
    window: Window, film: FilmRange, sample: NDArray[Any], modality: ModalityResult
) -> _Candidate:
    """The window as the file has it, or as one for the numbers before the rescale."""
    fit = window_fit(window, film, sample)
    as_given = _Candidate(window, fit, "")
    if (modality.slope, modality.intercept) == (1, 0):
        return as_given
    before = _before_rescale(window, modality)
    fit_before = window_fit(before, film, sample)
    is_theirs = _spans_bits(before, film, modality) and not _spans_bits(window, film, modality)
    if fit_before < GOOD_FIT or not (is_theirs or fit_before > fit + _CLEARLY_BETTER):
        return as_given
    name = window.name[0].lower() + window.name[1:]
    note = f"The {name} is one for the values before the rescale, and was applied to those."
    return _Candidate(before, fit_before, note)


def _before_rescale(window: Window, modality: ModalityResult) -> Window:
    """The same window for stored numbers, in units of the rescaled values."""
    slope, intercept = modality.slope, modality.intercept
    if window.lut is not None:
        first = slope * window.lut_start + intercept
        last = slope * (window.lut_start + len(window.lut) - 1) + intercept
        begin, end = sorted((round(first), round(last)))
        if end - begin >= 2**20:
            return window
        places = np.rint((np.arange(begin, end + 1) - intercept) / slope).astype(np.int64)
        table = window.lut[(places - window.lut_start).clip(0, len(window.lut) - 1)]
        return replace(
            window,
            center=(begin + end + 1) / 2,
            width=end - begin + 1.0,
            lut=table,
            lut_start=begin,
        )
    if window.function == "SIGMOID":
        center, width = slope * window.center + intercept, abs(slope) * window.width
        return replace(window, center=center, width=width)
    low, high = sorted(slope * end + intercept for end in _ends(window))
    center, width = (low + high) / 2, max(high - low, 1e-6)
    return replace(window, center=center, width=width, function="LINEAR_EXACT")


def _ends(window: Window) -> tuple[float, float]:
    """The values that a window shows as black and as white."""
    if window.lut is not None:
        return float(window.lut_start), float(window.lut_start + len(window.lut) - 1)
    if window.function == "LINEAR":
        half, middle = (window.width - 1) / 2, window.center - 0.5
    else:
        half, middle = window.width / 2, window.center
    return middle - half, middle + half


def _spans_bits(window: Window, film: FilmRange, modality: ModalityResult) -> bool:
    """Whether a window's ends are those of the bits that the film's stored numbers fill."""
    stored = sorted((end - modality.intercept) / modality.slope for end in film)
    bits = nominal_range(round(stored[0]), round(stored[1]))
    if bits is None:
        return False
    theirs = sorted((end - modality.intercept) / modality.slope for end in _ends(window))
    slack = _SAME_END * (bits[1] - bits[0])
    return all(abs(one - other) <= slack for one, other in zip(theirs, bits[:2], strict=True))


def _log_entry(chosen: _Candidate) -> str:
    window = chosen.window
    if window.lut is not None:
        return f"{window.name} applied: the file's VOI table."
    return f"{window.name} applied: center {window.center:g}, width {window.width:g}."


def _notes(chosen: _Candidate, ds: Dataset) -> tuple[str, ...]:
    """What the reader should know of the choice, sentences."""
    table_first = bool(get_items(ds, "VOILUTSequence"))
    notes = []
    if chosen.window.key != ("table_1" if table_first else "window_1"):
        first = "The file's VOI table" if table_first else "The file's first window"
        name = chosen.window.name[0].lower() + chosen.window.name[1:]
        notes.append(f"{first} does not fit the film; the {name} was used.")
    return (*notes, *([chosen.note] if chosen.note else []))


def _loss(
    window: Window, film: FilmRange, sample: NDArray[Any], modality: ModalityResult
) -> tuple[str, ...]:
    """What a window that is taken leaves out of the film, a sentence; none for most."""
    margin = _EDGE * (film.high - film.low)
    inside = sample[(sample > film.low + margin) & (sample < film.high - margin)]
    if not inside.size:
        return ()
    gray = apply_window(inside[None], window)
    flat = float(((gray == 0) | (gray == 255)).mean())
    name = f"The {window.name[0].lower()}{window.name[1:]}"
    if flat > _MAX_FLAT:
        return (f"{name} shows {flat:.0%} of the film as plain black or white.",)
    ends = apply_window(np.array([film[:2]]), window).astype(np.int64)[0]
    used = abs(int(ends[1] - ends[0])) / 255
    if used < _MIN_USED and not _spans_bits(window, film, modality):
        return (f"{name} leaves the film only {used:.0%} of the gray levels.",)
    return ()


def _offers_any(ds: Dataset) -> bool:
    return any(_kinds(ds))


def _kinds(ds: Dataset) -> Iterator[str]:
    if get_items(ds, "VOILUTSequence"):
        yield "VOI table"
    if "WindowCenter" in ds or "WindowWidth" in ds:
        yield "window"


def _why_none(ds: Dataset, offered: Sequence[Window]) -> str:
    """Why none of the file's windows was taken, a clause."""
    kinds = list(_kinds(ds))
    if not kinds:
        return "The file gives no window"
    names = " and ".join(kinds)
    plural = len(kinds) > 1 or len(offered) > 1
    if not offered:
        return f"The file's {names} cannot be used"
    if plural and kinds == ["window"]:
        names = "windows"
    return f"The file's {names} {'do' if plural else 'does'} not fit the film"
