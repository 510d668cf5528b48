"""One A4 page that is written from the top down: text that fits, rows, pictures, lines."""

import io
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from threading import Lock
from typing import NamedTuple
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

from cxr_core.export.cjk_font import CJK, cjk_font, is_cjk
from cxr_core.export.fonts import BOLD, MONO, REGULAR, font_path, printable
from cxr_core.export.shaped_text import SHAPED, as_letters, is_shaped, laid_out_runs, shaped_font

SIDE_MARGIN = 51.0  # points, margin at either side: A4 is narrower than letter
# Letter is shorter than A4: printed in its middle it loses this much above and below.
VERTICAL_MARGIN = (A4[1] - LETTER[1]) / 2 + 22.0
LEFT, RIGHT, TOP, BOTTOM = (
    SIDE_MARGIN,
    A4[0] - SIDE_MARGIN,
    A4[1] - VERTICAL_MARGIN,
    VERTICAL_MARGIN,
)
CONTENT_WIDTH = RIGHT - LEFT
BLACK, DARK_GRAY, LIGHT_GRAY = 0.0, 0.35, 0.75  # grays, 0 to 1
MIN_FONT_SIZE = 6.5  # points; smaller cannot be read on paper
LEADING = 1.3
TRUNCATION_NOTE = " … (Shortened to fit the page; the full text is in the CSV.)"
GAP = 11.0  # points between two parts


# reportlab's fonts remember which letters a document used, one document at a time.
FONT_LOCK = Lock()


def register_fonts() -> None:
    """Make the page's typeface known to reportlab.

    Raises:
        ExportError: it is not installed.
    """
    for name in (REGULAR, BOLD, MONO):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(font_path(name))))


class PdfPage:
    """One A4 page that is still within letter's edges. ``y`` is where the next thing begins."""

    def __init__(self, *, title: str, program: str, created: datetime, letters: str = "") -> None:
        """Begin the page.

        Args:
            letters: all of users' texts that will be written, a line each; the Chinese, Japanese
                and Korean letters and what runs to the left make up fonts of this page alone.
                Pages with such texts must not be made at the same time.
        """
        register_fonts()
        if drawn := frozenset(filter(is_cjk, letters)):
            _register(TTFont(CJK, io.BytesIO(cjk_font(drawn))))
        if runs := laid_out_runs(printable(letters, on_pdf=True)):
            font = TTFont(SHAPED, io.BytesIO(shaped_font(runs, font_path(REGULAR))))
            font.runs = runs
            _register(font)
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
        self._canvas.setDateFormatter(lambda *_: pdf_date(created))
        self.y = TOP

    def draw_text(
        self, x: float, y: float, text: str, *, size: float, font: str = REGULAR,
        gray: float = BLACK, align_right: bool = False, max_width: float = CONTENT_WIDTH,
    ) -> None:  # fmt: skip
        """One line on the base line ``y``, made smaller where it is wider than ``max_width``."""
        width = pdfmetrics.stringWidth(text, font, size)
        self._canvas.setFont(font, size * min(1.0, max_width / width) if width else size)
        self._canvas.setFillGray(gray)
        (self._canvas.drawRightString if align_right else self._canvas.drawString)(x, y, text)

    def draw_paragraph(self, paragraph: Paragraph, *, x: float = LEFT) -> None:
        """Draw what ``fit_text`` returned, and go below it."""
        _, height = paragraph.wrap(paragraph.width, A4[1])
        paragraph.drawOn(self._canvas, x, self.y - height)
        self.y -= height

    def draw_frame(self, height: float) -> None:
        """A frame over the whole width that hangs from ``y``, for what must not be missed."""
        self._canvas.setStrokeGray(BLACK)
        self._canvas.setFillGray(0.93)
        self._canvas.setLineWidth(1.2)
        self._canvas.rect(LEFT, self.y - height, CONTENT_WIDTH, height, fill=1)

    def draw_rule(self, *, gray: float = LIGHT_GRAY) -> None:
        """A thin line over the whole width at ``y``."""
        self._canvas.setStrokeGray(gray)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(LEFT, self.y, RIGHT, self.y)

    def draw_image(
        self, pixels: NDArray[np.uint8], x: float, y: float, width: float, height: float
    ) -> None:
        """(H, W) or (H, W, 3) pixels, lossless, their lower left corner at (x, y)."""
        self._canvas.drawImage(ImageReader(Image.fromarray(pixels)), x, y, width, height)

    def to_bytes(self) -> bytes:
        """The finished PDF."""
        self._canvas.showPage()
        self._canvas.save()
        for name in (CJK, SHAPED):  # these tell what stood on the page, as a patient's name
            pdfmetrics._fonts.pop(name, None)
        return self._buffer.getvalue()


