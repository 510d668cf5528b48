"""A film that the gate stops: nothing of a result, the correction, and reading it anyway."""

import io
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from PIL import Image

from cxr_core.findings import KEYS
from cxr_core.imaging.gate import GateResult, check_radiograph
from cxr_core.phantom.draw import draw_phantom, encode_png, phantom_png
from cxr_core.reading import analyzer
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.pages import (
    READ,
    page_text,
    pixels_of,
    shown_layer,
    shown_picture,
    upload_film,
    view_of,
)


@pytest.fixture(scope="module")
def blank() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (128, 128), 90).save(stream, "PNG")
    return stream.getvalue()


def assert_stopped(session) -> None:
    assert not session.error
    assert "Not read" in page_text(session)
    assert not view_of(session)["map"]  # the film, and no map
    assert not session.get("download_button")
    assert "cut-off" not in page_text(session)
    assert "Raw logit" not in page_text(session)
    assert "check the marker on the film" in unescape(page_text(session))


def test_a_stopped_film_shows_its_reason_and_no_result(open_page, blank):
    session = upload_film(open_page(READ), blank)
    assert_stopped(session)
    assert "almost uniformly gray" in page_text(session)
    session.button(key="read_anyway").click().run()
    assert "Not read" not in page_text(session)
    assert "almost uniformly gray" in page_text(session)  # all the time
    # In words and in every card, not by a colour alone; and nothing that reassures.
    words = unescape(page_text(session))
    assert words.count("Not reliable: read at the reader's request") == 1 + len(KEYS)
    assert words.count('class="finding') == words.count(" doubtful") == len(KEYS)
    for reassuring in ("Nothing flagged", "Flagged:", "None of the three", "carried the label"):
        assert reassuring not in words
    session.button(key="show_effusion").click().run()
    assert view_of(session)["map"]
    session = open_page(READ, open_page("app.py", session))
    assert view_of(session)["map"]  # the same film: asked once
    session = upload_film(session, blank)
    assert_stopped(session)  # a new upload is judged anew


@pytest.fixture
def stop_negatives(monkeypatch):
    """A gate that stops bright-edged films and knows the remedy, as the fitted one does."""

    def check(radiograph, *rest, **named):
        found = check_radiograph(radiograph, *rest, **named)
        if radiograph.pixels[:8].mean() < 128:
            return found
        return replace(found, passed=False, reasons=("It looks inverted.",), suggestion="invert")

    monkeypatch.setattr(analyzer, "check_radiograph", check)


def test_the_suggested_correction_is_one_click_and_can_be_undone(open_page, stop_negatives):
    film = phantom_png(7, size=256)
    stream = io.BytesIO()
    Image.fromarray(255 - pixels_of(film)).save(stream, "PNG")
    session = upload_film(open_page(READ), stream.getvalue())
    assert_stopped(session)
    assert "Not read: it looks inverted." in page_text(session)

    session.button(key="correct_suggested_invert").click().run()
    assert "Corrected film" in page_text(session)
    assert "Inverted at your request" in page_text(session)
    assert (shown_picture(session) == pixels_of(film)).all()
    assert "cut-off" in page_text(session)
    assert "Inverted on request" in page_text(session)

    session.button(key="undo_correction").click().run()
    assert_stopped(session)
    assert "Corrected film" not in page_text(session)
    session.button(key="correct_other_rotate_180").click().run()
    upside_down = np.rot90(255 - pixels_of(film), 2)
    assert (shown_picture(session) == upside_down).all()


def test_a_passed_film_can_be_corrected_too(open_page):
    film = phantom_png(8, size=256)
    session = upload_film(open_page(READ), film)
    session.button(key="correct_menu_rotate_ccw").click().run()
    assert (shown_picture(session) == np.rot90(pixels_of(film))).all()
    assert "Rotated 90° counter-clockwise at your request" in page_text(session)
    session = upload_film(session, film)
    assert "Corrected film" not in page_text(session)
    assert (shown_picture(session) == pixels_of(film)).all()


def test_corrections_add_up_and_are_undone_together(open_page):
    film = phantom_png(8, size=256)
    wrong = np.rot90(255 - pixels_of(film))[:, ::-1]
    session = upload_film(open_page(READ), encode_png(np.ascontiguousarray(wrong)))
    for step in ("mirror", "invert", "rotate_cw"):
        session.button(key=f"correct_menu_{step}").click().run()
    assert (shown_picture(session) == pixels_of(film)).all()
    assert (
        "Inverted, mirrored and rotated 90° clockwise at your request, on screen and for the "
        "model." in page_text(session)
    )
    session.button(key="correct_menu_invert").click().run()
    assert (shown_picture(session) == 255 - pixels_of(film)).all()  # inverted back
    session.button(key="undo_correction").click().run()
    assert (shown_picture(session) == wrong).all()
    assert "Corrected film" not in page_text(session)


def test_a_film_between_bars_is_read_and_offered_without_them(open_page, monkeypatch):
    """Film, map and cards are all of the cropped film, and the page says what was cut off."""
    crop = "crop_60_0_40_0"

    def check(radiograph, *rest, **named):
        barred = radiograph.pixels.shape == (256, 356)
        note = ("The film lies between uniform bars.",) if barred else ()
        return GateResult(True, (), crop if barred else None, note)

    monkeypatch.setattr(analyzer, "check_radiograph", check)
    film = phantom_png(8, size=256)
    session = open_page(READ)
    session = upload_film(session, encode_png(np.pad(pixels_of(film), ((0, 0), (60, 40)))))
    assert "The film lies between uniform bars." in page_text(session)
    assert session.button(key=f"correct_offer_{crop}").label == (
        "Crop the bars (60 px left and 40 px right) and read"
    )
    session.button(key=f"correct_offer_{crop}").click().run()
    assert (shown_picture(session) == pixels_of(film)).all()
    session.button(key="show_effusion").click().run()
    layer = shown_layer(session)
    assert layer.shape[0] == layer.shape[1]  # as the cropped film, square
    assert "Cropped by its bars (60 px left and 40 px right) at your request" in page_text(session)
    assert not [button.key for button in session.button if "offer" in str(button.key)]


def test_the_reader_chooses_the_window_that_the_model_reads(open_page):
    film = draw_phantom(8, size=256).pixels
    twelve = np.rint(film * (4095 / 255)).astype(np.uint16)
    windows = {"WindowCenter": [2048, 1024], "WindowWidth": [4096, 2048]}
    data = to_bytes(film_dataset(twelve, BitsStored=12, HighBit=11, **windows))
    session = upload_film(open_page(READ), data)
    assert (shown_picture(session) == film).all()

    session.button(key="correct_menu_window_2").click().run()
    expected = np.rint((twelve / 2047 * 255).clip(0, 255))
    assert np.abs(shown_picture(session) - expected).max() <= 1
    assert "Windowed by the file's window 2 at your request, on screen and for the model." in (
        unescape(page_text(session))
    )
    assert "correct_menu_window_2" not in [button.key for button in session.button]

    session.button(key="correct_menu_gray_levels").click().run()  # in the window's place
    words = unescape(page_text(session))
    assert "Stretched to its own gray range at your request" in words
    assert "window 2 at your request" not in words
    session.button(key="undo_correction").click().run()
    assert (shown_picture(session) == film).all()
