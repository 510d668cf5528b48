"""The film in the viewer, views and forms: what reaches the reader's browser."""

import pytest

from cxr_core.export.overlay import MapStyle, map_layer
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.ui.words import default_finding
from tests.helpers.packed_films import model_picture
from tests.helpers.pages import (
    READ,
    packed_film,
    page_text,
    pixels_of,
    place_of,
    shown_layer,
    shown_picture,
    upload_film,
    view_of,
)


@pytest.fixture(scope="module")
def film() -> bytes:
    return phantom_png(4, findings=("effusion",), size=256)


def test_the_viewer_is_sent_the_film_once_at_full_depth(open_page, film):
    session = upload_film(open_page(READ), film)
    packed, key = packed_film(session), view_of(session)["identity"]
    assert (model_picture(packed) == pixels_of(film)).all()
    place = place_of(session)
    assert not session.toggle(key="blink").value
    session.slider(key="opacity").set_value(20).run()  # a change of the display
    assert packed_film(session) == packed
    assert place_of(session) == place
    assert view_of(session)["identity"] == key
    session = upload_film(session, phantom_png(5, size=256))
    assert view_of(session)["identity"] != key  # another film begins anew
    assert place_of(session) != place  # and the last one's menus are closed
    assert (shown_picture(session) == pixels_of(phantom_png(5, size=256))).all()
    upload_film(session, film)
    assert view_of(session)["identity"] != key  # and so does the same one, opened again


def test_keys_press_buttons_that_the_page_has(open_page, film):
    session = upload_film(open_page(READ), film)
    for shortcut in view_of(session)["shortcuts"][:4]:
        name = shortcut["words"].removeprefix("Map of ")
        assert session.button(key=shortcut["widget"]).label == f"Show the map of {name}"


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
