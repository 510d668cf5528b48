"""A chart's own downloads: nothing is made before it is asked for, and each is that chart."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from cxr_core.ui.charts.show import DARK_BACKGROUND
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


@pytest.fixture
def previews(monkeypatch: pytest.MonkeyPatch) -> list[tuple[go.Figure, dict[str, Any]]]:
    """The charts that were drawn, each with its configuration, in their order."""
    drawn: list[tuple[go.Figure, dict[str, Any]]] = []

    def draw(figure: go.Figure, *, config: dict[str, Any], **_: object) -> None:
        drawn.append((figure, config))

    monkeypatch.setattr(st, "plotly_chart", draw)
    return drawn


def open_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no browser that could open one."""

    class Open(DeltaGenerator):
        open = True

    def expander(*_: object, **__: object) -> DeltaGenerator:
        container = st.container()
        container.__class__ = Open
        return container

    monkeypatch.setattr(st, "expander", expander)


def test_nothing_is_made_before_it_is_asked_for(offered) -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt == "Two areas."
    assert offered == {}


def test_a_chart_is_exported_as_html_and_by_plotlys_own_camera(
    offered, previews, monkeypatch
) -> None:
    open_panels(monkeypatch)
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert b"Two areas." in offered["areas_1a2b3c4d.html"]()
    _, (preview, config) = previews
    assert preview.layout.title.text == "Areas"
    assert "Table 1a2b3c4d · 9 films" in preview.layout.annotations[-1].text
    assert preview.layout.paper_bgcolor == DARK_BACKGROUND
    assert config["displayModeBar"] is True
    assert config["modeBarButtons"] == [["toImage"]]
    image = {"filename": "areas_1a2b3c4d", "width": 1000, "height": 450 + 56 + 104}
    assert config["toImageButtonOptions"] == {**image, "format": "png", "scale": 2}
    app.segmented_control(key="save_areas_ground").set_value("White").run()
    app.segmented_control(key="save_areas_format").set_value("SVG").run()
    preview, config = previews[-1]
    assert preview.layout.paper_bgcolor == LIGHT_BACKGROUND
    assert f"background: {LIGHT_BACKGROUND}".encode() in offered["areas_1a2b3c4d.html"]()
    assert config["toImageButtonOptions"] == {**image, "format": "svg", "scale": 1}


def test_a_chart_of_some_films_says_which() -> None:
    def some() -> None:
        import streamlit as st

        from cxr_core.ui.charts.show import ChartSource, chart_source_of_films, set_chart_source

        set_chart_source(ChartSource("1a2b3c4d", ("9 films", "model f00")))
        st.text(" | ".join(chart_source_of_films("boxed films: Effusion 2").details))

    app = AppTest.from_function(some).run()
    assert app.text[0].value == "boxed films: Effusion 2 | model f00"
