"""A step that goes on one row of blocks further down is a damaged JPEG's, a straight one is not."""

import io

import numpy as np
import pytest
from PIL import Image

from cxr_core.imaging.damage import find_step
from cxr_core.imaging.jpeg import decode_jpeg
from cxr_core.imaging.stair import find_stair
from cxr_core.phantom.draw import draw_phantom

LINES, N = 40, 32  # lines between rows of blocks, and blocks a line


def stair_at(line: int, start: int, height: float, *, straight: bool = False) -> int | None:
    """What is found in gray film of noise 1 with a step of a height from one block on."""
    rng = np.random.default_rng(0)
    step = rng.normal(0, 1.5, (LINES, N)).astype(np.float32)
    step[line, 0 if straight else start :] += height
    if not straight:
        step[line + 1, :start] += height
    level = np.full(LINES * N, 120, np.float32)
    return find_stair(level, level, step.ravel(), 1.0, N)


@pytest.mark.parametrize("height", [5, -5, 40, -120])
@pytest.mark.parametrize("start", [3, 16, 29])
def test_a_stair_is_found_where_it_begins(start: int, height: float) -> None:
    assert stair_at(17, start, height) == 17


def test_a_straight_step_and_none_are_no_stair() -> None:
    assert stair_at(17, 16, 40, straight=True) is None
    assert stair_at(17, 16, 0) is None


def test_a_frame_that_lies_askew_at_the_border_is_no_stair() -> None:
    assert stair_at(0, 16, 3) is None
    assert stair_at(17, 16, 3) == 17


def test_what_is_black_at_both_sides_tells_nothing() -> None:
    black = np.zeros(LINES * N, np.float32)
    assert find_stair(black, black, black, 1.0, N) is None


@pytest.mark.parametrize("offset", [-200, 150])
def test_a_film_that_is_black_or_white_from_a_block_on_is_told(offset: int) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(draw_phantom(3, size=256).pixels)).save(
        stream, "JPEG", quality=90
    )
    gray = decode_jpeg(stream.getvalue()).astype(np.int16)
    assert find_step(gray) is None
    gray[128:] += offset
    gray[120:128, 96:] += offset  # from the damaged block to the edge, then whole rows
    assert find_step(gray.clip(0, 255)) == 120
