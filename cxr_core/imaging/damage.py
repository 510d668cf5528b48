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

from cxr_core.imaging.scrambled import scrambled_warnings
from cxr_core.imaging.stair import find_stair
from cxr_core.imaging.windowing import by_rows

BLOCK = 8  # px, of a JPEG without subsampled colour
SUBSAMPLED_BLOCK = 16  # px, of one with
# Rows that repeat at the bottom, as a share of the picture: in one gray level between black and
# white a caption's bar is the widest that was seen; a black or white border may be broader.
_MIN_TAIL, _MIN_BORDER_TAIL = 0.03, 0.2
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
# Times the usual jump between two rows of blocks. In quality 50 every border of a coarse block is a
# step of about one; of 764 steps of damage 2 are below.
_MIN_NOISES = 1.75
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
    """The pixel rows at both sides of each line between block rows: the pixels of a block one below
    the other, the blocks in reading order. (block, lines * n) each, n blocks a line."""

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
        edges = _edges(gray, block)
        line = find_step(gray, block, edges)
        if line is None:
            line = find_shift(gray, block, edges)
        if line is not None and (is_jpeg or has_block_grid(gray)):
            found.append(
                f"At {line / len(gray):.0%} of its height the picture jumps in brightness or "
                "sideways along a straight line, as damaged JPEG files do. Compare it with the "
                "original."
            )
            break
    return (*found, *scrambled_warnings(values))


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


