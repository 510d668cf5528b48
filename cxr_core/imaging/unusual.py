"""What makes a chest film unlike those that the model was tested on: noise, gray levels lost.

Such films move a probability by .1 to .5, and the input check, which looks at shapes, lets them
pass. What is told lies outside of all that 2,107 films of NIH, 53 of Hannover and 300 children's
films show; ``docs/reading.md`` has the figures. All is measured on the square that the model reads.
"""

import numpy as np
from numpy.typing import NDArray

from cxr_core.arrays import Floats

# The square's noise in gray levels (those films: 0.38 to 2.04; noise of 12 at 512 px: 2.35 to
# 2.66). A lack of it says nothing: films reduced with care have as little as blurred ones.
_MAX_NOISE = 2.2
_NOISE_SCALE = np.sqrt(np.pi / 2) / 6  # of a mask's mean, for it to be a deviation
# Shares of the picture: plain white (one of those films has .26, all others less than .07), and
# plain black that no straight way leads to from the edge (one has .18, all others up to .14).
_WHITE, _BLACK, _MAX_WHITE, _MAX_INNER_BLACK = 253, 2, 0.12, 0.15
# How far the share of pixels up to a gray level is from that level's place, at most: equalised
# films have 0.01 to 0.13 (median .025), those films 0.058 and more.
_MIN_UNEVEN = 0.04
# Share of pixels within 8 gray levels of the two commonest kinds; those films reach 0.77.
_TWO_LEVELS, _BAND = 0.9, 8

_LESS = "such films are read less reliably."
NOISY = f"The film is very noisy or strongly sharpened; {_LESS}"
EQUALISED = f"The film's gray levels are equalised, each as common as the others; {_LESS}"
TWO_LEVELS = "The film is black and white only, without gray levels; nothing fine can be seen."


def unusual_notes(square: NDArray[np.uint8]) -> tuple[str, ...]:
    """What a reader should know of a film's gray levels, calm sentences; none for most.

    Args:
        square: (S, S), of the film as the model reads it, S about 224.
    """
    levels = square.astype(np.float32)
    if not levels.max() > levels.min():
        return ()  # others tell that there is nothing to see
    counts = np.bincount(square.ravel(), minlength=256)
    if _share_of_two(counts) >= _TWO_LEVELS:
        return (TWO_LEVELS,)
    notes = []
    if _noise(levels) >= _MAX_NOISE:
        notes.append(NOISY)
    white = float((square >= _WHITE).mean())
    if white >= _MAX_WHITE:
        notes.append(f"{white:.0%} of the film is plain white; nothing can be read there.")
    black = _inner_black(square <= _BLACK)
    if black >= _MAX_INNER_BLACK:
        told = f"{black:.0%} of the film, inside it, is plain black"
        notes.append(f"{told}; nothing can be read there.")
    elif _unevenness(counts) <= _MIN_UNEVEN:
        notes.append(EQUALISED)
    return tuple(notes)


def _noise(levels: NDArray[np.float32]) -> float:
    """The standard deviation of a picture's noise, by the mask of Immerkaer (1996, Computer Vision
    and Image Understanding 64, 300), which slopes and straight edges leave at 0."""
    across = levels[:, :-2] - 2 * levels[:, 1:-1] + levels[:, 2:]
    both = across[:-2] - 2 * across[1:-1] + across[2:]
    return float(_NOISE_SCALE * np.abs(both).mean())


def _inner_black(black: NDArray[np.bool_]) -> float:
    """Share of the picture that is black without being reached from an edge over black alone; 0
    where too little is black for it to matter."""
    if black.mean() < _MAX_INNER_BLACK:
        return 0.0  # nearly all films
    outer = np.zeros_like(black)
    for axis in (0, 1):
        outer |= np.logical_and.accumulate(black, axis=axis)
        outer |= np.flip(np.logical_and.accumulate(np.flip(black, axis), axis=axis), axis)
    return float((black & ~outer).mean())


def _unevenness(counts: NDArray[np.int64]) -> float:
    up_to: Floats = np.cumsum(counts) / counts.sum()
    return float(np.abs(up_to - np.arange(1, 257) / 256).max())


def _share_of_two(counts: NDArray[np.int64]) -> float:
    width = np.ones(2 * _BAND + 1)
    bands = np.convolve(counts, width, "same")
    first = int(bands.argmax())
    rest = counts.copy()
    rest[max(0, first - _BAND) : first + _BAND + 1] = 0
    return float((bands[first] + np.convolve(rest, width, "same").max()) / counts.sum())
