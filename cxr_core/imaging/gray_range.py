"""Which values of a film are black and which are white, decided from its pixels.

A hot pixel, a dead line or a marker at full scale says nothing of the film, and a window that does
not fit the film shows it dark or flat. A model that is fed such a picture sees no disease. So the
film's own range is found first, without its outliers, and all else is measured against it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.windowing import Window, apply_window, has_integer_values, window_from_range

_MAX_SAMPLES = 1024  # a side; percentiles need no more
_TAIL_PERCENT = 3.0  # at each end: what may be marker, metal or collimator
_EXTREME_PERCENT = 0.1  # at each end: never more than single pixels and lines
# What lies beyond a stretch this wide without pixels belongs to no film. In parts of the range
# between the two tails; a part holds pixels from this share of the film on.
_PARTS, _EMPTY_PARTS, _SEARCHED_PARTS, _SPARSE_FRACTION = 32, 8, 256, 2e-4
_ISOLATED = _EMPTY_PARTS / _PARTS
FAR_FRACTION = _ISOLATED  # of a film's range: a pixel so far outside it belongs to no film
_MIN_LEVELS = 16  # a drawing of fewer gray levels has gaps between all of them
MIN_BITS, MAX_BITS = 8, 16
_GRAY_LEVELS = 2**MIN_BITS
# All of NIH's films use at least 0.52 of their 8 bits and reach at least 0.56 of them.
MIN_FRACTION_USED, _MIN_FRACTION_REACHED = 0.5, 0.54
# How well a window fits a film: shared by both, as a fraction of what either covers. The film's
# own ways of showing it are taken in their order from the first on; from the second on none is.
GOOD_FIT, USABLE_FIT = 0.45, 0.2
_END_FRACTION = 1 / 32  # of a film's range: at either end, what may be noise on black or white
_MIN_MONOTONE = 0.9  # of a table's ups and downs that go one way; shuffled bytes go both


class FilmRange(NamedTuple):
    """The values between which a film lies.

    Attributes:
        low, high: in units of the values; equal where the film has one value.
    """

    low: float
    high: float


@dataclass(frozen=True)
class GrayRange:
    """The values to show as black and as white.

    Attributes:
        low, high: in units of the values.
        name: in words that complete "... was used", as "the full range of 12 bits".
    """

    low: float
    high: float
    name: str


def sample_film(values: NDArray[Any], film_mask: NDArray[np.bool_] | None = None) -> NDArray[Any]:
    """About a million of a film's values (H, W) at most, (N,); of those where its mask is True."""
    height, width = values.shape
    grid = np.s_[:: max(1, height // _MAX_SAMPLES), :: max(1, width // _MAX_SAMPLES)]
    return values[grid].ravel() if film_mask is None else values[grid][film_mask[grid]]


def film_range(sample: NDArray[Any]) -> FilmRange:
    """Where the film lies, without what is isolated from it at either end.

    Args:
        sample: (N,), of ``sample_film``; any real type, finite.
    """
    whole = sample.astype(np.float64)
    if whole.size == 0:
        return FilmRange(0.0, 0.0)
    inside = _without_flat_ends(whole)
    first, last = np.percentile(inside, (_TAIL_PERCENT, 100 - _TAIL_PERCENT))
    if not last > first:  # nearly all of one value: there is nothing to tell outliers by
        return FilmRange(float(whole.min()), float(whole.max()))
    inside = inside[inside <= _edge(inside, last, last - first)]
    inside = inside[inside >= -_edge(-inside, -first, last - first)]
    low, high = np.percentile(inside, (_EXTREME_PERCENT, 100 - _EXTREME_PERCENT))
    return FilmRange(float(low), float(high))


def _without_flat_ends(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out the least or the greatest value where it stands alone, far from all others.

    A collimator's zeros or a frame at full scale may cover much of a picture.
    """
    for sign in (1.0, -1.0):
        signed = sign * values
        end = signed.max()
        others = signed[signed < end]
        if 2 * others.size < values.size:
            continue
        near, far = others.max(), np.percentile(others, _TAIL_PERCENT)
        isolated = end - near > _ISOLATED * (near - far)
        if isolated and np.unique(others).size >= _MIN_LEVELS:
            values = sign * others
    return values


def _edge(values: NDArray[np.float64], last: float, span: float) -> float:
    """Where the film ends above ``last``: before the first wide stretch that is all but empty."""
    width = span / _PARTS
    bins = ((values[values > last] - last) / width).clip(0, _SEARCHED_PARTS).astype(np.int64)
    counts = np.bincount(bins, minlength=_SEARCHED_PARTS + 1)[:_SEARCHED_PARTS]
    sparse = counts < _SPARSE_FRACTION * values.size
    run = np.convolve(sparse, np.ones(_EMPTY_PARTS, np.int64), "valid") == _EMPTY_PARTS
    return float(last + width * run.argmax()) if run.any() else float(values.max())


def nominal_range(low: float, high: float) -> tuple[int, int, int] | None:
    """The range of whole bits that a film's values fill, as most of NIH's fill their 8.

    Args:
        low, high: of the film, whole numbers as a detector or a file stores them.

    Returns:
        Least and greatest value and bits; None where the film fills too little of any.
    """
    signed = low < 0
    for bits in range(MIN_BITS, MAX_BITS + 1):
        least = -(2 ** (bits - 1)) if signed else 0
        most = least + 2**bits - 1
        if least <= low and high <= most:
            used = (high - low) / (most - least)
            reached = (high - least) / (most - least)
            fills = used >= MIN_FRACTION_USED and reached >= _MIN_FRACTION_REACHED
            return (least, most, bits) if fills else None
    return None


def gray_range(
    film: FilmRange, *, integer: bool, slope: float = 1.0, intercept: float = 0.0
) -> GrayRange:
    """What to show as black and white where nothing usable says so.

    Args:
        film: of ``film_range``.
        integer: the values were whole numbers as stored.
        slope, intercept: stored number -> value (slope not 0), to tell the bits in use.
    """
    if not integer and _fills_unit(film):
        return GrayRange(0.0, 1.0, "the usual range of such values")
    if integer and film.high > film.low:
        ends = sorted((end - intercept) / slope for end in film[:2])
        if bits := nominal_range(*(round(end) for end in ends)):
            low, high = sorted(slope * end + intercept for end in bits[:2])
            return GrayRange(low, high, f"the full range of {bits[2]} bits")
    return own_range(film)


def half_range(film: FilmRange) -> GrayRange | None:
    """What to show a film of 8 bits by that lies in one half of its gray levels, as one that was
    saved through a window far too wide does (none of NIH's does); None for all others.

    All but uniform pictures are left as they are: there is nothing in them to show.
    """
    half = _GRAY_LEVELS / 2
    if film.high - film.low < _MIN_LEVELS or (film.low < half <= film.high):
        return None
    return GrayRange(film.low, film.high, "the film's own range of values")


def uses_few_levels(film: FilmRange) -> bool:
    """Whether a film of 8 bits uses less than half of its gray levels: a flat one."""
    return bool(_MIN_LEVELS <= film.high - film.low < MIN_FRACTION_USED * (_GRAY_LEVELS - 1))


def _fills_unit(film: FilmRange) -> bool:
    """Whether floating values are gray levels divided by the greatest there is, as many save."""
    is_within = film.low >= 0 and film.high <= 1
    return (
        is_within
        and film.high - film.low >= MIN_FRACTION_USED
        and film.high >= _MIN_FRACTION_REACHED
    )


def own_range(film: FilmRange) -> GrayRange:
    """The film's own range of values, whatever bits they fill."""
    return GrayRange(film.low, film.high, "the film's own range of values")


def window_by_pixels(stored: NDArray[Any]) -> Window:
    """The window of a film (H, W) by its own range: for a reader who doubts its gray levels."""
    film = film_range(sample_film(stored))
    whole = has_integer_values(stored)
    return window_from_range("From the pixels", film.low, film.high, integer=whole)


def outlier_sentence(values: NDArray[Any], shown: GrayRange) -> str | None:
    """What is to be said of pixels far outside the range that is shown; None where there are none.

    Args:
        values: of the film, any shape.
    """
    far = FAR_FRACTION * (shown.high - shown.low)
    n_outside = int(((values < shown.low - far) | (values > shown.high + far)).sum())
    if n_outside == 0:
        return None
    share = 100 * n_outside / values.size
    some = f"{n_outside:,} pixels" if n_outside > 1 else "1 pixel"
    extent = some if share < 0.1 else f"{share:.1f} % of the pixels"
    return f"Left out of the gray range: {extent} far outside the film's (defects, marker, border)."


def window_fit(window: Window, film: FilmRange, sample: NDArray[Any]) -> float:
    """How well a window fits a film, 0 to 1: what both cover, of what either covers.

    0 for one that leaves the film less than ``MIN_FRACTION_USED`` of the gray levels, that
    shows next to none of it, or that has no direction.

    Args:
        film, sample: of ``film_range`` and ``sample_film``, in units of the window.
    """
    if not film.high > film.low:
        return 1.0  # a film of one value is shown equally badly by all
    values = np.unique(np.linspace(film.low, film.high, 1025))
    if window.lut is not None:
        values = np.unique(np.rint(values))
    gray = apply_window(values[None], window)[0].astype(np.int64)  # (V,)
    change, travel = int(gray[-1] - gray[0]), int(np.abs(np.diff(gray)).sum())
    used = abs(change) / 255
    if used < MIN_FRACTION_USED or abs(change) < _MIN_MONOTONE * travel:
        return 0.0
    # Where the gray levels change: between the last value that is as dark as the film's first
    # and the first that is as bright as its last.
    rising = gray if change > 0 else gray[::-1]
    begins = int(np.flatnonzero(rising <= rising[0]).max())
    ends = int(np.flatnonzero(rising >= rising[-1]).min())
    if change < 0:
        begins, ends = len(gray) - 1 - ends, len(gray) - 1 - begins
    # The black around a film may be most of the pixels, so it counts for nothing: neither a window
    # of its noise alone nor its share of a window's pixels.
    margin = _END_FRACTION * (film.high - film.low)
    if values[ends] - values[begins] < margin:
        return 0.0
    inside = sample[(sample > film.low + margin) & (sample < film.high - margin)]
    shown = (inside >= values[begins]) & (inside <= values[ends])
    covered = float(shown.mean()) if inside.size else 1.0  # of two values there is no between
    return 1 / (1 / covered + 1 / used - 1) if covered > 0 else 0.0
