"""A reporting document of many rows as a PDF: tables that go on over pages, with their headings."""

import io
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from cxr_core.evaluation.render.checklists import Document
from cxr_core.evaluation.render.table import Table, typeset
from cxr_core.export.fonts import BOLD, REGULAR, printable
from cxr_core.export.pdf_page import (
    BOTTOM,
    CONTENT_WIDTH,
    FONT_LOCK,
    GAP,
    LEFT,
    TOP,
    pdf_date,
    register_fonts,
)
from cxr_core.version import PROGRAM, VERSION

_SIZE, _SMALL = 8.0, 7.0  # points
_MAX_WORD, _MAX_LINE = 90.0, 700.0  # points of a word, or of a line, that a column is widened for
_GRAY, _PALE = Color(0.35, 0.35, 0.35), Color(0.75, 0.75, 0.75)
_TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=_SIZE, leading=1.3 * _SIZE)
_HEAD = ParagraphStyle("head", fontName=BOLD, fontSize=_SMALL, leading=1.3 * _SMALL)
_TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=14, leading=20, spaceAfter=4)
_SECTION = ParagraphStyle(
    "section", fontName=BOLD, fontSize=9.5, leading=16, spaceBefore=GAP, keepWithNext=1
)


def document_pdf(document: Document, *, created: datetime) -> bytes:
    """Write it on A4; the same document and time give the same bytes.

    Raises:
        ExportError: the font is not installed.
    """
    with FONT_LOCK:
        register_fonts()
        parts: list[Flowable] = [_paragraph(document.title, _TITLE), _paragraph(document.lead)]
        for place, table in enumerate(document.tables):
            parts.append(_paragraph(table.title, _SECTION) if place else Spacer(0, GAP))
            parts.append(_grid(table))
        buffer = io.BytesIO()
        template = BaseDocTemplate(
            buffer, pagesize=A4, title=document.title, author="", subject="", lang="en",
            creator=f"{PROGRAM} {VERSION}", invariant=1, pageCompression=1,
            initialFontName=REGULAR,
        )  # fmt: skip

        def footer(canvas: Canvas, _: BaseDocTemplate) -> None:
            canvas.setDateFormatter(lambda *_: pdf_date(created))
            canvas.setFont(REGULAR, _SMALL)
            canvas.setFillColor(_GRAY)
            canvas.drawString(LEFT, BOTTOM, f"{document.title}, {created:%Y-%m-%d %H:%M %z}")
            canvas.drawRightString(LEFT + CONTENT_WIDTH, BOTTOM, f"{canvas.getPageNumber()}")

        frame = Frame(
            LEFT, BOTTOM + 14, CONTENT_WIDTH, TOP - BOTTOM - 14,
            leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
        )  # fmt: skip
        template.addPageTemplates(PageTemplate(frames=[frame], onPage=footer))
        template.build(parts)
        return buffer.getvalue()


def _paragraph(text: str, style: ParagraphStyle = _TEXT) -> Paragraph:
    return Paragraph(escape(printable(text)), style)


def _grid(table: Table) -> LongTable:
    """A table whose heading stands on every page that it goes on to."""
    titles = [column.title for column in table.columns]
    texts = [
        [
            typeset(cell, column, printed=True)
            for cell, column in zip(row.cells, table.columns, strict=True)
        ]
        for row in table.rows
    ]
    cells = [[_paragraph(title, _HEAD) for title in titles]]
    cells += [[_paragraph(text) for text in row] for row in texts]
    grid = LongTable(cells, colWidths=_widths([titles, *texts]), repeatRows=1, splitInRow=1)
    grid.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, _GRAY),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, _PALE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 7),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return grid


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Of the columns, together as wide as the page: each as its longest word needs, and the rest by
    how much stands in them."""
    columns = list(zip(*rows, strict=True))
    least = [
        min(max(_length(word) for text in column for word in text.split() or [""]), _MAX_WORD) + 8
        for column in columns
    ]
    more = [
        min(max(map(_length, column)) + 8, _MAX_LINE) - width
        for column, width in zip(columns, least, strict=True)
    ]
    room = CONTENT_WIDTH - sum(least)
    if room <= 0:
        return [width * CONTENT_WIDTH / sum(least) for width in least]
    wanted = sum(more) or 1.0
    return [width + extra * room / wanted for width, extra in zip(least, more, strict=True)]


def _length(text: str) -> float:
    return float(stringWidth(text, BOLD, _SIZE))