def _register(font: TTFont) -> None:
    pdfmetrics.registerFont(font)
    # A second registration under one name is ignored, and the last page's letters would stay.
    pdfmetrics._fonts[font.fontName] = font


def fit_text(
    text: str,
    *,
    max_height: float,
    font_size: float = 8.5,
    width: float = CONTENT_WIDTH,
    heading: str = "",
    bold: bool = False,
) -> Paragraph:
    """A user's or the model's text as a paragraph at most ``max_height`` points high.

    It is made smaller down to ``MIN_FONT_SIZE``, then shortened with a sentence that says so.

    Args:
        heading: words in bold before it.
        max_height: must hold the opening and ``TRUNCATION_NOTE`` at the least size.
    """
    clean = printable(text, on_pdf=True)
    clean = as_letters(clean, getattr(pdfmetrics._fonts.get(SHAPED), "runs", {}))
    for points in np.arange(font_size, MIN_FONT_SIZE - 0.01, -0.5):
        paragraph, needed = _paragraph(heading, clean, float(points), width, bold)
        if needed <= max_height:
            return paragraph
    n_fits, n_too_long = 0, len(clean)
    while n_too_long - n_fits > 1:
        middle = (n_fits + n_too_long) // 2
        _, needed = _paragraph(
            heading, clean[:middle] + TRUNCATION_NOTE, MIN_FONT_SIZE, width, bold
        )
        n_fits, n_too_long = (middle, n_too_long) if needed <= max_height else (n_fits, middle)
    kept = clean[:n_fits].rsplit(" ", 1)[0] if " " in clean[:n_fits] else clean[:n_fits]
    return _paragraph(heading, kept.rstrip() + TRUNCATION_NOTE, MIN_FONT_SIZE, width, bold)[0]


def paragraph_height(paragraph: Paragraph | None) -> float:
    """Points that a paragraph takes; 0 for none."""
    return float(paragraph.wrap(paragraph.width, A4[1])[1]) if paragraph is not None else 0.0


def _paragraph(
    heading: str, text: str, size: float, width: float, bold: bool
) -> tuple[Paragraph, float]:
    style = ParagraphStyle(
        "text", fontName=BOLD if bold else REGULAR, fontSize=size, leading=size * LEADING,
        splitLongWords=1,
    )  # fmt: skip
    head = f'<font name="{BOLD}">{escape(heading)}</font> ' if heading else ""
    marked = "".join(
        f'<font name="{font}">{escape("".join(run))}</font>' if font else escape("".join(run))
        for font, run in groupby(text, _font_of_page)
    )
    paragraph = Paragraph(head + marked.replace("\n", "<br/>"), style)
    paragraph.width = width
    return paragraph, paragraph.wrap(width, A4[1])[1]


def _font_of_page(letter: str) -> str:
    """Which of the page's own fonts draws a letter; "" for none of them."""
    if is_shaped(letter):
        return SHAPED
    return CJK if is_cjk(letter) else ""


def pdf_date(moment: datetime) -> str:
    """A time with its zone as a PDF date (ISO 32000-1, 7.9.4)."""
    zone = moment.strftime("%z")  # +hhmm
    return f"D:{moment:%Y%m%d%H%M%S}{zone[:3]}'{zone[3:5]}'"


class Column(NamedTuple):
    """``width_fraction`` of the table's width; figures stand to the right."""

    header: tuple[str, str]
    width_fraction: float
    numeric: bool = False


def draw_row(
    page: PdfPage, columns: Sequence[Column], texts: Sequence[str], y: float, *, size: float,
    gray: float = 0.0, bold: int = 0,
) -> None:  # fmt: skip
    """Write a row of texts on the line ``y``, the first ``bold`` of them in bold."""
    x = LEFT
    for index, (column, text) in enumerate(zip(columns, texts, strict=True)):
        width = column.width_fraction * CONTENT_WIDTH
        inner = width - 10
        end = x + inner if column.numeric else x + 6 * (column is not columns[0])
        page.draw_text(
            end,
            y,
            text,
            size=size,
            font=BOLD if index < bold else REGULAR,
            gray=gray,
            align_right=column.numeric,
            max_width=inner,
        )
        x += width
