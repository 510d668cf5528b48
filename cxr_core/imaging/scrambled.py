"""Pictures whose pixels were put together wrongly: every value is there, and none in its place.

A header with another width tears the film, a wrong predictor or byte order makes noise of it, and
values that were written with too few bits wrap round from white to black. No decoder complains, and
the input check lets some of them pass. All are told by what a film has and they have not: its
lines are like the lines beside them, and it does not go from white to black without a gray between.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.gray_range import film_range

# Of 2,967 whole films and slices of several hospitals: rows differ from the row below by at most
# 1.9 times what columns do from the column beside them, and columns by 2.3 times what rows do; both
# reach 0.28 (films) and 0.45 (slices) of what rows far apart differ by; and at most 0.0013 of a
# film's neighbours, at 512 px a line, are white beside black (letters; 0.0001 as a rule).
# Torn films begin at 8.9, at 2.8 where their width is wrong by four pixels, and noise of a wrong
# predictor at 0.65.
_MAX_ROWS, _MAX_COLUMNS, _TORN, _MIN_TORN = 2.5, 3.0, 4.0, 0.2
_MAX_UNLIKE = 0.5
_MAX_WRAPPED, _LINE = 1.5e-3, 512
_BLACK, _WHITE = 16, 240  # gray levels: those below and from here on lie at the seam
_SAMPLED_LINES = 256
_MIN_SIDE = 128  # px; smaller pictures are stopped for their size
# Of a film's own width: how much better its lines fit there, and what is compared for it.
_MUCH_BETTER, _STRETCHES, _STRETCH = 0.4, 64, 256
_ADVICE = "Compare it with the original."
LINES_WARNING = (
    f"The picture's lines do not fit those beside them, as where a file states a wrong width. "
    f"{_ADVICE}"
)
NOISE_WARNING = (
    f"Pixels have next to nothing in common with those beside them, as in a damaged or wrongly "
    f"converted file. {_ADVICE}"
)
WRAPPED_WARNING = (
    f"The picture goes from white to black without a gray between, as where too large values begin "
    f"at black again. {_ADVICE}"
)


class _Lines(NamedTuple):
    """Some of a picture's lines, on the scale 0 to 255 by the film's own range."""

    whole: NDArray[np.uint8]  # (n, W), by all values
    lines: NDArray[Any]  # (n, W), by the film's; float32, or uint8 as the picture itself
    below: NDArray[Any]  # the lines one further down
    far: NDArray[Any]  # a third of the height further down


class _Likeness(NamedTuple):
    """Mean differences of a picture's pixels, in gray levels."""

    rows: float  # to the pixel below
    columns: float  # to the pixel beside
    far: float  # to the pixel a third of the height below


def scrambled_warnings(values: NDArray[Any]) -> tuple[str, ...]:
    """What looks like a picture that was put together wrongly, a calm sentence; none for most.

    Args:
        values: (H, W), any real type.
    """
    if not _can_be_told(values):
        return ()
    sampled = _sample(values)
    rows, columns, far = _likeness(sampled)
    if rows > _MAX_ROWS * columns or columns > _MAX_COLUMNS * rows:
        return (LINES_WARNING,)
    if max(rows, columns) > _MAX_UNLIKE * far:
        return (NOISE_WARNING,)
    return (WRAPPED_WARNING,) if _share_wrapped(sampled.whole) > _MAX_WRAPPED else ()


def better_width(values: NDArray[Any]) -> int | None:
    """The width in px at which a picture's numbers (H, W) make lines that fit, where they do not at
    their own; None where they do, or at none from half of it to twice as much."""
    width = values.shape[1]
    if not _can_be_told(values):
        return None
    rows, columns, far = _likeness(_sample(values))
    if not (rows > _TORN * columns and rows > _MIN_TORN * far):
        return None
    flat = values.reshape(-1)
    last = flat.size - 2 * width - _STRETCH
    starts = np.linspace(0, max(0, last), _STRETCHES).astype(np.intp)
    reach = np.stack([flat[s : s + 2 * width + _STRETCH] for s in starts]).astype(np.float32)
    lags = range(width // 2, 2 * width)
    unlike = np.array(
        [np.abs(reach[:, lag : lag + _STRETCH] - reach[:, :_STRETCH]).mean() for lag in lags]
    )
    best = int(unlike.argmin())
    inside = 0 < best < len(lags) - 1  # of a slope that no width mends it is an end
    stated = unlike[lags.index(width)]
    return lags[best] if inside and unlike[best] < _MUCH_BETTER * stated else None


def _can_be_told(values: NDArray[Any]) -> bool:
    finite = values.dtype.kind != "f" or bool(np.isfinite(values).all())
    return min(values.shape) >= _MIN_SIDE and finite


def _sample(values: NDArray[Any]) -> _Lines:
    height = len(values)
    step = height // 3
    n_lines = min(_SAMPLED_LINES, height - step - 1)
    at = np.linspace(0, height - step - 2, n_lines).astype(np.intp)
    if values.dtype == np.uint8:
        lines = values[at]
        return _Lines(lines, lines, values[at + 1], values[at + step])
    picked = [values[at + lag].astype(np.float32) for lag in (0, 1, step)]
    whole = picked[0]
    # A defect or a border at full scale is no film.
    film = film_range(whole[:, :: max(1, values.shape[1] // _SAMPLED_LINES)].ravel())
    scale = 255 / (film.high - film.low) if film.high > film.low else 0.0
    picked = [((lines - film.low) * scale).clip(0, 255) for lines in picked]
    # Values that begin at black again reach from one end of their range to the other.
    whole = whole - whole.min()
    whole *= 255 / max(float(whole.max()), 1e-30)
    return _Lines(np.rint(whole).astype(np.uint8), *picked)


def _likeness(sampled: _Lines) -> _Likeness:
    _, lines, below, far = sampled
    return _Likeness(
        float(_apart(below, lines).mean()),
        float(_apart(lines[:, 1:], lines[:, :-1]).mean()),
        float(_apart(far, lines).mean()),
    )


def _apart(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """By how much numbers differ, without a sign to lose in 8 bits."""
    apart: NDArray[Any] = np.maximum(one, other) - np.minimum(one, other)
    return apart


def _share_wrapped(gray: NDArray[np.uint8]) -> float:
    """Share of neighbours that are white beside black, on lines of 512 px, where it matters; else
    a number above it that does not.

    The commonest black and the commonest white are left out: borders, letters and markers.
    """
    per_line = gray.shape[1] / _LINE
    at_most: float = float((_apart(gray[:, 1:], gray[:, :-1]) > _WHITE - _BLACK).mean() * per_line)
    if at_most <= _MAX_WRAPPED:
        return at_most  # nearly all films
    counts = np.bincount(gray.ravel(), minlength=256)
    black = (gray < _BLACK) & (gray != counts[:_BLACK].argmax())
    white = (gray >= _WHITE) & (gray != _WHITE + counts[_WHITE:].argmax())
    seams = (black[:, 1:] & white[:, :-1]) | (white[:, 1:] & black[:, :-1])
    share: float = seams.mean() * per_line
    return share
