"""Window and level, views and forms: what the reader sees, and that the model never sees it."""

import numpy as np
import pytest

from cxr_core.export.overlay import MapStyle, map_layer
from cxr_core.imaging.windowing import Window, apply_window
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.ui.words import default_finding
from tests.helpers.pages import (
    READ,
    page_text,
    pixels_of,
    shown_layer,
    shown_picture,
    upload_film,
    view_of,
)


def zoom_of(session) -> str:
    """What the reader's zoom is kept for."""
    return view_of(session)["identity"]


@pytest.fixture(scope="module")
def film() -> bytes:
    return phantom_png(4, findings=("effusion",), size=256)


def test_window_level_and_invert_change_the_display_alone(open_page, film):
    session = upload_film(open_page(READ), film)
    read = page_text(session)
    session.toggle(key="with_window").set_value(True).run()
    pixels = pixels_of(film)
    assert session.selectbox[0].value == "As the model sees it"
    low, high = int(pixels.min()), int(pixels.max())
    level, width = (slider for slider in session.slider if slider.label in ("Level", "Width"))
    assert (level.value, width.value) == (round((low + high + 1) / 2), high - low + 1)

    before = zoom_of(session)
    level.set_value(90).run()
    assert zoom_of(session) == before
    assert session.selectbox[0].value == "Custom window"
    expected = apply_window(pixels, Window("", 90, high - low + 1))
    assert (shown_picture(session) == expected).all()
    (negative,) = (toggle for toggle in session.toggle if toggle.label == "Invert")
    negative.set_value(True).run()
    assert (shown_picture(session) == 255 - expected).all()

    session.selectbox[0].set_value("Full range").run()
    spread = np.rint((pixels.astype(float) - low) / (high - low) * 255)
    assert np.abs(shown_picture(session) - (255 - spread)).max() <= 1
    (level,) = (slider for slider in session.slider if slider.label == "Level")
    assert level.value == round((low + high + 1) / 2)

    zoomed = zoom_of(session)
    session.button(key="reset_display").click().run()
    assert (shown_picture(session) == pixels).all()
    assert zoom_of(session) != zoomed
    # Not a word of the result has changed all the while, and the next film begins anew.
    assert read == page_text(session)
    session.selectbox[0].set_value("More contrast").run()
    session = upload_film(session, phantom_png(5, size=256))
    assert (shown_picture(session) == pixels_of(phantom_png(5, size=256))).all()


def test_views_and_forms(open_page, film, model):
    session = upload_film(open_page(READ), film)
    session.segmented_control(key="view").set_value("Side by side").run()
    assert view_of(session)["beside"]
    session.segmented_control(key="form").set_value("Contours").run()
    analysis = load_analyzer(model).analyze(film)
    key = default_finding(analysis.margins)
    expected = map_layer(analysis, key, (256, 256), MapStyle(mode="contour"))
    assert (shown_layer(session) == expected).all()
    session.segmented_control(key="view").set_value("Film").run()
    assert not view_of(session)["map"]
    session.segmented_control(key="view").set_value("Overlay").run()
    session.toggle(key="blink").set_value(True).run()
    assert view_of(session)["blink"]


def test_results_stay_hidden_until_the_reader_asks(open_page, film):
    session = open_page(READ)
    session.toggle(key="hide_results").set_value(True).run()
    session = upload_film(session, film)
    assert not view_of(session)["map"]
    assert "cut-off" not in page_text(session)
    assert not session.get("download_button")
    # The reader's own word comes first, and is still there afterwards.
    (word,) = [one for one in session.segmented_control if "of Effusion" in one.label]
    word.set_value("present").run()
    session.button(key="show_results").click().run()
    (word,) = [one for one in session.segmented_control if "of Effusion" in one.label]
    assert word.value == "present"
    session.button(key="show_effusion").click().run()
    assert view_of(session)["map"]
    assert "cut-off" in page_text(session)
    session = upload_film(session, phantom_png(6, size=256))  # the wish holds for the next film too
    assert "cut-off" not in page_text(session)
