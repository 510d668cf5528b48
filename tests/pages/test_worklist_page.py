"""The Worklist page as a session sees it: many films, one of them bad, opened and come back to."""

import numpy as np
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from cxr_core.phantom.draw import encode_png, phantom_png
from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.worklist.session import Worklist
from tests.helpers.pages import READ, WORKLIST, page_text, upload_film
from tests.helpers.zips import zip_bytes


def on_effusion(session: AppTest):
    """What the reader says of it."""
    (word,) = [one for one in session.segmented_control if "of Effusion" in one.label]
    return word


def read_all(session: AppTest) -> AppTest:
    """A browser's clock, which AppTest lacks, asks for one drawing after the other."""
    session.run()
    while session.session_state["worklist"].running:
        session.run()
    return session.run()


def test_films_are_read_listed_opened_and_come_back_to(open_page, monkeypatch):
    removed = []
    remove = MemoryUploadedFileManager.remove_file

    def watched(manager, session_id, file_id):
        remove(manager, session_id, file_id)
        removed.append(file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", watched)
    films = [phantom_png(seed, findings=("effusion",), size=208) for seed in (1, 2)]
    session = open_page(WORKLIST)
    session.file_uploader[0].upload(
        "DOE_JANE.zip", zip_bytes({"DOE_1.png": films[0], "DOE_2": b"?"})
    )
    session.file_uploader[0].upload("DOE_3.png", films[1])
    read_all(session)
    assert not session.exception
    text = page_text(session)
    assert "3 of 3 films. Order: stopped or unreadable films" in text
    first, *others = [part.split("</strong>")[0] for part in text.split("<strong>Film ")[1:]]
    assert first == "2"  # it cannot be read
    assert sorted(others) == ["1", "3"]
    assert "Cannot be read.</strong> This file cannot be read" in text
    assert len(set(removed)) == 2
    assert "DOE_JANE.zip/DOE_2" in text  # which file cannot be read

    by_number = {"1": films[0], "3": films[1]}
    session.button(key=f"open_{others[0]}").click().run()
    session = open_page(READ, session)  # AppTest does not follow a page's own switch
    assert session.session_state["film_bytes"] == by_number[others[0]]
    session.button(key="next_film").click().run()
    assert session.session_state["film_bytes"] == by_number[others[1]]
    session = open_page(WORKLIST, session)
    assert page_text(session).count("✓ opened") == 2
    assert f".st-key-film_{others[1]}" in page_text(session)  # brought back into view

    session.button(key="worklist_clear").click().run()
    assert "film_bytes" not in session.session_state or not session.session_state["film_bytes"]
    assert "Film 1" not in page_text(session)


def test_names_stand_in_the_list_until_they_are_hidden(open_page):
    session = open_page(WORKLIST)
    session.file_uploader[0].upload("DOE_1.png", b"no film")
    read_all(session)
    assert "DOE_1.png" in page_text(session)
    session.toggle(key="worklist_names").set_value(False).run()
    assert "DOE_1" not in page_text(session)


def test_films_that_wait_are_read_while_one_is_open(open_page):
    films = Worklist()
    films.add("three.zip", zip_bytes({f"{n}.png": phantom_png(n, size=208) for n in (1, 2, 3)}))
    session = open_page(WORKLIST)
    session.session_state["worklist"] = films
    films.advance(shared_analyzer(), seconds=0)  # one
    films.cancel()
    session.run()
    session.button(key="open_1").click().run()
    films.resume()
    session = open_page(READ, session)
    while films.running:  # a slow machine reads one film a run
        session.run()
    assert not session.exception
    assert sorted(films.rows) == [1, 2, 3]
    place = [row.number for row in films.visible_rows()].index(1) + 1
    assert f"Film 1, {place} of 3" in page_text(session)
    beside = {button.key for button in session.button} & {"previous_film", "next_film"}
    assert (
        beside == {1: {"next_film"}, 2: {"previous_film", "next_film"}, 3: {"previous_film"}}[place]
    )


def test_what_was_done_to_a_film_in_read_stands_in_the_list(open_page):
    session = open_page(WORKLIST)
    # A blank film is stopped, whatever the model.
    session.file_uploader[0].upload("1.png", encode_png(np.full((256, 256), 90, np.uint8)))
    session.file_uploader[0].upload("2.png", phantom_png(3, size=208))
    read_all(session)
    assert "■ Stopped." in page_text(session)
    session.button(key="open_1").click().run()
    session = open_page(READ, session)
    session.button(key="read_anyway").click().run()
    session = open_page(WORKLIST, session)
    assert "■ Stopped." not in page_text(session)
    assert "⚠ The image is almost uniformly gray" in page_text(session)

    session.button(key="open_2").click().run()
    session = open_page(READ, session)
    on_effusion(session).set_value("unsure").run()
    assert "Your reading: unsure." in page_text(session)
    session.button(key="correct_menu_mirror").click().run()
    assert on_effusion(session).value == "unsure"  # it is said of the film, however it lies
    session = open_page(WORKLIST, session)
    assert "⚠ The film was mirrored" in page_text(session)
    session.button(key="open_1").click().run()
    session = open_page(WORKLIST, session)
    session.button(key="open_2").click().run()  # opened again, it is as the reader left it
    session = open_page(READ, session)
    assert "Corrected film." in page_text(session)
    session.button(key="close_film").click().run()
    session = open_page(WORKLIST, session)
    session.button(key="open_2").click().run()
    session = open_page(READ, session)
    assert on_effusion(session).value == "unsure"  # closing a film is not clearing the list
    session = open_page(WORKLIST, session)
    session.button(key="worklist_clear").click().run()
    session = upload_film(open_page(READ, session), phantom_png(3, size=208))
    assert on_effusion(session).value is None
