"""Tables as plain HTML: read by a screen reader, selectable, with figures in line."""

from collections.abc import Sequence
from html import escape

import streamlit as st


def show_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, words: int = 1
) -> None:
    """A table of plain texts.

    Args:
        header: names of the columns.
        rows: cells; the first of each row is its heading.
        caption: what the table shows, above it.
        words: how many columns hold words and stand to the left; the others hold figures.
    """
    st.html(table_html(header, rows, caption=caption, words=words))


def table_html(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, words: int = 1
) -> str:
    """The same as HTML; every text is escaped."""

    def cell(text: str, column: int) -> str:
        tag, side = ("th", ' scope="row"') if column == 0 else ("td", "")
        figure = "" if column < words else ' class="figure"'
        return f"<{tag}{side}{figure}>{escape(text)}</{tag}>"

    head = "".join(
        f'<th scope="col"{"" if column < words else " class=figure"}>{escape(name)}</th>'
        for column, name in enumerate(header)
    )
    body = "".join(
        "<tr>" + "".join(cell(text, column) for column, text in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
