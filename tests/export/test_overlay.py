"""The overlay's pixels against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cxr_core.export.colours import evidence_ramp
from cxr_core.export.overlay import (
    compose_overlay,
    evidence_layer,
    strongest_share,
    upsample_evidence,
)

WARMEST = evidence_ramp()[-1].astype(int)
COOLEST = evidence_ramp(negative=True)[-1].astype(int)


def even_map(value: float) -> np.ndarray:
    return np.full((7, 7), value, dtype=np.float32)


@given(
    opacity=st.just(0.0),
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(64, 90), st.integers(64, 90)),
    signed=st.booleans(),
)
def test_without_opacity_every_pixel_is_the_plain_film(opacity, seed, shape, signed):
    rng = np.random.default_rng(seed)
    film = rng.integers(0, 256, shape, dtype=np.uint8)
    evidence = rng.normal(size=(7, 7)).astype(np.float32)
    seen = compose_overlay(film, evidence, maximum=1.0, opacity=opacity, signed=signed)
    assert (seen == film[..., None]).all()


def test_full_evidence_at_full_opacity_is_the_ramps_end():
    film = np.full((70, 70), 200, dtype=np.uint8)
    seen = compose_overlay(film, even_map(2.0), maximum=2.0, opacity=1.0)
    assert (seen == WARMEST).all()


def test_half_opacity_lies_halfway_between_film_and_colour():
    film = np.full((70, 70), 200, dtype=np.uint8)
    seen = compose_overlay(film, even_map(5.0), maximum=1.0, opacity=0.5)  # saturated
    assert np.abs(seen[30, 30] - (200 + WARMEST) / 2).max() <= 0.5


def test_half_of_the_scale_covers_like_three_panes_of_half():
    layer = evidence_layer(even_map(1.0), (70, 70), maximum=2.0)
    assert set(np.unique(layer[..., 3])) == {223}  # (1 - 0.5 ** 3) * 255 = 223.1
    assert (layer[..., :3] == evidence_ramp()[128]).all()


def test_negative_evidence_shows_nothing_unless_signed():
    film = np.full((70, 90), 120, dtype=np.uint8)
    plain = compose_overlay(film, even_map(-1.0), maximum=1.0, opacity=1.0)
    signed = compose_overlay(film, even_map(-1.0), maximum=1.0, opacity=1.0, signed=True)
    assert (plain == 120).all()
    assert (signed[30, 40] == COOLEST).all()


def test_the_same_scale_for_every_map_never_its_own_maximum():
    film = np.zeros((70, 70), dtype=np.uint8)
    weak = compose_overlay(film, even_map(0.04), maximum=1.0, opacity=1.0)
    strong = compose_overlay(film, even_map(1.0), maximum=1.0, opacity=1.0)
    # On black, the weak map is its own ramp's colour at a cover of 1 - 0.96 ** 3.
    assert np.abs(weak[30, 30].astype(int) - evidence_ramp()[10] * 0.115).max() <= 1
    assert (strong == WARMEST).all()


def test_a_map_is_unsquashed_to_a_wide_film():
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[5, 1] = 1.0
    seen = upsample_evidence(evidence, (140, 280))
    row, column = np.unravel_index(np.argmax(seen), seen.shape)
    # The middle of cell (5, 1) of 7 x 7: (5.5 / 7 * 140, 1.5 / 7 * 280).
    assert (abs(row + 0.5 - 110), abs(column + 0.5 - 60)) <= (1, 1)


def test_smoothing_never_makes_evidence_that_no_cell_has():
    evidence = np.full((7, 7), -0.2, dtype=np.float32)
    evidence[3, 3] = -1.0  # bicubic would overshoot above -0.2 around it
    seen = upsample_evidence(evidence, (200, 200))
    assert seen.max() <= np.float32(-0.2)
    assert seen.min() >= np.float32(-1.0)


@pytest.mark.parametrize(("value", "share"), [(0.5, 0.25), (9.0, 1.0), (0.0, 0.0), (-3, 0.0)])
def test_a_map_tells_its_strongest_positive_evidence(value, share):
    evidence = even_map(-1.0)
    evidence[2, 2] = value
    assert strongest_share(evidence, maximum=2.0) == share
    layer = evidence_layer(evidence, (224, 224), maximum=2.0)
    assert bool(layer[..., 3].any()) is (share > 0)


def test_signs_are_ringed_solid_and_dashed():
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[3, 1], evidence[3, 5] = 1.0, -1.0
    layer = evidence_layer(evidence, (1200, 1200), maximum=1.0, signed=True)
    # Around the middle of each cell, count the drawn parts of the ring by angle.
    parts = {}
    for name, centre in (("solid", (600, 1200 * 1.5 / 7)), ("dashed", (600, 1200 * 5.5 / 7))):
        drawn = []
        for angle in np.linspace(0, 2 * np.pi, 720, endpoint=False):
            rows = (centre[0] + np.arange(80, 168) * np.sin(angle)).round().astype(int)
            columns = (centre[1] + np.arange(80, 168) * np.cos(angle)).round().astype(int)
            cover = layer[rows, columns, 3].astype(int)
            # A ring is opaque where the evidence around it has faded to a quarter.
            drawn.append(bool((cover == 255).any()))
        parts[name] = drawn
    assert sum(parts["solid"]) > 0.97 * 720
    changes = sum(a != b for a, b in zip(parts["dashed"], parts["dashed"][1:], strict=False))
    assert changes >= 20
    assert 0.3 * 720 < sum(parts["dashed"]) < 0.75 * 720


def test_the_signed_view_of_a_map_without_signs_has_no_ring():
    layer = evidence_layer(even_map(0.1), (100, 100), maximum=1.0, signed=True)
    assert layer[..., 3].max() == round((1 - 0.9**3) * 255)


def test_ramps_rise_evenly_in_lightness():
    for negative in (False, True):
        grey = np.asarray(
            Image.fromarray(evidence_ramp(negative=negative)[None]).convert("L"), dtype=int
        )[0]
        assert (np.diff(grey) >= -1).all()
        assert grey[-1] - grey[0] > 60


def test_ramps_are_not_written_to():
    with pytest.raises(ValueError, match="read-only"):
        evidence_ramp()[0] = 0
