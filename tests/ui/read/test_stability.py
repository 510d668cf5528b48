"""Stability on a page: asked for by a button, run once, and told of the film it was run on."""

import pytest
from streamlit.testing.v1 import AppTest

from cxr_core.ui.model import shared_analyzer
from cxr_core.ui.read import stability


def page() -> None:
    """A page in small with two films and an analyzer that counts how often it is asked."""
    import streamlit as st

    from cxr_core.errors import ImageError
    from cxr_core.findings import KEYS
    from cxr_core.reading.perturbations import Probes
    from cxr_core.ui.read import stability
    from tests.helpers.analyses import make_analysis

    class Counting:
        def probe(self, data: bytes, analysis: object) -> Probes:
            st.session_state["asked"] = st.session_state.get("asked", 0) + 1
            if data == b"another":
                raise ImageError("They differ", value="films", remedy="Read it again.")
            low, high = dict.fromkeys(KEYS, 0.2), dict.fromkeys(KEYS, 0.4)
            return Probes({}, low, high, "", "", None)

    setattr(stability, "shared_analyzer", Counting)  # noqa: B010
    film = make_analysis(
        (0.3, 0.1, 0.3, 0.2),
        cutoffs=(0.25, 0.15, 0.2, 0.5),
        image_sha256=st.session_state.get("film", "a") * 64,
    )
    st.text(stability.borderline_sentence(film))
    stability.stability_panel(st.session_state.get("data", b""), film)


def test_a_button_asks_once_and_the_answer_stays_with_its_film(monkeypatch: pytest.MonkeyPatch):
    # The page puts its own in place, so the real one is put back afterwards.
    monkeypatch.setattr(stability, "shared_analyzer", shared_analyzer)
    session = AppTest.from_function(page, default_timeout=60).run()
    assert session.text[0].value == ""
    session.button(key="check_stability").click().run()
    assert session.text[0].value.startswith("Borderline: Effusion crosses its cut-off")
    said = session.get("html")[0].proto.body
    assert "Effusion moves between 20 and 40 % under small changes of the image." in said
    assert "It is not an error bar" in session.get("html")[1].proto.body
    session.run()
    assert session.session_state["asked"] == 1
    session.session_state["film"] = "c"
    session.run()
    assert session.text[0].value == ""
    session.session_state["data"] = b"another"
    session.button(key="check_stability").click().run()
    assert session.error[0].value == "` They differ: films. Read it again. `"
    assert not session.exception
