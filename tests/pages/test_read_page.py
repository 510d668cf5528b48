"""The Read page as a session sees it: upload, switch and return, refusals, two sessions."""

import hashlib
import io

import pytest
from PIL import Image
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from cxr_core.export.overlay import MapStyle, alpha_composite, draw_map, map_layer, style_on_film
from cxr_core.export.record import flag_word, map_title
from cxr_core.findings import KEYS, LABELS
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.ui.words import default_finding, percent
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
def films() -> list[bytes]:
    return [phantom_png(seed, findings=("effusion",), size=256) for seed in (1, 2)]


def assert_shows(session: AppTest, film: bytes) -> None:
    """The picture is this film's pixels and no other's, and the page names its hash."""
    assert not session.error
    assert (shown_picture(session) == pixels_of(film)).all()
    assert hashlib.sha256(film).hexdigest() in page_text(session)


def test_without_a_film_it_asks_for_one(open_page):
    session = open_page(READ)
    assert not session.error
    assert session.file_uploader[0].allowed_type == []  # a DICOM often has no extension
    assert session.button(key="try_phantom")
    assert view_of(session) is None


def test_an_upload_is_read_with_the_analyzers_own_numbers(open_page, films, model):
    session = upload_film(open_page(READ), films[0])
    analysis = load_analyzer(model).analyze(films[0])
    key = default_finding(analysis.margins)
    session.button(key=f"show_{key}").click().run()  # its map, flagged or not
    session.button(key="show_no_finding").click().run()
    assert "What argues against a normal film" in page_text(session)
    session.button(key=f"show_{key}").click().run()
    text = page_text(session)
    for name in KEYS:
        assert LABELS[name] in text
        side = flag_word(name, flagged=analysis.above[name])
        point = percent(analysis.operating_points[name].threshold).replace(" ", "&nbsp;")
        assert f"{side} (cut-off {point})" in text
        assert percent(analysis.probabilities[name]).replace("<", "&lt;") in text
    assert "Grad-CAM" in text
    assert "zero is the cut-off" in text
    style = style_on_film(analysis, key, MapStyle(opacity=0.6), requested=True)
    opacity = view_of(session)["opacity"]
    flat = alpha_composite(shown_picture(session), shown_layer(session), opacity=opacity)
    assert (flat == draw_map(pixels_of(films[0]), analysis, key, style)).all()
    assert "check the marker on the film" in text.replace("&#x27;", "'")
    assert "50 %" not in text
    assert_shows(session, films[0])


def test_another_film_changes_everything_at_once(open_page, films):
    session = upload_film(open_page(READ), films[0])
    session.button(key="show_effusion").click().run()
    with_first = shown_layer(session)
    session = upload_film(session, films[1])
    session.button(key="show_effusion").click().run()
    assert (shown_layer(session) != with_first).any()
    assert hashlib.sha256(films[0]).hexdigest() not in page_text(session)
    assert_shows(session, films[1])


def test_the_film_is_there_after_a_page_switch_and_return(open_page, films):
    session = upload_film(open_page(READ), films[0])
    before = view_of(session)
    session = open_page("app.py", session)
    session = open_page("pages/4_Model_card.py", session)
    session = open_page(READ, session)
    assert view_of(session) == before
    assert_shows(session, films[0])


def test_two_sessions_never_see_each_others_film(open_page, films):
    first, second = open_page(READ), open_page(READ)
    first = upload_film(first, films[0])
    assert view_of(second.run()) is None
    second = upload_film(second, films[1])
    first.run()
    assert_shows(first, films[0])
    assert_shows(second, films[1])
    first.button(key="close_film").click().run()
    assert view_of(first) is None
    assert_shows(second, films[1])


def test_the_phantom_is_one_click_away(open_page):
    session = open_page(READ)
    session.button(key="try_phantom").click().run()
    assert not session.error
    assert shown_picture(session).shape == (1024, 1024)
    assert "A drawing, not a patient" in page_text(session)


