"""By how much a chest on a film is tilted: the angle at which it is most alike to its mirror image.

A chest is nearly the same left and right, so a film turned by -a, where a is its tilt, matches its
own mirror image best. docs/reading.md says how often that is right.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Degrees. Patients lie and stand a little askew: less is not told.
MIN_TILT = 10.0
# Beyond, and where no angle makes the halves alike, the best angle is mostly chance.
MAX_TILT = 18.0
MIN_LIKENESS = 0.5  # correlation
_SIDE = 64  # px of the copy that is looked at
_STEP = 3.0  # degrees
_REACH = 24.0  # degrees, tried to either side
_SHIFT = 8  # px by which the middle of the chest may lie off the film's
_SHADING = 8.0  # px; slower changes of gray are taken out
_MARGIN = 8  # px at the edges that take no part
_NO_VARIANCE = 1e-9  # of the mean square: below, it is rounding


def tilt_degrees(pixels: NDArray[np.uint8]) -> float | None:
    """The tilt of an upright frontal chest film (H, W), in degrees, clockwise above 0.

    Returns:
        From ``MIN_TILT`` to ``MAX_TILT`` either way; None for a film that lies straight, or of
        which it cannot be told.
    """
    angles = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)  # (n,)
    likeness = _likeness(pixels, angles)
    best = int(likeness.argmax())
    if likeness[best] < MIN_LIKENESS or best in (0, len(angles) - 1):
        return None
    before, here, after = likeness[best - 1 : best + 2]
    bend = before - 2 * here + after  # of the parabola through the three; below 0 at a peak
    off = 0.5 * (before - after) / bend if bend < 0 else 0.0
    found = float(angles[best] + off * _STEP)
    return found if MIN_TILT <= abs(found) <= MAX_TILT else None


def _likeness(pixels: NDArray[np.uint8], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike the film's halves are after a turn by each angle, counter-clockwise: (n,)."""
    from scipy import ndimage

    small = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    gray = np.asarray(small, np.float32)
    detail = gray - ndimage.gaussian_filter(gray, _SHADING)
    return _mirror_likeness(_turned(detail, tuple(angles)))


def _turned(film: NDArray[np.float32], angles: tuple[float, ...]) -> NDArray[np.float32]:
    """A film (S, S) turned by each angle, between pixels linear, beyond the edge as the edge: what
    ``scipy.ndimage.rotate`` gives, in a fraction of its time. (n, S, S)"""
    places, weights = _neighbours(angles)
    pixels = np.take(film.reshape(-1), places)  # (4, n * S * S)
    turned: NDArray[np.float32] = np.einsum("kp,kp->p", pixels, weights)
    return turned.reshape(len(angles), _SIDE, _SIDE)


@cache
def _neighbours(angles: tuple[float, ...]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The four pixels that each pixel of each turned film lies between, and their weights:
    (4, n * S * S) each."""
    turn = np.radians(angles)[:, None, None]  # (n, 1, 1)
    middle = (_SIDE - 1) / 2
    along, across = np.mgrid[:_SIDE, :_SIDE] - middle  # (S, S)
    rows = np.cos(turn) * along + np.sin(turn) * across + middle  # (n, S, S)
    columns = np.cos(turn) * across - np.sin(turn) * along + middle
    place, weight = [], []
    (top, below), (left, right) = (_between(rows), _between(columns))
    for row, of_row in (top, below):
        for column, of_column in (left, right):
            place.append((row * _SIDE + column).reshape(-1))
            weight.append((of_row * of_column).reshape(-1))
    return np.stack(place), np.stack(weight).astype(np.float32)


def _between(
    places: NDArray[np.float64],
) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """The two whole places about each one, and how much each of them counts."""
    inside = places.clip(0, _SIDE - 1)
    before = np.floor(inside).astype(np.intp)
    share = inside - before
    return [(before, 1 - share), (np.minimum(before + 1, _SIDE - 1), share)]


def _mirror_likeness(films: NDArray[np.float32]) -> NDArray[np.float64]:
    """The best correlation of each film (S, S) with its mirror image, its axis near the middle.

    A window's mirror image is the window itself, its columns in the other order: both have one mean
    and one variance, and all that any window needs is the products of each two columns. Those of
    mirrored columns are picked and added: as one large matrix product they would wake the threads
    of the linear algebra library, which spin on for tens of milliseconds and take the cores from
    the network.
    """
    rows = films[:, _MARGIN:-_MARGIN].astype(np.float64)  # (n, R, S)
    products = rows.transpose(0, 2, 1) @ rows  # (n, S, S)
    window, pairs, starts = _windows()
    counts = window.sum(axis=0)  # (k,)
    of_mean = (rows.sum(axis=1) @ window) ** 2 / (rows.shape[1] * counts)  # (n, k)
    own = np.diagonal(products, axis1=1, axis2=2) @ window - of_mean
    of_pairs = np.take(products.reshape(len(films), -1), pairs, axis=1)
    mirrored = np.add.reduceat(of_pairs, starts, axis=1) - of_mean
    varied = own > _NO_VARIANCE * (own + of_mean)
    likeness = np.divide(mirrored, own, out=np.full_like(own, -1.0), where=varied)
    best: NDArray[np.float64] = likeness.max(axis=1)
    return np.maximum(best, -1.0)


@cache
def _windows() -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Of each place that the middle may have: the columns about it that are compared, as 1 and 0
    (S, k); the pairs of columns that mirror one another, as places in (S, S), those of one place
    after the other's; and where each place's begin (k,)."""
    half, shifts = _MARGIN // 2, range(-_SHIFT, _SHIFT + 1)
    window = np.zeros((_SIDE, len(shifts)))
    pairs = []
    for place, shift in enumerate(shifts):
        columns = np.arange(max(shift, 0) + half, _SIDE - max(-shift, 0) - half)
        window[columns, place] = 1
        pairs.append(columns * _SIDE + columns[::-1])
    starts = np.cumsum([0, *map(len, pairs[:-1])])
    return window, np.concatenate(pairs), starts
