"""A step along a row of blocks that goes on one row further down: a JPEG whose code was changed.

Blocks are stored in reading order, each as a difference from the one before. A changed bit moves
everything from one block on: the line of the step runs from that block to the right edge, and from
the left edge to that block it runs one row of blocks further down. No film has such a stair of its
own: what crosses a film at a slope does not jump at both lines, and what crosses it straight does
so at one. So a stair counts where a step alone could be a frame's or a structure's, and also where
one of its sides is black or white all over.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_CLIP = 6  # times the noise; what jumps further is no better a witness
_MIN_NOISE, _MIN_LEVELS = 0.5, 2.0  # gray levels; a smaller step changes nothing
_CANDIDATES = 6  # places a picture that are looked at closely
# How far a stair stands out, in its noise, and what the share of blocks that agree adds to it. When
# these were set, the largest sum was 10.1 in 9,324 intact pictures (2,331 films in qualities 50 to
# 97), and the smallest 13.4 in a dozen films that damage had moved by 3 gray levels or more; frames
# that lie askew reached 17.6 at the top. None of 17,945 intact pictures was told afterwards.
_MIN_CONTRAST, _AGREEING, _MIN_STRENGTH = 5.0, 10.0, 12.0
_BORDER, _MIN_STRENGTH_AT_BORDER = 0.045, 20.0  # of the height


class _Jumps(NamedTuple):
    """By how much the picture jumps at each line between two rows of blocks."""

    sizes: NDArray[np.float32]  # (lines, n), clipped; 0 where unknown
    known: NDArray[np.bool_]  # (lines, n)
    noise: float


def find_stair(
    above: NDArray[np.float32], below: NDArray[np.float32],
    step: NDArray[np.float32], noise: float, n: int,
) -> int | None:  # fmt: skip
    """The line between rows of blocks at which a stair begins; None where there is none.

    Args:
        above, below: mean gray levels, 0 to 255, of the rows of pixels at both sides of each line
            under each block, in reading order: (lines * n,) each.
        step: by how much the picture jumps there, less what its slope explains.
        noise: how much it jumps as a rule, in gray levels; above 0.
        n: blocks a line.
    """
    # Of two black blocks nobody knows how far one was moved.
    black, white = np.maximum(above, below) <= 1, np.minimum(above, below) >= 254
    known = ~(black | white)
    noise = max(noise, _MIN_NOISE)
    sizes = np.where(known, step.clip(-_CLIP * noise, _CLIP * noise), 0)
    jumps = _Jumps(sizes.reshape(-1, n), known.reshape(-1, n), noise)
    n_lines = len(jumps.sizes)
    if n_lines < 2:
        return None
    contrast = _contrast(jumps)
    for _ in range(_CANDIDATES):
        line, start = divmod(int(contrast.argmax()), n + 1)
        found = float(contrast[line, start])
        if found < _MIN_CONTRAST:
            break
        at_border = min(line + 1, n_lines - line) < _BORDER * (n_lines + 1)
        enough = _MIN_STRENGTH_AT_BORDER if at_border else _MIN_STRENGTH
        height, agreement = _height_and_agreement(jumps, line, start)
        if height >= _MIN_LEVELS and found + _AGREEING * agreement >= enough:
            return line
        contrast[max(0, line - 1) : line + 2, max(0, start - n // 8) : start + n // 8 + 1] = 0
    return None


def _contrast(jumps: _Jumps) -> NDArray[np.float32]:
    """How far a stair that begins at each line (lines - 1) and before each block (n + 1) stands out
    from the same lines' other parts, where a stair has no jump."""
    left, n_left = _sums_before(jumps.sizes), _sums_before(jumps.known)
    right, n_right = left[:, -1:] - left, n_left[:, -1:] - n_left
    with np.errstate(all="ignore"):  # parts without a known block are left out below
        first = right[:-1] / n_right[:-1]  # from the block to the right edge
        second = left[1:] / n_left[1:]  # one line down, from the left edge to the block
        other = np.maximum(
            np.abs(left[:-1] / np.maximum(n_left[:-1], 1)),
            np.abs(right[1:] / np.maximum(n_right[1:], 1)),
        )
        sign = np.sign(first)
        count = np.minimum(n_right[:-1], n_left[1:])
        contrast = (np.minimum(sign * first, sign * second) - other) * np.sqrt(count) / jumps.noise
    return np.where(count > 0, contrast, 0)


def _height_and_agreement(jumps: _Jumps, line: int, start: int) -> tuple[float, float]:
    """The lower of the heights of a stair's two parts in gray levels, and the share of its blocks
    that jump as it does, less the share of the others that jump."""
    (upper, lower), (known, known_below) = (
        jumps.sizes[line : line + 2],
        jumps.known[line : line + 2],
    )
    first, second = upper[start:][known[start:]], lower[:start][known_below[:start]]
    height = min(abs(float(first.mean())), abs(float(second.mean())))
    half = height / 2
    along = np.sign(first.mean()) * np.concatenate([first, second])
    other = np.concatenate([upper[:start][known[:start]], lower[start:][known_below[start:]]])
    jumping = float((np.abs(other) > half).mean()) if other.size else 0.0
    return height, float((along > half).mean()) - jumping


def _sums_before(values: NDArray[Any]) -> NDArray[np.float32]:
    """Sums along each line of what lies left of each place: (lines, n + 1)."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.float32)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
