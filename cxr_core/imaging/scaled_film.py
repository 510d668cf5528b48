"""Values of a file that names no window -> the gray levels that its pixels speak for."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxr_core.imaging.decoded import scale_to_uint8
from cxr_core.imaging.gray_range import (
    FilmRange,
    film_range,
    gray_range,
    half_range,
    outlier_sentence,
    sample_film,
    uses_few_levels,
)
from cxr_core.imaging.hot_pixels import mend_hot_pixels

_MIN_LEVELS = 32  # of NIH's films none has fewer than 88
_STRIDE = 2  # px, at which a film is looked at first
_TAIL = 0.05  # of the pixels, at each end: what may be marker, metal or collimator


class ScaledFilm(NamedTuple):
    """A film without defects, on the gray levels that its pixels speak for."""

    values: NDArray[Any]  # (H, W)
    pixels: NDArray[np.uint8]  # (H, W)
    step: str  # of the processing log, without what kind of values they are
    warnings: tuple[str, ...]


def scale_film(values: NDArray[Any], *, integer: bool) -> ScaledFilm:
    """Gray values (H, W) by the bits that the film fills, or else by its own range.

    Args:
        integer: they are whole numbers.
    """
    film = film_range(sample_film(values))
    values, defects = mend_hot_pixels(values, film)
    shown = gray_range(film, integer=integer)
    notes = (outlier_sentence(values, shown), defects)
    return ScaledFilm(
        values=values,
        pixels=scale_to_uint8(values, low=shown.low, high=shown.high),
        step=f"values scaled to 0 to 255: {shown.name}, {shown.low:g} to {shown.high:g}.",
        warnings=tuple(note for note in notes if note),
    )


def show_eight_bits(values: NDArray[np.uint8], film: FilmRange | None = None) -> ScaledFilm:
    """Gray levels (H, W) as they are, unless the film lies in one half of them.

    Args:
        film: of ``film_range``, where that is known already.
    """
    kept = "8-bit gray values kept as they are."
    few_pixels = _counts(values[::_STRIDE, ::_STRIDE])
    if (few_pixels > 0).sum() >= _MIN_LEVELS and _most_use_half(few_pixels):
        return ScaledFilm(values, values, kept, ())  # as nearly all films: soon told
    counts = _counts(values)
    n_levels = int((counts > 0).sum())
    # Of pictures of two levels, and of one, others tell.
    few = (f"This image has only {n_levels} gray levels.",) if 2 < n_levels < _MIN_LEVELS else ()
    if _most_use_half(counts):
        return ScaledFilm(values, values, kept, few)
    film = film or film_range(sample_film(values))
    shown, used = half_range(film), f"{film.high - film.low + 1:.0f} of 256 gray levels"
    if shown is not None:
        return ScaledFilm(
            values=values,
            pixels=scale_to_uint8(values, low=shown.low, high=shown.high),
            step=f"8-bit gray values {shown.low:g} to {shown.high:g} scaled to 0 to 255.",
            warnings=(f"The film uses {used}; {shown.name} was used.", *few),
        )
    if not uses_few_levels(film):
        return ScaledFilm(values, values, kept, few)
    note = f"The film is flat: it uses {used}. They can be derived from the pixels."
    return ScaledFilm(values, values, kept, (note, *few))


def _counts(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each gray level, (256,)."""
    return np.array(Image.fromarray(np.ascontiguousarray(values)).histogram(), np.int64)


def _most_use_half(counts: NDArray[np.int64]) -> bool:
    """Whether a film without its tails uses half of the gray levels.

    Args:
        counts: (256,), pixels of each level.
    """
    up_to = np.cumsum(counts)
    low, high = np.searchsorted(up_to, (_TAIL * up_to[-1], (1 - _TAIL) * up_to[-1]))
    return bool(high - low >= len(counts) / 2)
