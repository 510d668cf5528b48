"""Copies that must pass and drawn slices: shapes, seeds, and what each is said to do."""

from collections.abc import Callable

import numpy as np
import pytest

from cxr_core.imaging.gate import GATE_SIDE
from cxr_core.training.drawn_laterals import drawn_lateral
from cxr_core.training.drawn_slices import SLICES, drawn_slice
from cxr_core.training.gate_examples import letterboxed, old_contrast

Draw = Callable[[np.random.Generator], np.ndarray]


def ramp() -> np.ndarray:
    return np.tile(np.linspace(60, 200, GATE_SIDE), (GATE_SIDE, 1)).astype(np.uint8)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_bars_have_their_share_on_two_sides(share: float) -> None:
    bar = round(GATE_SIDE * share)
    for seed in range(12):
        boxed = letterboxed(ramp(), share, np.random.default_rng(seed))
        sides = boxed if (boxed[:bar] == boxed[0, 0]).all() else boxed.T
        assert boxed[0, 0] in (0, 255)
        assert (sides[:bar] == boxed[0, 0]).all()
        assert (sides[-bar:] == boxed[0, 0]).all()
        assert (sides[bar:-bar] != boxed[0, 0]).all()  # the film between them is 60 to 200


def test_old_contrast_keeps_the_order_of_grays() -> None:
    for seed in range(20):
        row = old_contrast(ramp(), np.random.default_rng(seed))[0].astype(int)
        assert (np.diff(row) >= 0).all()
        assert row[-1] - row[0] >= 10


@pytest.mark.parametrize(
    "draw", [*(draw for draw, _ in SLICES.values()), drawn_slice, drawn_lateral]
)
def test_drawn_pictures_are_squares_that_follow_from_the_seed(draw: Draw) -> None:
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(15):
        picture = draw(rng)
        assert (picture.shape, picture.dtype.name) == ((GATE_SIDE, GATE_SIDE), "uint8")
        assert (picture == draw(again)).all()


def test_slices_of_every_modality_are_drawn() -> None:
    assert sum(share for _, share in SLICES.values()) == pytest.approx(1)
