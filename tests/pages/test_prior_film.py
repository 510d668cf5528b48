"""A second film beside the first: as a session sees it, and what is left when it is closed."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cxr_core.export.record import NO_CLAIM
from cxr_core.phantom.draw import draw_phantom, phantom_png
from cxr_core.ui import state
from cxr_core.ui.read.two_readings import (
    NOT_MEASURED,
    OTHER_PATIENT,
    PRIOR_IS_LATER,
    UNKNOWN_PATIENT,
)
from tests.helpers.dicom_files import film_dataset, to_bytes
from tests.helpers.pages import READ, WORKLIST, page_text, upload_film, view_of
from tests.helpers.zips import zip_bytes


@pytest.fixture(scope="module")
def films() -> list[bytes]:
    return [phantom_png(seed, findings=("effusion",), size=256) for seed in (1, 2, 3)]


def dicom(seed: int, **tags: object) -> bytes:
    gray = draw_phantom(seed, size=256).pixels.astype(np.uint16) * 16
    return to_bytes(film_dataset(gray, BitsStored=12, HighBit=11, **tags))


def uniform() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (300, 300), 70).save(stream, "PNG")
    return stream.getvalue()


def prior_uploader(session: AppTest):
    (found,) = (one for one in session.file_uploader if one.label.startswith("Film to put beside"))
    return found


def put_beside(session: AppTest, film: bytes, name: str = "prior") -> AppTest:
    prior_uploader(session).upload(name, film)
    return session.run()


def test_both_films_stand_side_by_side_with_their_numbers(open_page, films):
    session = put_beside(upload_film(open_page(READ), films[0]), films[1])
    assert not session.error
    one, other = view_of(session), view_of(session, "prior")
    assert (one["title"], other["title"]) == ("This film", "Prior film")
    assert one["identity"] != other["identity"]
    assert one["inStep"] is other["inStep"] is True
    text = page_text(session)
    assert NO_CLAIM in text
    assert UNKNOWN_PATIENT in text
    assert text.count(NOT_MEASURED) >= 8
    assert "Side by side" not in [label for b in session.segmented_control for label in b.options]
    session.button(key="check_both").click().run()
    assert NOT_MEASURED not in page_text(session).split("Calibrated probabilities of the same")[1]
    session.toggle(key="prior_in_step").set_value(False).run()
    assert view_of(session)["inStep"] is False


def test_closed_it_leaves_nothing(open_page, films):
    session = put_beside(upload_film(open_page(READ), films[0]), films[1])
    session.button(key="check_both").click().run()
    session.button(key="close_prior").click().run()
    assert view_of(session, "prior") is None
    assert NO_CLAIM not in page_text(session)
    assert state.PRIOR not in session.session_state
    assert set(session.session_state["film_drawn"]) <= {"film", "map"}
    table = page_text(put_beside(session, films[1])).split("Calibrated probabilities of the same")[
        1
    ]
    assert table.count(NOT_MEASURED) == 4  # its stability is gone; the first film's is not


def test_another_film_ends_it(open_page, films):
    session = put_beside(upload_film(open_page(READ), films[0]), films[1])
    session = upload_film(session, films[2])
    assert view_of(session, "prior") is None
    assert state.PRIOR not in session.session_state


def test_a_prior_that_is_stopped_says_why_and_is_corrected_on_request(open_page, films):
    session = put_beside(upload_film(open_page(READ), films[0]), uniform())
    text = page_text(session)
    assert "Prior film. Not read" in text
    assert "almost uniformly gray" in text
    assert "not read" in text.split("Calibrated probabilities of the same")[1]
    assert view_of(session, "prior")["map"] == ""
    session.button(key="prior_menu_invert").click().run()
    assert "Inverted at your request" in page_text(session)
    session.button(key="undo_prior").click().run()
    assert "Inverted at your request" not in page_text(session)
    session.button(key="prior_read_anyway").click().run()
    text = page_text(session)
    assert "Prior film (not reliable)" in text
    assert "Prior film. Read although" in text


def test_a_prior_that_cannot_be_read_is_not_opened(open_page, films):
    session = put_beside(upload_film(open_page(READ), films[0]), b"no film")
    assert "text file" in session.error[0].value
    assert view_of(session) is not None
    assert view_of(session, "prior") is None
    assert not session.run().error


def test_results_stay_hidden_until_they_are_asked_for(open_page, films):
    session = upload_film(open_page(READ), films[0])
    session.toggle(key="hide_results").set_value(True).run()
    session = put_beside(session, films[1])
    assert NO_CLAIM not in page_text(session)
    assert view_of(session, "prior")["map"] == ""
    session.button(key="show_results").click().run()
    assert NO_CLAIM in page_text(session)


def test_what_the_files_say_of_each_other_is_told_in_neutral_sentences(open_page):
    first = dicom(1, PatientID="4711", StudyDate="20230211")
    second = dicom(2, PatientID="4712", StudyDate="20240501")
    session = put_beside(upload_film(open_page(READ), first, "now.dcm"), second, "then.dcm")
    text = page_text(session)
    assert OTHER_PATIENT in text
    assert PRIOR_IS_LATER.replace("'", "&#x27;") in text
    assert "this film 2023-02-11, prior film 2024-05-01" in text
    assert view_of(session)["stated"] == "Doe, Jane · ID 4711 · study 2023-02-11 · PA · now.dcm"
    assert "ID 4712" in view_of(session, "prior")["stated"]
    assert view_of(session)["printStated"] is False
    session.toggle(key="print_identity").set_value(True).run()
    assert view_of(session, "prior")["printStated"] is True
    session.toggle(key="show_identity").set_value(False).run()
    assert view_of(session)["stated"] == view_of(session, "prior")["stated"] == ""
    assert "2024-05-01" not in page_text(session)
    assert OTHER_PATIENT in page_text(session)  # it has no value of either file
    session = open_page(WORKLIST, session)
    session = open_page(READ, session)
    assert view_of(session)["stated"] == ""  # the switch is the session's


def test_a_film_of_the_worklist_is_put_beside_and_goes_with_it(open_page, films):
    session = open_page(WORKLIST)
    packed = zip_bytes({f"DOE_{n}.png": film for n, film in enumerate(films, start=1)})
    session.file_uploader[0].upload("films.zip", packed)
    session.run()
    while session.session_state["worklist"].running:
        session.run()
    session.run().button(key="open_1").click().run()
    session = open_page(READ, session)
    assert view_of(session)["stated"].endswith("films.zip/DOE_1.png")
    (chooser,) = session.selectbox
    assert chooser.options == ["Film 2 films.zip/DOE_2.png", "Film 3 films.zip/DOE_3.png"]
    chooser.set_value(3).run()
    assert view_of(session, "prior")["stated"].endswith("films.zip/DOE_3.png")
    session = open_page(WORKLIST, session)
    session.toggle(key="worklist_names").set_value(False).run()
    session = open_page(READ, session)
    assert "DOE" not in view_of(session)["stated"] + view_of(session, "prior")["stated"]
    session = open_page(WORKLIST, session)
    session.button(key="worklist_clear").click().run()
    assert state.PRIOR not in session.session_state
