"""3_Performance.py: a listed error opened with its film, and with its map where that belongs."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.imaging.phantom import draw_phantom, encode_png
from tests.demo_model import predictions
from tests.pages.film_page import decoded, pixels_of, view_of

PAGE = "pages/3_Performance.py"


def text_of(session: AppTest) -> str:
    return " ".join(element.proto.body for element in session.get("html"))


@pytest.fixture(scope="module")
def film() -> bytes:
    return encode_png(draw_phantom(7, size=256).pixels)


def choose(session: AppTest, option: str | None) -> AppTest:
    session.selectbox(key="errors_film_effusion").set_value(option)
    return session.run()


def test_a_listed_film_is_opened_from_its_folder(open_page, tmp_path, film):
    session = open_page(PAGE)
    assert "Without a folder the films are names only" in text_of(session)
    assert not session.selectbox
    assert view_of(session) is None

    session.text_input(key="errors_folder").set_value(str(tmp_path)).run()
    options = session.selectbox(key="errors_film_effusion").options
    first, second = (option.split(": ")[1] for option in options[:2])
    assert options[0] == f"Miss 1: {first}"
    (tmp_path / "images_001").mkdir()
    (tmp_path / "images_001" / first).write_bytes(film)
    (tmp_path / second).write_bytes(b"no film")

    choose(session, options[0])
    view = view_of(session)
    assert (decoded(view["film"]) == pixels_of(film)).all()
    assert view["beside"]
    assert np.asarray(decoded(view["map"])).shape[-1] == 4
    # The demonstration table was made up, so it cannot agree; but it stands beside this model.
    text = text_of(session)
    assert f"{first}. Labels: Effusion" in text
    assert "The map is the loaded model&#x27;s." in text
    assert not session.get("imgs")  # no picture with an address on the server

    choose(session, options[1])
    assert session.error[0].value
    assert view_of(session) is None
    choose(session, options[2])
    assert "no image of this name" in session.error[0].value
    assert not session.exception

    # Another model's table: its film is shown, the loaded model's map is not.
    table = predictions(150, seed=5)
    session.file_uploader[0].upload("mine.csv", table.to_csv(index=False).encode())
    session.run()
    option = session.selectbox(key="errors_film_effusion").options[0]
    (tmp_path / option.split(": ")[1]).write_bytes(film)
    choose(session, option)
    assert not session.error
    view = view_of(session)
    assert (decoded(view["film"]) == pixels_of(film)).all()
    assert view["map"] == ""
    assert not view["beside"]
    assert "another model&#x27;s. Its map cannot be drawn here" in text_of(session)