def test_an_example_is_read_and_its_labels_come_when_asked_for(open_page):
    session = open_page(READ)
    session.button(key="example_1").click().run()
    assert not session.error
    assert "the model has not learnt from it" in page_text(session)
    labels = "labels of this film: Atelectasis, cardiomegaly, effusion."
    assert labels not in page_text(session)
    session.button(key="show_example_labels").click().run()
    assert labels in page_text(session)
    session = upload_film(session, phantom_png(6, size=256))  # another film has no such button
    assert "show_example_labels" not in {button.key for button in session.button}


def test_a_row_brings_its_map_to_the_large_view(open_page, films, model):
    session = upload_film(open_page(READ), films[0])
    analysis = load_analyzer(model).analyze(films[0])
    for key in KEYS:
        session.button(key=f"show_{key}").click().run()
        expected = map_layer(analysis, key, (256, 256), MapStyle())
        assert (shown_layer(session) == expected).all()
        assert map_title(key) in view_of(session)["label"]


def test_the_signed_view_says_what_its_colours_mean(open_page, films):
    session = upload_film(open_page(READ), films[0])
    session.button(key="show_effusion").click().run()
    session.toggle(key="signed").set_value(True).run()
    assert "Cool, dashed line: what pushed it down" in page_text(session)


@pytest.mark.parametrize(
    ("name", "data", "cause"),
    [
        ("film.png", b"", "empty"),
        ("film.png", b"this is text\n" * 20, "not an image"),
        ("film.dcm", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, ""),
        ("one.png", None, "too small"),
    ],
)
def test_a_bad_upload_is_one_sentence_and_the_page_goes_on(open_page, films, name, data, cause):
    if data is None:
        stream = io.BytesIO()
        Image.new("L", (1, 1)).save(stream, "PNG")
        data = stream.getvalue()
    session = upload_film(open_page(READ), films[0])
    session = upload_film(session, data, name)
    (error,) = session.error
    assert cause in error.value
    assert "Traceback" not in error.value
    assert not session.exception
    assert view_of(session) is None  # nothing of the film before
    session = upload_film(session, films[1])
    assert_shows(session, films[1])


def test_the_name_of_a_file_stands_over_the_film_alone_and_goes_with_it(open_page, films):
    session = upload_film(open_page(READ), films[0], "DOE_JANE_1960.png")
    assert view_of(session)["stated"].endswith("DOE_JANE_1960.png")
    assert "DOE_JANE" not in page_text(session)
    session.toggle(key="show_identity").set_value(False).run()
    assert "DOE_JANE" not in repr([one.proto for one in session.get("bidi_component")])
    session.button(key="close_film").click().run()
    held = [page_text(session), repr(session.session_state.to_dict())]
    assert "DOE_JANE" not in "".join(held)  # an underscore, which no base64 text has


def test_the_server_forgets_the_uploaded_file(open_page, films, monkeypatch):
    removed = []
    remove = MemoryUploadedFileManager.remove_file

    def watched(manager, session_id, file_id):
        stored = manager.get_files(session_id, [file_id])
        remove(manager, session_id, file_id)
        removed.append((len(stored), len(manager.get_files(session_id, [file_id]))))

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", watched)
    session = upload_film(open_page(READ), films[0])
    assert removed == [(1, 0)]
    assert_shows(session, films[0])


def test_a_missing_model_is_a_sentence(open_page, films, tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_MODEL", str(tmp_path / "nowhere"))
    session = upload_film(open_page(READ), films[0])
    (error,) = session.error
    assert "no model in this folder" in error.value
    assert "models/default" in error.value


def test_an_altered_model_is_refused_and_its_repair_is_taken_up(
    open_page, films, model, tmp_path, monkeypatch
):
    folder = tmp_path / "altered"
    folder.mkdir()
    for name in ("model.json", "model.safetensors"):
        (folder / name).write_bytes((model / name).read_bytes())
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace("0.31", "0.99"))
    monkeypatch.setenv("CXR_MODEL", str(folder))
    session = upload_film(open_page(READ), films[0])
    assert "changed after it was written" in session.error[0].value
    (folder / "model.json").write_text(text)
    assert_shows(session.run(), films[0])
