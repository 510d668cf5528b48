"""Values of a file that names no window -> the gray levels that its pixels speak for."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.decoded import scale_to_uint8
from cxr_core.imaging.gray_range import film_range, gray_range, outlier_sentence, sample_film
from cxr_core.imaging.hot_pixels import mend_hot_pixels


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
