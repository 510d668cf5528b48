"""Every chart of the pages: shown in one way, and each can be taken along as a file."""

from dataclasses import dataclass, replace
from datetime import datetime

import plotly.graph_objects as go
import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.export.chart_picture import ChartPicture, draw_chart
from cxr_core.ui.downloads import offer
from cxr_core.ui.figure_file import Source, figure_html, standalone
from cxr_core.ui.figures import CHART_CONFIG
from cxr_core.ui.page import guard, quiet, show_error

_SOURCE, _PICTURE = "charts_source", "charts_picture"
_AGAIN = "Reload the page and try again; if it happens again, report this word."
_GROUNDS = ("Dark", "White")
_FORMS = (("PNG", "png", "image/png"), ("SVG", "svg", "image/svg+xml"))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The chart that was last drawn as pictures: they belong to this figure on this ground."""

    figure: go.Figure
    ground: str
    picture: ChartPicture


def set_source(source: Source) -> None:
    """What the page's charts show the figures of; before the first of them."""
    st.session_state[_SOURCE] = source


def source_of_films(films: str) -> Source:
    """``set_source``'s, for a chart of other films than all of the table's.

    Args:
        films: what the line under the chart says in place of the table's films.
    """
    whole = st.session_state.get(_SOURCE) or Source("")
    return replace(whole, words=(films, *whole.words[1:]))


def show_chart(
    figure: go.Figure, *, key: str, name: str, alt: str, source: Source | None = None
) -> None:
    """A chart with its text alternative, and under it the ways to save it.

    Args:
        key: of the element, unique on the page.
        name: what it shows, in a few words; its title where the figure has none, and its file's
            name. Never of a film or a patient.
        alt: one or two sentences that stand for it.
        source: where its figures come from; ``set_source``'s without it.
    """
    st.plotly_chart(figure, key=key, theme=None, config=CHART_CONFIG, alt=alt)
    _save(figure, key, name, alt, source or st.session_state.get(_SOURCE) or Source(""))


@st.fragment
def _save(figure: go.Figure, key: str, name: str, alt: str, source: Source) -> None:
    # No figure is written out before it is asked for: the page must not wait for it.
    with (
        st.container(key=f"save_{key}"),
        st.popover("Save figure", type="tertiary", width="content"),
        guard(),
    ):
        ground = st.segmented_control(
            "Ground", _GROUNDS, default=_GROUNDS[0], required=True, key=f"save_{key}_ground"
        )

        def itself() -> go.Figure:
            line = source.line(datetime.now().astimezone())
            return standalone(figure, name=name, line=line, white=ground == "White")

        offer(
            "HTML",
            lambda: figure_html(itself(), title=name, alt=alt),
            file_name=source.file_name(name, "html"),
            mime="text/html",
            key=f"save_{key}_html",
            again=_AGAIN,
        )
        place = st.empty()
        drawn = st.session_state.get(_PICTURE)
        known = isinstance(drawn, _Drawn) and (drawn.figure is figure and drawn.ground == ground)
        if not known and place.button("Make PNG and SVG", key=f"save_{key}_make"):
            known = _draw(figure, ground, itself())
        if known:
            place.empty()
            _pictures(st.session_state[_PICTURE].picture, key, name, source)


def _draw(figure: go.Figure, ground: str, alone: go.Figure) -> bool:
    """Draw the figure in the server's Chromium and keep it; False with a sentence if it fails."""
    size = {"width": alone.layout.width, "height": alone.layout.height}
    try:
        with st.spinner("A browser on the server draws the figure …"):
            picture = draw_chart(alone.to_json(), **size)
    except CXRError as error:
        show_error(error)
        return False
    st.session_state[_PICTURE] = _Drawn(figure, ground, picture)
    return True


def _pictures(picture: ChartPicture, key: str, name: str, source: Source) -> None:
    for label, ending, mime in _FORMS:
        data: bytes = getattr(picture, ending)
        offer(
            label,
            lambda data=data: data,  # type: ignore[misc]
            file_name=source.file_name(name, ending),
            mime=mime,
            key=f"save_{key}_{ending}",
            again=_AGAIN,
        )
    quiet("The PNG has twice the figure's size; the SVG can be scaled.")
