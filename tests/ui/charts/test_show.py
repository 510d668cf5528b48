"""A chart's own downloads: nothing is made before it is asked for, and each is that chart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxr_core.errors import ExportError
from cxr_core.export.chart_picture import ChartImages
from cxr_core.ui.charts import show as charts
from cxr_core.ui.charts.show import DARK_BACKGROUND, export_figure
from cxr_core.ui.charts.theme import LIGHT_BACKGROUND


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What was offered, by file name; AppTest has no server that would run what a click asks."""
    found: dict[str, Callable[[], bytes]] = {}

    def take(label: str, *, data: Callable[[], bytes], file_name: str, **_: object) -> None:
        found[file_name] = data

    monkeypatch.setattr(st, "download_button", take)
    return found


def page() -> None:
    import plotly.graph_objects as go

    from cxr_core.ui.charts.show import ChartSource, set_chart_source, show_chart

    set_chart_source(ChartSource("1a2b3c4d", ("9 films",)))
    figure = go.Figure().add_scatter(x=[0, 1], y=[0, 1])
    show_chart(figure, key="areas", title="Areas", alt="Two areas.")


def test_html_is_offered_and_pictures_are_made_when_asked_for(offered, monkeypatch) -> None:
    asked: list[tuple[int, int]] = []
    grounds: list[str] = []

    def draw(figure: str, *, width: int, height: int) -> ChartImages:
        assert "9 films" in figure
        asked.append((width, height))
        grounds.append(json.loads(figure)["layout"]["paper_bgcolor"])
        return ChartImages(b"png", b"svg")

    copied: list[go.Figure] = []

    def copy(figure: go.Figure, **words: Any) -> go.Figure:
        copied.append(figure)
        return export_figure(figure, **words)

    monkeypatch.setattr(charts, "render_chart", draw)
    monkeypatch.setattr(charts, "export_figure", copy)
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.get("plotly_chart")[0].proto.alt == "Two areas."
    assert set(offered) == {"areas_1a2b3c4d.html"}
    assert asked == copied == []
    assert b"Two areas." in offered["areas_1a2b3c4d.html"]()
    app.button(key="save_areas_make").click().run()
    assert asked == [(1000, 450 + 56 + 104)]
    assert offered["areas_1a2b3c4d.png"]() == b"png"
    assert offered["areas_1a2b3c4d.svg"]() == b"svg"
    assert grounds == [DARK_BACKGROUND]
    # Another ground is another picture: the one on the dark ground is not offered for it.
    offered.clear()
    app.segmented_control(key="save_areas_ground").set_value("White").run()
    assert set(offered) == {"areas_1a2b3c4d.html"}
    assert f"background: {LIGHT_BACKGROUND}".encode() in offered["areas_1a2b3c4d.html"]()
    app.button(key="save_areas_make").click().run()
    assert grounds == [DARK_BACKGROUND, LIGHT_BACKGROUND]
    assert {Path(name).suffix for name in offered} == {".html", ".png", ".svg"}


def test_a_chart_of_some_films_says_which() -> None:
    def some() -> None:
        import streamlit as st

        from cxr_core.ui.charts.show import ChartSource, chart_source_of_films, set_chart_source

        set_chart_source(ChartSource("1a2b3c4d", ("9 films", "model f00")))
        st.text(" | ".join(chart_source_of_films("boxed films: Effusion 2").details))

    app = AppTest.from_function(some).run()
    assert app.text[0].value == "boxed films: Effusion 2 | model f00"


def test_without_a_browser_there_is_a_sentence_and_the_html(offered, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> ChartImages:
        raise ExportError("PNG and SVG need a Chromium", value="none", remedy="Install it.")

    monkeypatch.setattr(charts, "render_chart", fail)
    app = AppTest.from_function(page).run()
    app.button(key="save_areas_make").click().run()
    assert "need a Chromium" in app.error[0].value
    assert not app.exception
    assert set(offered) == {"areas_1a2b3c4d.html"}
