"""The overlay's pixels against values worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cxr_core.export.overlay import (
    CONTOUR_LEVELS,
    MAX_ALPHA,
    alpha_composite,
    evidence_alpha,
    evidence_colormap,
    evidence_layer,
    peak_fraction,
    upsample_evidence,
)

FORMS = ("colour", "contour")
WARMEST = evidence_colormap()[-1].astype(int)
COOLEST = evidence_colormap(negative=True)[-1].astype(int)


def compose_overlay(film, evidence, *, maximum, opacity, signed=False, form="colour"):
    layer = evidence_layer(evidence, film.shape, maximum=maximum, signed=signed, mode=form)
    return alpha_composite(film, layer, opacity=opacity)


def even_map(value: float) -> np.ndarray:
    return np.full((7, 7), value, dtype=np.float32)


@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(64, 90), st.integers(64, 90)),
    signed=st.booleans(),
    form=st.sampled_from(FORMS),
)
def test_without_opacity_every_pixel_is_the_plain_film(seed, shape, signed, form):
    rng = np.random.default_rng(seed)
    film = rng.integers(0, 256, shape, dtype=np.uint8)
    evidence = rng.normal(size=(7, 7)).astype(np.float32)
    seen = compose_overlay(film, evidence, maximum=1.0, opacity=0.0, signed=signed, form=form)
    assert (seen == film[..., None]).all()


def test_full_evidence_at_full_opacity_lets_the_film_through():
    for gray in (0, 200):
        film = np.full((70, 70), gray, dtype=np.uint8)
        seen = compose_overlay(film, even_map(2.0), maximum=2.0, opacity=1.0)
        expected = gray + (WARMEST - gray) * MAX_ALPHA
        assert np.abs(seen[30, 30] - expected).max() <= 1


def test_half_opacity_lies_halfway_between_film_and_colour():
    film = np.full((70, 70), 200, dtype=np.uint8)
    seen = compose_overlay(film, even_map(5.0), maximum=1.0, opacity=0.5)  # saturated
    assert np.abs(seen[30, 30] - (200 + (WARMEST - 200) * MAX_ALPHA / 2)).max() <= 1


def test_twice_the_evidence_is_twice_the_veil():
    assert evidence_alpha(np.array([0.25], np.float32)) == pytest.approx(MAX_ALPHA / 4)
    layer = evidence_layer(even_map(1.0), (70, 70), maximum=2.0)
    # Step 128 of 255 is the nearest to half of the scale.
    assert set(np.unique(layer[..., 3])) == {round(MAX_ALPHA * 128 / 255 * 255)}
    assert (layer[..., :3] == evidence_colormap()[128]).all()


def test_negative_evidence_shows_nothing_unless_signed():
    film = np.full((70, 90), 120, dtype=np.uint8)
    plain = compose_overlay(film, even_map(-1.0), maximum=1.0, opacity=1.0)
    signed = compose_overlay(film, even_map(-1.0), maximum=1.0, opacity=1.0, signed=True)
    assert (plain == 120).all()
    assert np.abs(signed[30, 40] - (120 + (COOLEST - 120) * MAX_ALPHA)).max() <= 1


def test_the_same_scale_for_every_map_never_its_own_maximum():
    film = np.zeros((70, 70), dtype=np.uint8)
    weak = compose_overlay(film, even_map(0.04), maximum=1.0, opacity=1.0)
    strong = compose_overlay(film, even_map(1.0), maximum=1.0, opacity=1.0)
    # On black, the weak map is its own ramp's colour at its own cover.
    assert np.abs(weak[30, 30] - evidence_colormap()[10] * 0.04 * MAX_ALPHA).max() <= 1
    assert np.abs(strong[30, 30] - WARMEST * MAX_ALPHA).max() <= 1


def test_a_map_is_unsquashed_to_a_wide_film():
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[5, 1] = 1.0
    seen = upsample_evidence(evidence, (140, 280))
    row, column = np.unravel_index(np.argmax(seen), seen.shape)
    # The middle of cell (5, 1) of 7 x 7: (5.5 / 7 * 140, 1.5 / 7 * 280).
    assert max(abs(row + 0.5 - 110), abs(column + 0.5 - 60)) <= 1


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
    assert peak_fraction(evidence, maximum=2.0) == share
    layer = evidence_layer(evidence, (224, 224), maximum=2.0)
    assert bool(layer[..., 3].any()) is (share > 0)


def ring(layer, column):
    """Whether a line is drawn around the middle of cell (3, column), by angle."""
    side = layer.shape[0]
    middle = side * 3.5 / 7, side * (column + 0.5) / 7
    drawn = []
    for angle in np.linspace(0, 2 * np.pi, 720, endpoint=False):
        rows = (middle[0] + np.arange(80, 168) * np.sin(angle)).round().astype(int)
        columns = (middle[1] + np.arange(80, 168) * np.cos(angle)).round().astype(int)
        # A line is opaque; the veil never is.
        drawn.append(bool((layer[rows, columns, 3] > 250).any()))
    return drawn


@pytest.mark.parametrize("form", FORMS)
def test_signs_are_told_by_solid_and_dashed_lines(form):
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[3, 1], evidence[3, 5] = 0.45, -0.45
    layer = evidence_layer(evidence, (1200, 1200), maximum=1.0, signed=True, mode=form)
    solid, dashed = ring(layer, 1), ring(layer, 5)
    assert sum(solid) > 0.97 * 720
    changes = sum(a != b for a, b in pairwise(dashed))
    assert changes >= 20
    assert 0.3 * 720 < sum(dashed) < 0.75 * 720


def test_contours_hide_nothing_between_their_lines():
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[3, 3] = 1.0
    layer = evidence_layer(evidence, (700, 700), maximum=1.0, mode="contour")
    across = layer[350, 350:, 3] > 128  # from the peak to the right
    assert not across[0]
    assert np.count_nonzero(np.diff(across.astype(int)) == 1) == len(CONTOUR_LEVELS)
    assert (layer[..., 3] > 0).mean() < 0.05
    assert not evidence_layer(-evidence, (700, 700), maximum=1.0, mode="contour").any()


def test_higher_contours_are_heavier_and_brighter_with_a_dark_casing():
    evidence = np.zeros((7, 7), dtype=np.float32)
    evidence[3, 3] = 1.0
    layer = evidence_layer(evidence, (1400, 1400), maximum=1.0, mode="contour")
    across = layer[700, 700:].astype(int)
    starts = np.flatnonzero(np.diff((across[:, 3] > 128).astype(int)) == 1)
    lines = [across[start - 2 : start + 20] for start in starts]
    brightness = [line[:, :3].max() for line in lines]
    widths = [np.count_nonzero(line[:, 0] > 100) for line in lines]
    assert brightness == sorted(brightness, reverse=True)  # from the peak outwards
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1]
    for line in lines:
        opaque = line[line[:, 3] == 255]
        assert opaque[:, :3].sum(axis=1).min() < 60  # the casing


def test_the_signed_view_of_a_map_without_signs_has_no_ring():
    layer = evidence_layer(even_map(0.1), (100, 100), maximum=1.0, signed=True)
    assert layer[..., 3].max() == round(MAX_ALPHA * 26)


def test_ramps_rise_evenly_in_lightness():
    for negative in (False, True):
        grey = np.asarray(
            Image.fromarray(evidence_colormap(negative=negative)[None]).convert("L"), dtype=int
        )[0]
        assert (np.diff(grey) >= -1).all()
        assert grey[-1] - grey[0] > 60


def test_ramps_are_not_written_to():
    with pytest.raises(ValueError, match="read-only"):
        evidence_colormap()[0] = 0