def find_step(values: NDArray[Any], block: int = BLOCK, edges: _Edges | None = None) -> int | None:
    """The pixel row of a step in brightness along a row of blocks; None where there is none.

    Args:
        values: (H, W), uint8, or other numbers that span 0 to 255.
        block: height of a row of blocks in px.
        edges: of these values and blocks, where they are known already.
    """
    edges = edges or _edges(values, block)
    if edges is None:
        return None
    n = values.shape[1] // block  # blocks a row
    means = [side.sum(axis=0, dtype=np.int32).astype(np.float32) / block for side in edges]
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
    at = _highest(score, n)  # (k,)
    places, inside = _windows(at, n, len(step))  # (k, n)
    telling = inside & usable[places]
    strengths = _step_strengths(
        above_line[places], below_line, step[places], telling, usable, places, noise
    )  # (k,)
    lines = block * (at // n + 1)
    at_border = np.minimum(lines, len(values) - lines) < _BORDER * len(values)
    enough = np.where(at_border, _MIN_STEP_AT_BORDER, _MIN_STEP)
    for found in np.flatnonzero(strengths >= enough):
        there = places[found][telling[found]]
        if not any(_is_plain(side[there]) for side in (above, below)):
            return int(lines[found])
    stair = find_stair(above, below, step, noise, n)
    return None if stair is None else block * (stair + 1)


def _is_plain(levels: NDArray[np.float32]) -> bool:
    """Whether one side of a line is one even level: a frame or a border, no film."""
    return levels.size == 0 or float(levels.std()) < _MIN_TEXTURED_STD


def _step_strengths(
    above_line: NDArray[np.float32], below_line: NDArray[np.float32],
    unmoved: NDArray[np.float32], telling: NDArray[np.bool_], usable: NDArray[np.bool_],
    places: NDArray[np.intp], noise: float,
) -> NDArray[np.float64]:  # fmt: skip
    """How much better one step along a line explains it than none does: the best of no shift and
    of each of ``_SHIFTS``, since a block more or less often comes with a step. (k,)

    Args:
        above_line, unmoved, telling: of each of the k candidates' blocks, (k, n).
        below_line, usable: of all blocks.
    """
    shifted = _shifted(places, (0, *_SHIFTS))  # (k, s, n)
    moved = below_line[shifted] - above_line[:, None]
    both = telling[:, None] & usable[shifted]
    count = both.sum(axis=-1)  # (k, s)
    height = _medians(moved, both, count)
    tolerance = np.minimum(max(1.0, 2 * noise), np.abs(height) / 2).astype(np.float32)[..., None]
    agree = _share(np.abs(moved - height[..., None]) < tolerance, both, count)
    agree -= _share(np.abs(unmoved[:, None]) < tolerance, both, count)
    least = max(_MIN_LEVELS, _MIN_NOISES * noise)
    strengths = np.where(np.abs(height) < least, 0.0, agree * np.sqrt(count))
    best: NDArray[np.float64] = np.where(count < _MIN_BLOCKS, 0.0, strengths).max(axis=1)
    return best


def find_shift(values: NDArray[Any], block: int = BLOCK, edges: _Edges | None = None) -> int | None:
    """The pixel row from which the picture is shifted sideways by whole blocks, else None.

    Args:
        values, block, edges: as for ``find_step``.
    """
    edges = edges or _edges(values, block)
    if edges is None:
        return None
    n = values.shape[1] // block
    # Differences along the row, within blocks: the film's texture without its brightness.
    above, below = np.diff(edges.above, axis=0), np.diff(edges.below, axis=0)  # (block - 1, …)
    as_it_is = _squares(above - below)
    textured = _squares(above) > _TEXTURE
    if not textured.any():
        return None
    cap = 4 * np.median(as_it_is[textured])
    score = _running_sum(np.minimum(as_it_is, cap), n)
    score[_running_sum(textured, n) < _MIN_BLOCKS] = 0
    at = _highest(score, n)  # (k,)
    places, inside = _windows(at, n, len(as_it_is))  # (k, n)
    moved = _squares(above[:, places][:, :, None] - below[:, _shifted(places, _SHIFTS)])
    unmoved = as_it_is[places][:, None]
    telling = inside[:, None] & (np.maximum(unmoved, moved) > _TEXTURE)
    count = telling.sum(axis=-1)  # (k, s)
    agree = _share(moved < 0.7 * unmoved, telling, count)
    agree -= _share(unmoved < 0.7 * moved, telling, count)
    shifts = (count >= _MIN_BLOCKS) & (agree * np.sqrt(count) >= _MIN_SHIFT)
    found = np.flatnonzero(shifts.any(axis=1))
    return int(block * (at[found[0]] // n + 1)) if len(found) else None


def _to_levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of any kind (H, W) on the scale 0 to 255, by their own range; rounded down."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # refused elsewhere, in words of its own
        return np.zeros(values.shape, np.uint8)
    scale = 255 / (high - low) if high > low else 0.0
    return by_rows(lambda rows: ((rows - low) * scale).astype(np.float32).astype(np.uint8), values)


def _edges(values: NDArray[Any], block: int) -> _Edges | None:
    """In signed 16 bits; None for a picture too small to tell."""
    height, width = values.shape
    lines = np.arange(block, height - BLOCK, block)
    if len(lines) < 2 or width < 2 * _MIN_BLOCKS * block:
        return None
    used = values[:, : width // block * block]
    rows = (used[lines + offset].reshape(-1, block) for offset in (-2, -1, 0, 1))
    return _Edges(*(np.array(pixels.T, np.int16, order="C") for pixels in rows))


def _squares(differences: NDArray[np.int16]) -> NDArray[np.float32]:
    """Summed squares of each block: the first axis is gone."""
    exact = differences.astype(np.float32)
    return np.asarray((exact * exact).sum(axis=0))


def _running_sum(values: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sums of ``n`` neighbours in reading order, so that they run on into the next line."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(total[n:] - total[:-n])


def _highest(score: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Where the score is highest, best first, no two of them close to each other."""
    left = score.copy()
    found: list[int] = []
    while len(found) < _CANDIDATES and left.size:
        at = int(left.argmax())
        if not left[at] > 0:
            break
        found.append(at)
        left[max(0, at - n // 4) : at + n // 4 + 1] = 0
    return np.array(found, np.intp)


# All candidates are looked at together: a hundred calls for a few blocks each would take longer
# than all else that is looked for.


def _windows(at: NDArray[np.intp], n: int, size: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The ``n`` blocks of ``size`` from each place on, and which of them may be shifted: (k, n)."""
    places, reach = at[:, None] + np.arange(n), max(_SHIFTS)
    inside = (places >= reach) & (places < size - reach)
    return places.clip(reach, size - reach - 1), inside


def _shifted(places: NDArray[np.intp], shifts: tuple[int, ...]) -> NDArray[np.intp]:
    """The same blocks (k, n) after each shift: (k, s, n)."""
    moved: NDArray[np.intp] = places[:, None] + np.array(shifts)[:, None]
    return moved


def _medians(
    values: NDArray[np.float32], used: NDArray[np.bool_], count: NDArray[np.intp]
) -> NDArray[np.float32]:
    """``np.median`` of those that are used, along the last axis; infinite where none is."""
    ordered = np.sort(np.where(used, values, np.float32(np.inf)), axis=-1)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    middle = np.minimum(middle, values.shape[-1] - 1)
    return np.asarray(np.take_along_axis(ordered, middle, axis=-1).mean(axis=-1))


def _share(
    true: NDArray[np.bool_], used: NDArray[np.bool_], count: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Which part of those that are used is true, along the last axis; 0 where none is used."""
    return np.asarray((true & used).sum(axis=-1) / np.maximum(count, 1))
