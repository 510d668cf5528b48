"""Boxes drawn from maps, by hand."""

import numpy as np
import pytest

from cxr_core.evaluation.localisation.overlap import UPSAMPLING, heatmap_box

POINT = 1 / (7 * UPSAMPLING)  # of the fine grid


def one_cell(row: int, column: int) -> np.ndarray:
    cells = np.zeros((7, 7))
    cells[row, column] = 1.0
    return cells


def test_a_single_cell_is_as_wide_as_half_its_height() -> None:
    # Bilinear: from the cell's centre the map falls in a straight line to 0 at the next centre.
    # Halfway from the mean, 1/49, lies 24/49 of a cell away, so the box is nearly the cell.
    half = 24 / 49 / 7
    expected = [2.5 / 7 - half, 3.5 / 7 - half, 2 * half, 2 * half]
    assert heatmap_box(one_cell(3, 2)) == pytest.approx(expected, abs=1.5 * POINT)


def test_at_the_rim_the_box_ends_with_the_film() -> None:
    x, y, width, height = heatmap_box(one_cell(0, 6))
    assert (x + width, y) == (1.0, 0.0)
    assert (width, height) == pytest.approx([(1 / 2 + 24 / 49) / 7] * 2, abs=1.5 * POINT)


def test_only_what_hangs_together_with_the_peak_counts() -> None:
    apart = one_cell(1, 1)
    apart[5, 5] = 0.9
    assert heatmap_box(apart)[:2] == pytest.approx(heatmap_box(one_cell(1, 1))[:2], abs=1.5 * POINT)
    assert (heatmap_box(apart)[2:] < 1 / 7).all()
    joined = one_cell(1, 1)
    joined[1, 2] = 0.9
    # The mean is 1.9/49, so the cut is 50.9/98: it is met 47.1/98 of a cell before the first
    # centre, and 1 - 50.9/98/0.9 of one behind the second.
    assert heatmap_box(joined)[2] == pytest.approx(
        (47.1 / 98 + 1 + 1 - 50.9 / 98 / 0.9) / 7, abs=1.5 * POINT
    )


def test_neither_a_bias_nor_a_factor_moves_the_box() -> None:
    cells = np.random.default_rng(3).normal(0, 1, (7, 7))
    assert heatmap_box(20 * cells) == pytest.approx(heatmap_box(cells))
    assert heatmap_box(cells - 5) == pytest.approx(heatmap_box(cells))  # nowhere positive


def test_an_even_map_prefers_no_place() -> None:
    for value in (1.0, 0.0, -2.0):
        assert heatmap_box(np.full((7, 7), value)) == pytest.approx([0, 0, 1, 1])
