"""Tabs that wait: the word is there while it is true, and never after."""

from streamlit.testing.v1 import AppTest

from cxr_core.ui.performance import tabs as waiting
from cxr_core.ui.performance.tabs import PENDING
from cxr_core.ui.shell import caption


def tabs() -> None:
    import streamlit as st

    from cxr_core.ui.performance.tabs import lazy_tabs

    shown = st.text_input("Shown", "one")
    try:
        with lazy_tabs(("First", "Second"), shown) as (first, second):
            with first:
                st.text("of the first")
            if shown == "broken":
                raise ValueError
            with second:
                st.text("of the second")
    except ValueError:
        st.text("said elsewhere")


def test_each_tab_waits_once_for_what_is_shown_and_then_holds_its_own(monkeypatch) -> None:
    said: list[str] = []

    def noted(text: str) -> None:
        said.append(text)
        caption(text)

    monkeypatch.setattr(waiting, "caption", noted)
    app = AppTest.from_function(tabs).run()
    assert said == [PENDING] * 2
    assert [tab.text[0].value for tab in app.tabs] == ["of the first", "of the second"]
    assert not app.get("html")  # no word is left
    app.run()
    assert said == [PENDING] * 2  # the second run finds all measured
    app.text_input[0].set_value("another").run()
    assert said == [PENDING] * 4


def test_an_error_leaves_no_tab_waiting() -> None:
    app = AppTest.from_function(tabs).run()
    app.text_input[0].set_value("broken").run()
    assert not app.exception
    assert not app.get("html")
    assert app.text[-1].value == "said elsewhere"
    app.text_input[0].set_value("one").run()  # was shown before, and again after the error
    assert [tab.text[0].value for tab in app.tabs] == ["of the first", "of the second"]
