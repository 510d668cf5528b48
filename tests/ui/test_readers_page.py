"""The reader's word, site prevalence and stability in a session: kept, apart, and forgotten."""

import html
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxr_core.findings import LABEL_COLUMNS
from cxr_core.ui.model import MODEL_ENV_VAR
from tests.helpers.predictions import make_predictions


def page() -> None:
    """A page in small: two films, and what the reader may set beside them."""
    import streamlit as st

    from cxr_core.ui.assessment import assessment_controls, assessment_of
    from cxr_core.ui.prevalence import display_values, prevalence_controls
    from cxr_core.ui.read.findings import finding_notes, finding_row
    from cxr_core.ui.state import clear_values
    from tests.helpers.analyses import make_analysis

    films = {name: make_analysis((0.5, 0.1, 0.3, 0.6), image_sha256=name * 64) for name in "ab"}
    film = films[st.session_state.get("film", "a")]
    if st.session_state.get("forget"):
        clear_values()
    st.session_state["row"] = finding_row(film, "effusion")
    st.session_state["no_finding"] = display_values(film, "no_finding")
    if not st.session_state.get("elsewhere"):
        finding_notes(film, shown_finding="effusion")
        assessment_controls(film)
        prevalence_controls()
    st.session_state["words"] = {name: assessment_of(one) for name, one in films.items()}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    table = make_predictions(40)
    table[list(LABEL_COLUMNS)] = 0
    table.loc[:7, list(LABEL_COLUMNS)] = 1  # a fifth of the films carry each label
    table.to_csv(tmp_path / "predictions_val.csv", index=False)
    monkeypatch.setenv(MODEL_ENV_VAR, str(tmp_path))
    yield AppTest.from_function(page, default_timeout=60).run()
    st.cache_data.clear()


def word(session: AppTest, label: str):
    (control,) = [c for c in session.segmented_control if c.label == f"Your word on {label}"]
    return control


def test_words_belong_to_their_film_and_outlive_a_look_elsewhere(session: AppTest):
    word(session, "Effusion").set_value("disagree").run()
    session.text_area[0].set_value("Skin fold.  ").run()
    said = ({"effusion": "disagree", "atelectasis": "", "infiltration": "", "no_finding": ""},
            "Skin fold.")  # fmt: skip
    none = (dict.fromkeys(said[0], ""), "")
    assert session.session_state["words"] == {"a": said, "b": none}
    session.session_state["film"] = "b"
    session.run()
    assert word(session, "Effusion").value is None
    session.session_state["elsewhere"] = True
    session.run()
    session.session_state["elsewhere"], session.session_state["film"] = False, "a"
    session.run()
    assert word(session, "Effusion").value == "disagree"
    assert session.session_state["words"] == {"a": said, "b": none}
    session.session_state["forget"] = True
    session.run()
    assert session.session_state["words"] == {"a": none, "b": none}


def test_a_sites_prevalence_is_off_set_kept_and_taken_back(session: AppTest):
    before = session.session_state["row"]
    assert (before.note, before.probability) == ("", "50 %")
    session.number_input[0].set_value(5.0).run()
    beside = session.get("html")[0].proto.body
    assert "Shown at your prevalence: Effusion 5 %. What is above or below is unch" in beside
    assert "Infiltration is NIH's label" in html.unescape(beside)
    session.session_state["elsewhere"] = True  # another page, another film
    session.run()
    row = session.session_state["row"]
    # Odds 1 at a prevalence of 20 % are 4/19 at 5 %.
    assert row.fill == pytest.approx(4 / 23)
    assert row.note == "at your prevalence 5 %"
    assert session.session_state["no_finding"].probability == 0.6
    session.session_state["elsewhere"] = False
    session.run()
    assert session.number_input[0].value == 5.0
    session.button(key="site_prevalence_off").click().run()
    assert session.session_state["row"] == before
    assert not session.exception


def test_without_validation_films_no_prevalence_can_be_set(session: AppTest, tmp_path: Path):
    (tmp_path / "predictions_val.csv").unlink()
    session.run()
    assert not session.number_input
    assert "is unknown" in session.get("html")[-1].proto.body


def test_one_class_among_the_validation_films_is_no_prevalence(session: AppTest, tmp_path: Path):
    path = tmp_path / "predictions_val.csv"
    pd.read_csv(path).assign(label_effusion=0).to_csv(path, index=False)
    assert not session.run().number_input
