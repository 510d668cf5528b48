"""A sheet of paper that is written from the top down: text that fits, pictures, lines."""

import io
from datetime import datetime
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from cxr_core.export.fonts import BOLD, MONO, REGULAR, font_file, printable

SIDE = 51.0  # points, margin at either side: A4 is narrower than letter
# Letter is shorter than A4: printed in its middle it loses this much above and below.
EDGE = (A4[1] - LETTER[1]) / 2 + 22.0
LEFT, RIGHT, TOP, BOTTOM = SIDE, A4[0] - SIDE, A4[1] - EDGE, EDGE
WIDTH = RIGHT - LEFT
BLACK, QUIET, FAINT = 0.0, 0.35, 0.75  # grays, 0 to 1
LEAST_SIZE = 6.5  # points; smaller cannot be read on paper
LEADING = 1.3
SHORTENED = " … (Shortened to fit the page; the CSV has all of it.)"


class Sheet:
    """One A4 page that is still within letter's edges. ``y`` is where the next thing begins."""

    def __init__(self, *, title: str, program: str, created: datetime) -> None:
        for name in (REGULAR, BOLD, MONO):
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(name, str(font_file(name))))
        self._buffer = io.BytesIO()
        # Invariant: the same record gives the same bytes; its own time is written instead.
        self._canvas = Canvas(
            self._buffer, pagesize=A4, invariant=1, pageCompression=1, lang="en",
            initialFontName=REGULAR,
        )  # fmt: skip
        self._canvas.setTitle(title)
        self._canvas.setAuthor("")
        self._canvas.setSubject("")
        self._canvas.setCreator(program)
        self._canvas.setDateFormatter(lambda *_: _pdf_date(created))
        self.y = TOP

    def line_of_text(
        self, x: float, y: float, text: str, *, size: float, font: str = REGULAR,
        gray: float = BLACK, right: bool = False, room: float = WIDTH,
    ) -> None:  # fmt: skip
        """One line whose letters stand on ``y``, made smaller where it is wider than ``room``."""
        width = pdfmetrics.stringWidth(text, font, size)
        self._canvas.setFont(font, size * min(1.0, room / width) if width else size)
        self._canvas.setFillGray(gray)
        (self._canvas.drawRightString if right else self._canvas.drawString)(x, y, text)

    def paragraph(self, paragraph: Paragraph, *, x: float = LEFT) -> None:
        """Draw what ``fitted`` returned, and go below it."""
        _, height = paragraph.wrap(paragraph.width, A4[1])
        paragraph.drawOn(self._canvas, x, self.y - height)
        self.y -= height

    def box(self, height: float) -> None:
        """A frame over the whole width that hangs from ``y``, for what must not be missed."""
        self._canvas.setStrokeGray(BLACK)
        self._canvas.setFillGray(0.93)
        self._canvas.setLineWidth(1.2)
        self._canvas.rect(LEFT, self.y - height, WIDTH, height, fill=1)

    def rule(self, *, gray: float = FAINT) -> None:
        """A thin line over the whole width at ``y``."""
        self._canvas.setStrokeGray(gray)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(LEFT, self.y, RIGHT, self.y)

    def picture(self, pixels: NDArray[np.uint8], x: float, y: float, w: float, h: float) -> None:
        """(H, W) or (H, W, 3) pixels, lossless, their lower left corner at (x, y)."""
        self._canvas.drawImage(ImageReader(Image.fromarray(pixels)), x, y, w, h)

    def to_bytes(self) -> bytes:
        """The finished PDF."""
        self._canvas.showPage()
        self._canvas.save()
        return self._buffer.getvalue()


def fitted(
    text: str, *, height: float, size: float = 8.5, width: float = WIDTH, opening: str = "",
    bold: bool = False,
) -> Paragraph:  # fmt: skip
    """A user's or the model's text as a paragraph at most ``height`` points high.

    It is made smaller down to ``LEAST_SIZE``, then shortened with a sentence that says so.

    Args:
        opening: words in bold before it.
        height: must hold the opening and ``SHORTENED`` at the least size.
    """
    clean = printable(text)
    for points in np.arange(size, LEAST_SIZE - 0.01, -0.5):
        paragraph, needed = _paragraph(opening, clean, float(points), width, bold)
        if needed <= height:
            return paragraph
    fits, too_long = 0, len(clean)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        _, needed = _paragraph(opening, clean[:middle] + SHORTENED, LEAST_SIZE, width, bold)
        fits, too_long = (middle, too_long) if needed <= height else (fits, middle)
    kept = clean[:fits].rsplit(" ", 1)[0] if " " in clean[:fits] else clean[:fits]
    return _paragraph(opening, kept.rstrip() + SHORTENED, LEAST_SIZE, width, bold)[0]


def height_of(paragraph: Paragraph | None) -> float:
    """Points that a paragraph takes; 0 for none."""
    return float(paragraph.wrap(paragraph.width, A4[1])[1]) if paragraph is not None else 0.0


def _paragraph(
    opening: str, text: str, size: float, width: float, bold: bool
) -> tuple[Paragraph, float]:
    style = ParagraphStyle(
        "text", fontName=BOLD if bold else REGULAR, fontSize=size, leading=size * LEADING,
        splitLongWords=1,
    )  # fmt: skip
    head = f'<font name="{BOLD}">{escape(opening)}</font> ' if opening else ""
    paragraph = Paragraph(head + escape(text).replace("\n", "<br/>"), style)
    paragraph.width = width
    return paragraph, paragraph.wrap(width, A4[1])[1]


def _pdf_date(moment: datetime) -> str:
    """A time with its zone as a PDF date (ISO 32000-1, 7.9.4)."""
    zone = moment.strftime("%z")  # +hhmm
    return f"D:{moment:%Y%m%d%H%M%S}{zone[:3]}'{zone[3:5]}'"
