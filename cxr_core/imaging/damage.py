"""Traces that a damaged file leaves in its picture where the decoder had nothing to complain of.

A JPEG stores each 8 x 8 block's brightness as the difference from the block before it. A flipped
bit that still is a code changes one difference, and with it everything after: a step that runs
along a row of blocks, from the damaged one to the right edge and on, one row further down, from
the left edge. A bit that adds or drops a block shifts everything after sideways by whole blocks.
And a stream that ends early leaves rows that repeat. Intact films may look like this, so it is
told and never a reason to refuse. How often it is right: ``bench/damaged_films.py``.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxr_core.imaging.windowing import by_rows

BLOCK = 8  # px, of a JPEG without subsampled colour
SUBSAMPLED_BLOCK = 16  # px, of one with
# Rows that repeat at the bottom, as a share of the picture: in one gray level between black and
# white a caption's bar is the widest that was seen; a black or white border may be broader.
_MIN_TAIL, _MIN_BORDER_TAIL = 0.03, 0.35
_MAX_TAIL = 0.95  # what is one row all over is a drawing, no film that was cut
_SAME_PIXELS = 0.995  # of a row, to be a repeated one
_CANDIDATES = 10  # places a picture that are looked at closely
_MIN_BLOCKS = 8  # along a line, for a step to be told from a structure
_SHIFTS = (-2, -1, 1, 2)  # blocks; most damage adds or drops one
# Both are shares of agreeing blocks times the root of their number. On 432 intact pictures the
# largest were 2.3 inside the film, 4.0 at its border, and 1.1 for a shift.
_MIN_STEP, _MIN_STEP_AT_BORDER, _MIN_SHIFT = 2.9, 4.3, 1.5
_BORDER = 0.09  # of the height: films have frames and captions there
_MIN_TEXTURED_STD = 4.0  # gray levels along a line, for it to be film and no frame
_MIN_LEVELS = 1.5  # gray levels; a smaller step changes nothing
# How much more neighbours differ across the lines between blocks than across any other lines, in
# gray levels, from which a picture was a JPEG once: 83 lossless ones reach 0.007, JPEGs of 68 films
# begin at 0.61 (quality 60), 0.40 (75) and 0.11 (90), and 95 % of them at 0.02 (95).
_MIN_GRID, _MAX_EXCESS = 0.02, 4.0
_TEXTURE = 7  # summed squared differences along 8 px, over which a block has texture


# How much less alike pixels one stated row apart are than pixels one stated column apart, from
# which rows and columns count as swapped: intact films reach 0.86, swapped ones begin at 1.16.
_SWAPPED = 1.1
_SWAP_LINES = 64  # places a picture that are looked at


class _Edges(NamedTuple):
    """The pixel rows at both sides of each line between block rows, (lines, W) each."""

    second_above: NDArray[Any]
    above: NDArray[Any]
    below: NDArray[Any]
    second_below: NDArray[Any]


def damage_warnings(
    values: NDArray[Any], blocks: tuple[int, ...] = (BLOCK,), *, is_jpeg: bool = True
) -> tuple[str, ...]:
    """What in a picture looks like damage, as calm sentences; none for most.

    Args:
        values: (H, W) as decoded, neither turned nor scaled, so that blocks begin at its corner.
        blocks: heights in px of the rows of blocks that the picture may have been coded in.
        is_jpeg: the values come out of a JPEG stream. Of a lossless picture only one that shows
            a JPEG's grid can be what a damaged JPEG was saved as.
    """
    found = []
    tail = repeated_tail(values)
    if tail:
        found.append(
            f"The lowest {tail:.0%} of the picture repeats one row: the file may have been cut "
            "short. Compare it with the original."
        )
    gray = values if values.dtype == np.uint8 else _to_levels(values)
    for block in blocks:
        line = find_step(gray, block)
        if line is None:
            line = find_shift(gray, block)
        if line is not None and (is_jpeg or has_block_grid(gray)):
            found.append(
                f"At {line / len(gray):.0%} of its height the picture jumps in brightness or "
                "sideways along a straight line, as damaged JPEG files do. Compare it with the "
                "original."
            )
            break
    return tuple(found)


def has_block_grid(values: NDArray[np.uint8]) -> bool:
    """Whether a picture (H, W) shows, both ways, the grid of 8 x 8 blocks of a JPEG."""
    return min(_grid_strength(values), _grid_strength(values.T)) >= _MIN_GRID


def _grid_strength(values: NDArray[np.uint8]) -> float:
    """By how much differences across the lines between blocks exceed those around them, less what
    the same is for lines that lie otherwise; in gray levels."""
    width = values.shape[1]
    if width < 3 * BLOCK:
        return 0.0
    steps = np.abs(np.diff(values.astype(np.int16), axis=1)).astype(np.float32)  # (H, W - 1)
    excess = steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2
    # What edges of the film add is as much as what blocks do, but there are few of them.
    columns = excess.clip(-_MAX_EXCESS, _MAX_EXCESS).mean(axis=0)  # (W - 3,), from column 2 on
    places = np.arange(2, width - 1) % BLOCK
    first, *others = (float(columns[places == place].mean()) for place in range(BLOCK))
    return first - max(others)


def repeated_tail(values: NDArray[Any]) -> float:
    """Share of the height, 0 to 1, in which the bottom row is repeated; 0 for a usual border."""
    last = values[-1]
    n_rows = 1
    # From the bottom, and only as far as rows repeat: an intact film costs one comparison.
    for row in values[-2::-1]:
        if np.mean(row == last) < _SAME_PIXELS:
            break
        n_rows += 1
    share = n_rows / len(values)
    if n_rows < BLOCK or not _MIN_TAIL <= share <= _MAX_TAIL:
        return 0.0
    level, low, high = float(np.median(last)), float(values.min()), float(values.max())
    margin = 0.02 * (high - low)
    border = level <= low + margin or level >= high - margin
    return 0.0 if border and share < _MIN_BORDER_TAIL else share


def are_sides_swapped(values: NDArray[Any]) -> bool:
    """Whether a picture's numbers run in lines as long as it is high: a header with its two sides
    swapped fits its data's length, and tears the film.

    Args:
        values: (H, W), uncompressed, in the file's order; a square is never swapped.
    """
    return swap_ratio(values) > _SWAPPED


def swap_ratio(values: NDArray[Any]) -> float:
    """How unlike pixels one line apart are, beside pixels that one height apart would be one line
    apart were the sides swapped; below 1 for a film, which is like itself one line further on.

    Args:
        values: (H, W); of a square or a picture too small to tell it is 0.
    """
    height, width = values.shape
    length = max(height, width)
    last = values.size - 2 * length
    if height == width or last < _SWAP_LINES:
        return 0.0
    flat = values.reshape(-1)
    starts = np.linspace(0, last, _SWAP_LINES).astype(np.intp)
    pixels, a_line_on, a_height_on = (
        np.stack([flat[s + lag : s + lag + length] for s in starts]).astype(np.float32)
        for lag in (0, width, height)
    )
    with np.errstate(all="ignore"):  # numbers that are none say nothing
        line = float(np.abs(a_line_on - pixels).mean())
        swapped = float(np.abs(a_height_on - pixels).mean())
    return line / swapped if swapped > 0 and line < np.inf else 0.0


def find_step(values: NDArray[Any], block: int = BLOCK) -> int | None:
    """The pixel row of a step in brightness along a row of blocks; None where there is none.

    Args:
        values: (H, W), uint8, or other numbers that span 0 to 255.
        block: height of a row of blocks in px.
    """
    edges = _edges(values, block)
    if edges is None:
        return None
    n = values.shape[1] // block  # blocks a row
    weights = np.full(block, 1 / block, np.float32)
    # A product is ten times as fast as a mean along so short an axis.
    means = [side.reshape(-1, block).astype(np.float32) @ weights for side in edges]
    second_above, above, below, second_below = means  # (lines * n,) each
    # Black and white blocks hide a step.
    usable = (np.minimum(above, below) > 1) & (np.maximum(above, below) < 254)
    if not usable.any():
        return None
    # Both sides at the line itself, by the film's own slope: what is left between them is a step.
    above_line, below_line = 1.5 * above - 0.5 * second_above, 1.5 * below - 0.5 * second_below
    step = below_line - above_line
    noise = max(float(np.median(np.abs(step[usable]))), 0.25)
    limit = 4 * noise
    count = _running_sum(usable, n)
    score = np.abs(_running_sum(np.where(usable, step.clip(-limit, limit), 0), n))
    score /= np.sqrt(np.maximum(count, 1))
    score[count < _MIN_BLOCKS] = 0
    reach = max(_SHIFTS)
    for at in _highest(score, n):
        line = int(block * (at // n + 1))
        at_border = min(line, len(values) - line) < _BORDER * len(values)
        enough = _MIN_STEP_AT_BORDER if at_border else _MIN_STEP
        low, high = max(at, reach), min(at + n, len(step) - reach)
        if any(_is_plain(side[low:high][usable[low:high]]) for side in (above, below)):
            continue
        for shift in (0, *_SHIFTS):  # a block more or less often comes with a step
            moved = below_line[low + shift : high + shift] - above_line[low:high]
            both = usable[low:high] & usable[low + shift : high + shift]
            if _step_strength(moved[both], step[low:high][both], noise) >= enough:
                return line
    return None


def _is_plain(levels: NDArray[np.float32]) -> bool:
    """Whether one side of a line is one even level: a frame or a border, no film."""
    return levels.size == 0 or float(levels.std()) < _MIN_TEXTURED_STD


def _step_strength(moved: NDArray[np.float32], unmoved: NDArray[np.float32], noise: float) -> float:
    """How much better one step along a line explains it than none does."""
    if len(moved) < _MIN_BLOCKS:
        return 0.0
    height = float(np.median(moved))
    if abs(height) < _MIN_LEVELS:
        return 0.0
    tolerance = min(max(1.0, 2 * noise), abs(height) / 2)
    agree = np.mean(np.abs(moved - height) < tolerance) - np.mean(np.abs(unmoved) < tolerance)
    return float(agree * np.sqrt(len(moved)))


def find_shift(values: NDArray[Any], block: int = BLOCK) -> int | None:
    """The pixel row from which the picture is shifted sideways by whole blocks, else None.

    Args:
        values: as for ``find_step``.
    """
    edges = _edges(values, block)
    if edges is None:
        return None
    n = values.shape[1] // block
    # Differences along the row, within blocks: the film's texture without its brightness.
    above = np.diff(edges.above.reshape(-1, block), axis=1)  # (lines * n, block - 1)
    below = np.diff(edges.below.reshape(-1, block), axis=1)
    as_it_is = _squares(above - below)
    textured = _squares(above) > _TEXTURE
    if not textured.any():
        return None
    cap = 4 * np.median(as_it_is[textured])
    score = _running_sum(np.minimum(as_it_is, cap), n)
    score[_running_sum(textured, n) < _MIN_BLOCKS] = 0
    reach = max(_SHIFTS)
    for at in _highest(score, n):
        low, high = max(at, reach), min(at + n, len(as_it_is) - reach)
        for shift in _SHIFTS:
            moved = _squares(above[low:high] - below[low + shift : high + shift])
            telling = np.maximum(as_it_is[low:high], moved) > _TEXTURE
            n_telling = int(telling.sum())
            if n_telling < _MIN_BLOCKS:
                continue
            moved, unmoved = moved[telling], as_it_is[low:high][telling]
            agree = np.mean(moved < 0.7 * unmoved) - np.mean(unmoved < 0.7 * moved)
            if agree * n_telling**0.5 >= _MIN_SHIFT:
                return int(block * (at // n + 1))
    return None


def _to_levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of any kind (H, W) on the scale 0 to 255, by their own range; rounded down."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # refused elsewhere, in words of its own
        return np.zeros(values.shape, np.uint8)
    scale = 255 / (high - low) if high > low else 0.0
    return by_rows(lambda rows: ((rows - low) * scale).astype(np.float32).astype(np.uint8), values)


def _edges(values: NDArray[Any], block: int) -> _Edges | None:
    """Only the rows that are needed, in signed 16 bits; None for a picture too small to tell."""
    height, width = values.shape
    lines = np.arange(block, height - BLOCK, block)
    if len(lines) < 2 or width < 2 * _MIN_BLOCKS * block:
        return None
    used = values[:, : width // block * block]
    return _Edges(*(used[lines + offset].astype(np.int16) for offset in (-2, -1, 0, 1)))


def _squares(differences: NDArray[np.int16]) -> NDArray[np.float32]:
    """Summed squares of each block, (blocks,)."""
    exact = differences.astype(np.float32)
    return np.asarray(np.einsum("ij,ij->i", exact, exact))


def _running_sum(values: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sums of ``n`` neighbours in reading order, so that they run on into the next line."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(total[n:] - total[:-n])


def _highest(score: NDArray[np.float64], n: int) -> list[int]:
    """Where the score is highest, best first, no two of them close to each other."""
    left = score.copy()
    found: list[int] = []
    while len(found) < _CANDIDATES and left.size and left.max() > 0:
        at = int(left.argmax())
        found.append(at)
        left[max(0, at - n // 4) : at + n // 4 + 1] = 0
    return found
