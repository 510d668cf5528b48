"""Every chart of the pages: shown in one way, and each can be taken along as a file."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from cxr_core.ui.charts.theme import MUTED_COLOUR, PLOTLY_CONFIG, TEXT_COLOUR, to_light_template
from cxr_core.ui.shell import caption, download_button, guarded_fragment, report_errors
from cxr_core.version import PROGRAM, VERSION

DARK_BACKGROUND = "#1b1c1f"
EXPORT_WIDTH = 1000  # pixels; the page's charts are as wide as their column
_TITLE_ROOM, _LEGEND_ROOM, _HEADING_ROOM, _FOOTER_ROOM = 56, 34, 24, 104
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 1rem; background: {ground}; color: {text}; font-family: sans-serif; }}
figure {{ margin: 0; }} figcaption {{ color: {dim}; font-size: 0.875rem; }}</style></head>
<body><figure>{chart}<figcaption>{alt}</figcaption></figure></body></html>
"""
_SOURCE = "charts_source"
_IMAGE_SCALES = {"PNG": 2, "SVG": 1}  # pixels of the image a pixel of the figure


# A chart as a file that stands by itself: its own ground, its title, and where it comes from.


@dataclass(frozen=True)
class ChartSource:
    """What a chart shows the figures of.

    Attributes:
        sha256: of the table, for names of files.
        details: what the line under a chart says of it, e.g. ``421 films``; nothing that names a
            file, a film or a patient.
    """

    sha256: str
    details: tuple[str, ...] = ()

    def footer(self, created: datetime) -> str:
        """The line under a chart that leaves the page."""
        day = f"{created:%Y-%m-%d}"
        return " · ".join(
            (f"Table {self.sha256[:8]}", *self.details, f"{PROGRAM} {VERSION}, {day}")
        )

    def file_name(self, title: str, extension: str) -> str:
        """A file name of a chart's name and the table's hash alone; without a dot for ""."""
        stem = re.sub(r"[^a-z0-9]+", "_", title.casefold()).strip("_")
        return f"{stem}_{self.sha256[:8]}.{extension}".removesuffix(".")


def export_figure(figure: go.Figure, *, title: str, footer: str, light: bool = False) -> go.Figure:
    """A copy that can be read by itself: on a background of its own, with a title and its source.

    Args:
        title: the title of a figure that has none.
        footer: what stands under it.
        light: for paper; else on the dark background.
    """
    layout = figure.layout
    column_titles = [note for note in layout.annotations if note.yref == "paper" and note.y == 1]
    has_top_legend = layout.legend.orientation == "h"
    top = _TITLE_ROOM + _LEGEND_ROOM * has_top_legend + _HEADING_ROOM * bool(column_titles)
    extra_height = top + _FOOTER_ROOM - (layout.margin.t or 0) - (layout.margin.b or 0)
    exported = go.Figure(figure)
    exported.update_layout(
        width=EXPORT_WIDTH,
        height=(layout.height or 450) + extra_height,  # so that the plot itself keeps its size
        # An image cannot use the page's web font; measured in it, texts would not fit.
        font_family="Arial, Helvetica, sans-serif",
        paper_bgcolor=DARK_BACKGROUND,
        plot_bgcolor=DARK_BACKGROUND,
        margin={"t": top, "b": _FOOTER_ROOM, "l": 72, "r": 30},
        title={
            "text": layout.title.text or title, "font": {"size": 17, "color": TEXT_COLOUR},
            "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 20, "t": 16},
            "y": 1, "yref": "container", "yanchor": "top",
        },
    )  # fmt: skip
    exported.update_xaxes(title_standoff=10)
    exported.update_yaxes(title_standoff=10)
    if has_top_legend:  # between the title and the plot, wherever the page had room for it
        plot = exported.layout.height - top - _FOOTER_ROOM
        legend_y = (
            1.01 + _HEADING_ROOM * bool(column_titles) / plot
        )  # over the headings of its columns
        exported.update_layout(
            legend={"x": 0, "xanchor": "left", "y": legend_y, "yanchor": "bottom"}
        )
    exported.add_annotation(
        text=escape(footer), showarrow=False, font={"size": 12, "color": MUTED_COLOUR},
        x=1, xref="paper", xanchor="right",
        y=0, yref="paper", yanchor="bottom", yshift=12 - _FOOTER_ROOM,
    )  # fmt: skip
    return to_light_template(exported) if light else exported


