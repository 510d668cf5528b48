"""Planted findings: boxed honestly, seen on the film, and anywhere in the lungs."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_core.findings import ABNORMAL_KEYS
from cxr_core.phantom.draw import Box, Phantom, draw_phantom

SIDE = 96  # pixels
MANY = 150  # films


@cache
def films(finding: str) -> tuple[Phantom, ...]:
    """Films with this one finding, of as many patients."""
    return tuple(draw_phantom(seed, findings=[finding], size=SIDE) for seed in range(MANY))


@cache
def normal(seed: int) -> Phantom:
    return draw_phantom(seed, size=SIDE)


def inside(box: Box) -> tuple[slice, slice]:
    rows = slice(int(box.y), int(box.y + box.height))
    return rows, slice(int(box.x), int(box.x + box.width))


def boxes_of(finding: str, measure: Callable[[Box], float]) -> np.ndarray:
    return np.array([measure(film.boxes[0]) for film in films(finding)])


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), planted=st.sets(st.sampled_from(ABNORMAL_KEYS)))
def test_every_finding_has_one_box_within_the_film_and_a_tenth_of_it(
    seed: int, planted: set[str]
) -> None:
    phantom = draw_phantom(seed, findings=planted, size=64)
    assert phantom.findings == planted
    assert {box.finding for box in phantom.boxes} == planted
    assert len(phantom.boxes) == len(planted)
    for box in phantom.boxes:
        assert min(box.x, box.y) >= 0
        assert max(box.x + box.width, box.y + box.height) <= 64
        assert 0.01 < box.width * box.height / 64**2 <= 0.10


@pytest.mark.parametrize("finding", ABNORMAL_KEYS)
def test_a_box_is_neither_tiny_nor_large(finding: str) -> None:
    areas = boxes_of(finding, lambda box: box.width * box.height / SIDE**2)
    assert areas.max() <= 0.10
    assert np.quantile(areas, 0.05) > 0.02
    assert 0.035 < np.median(areas) < 0.08
    assert boxes_of(finding, lambda box: min(box.width, box.height) / SIDE).min() > 0.08


# Beside an atelectasis the diaphragm stands a little higher, which changes its edge.
@pytest.mark.parametrize(
    ("finding", "least", "usual"),
    [("effusion", 0.95, 0.97), ("infiltration", 0.95, 0.97), ("atelectasis", 0.60, 0.80)],
)
def test_what_a_finding_changes_lies_in_its_box(finding: str, least: float, usual: float) -> None:
    shares = []
    for seed, film in enumerate(films(finding)[:60]):
        change = np.abs(film.pixels.astype(int) - normal(seed).pixels)
        shares.append(change[inside(film.boxes[0])].sum() / change.sum())
    assert min(shares) > least
    assert np.median(shares) > usual


@pytest.mark.parametrize("finding", ABNORMAL_KEYS)
def test_a_finding_is_denser_than_the_lung_that_it_replaces(finding: str) -> None:
    gains = []
    for seed, film in enumerate(films(finding)[:60]):
        part = inside(film.boxes[0])
        gains.append(film.pixels[part].mean() - normal(seed).pixels[part].mean())
    assert min(gains) > 8  # gray values; the noise is 2 to 5 a pixel
    assert np.median(gains) > 25


@pytest.mark.parametrize("finding", ABNORMAL_KEYS)
def test_a_box_is_tight(finding: str) -> None:
    """A box without its outer sixth at any one side would lose some of the finding."""
    for seed, film in enumerate(films(finding)[:40]):
        rows, columns = inside(film.boxes[0])
        change = np.abs(film.pixels.astype(int) - normal(seed).pixels)[rows, columns]
        for profile in (change.sum(axis=0), change.sum(axis=1)):
            sixth = -(-len(profile) // 6)
            assert profile[:sixth].sum() > 0.003 * profile.sum()
            assert profile[-sixth:].sum() > 0.003 * profile.sum()


@pytest.mark.parametrize("finding", ABNORMAL_KEYS)
def test_no_fixed_spot_is_right_for_most_films(finding: str) -> None:
    hits = np.zeros((SIDE, SIDE))
    for film in films(finding):
        hits[inside(film.boxes[0])] += 1
    assert hits.max() / MANY < 0.38


@pytest.mark.parametrize("finding", ABNORMAL_KEYS)
def test_both_sides_and_all_heights_are_used(finding: str) -> None:
    x = boxes_of(finding, lambda box: (box.x + box.width / 2) / SIDE)
    y = boxes_of(finding, lambda box: (box.y + box.height / 2) / SIDE)
    assert 0.35 < np.mean(x < 0.5) < 0.65
    assert np.quantile(y, 0.9) - np.quantile(y, 0.1) > 0.30
    assert y.std() > 0.11


def test_findings_of_one_film_rarely_share_a_place() -> None:
    shared = 0
    for seed in range(60):
        a, b = draw_phantom(seed, findings=["effusion", "infiltration"], size=64).boxes
        width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        shared += width > 0 and height > 0 and width * height > 0.2 * a.width * a.height
    assert shared <= 3


def test_a_finding_does_not_change_the_exposure() -> None:
    """Nothing outside of the lungs may give a finding away."""
    for seed in range(20):
        plain = normal(seed).pixels
        for finding in ("effusion", "infiltration"):
            film = films(finding)[seed].pixels
            np.testing.assert_array_equal(film[-10:], plain[-10:])
            np.testing.assert_array_equal(film[:4], plain[:4])
