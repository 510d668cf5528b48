"""The overlay's picture: the film's pixels untouched, everything else below them."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cxr_core.export.overlay import (
    PALE,
    MapStyle,
    draw_map,
    evidence_colormap,
    typical_gray,
)
from cxr_core.export.png import MIN_WIDTH, colorbar, colorbar_labels, overlay_image, overlay_png
from cxr_core.version import VERSION
from tests.helpers.analyses import STOPPED
from tests.helpers.records import export_analysis, make_record

BANNER_GROUND = (235, 235, 235)


def banner_rows(picture: np.ndarray) -> int:
    """How many lines of pixels begin on the banner's ground."""
    return int((picture[512:, 0] == BANNER_GROUND).all(axis=1).sum())


@pytest.mark.parametrize("style", [MapStyle(), MapStyle(opacity=0.3, signed=True)])
def test_the_film_is_the_one_renderers_pixel_by_pixel(style):
    record = make_record(style=style)
    analysis = record.analysis
    picture = overlay_image(record)
    drawn = draw_map(analysis.radiograph.pixels, analysis, "effusion", style)
    assert (picture[:512] == drawn).all()
    assert picture.shape[1] == 600
    assert 60 < picture.shape[0] - 512 < 200  # the strip is below the film, not over it


def test_without_opacity_the_film_is_the_plain_film():
    record = make_record(style=MapStyle(opacity=0.0))
    assert (overlay_image(record)[:512] == record.analysis.radiograph.pixels[..., None]).all()


def test_the_png_holds_the_picture_and_names_the_program_alone():
    record = make_record(reference="Ward B", note="Old scar.")
    with Image.open(io.BytesIO(overlay_png(record))) as image:
        assert (np.asarray(image) == overlay_image(record)).all()
        assert (image.mode, image.info) == ("RGB", {"Software": f"cxr_core {VERSION}"})


@pytest.mark.parametrize(
    "changes", [{"gate": STOPPED}, {"correction": "rotate_ccw"}], ids=["stopped", "corrected"]
)
def test_a_stopped_or_corrected_film_carries_its_banner(changes):
    plain = overlay_image(make_record())
    marked = overlay_image(make_record(export_analysis(**changes)))
    assert banner_rows(plain) == 0
    height = banner_rows(marked)
    assert height == marked.shape[0] - plain.shape[0] >= 26
    banner = marked[512 : 512 + height]
    assert (banner == 0).all(axis=2).sum() > 100  # black letters on it
    assert (marked[:512] == plain[:512]).all()


def test_a_banner_of_many_words_grows_and_loses_none():
    many = replace(STOPPED, reasons=("A reason that takes its room.",) * 20)
    short = overlay_image(make_record(export_analysis(gate=STOPPED)))
    long = overlay_image(make_record(export_analysis(gate=many)))
    assert banner_rows(long) > 5 * banner_rows(short)


def test_a_small_film_stands_in_the_middle_of_a_field_wide_enough_to_read():
    film = export_analysis().radiograph
    gray = np.full((64, 70), 90, np.uint8)
    record = make_record(export_analysis(replace(film, pixels=gray)), style=MapStyle(opacity=0.0))
    picture = overlay_image(record)
    assert picture.shape[1] == MIN_WIDTH == 480
    assert (picture[:64, 205:275] == 90).all()
    assert (picture[:64, :205] == 0).all()
    assert (picture[:64, 275:] == 0).all()


def test_the_scale_runs_over_the_films_gray_as_strong_as_the_map_does():
    gray = typical_gray(export_analysis().radiograph.pixels)
    assert gray == 120  # a ramp from 20 to 220
    plain = colorbar(make_record(), 101, 4)
    assert plain.shape == (4, 101, 3)
    assert (plain[:, 0] == gray).all()
    signed = make_record(style=MapStyle(signed=True, opacity=0.5))
    both = colorbar(signed, 101, 4)
    assert (both[0, 50] == gray).all()
    # The ends are those of the two ramps over that gray: a veil of 0.7, at half its opacity.
    for end, ramp in (
        (both[0, -1], evidence_colormap()[-1]),
        (both[0, 0], evidence_colormap(negative=True)[-1]),
    ):
        assert np.abs(end - (gray + (ramp.astype(float) - gray) * 0.35)).max() <= 1
    assert colorbar_labels(make_record()) == ("weak", "strong")
    assert colorbar_labels(signed) == ("strong", "strong")


def test_a_map_that_is_not_flagged_is_drawn_on_request_alone_and_pale():
    film = export_analysis().radiograph.pixels
    nothing = make_record(shown_finding="atelectasis")
    assert (overlay_image(nothing)[: len(film)] == film[..., None]).all()
    asked = overlay_image(replace(nothing, map_requested=True))[: len(film)].astype(int)
    full = overlay_image(make_record())[: len(film)].astype(int)  # the same map, flagged
    away = [np.abs(one - film[..., None]).max() for one in (asked, full)]
    assert 0 < away[0] <= round(PALE * away[1]) + 1
