"""Boxes drawn from maps, by hand."""

import numpy as np
import pytest

from cxr_core.evaluation.drawn_box import FINE, drawn_box

POINT = 1 / (7 * FINE)  # of the fine grid


def one_cell(row: int, column: int, *, background: float = 0.0) -> np.ndarray:
    cells = np.full((7, 7), background)
    cells[row, column] = 1.0
    return cells


def test_a_single_cell_is_as_wide_as_half_its_height() -> None:
    # Bilinear: from the cell's centre the map falls in a straight line to 0 at the next centre,
    # so half is reached half a cell away, and the box is the cell itself.
    assert drawn_box(one_cell(3, 2)) == pytest.approx([2 / 7, 3 / 7, 1 / 7, 1 / 7], abs=2 * POINT)


def test_at_the_rim_the_box_ends_with_the_film() -> None:
    x, y, width, height = drawn_box(one_cell(0, 6))
    assert (x + width, y) == (1.0, 0.0)
    assert (width, height) == pytest.approx((1 / 7, 1 / 7), abs=2 * POINT)


def test_evidence_against_makes_the_box_smaller_and_never_larger() -> None:
    # From 1 to -1 over a cell: half is reached after a quarter of it.
    against = drawn_box(one_cell(3, 3, background=-1.0))
    assert against[2:] == pytest.approx([0.5 / 7, 0.5 / 7], abs=2 * POINT)
    elsewhere = one_cell(3, 3)
    elsewhere[6, 6] = -50.0
    assert drawn_box(elsewhere) == pytest.approx(drawn_box(one_cell(3, 3)))


def test_only_what_hangs_together_with_the_peak_counts() -> None:
    apart = one_cell(1, 1)
    apart[5, 5] = 0.9
    assert drawn_box(apart) == pytest.approx(drawn_box(one_cell(1, 1)))
    joined = one_cell(1, 1)
    joined[1, 2] = 0.9
    assert drawn_box(joined)[2] == pytest.approx(2 / 7, abs=0.1 / 7)


def test_an_even_map_covers_the_film_and_one_without_evidence_nothing() -> None:
    assert drawn_box(np.ones((7, 7))) == pytest.approx([0, 0, 1, 1])
    assert drawn_box(np.zeros((7, 7))) is None
    assert drawn_box(np.full((7, 7), -2.0)) is None


def test_strength_does_not_matter() -> None:
    cells = np.random.default_rng(3).normal(0, 1, (7, 7))
    assert drawn_box(cells) == pytest.approx(drawn_box(20 * cells))