def figure_html(figure: go.Figure, *, title: str, alt: str) -> bytes:
    """A page that opens without a network: plotly.js stands inside.

    Args:
        figure: as ``export_figure`` returns it; it takes the window's width.
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


def set_chart_source(source: ChartSource) -> None:
    """What the page's charts show the figures of; before the first of them."""
    st.session_state[_SOURCE] = source


def chart_source_of_films(films_text: str) -> ChartSource:
    """``set_chart_source``'s, for a chart of other films than all of the table's.

    Args:
        films_text: what the line under the chart says in place of the table's films.
    """
    page_source = st.session_state.get(_SOURCE) or ChartSource("")
    return replace(page_source, details=(films_text, *page_source.details[1:]))


def show_chart(
    figure: go.Figure,
    *,
    key: str,
    title: str,
    alt: str,
    source: ChartSource | None = None,
    wide: bool = False,
) -> None:
    """A chart with its text alternative, and under it the ways to export it.

    Args:
        key: of the element, unique on the page.
        title: what it shows, in a few words; its title where the figure has none, and its file's
            name. Never of a film or a patient.
        alt: one or two sentences that stand for it.
        source: where its figures come from; ``set_chart_source``'s without it.
        wide: its panels, or its legend, need more room than a telephone has: there it is scrolled
            sideways, as tables are, or its words would lie over one another.
    """
    with st.container(key=f"{'wide_chart' if wide else 'chart'}_{key}"):
        st.plotly_chart(figure, key=key, theme=None, config=PLOTLY_CONFIG, alt=alt)
    _export_controls(
        figure, key, title, alt, source or st.session_state.get(_SOURCE) or ChartSource("")
    )


@guarded_fragment
def _export_controls(figure: go.Figure, key: str, name: str, alt: str, source: ChartSource) -> None:
    # Not a popover: saving an image counts as a click beside it, which would close it.
    with st.container(key=f"save_{key}"):
        panel = st.expander("Export", key=f"save_{key}_open", on_change="rerun")
    # No figure is written out before it is asked for: the page must not wait for it.
    if not panel.open:
        return
    with panel, report_errors():
        background = st.segmented_control(
            "Background", ("Dark", "White"), default="Dark", required=True, key=f"save_{key}_ground"
        )
        footer = source.footer(datetime.now().astimezone())
        exported = export_figure(figure, title=name, footer=footer, light=background == "White")
        download_button(
            "HTML",
            lambda: figure_html(exported, title=name, alt=alt),
            file_name=source.file_name(name, "html"),
            mime="text/html",
            key=f"save_{key}_html",
            kind="chart",
        )
        image_format = st.segmented_control(
            "Image", tuple(_IMAGE_SCALES), default="PNG", required=True, key=f"save_{key}_format"
        )
        st.plotly_chart(
            exported,
            key=f"save_{key}_preview",
            theme=None,
            config=image_config(exported, source.file_name(name, ""), image_format),
            alt=alt,
        )
        caption(
            f"The camera over the preview saves it as {image_format}. PNG: twice the figure's "
            "size. SVG: scales freely."
        )


def image_config(figure: go.Figure, stem: str, image_format: str) -> dict[str, Any]:
    """Plotly's configuration of a chart whose one button saves it as an image, in the browser.

    Args:
        figure: as ``export_figure`` returns it; the image has its size, whatever the screen's.
        stem: of the file's name.
        image_format: ``PNG`` or ``SVG``.
    """
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {
            "format": image_format.lower(),
            "filename": stem,
            "width": figure.layout.width,
            "height": figure.layout.height,
            "scale": _IMAGE_SCALES[image_format],
        },
    }
