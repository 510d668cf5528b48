"""Every chart of the pages: shown in one way, and each can be taken along as a file."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

import plotly.graph_objects as go
import streamlit as st

from cxr_core.errors import CXRError
from cxr_core.export.chart_picture import ChartPicture, draw_chart
from cxr_core.ui.charts.theme import CHART_CONFIG, DIM, TEXT, on_white
from cxr_core.ui.shell import guard, offer, quiet, show_error
from cxr_core.version import PROGRAM, VERSION

GROUND = "#1b1c1f"
WIDTH = 1000  # pixels; the page's charts are as wide as their column
_TITLE_ROOM, _LEGEND_ROOM, _HEADING_ROOM, _SOURCE_ROOM = 56, 34, 24, 104
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 1rem; background: {ground}; color: {text}; font-family: sans-serif; }}
figure {{ margin: 0; }} figcaption {{ color: {dim}; font-size: 0.875rem; }}</style></head>
<body><figure>{chart}<figcaption>{alt}</figcaption></figure></body></html>
"""
_SOURCE, _PICTURE = "charts_source", "charts_picture"
_AGAIN = "Reload the page and try again; if it happens again, report this word."
_GROUNDS = ("Dark", "White")
_FORMS = (("PNG", "png", "image/png"), ("SVG", "svg", "image/svg+xml"))


# A chart as a file that stands by itself: its own ground, its title, and where it comes from.


@dataclass(frozen=True)
class Source:
    """What a chart shows the figures of.

    Attributes:
        sha256: of the table, for names of files.
        words: what the line under a chart says of it, e.g. ``421 films``; nothing that names a
            file, a film or a patient.
    """

    sha256: str
    words: tuple[str, ...] = ()

    def line(self, made: datetime) -> str:
        """The line under a chart that leaves the page."""
        day = f"{made:%Y-%m-%d}"
        return " · ".join((f"Table {self.sha256[:8]}", *self.words, f"{PROGRAM} {VERSION}, {day}"))

    def file_name(self, name: str, ending: str) -> str:
        """A file name of a chart's name and the table's hash alone."""
        stem = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
        return f"{stem}_{self.sha256[:8]}.{ending}"


def standalone(figure: go.Figure, *, name: str, line: str, white: bool = False) -> go.Figure:
    """A copy that can be read by itself: on a ground of its own, with a title and its source.

    Args:
        name: the title of a figure that has none.
        line: what stands under it.
        white: for paper; else on the dark ground of a reading room.
    """
    layout = figure.layout
    beside = [note for note in layout.annotations if note.yref == "paper" and note.y == 1]
    above = layout.legend.orientation == "h"
    top = _TITLE_ROOM + _LEGEND_ROOM * above + _HEADING_ROOM * bool(beside)
    grown = top + _SOURCE_ROOM - (layout.margin.t or 0) - (layout.margin.b or 0)
    copy = go.Figure(figure)
    copy.update_layout(
        width=WIDTH,
        height=(layout.height or 450) + grown,  # so that the plot itself keeps its size
        paper_bgcolor=GROUND,
        plot_bgcolor=GROUND,
        margin={"t": top, "b": _SOURCE_ROOM, "l": 72, "r": 30},
        title={
            "text": layout.title.text or name, "font": {"size": 17, "color": TEXT},
            "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 20, "t": 16},
            "y": 1, "yref": "container", "yanchor": "top",
        },
    )  # fmt: skip
    copy.update_xaxes(title_standoff=10)
    copy.update_yaxes(title_standoff=10)
    if above:  # between the title and the plot, wherever the page had room for it
        plot = copy.layout.height - top - _SOURCE_ROOM
        lifted = 1.01 + _HEADING_ROOM * bool(beside) / plot  # over the headings of its columns
        copy.update_layout(legend={"x": 0, "xanchor": "left", "y": lifted, "yanchor": "bottom"})
    copy.add_annotation(
        text=escape(line), showarrow=False, font={"size": 12, "color": DIM},
        x=1, xref="paper", xanchor="right",
        y=0, yref="paper", yanchor="bottom", yshift=12 - _SOURCE_ROOM,
    )  # fmt: skip
    return on_white(copy) if white else copy


def figure_html(figure: go.Figure, *, title: str, alt: str) -> bytes:
    """A page that opens without a network: plotly.js stands inside.

    Args:
        figure: as ``standalone`` returns it; it takes the window's width.
        title: plain text of the page's title.
        alt: plain text that stands for the chart.
    """
    wide = go.Figure(figure).update_layout(width=None)
    chart = wide.to_html(
        full_html=False, include_plotlyjs=True, include_mathjax=False,
        config={"displaylogo": False, "responsive": True},
        default_height=f"{wide.layout.height}px",
    )  # fmt: skip
    layout = wide.layout
    page = _PAGE.format(
        title=escape(title),
        chart=chart,
        alt=escape(alt),
        ground=layout.paper_bgcolor,
        text=layout.title.font.color,
        dim=layout.annotations[-1].font.color,
    )
    return page.encode()


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
