"""Single pixels that the detector got wrong: given their neighbours' value, as machines do.

A hot pixel sets no gray range (``gray_range``), but a white dot in a lung still moves what a model
says of it: a probability by up to 0.04. Only a pixel that stands alone is mended: far outside the
film's own values and far from all of its neighbours, which are alike. No line, letter or marker
loses a point.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.gray_range import FAR_FRACTION, FilmRange

_NEIGHBOURS = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column]


def mend_hot_pixels(
    values: NDArray[Any], film: FilmRange, film_mask: NDArray[np.bool_] | None = None
) -> tuple[NDArray[Any], str | None]:
    """The film with its single hot and dead pixels mended, and what is to be said of it.

    Args:
        values: (H, W), any real type, each side 2 or more.
        film: of ``film_range``, in units of the values.
        film_mask: True where the values are film; None where all are.

    Returns:
        The values, a copy where any was changed, and a sentence; None where there was none.
    """
    far = FAR_FRACTION * (film.high - film.low)
    outside = (values < film.low - far) | (values > film.high + far)
    if film_mask is not None:
        outside &= film_mask
    rows, columns = np.nonzero(outside)
    # Borders and markers drop out at the first neighbour, so that a frame costs no more than a dot.
    for step in _NEIGHBOURS:
        alone = ~outside[_shifted(rows, columns, step, values.shape)]
        rows, columns = rows[alone], columns[alone]
    beside = [_shifted(rows, columns, step, values.shape) for step in _NEIGHBOURS]
    around = np.sort(np.stack([values[places] for places in beside]), axis=0)  # (8, N)
    low, high = around[0].astype(np.float64), around[-1].astype(np.float64)
    own = values[rows, columns].astype(np.float64)
    alone = (high - low <= far) & ((own < low - far) | (own > high + far))
    rows, columns = rows[alone], columns[alone]
    if not rows.size:
        return values, None
    mended = values.copy()
    # One of the neighbours' own values: a mean of two need not be a value of this type.
    mended[rows, columns] = around[len(_NEIGHBOURS) // 2, alone]
    note = (
        "1 single pixel far outside the film's gray range was given its neighbours' value "
        "(a defect)."
    )
    if rows.size > 1:
        note = (
            f"{rows.size:,} single pixels far outside the film's gray range were given their "
            "neighbours' value (defects)."
        )
    return mended, note


def _shifted(
    rows: NDArray[np.intp], columns: NDArray[np.intp], step: tuple[int, int], shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The neighbours one step away; beyond an edge those on its other side, inside the film."""
    beside = []
    for places, move, size in zip((rows, columns), step, shape, strict=True):
        moved = places + move
        moved = np.where(moved < 0, 1, np.where(moved >= size, size - 2, moved))
        beside.append(moved)
    return beside[0], beside[1]
