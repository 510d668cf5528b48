"""3_Performance.py: overlaps of map and box, and a listed error opened with its film."""

import shutil

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.evaluation.localisation.overlap import OVERLAP_COLUMNS
from cxr_core.evaluation.localisation.pointing import LOCALISATION_COLUMNS
from cxr_core.phantom.draw import draw_phantom, encode_png
from tests.helpers.pages import (
    PERFORMANCE,
    page_text,
    pixels_of,
    shown_layer,
    shown_picture,
    view_of,
)
from tests.helpers.predictions import make_predictions


@pytest.fixture(scope="module")
def film() -> bytes:
    return encode_png(draw_phantom(7, size=256).pixels)


@pytest.fixture
def boxed(model, tmp_path, monkeypatch):
    """A model folder with a table of boxed films, on which only the map's box overlaps enough."""
    folder = shutil.copytree(model, tmp_path / "boxed")
    rows = [(f"{i:08d}_000.png", "effusion", 0.5, 0.5, i % 2, 0, 0, 0.1) for i in range(20)]
    overlaps = {**dict.fromkeys(OVERLAP_COLUMNS, 0.2), "iobb": 0.6}
    table = pd.DataFrame(rows, columns=list(LOCALISATION_COLUMNS)).assign(**overlaps)
    table.to_csv(folder / "localisation.csv", index=False)
    monkeypatch.setenv("CXR_MODEL", str(folder))


def choose(session: AppTest, option: str | None) -> AppTest:
    session.selectbox(key="errors_film_effusion").set_value(option)
    return session.run()


def test_overlaps_are_shown_and_a_listed_film_is_opened(open_page, boxed, tmp_path, film):
    session = open_page(PERFORMANCE)
    assert not session.error
    text = page_text(session)
    assert "overlaps more often than one fixed box at threshold 0.25 and 0.5." in text
    assert "mean share of the film covered: the map&#x27;s box 4.0 %" in text
    assert "the region is defined differently" in text
    assert "Give a folder to see the films" in text
    assert not [box for box in session.selectbox if (box.key or "").startswith("errors_film")]
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
    assert (shown_picture(session) == pixels_of(film)).all()
    assert view["beside"]
    assert shown_layer(session).shape[-1] == 4
    # The demonstration table was made up, so it cannot agree; but it stands beside this model.
    text = page_text(session)
    assert f"{first}. Labels: Effusion" in text
    assert "The map is the loaded model&#x27;s." in text
    assert not session.get("imgs")  # no picture with an address on the server

    choose(session, options[1])
    assert "it looks like a text file" in session.error[0].value
    assert view_of(session) is None
    choose(session, options[2])
    assert "no image of this name" in session.error[0].value
    assert not session.exception

    # Another model's table: its film is shown, the loaded model's map is not.
    table = make_predictions(150, seed=5)
    session.file_uploader[0].upload("mine.csv", table.to_csv(index=False).encode())
    session.run()
    option = session.selectbox(key="errors_film_effusion").options[0]
    (tmp_path / option.split(": ")[1]).write_bytes(film)
    choose(session, option)
    assert not session.error
    view = view_of(session)
    assert (shown_picture(session) == pixels_of(film)).all()
    assert view["map"] == ""
    assert not view["beside"]
    assert "another model&#x27;s, whose map cannot be drawn here" in page_text(session)
