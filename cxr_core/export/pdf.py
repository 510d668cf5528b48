"""One reading on one page: the film, its maps, the numbers, and what speaks against them."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import torch
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
from cxr_core.export.overlay import MapStyle, draw_map
from cxr_core.export.png import scale_bar, scale_ends
from cxr_core.export.record import (
    ABOVE_MARK,
    BELOW_MARK,
    TITLE,
    Record,
    map_title,
    marks_sentence,
    percent,
    side_of_point,
)
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.version import PROGRAM

SIDE = 51.0  # points, margin at either side: A4 is narrower than letter
# Letter is shorter than A4: printed in its middle it loses this much above and below.
EDGE = (A4[1] - LETTER[1]) / 2 + 22.0
LEFT, RIGHT, TOP, BOTTOM = SIDE, A4[0] - SIDE, A4[1] - EDGE, EDGE
WIDTH = RIGHT - LEFT
BLACK, QUIET, FAINT = 0.0, 0.35, 0.75  # grays, 0 to 1
LEAST_SIZE = 6.5  # points; smaller cannot be read on paper
LEADING = 1.3
SHORTENED = " … (Shortened to fit the page; the CSV has all of it.)"
ROW, HEAD = 14.5, 24.0  # points
HEIGHT = HEAD + ROW * len(KEYS) + 4
VERDICT_WORDS = {"agree": "agrees", "disagree": "disagrees", "unsure": "is unsure"}
NOT_SAID = "not said"
PIXELS_A_POINT = 3.0  # 216 dpi: as fine as a good printer shows grays
GAP = 11.0  # points between two parts
_FILM_MOST, _SMALL_MOST, _SMALL_SHARE = 240.0, 115.0, 0.3
_CAPTION, _FOOTER = 36.0, 34.0
_SMALL_OPACITY = 0.65  # the least, so that a small map is seen however the large one is set
# reportlab's fonts remember which letters a document used, one document at a time.
_ONE_AT_A_TIME = Lock()


# A sheet of paper that is written from the top down: text that fits, pictures, lines.


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


# The table of the page: a row a finding, numbers in line, every state in words.


class Column(NamedTuple):
    """``share`` of the table's width; figures stand to the right."""

    head: tuple[str, str]
    share: float
    figure: bool = False


_PLAIN = (
    Column(("", "Finding"), 0.24),
    Column(("", "Probability"), 0.15, figure=True),
    Column(("", "Cut-off"), 0.14, figure=True),
    Column(("Against", "its cut-off"), 0.26),
    Column(("", "The reader"), 0.21),
)


_REBASED = (
    Column(("", "Finding"), 0.15),
    Column(("", "Probability"), 0.115, figure=True),
    Column(("", "Cut-off"), 0.095, figure=True),
    Column(("Against", "its cut-off"), 0.16),
    Column(("Prevalence", "at the site"), 0.115, figure=True),
    Column(("Probability", "at the site"), 0.115, figure=True),
    Column(("Cut-off", "at the site"), 0.105, figure=True),
    Column(("", "The reader"), 0.145),
)


def draw(sheet: Sheet, record: Record) -> None:
    """Draw the table at the sheet's ``y`` and go below it; ``HEIGHT`` points high."""
    columns = _REBASED if record.rebased else _PLAIN
    top = sheet.y
    _row(sheet, columns, [column.head[0] for column in columns], top - 8, size=7, gray=QUIET)
    _row(sheet, columns, [column.head[1] for column in columns], top - 17, size=7, gray=QUIET)
    sheet.y = top - HEAD + 2
    sheet.rule(gray=QUIET)
    for key in KEYS:
        marked = record.analysis.above[key] and key in ABNORMAL_KEYS
        _row(sheet, columns, cells(record, key), sheet.y - 10.5, size=9, bold=4 * marked)
        sheet.y -= ROW
        sheet.rule(gray=FAINT)
    sheet.y = top - HEIGHT


def cells(record: Record, key: str) -> list[str]:
    """The texts of a finding's row."""
    analysis = record.analysis
    probability, above = analysis.probabilities[key], analysis.above[key]
    threshold = analysis.operating_points[key].threshold
    side = side_of_point(probability, threshold, above=above)
    row = [
        LABELS[key],
        percent(probability, decimals=1),
        percent(threshold, decimals=1),
        f"{ABOVE_MARK if above else BELOW_MARK} {side}",
    ]
    if record.rebased:
        row += _at_the_site(record, key)
    verdict = record.verdicts.get(key)
    return [*row, VERDICT_WORDS[verdict] if verdict else NOT_SAID]


def prevalence_sentence(record: Record) -> str:
    """Which prevalence the probabilities hold for."""
    shares = {key: share for key, share in record.site_prevalence.items() if share is not None}
    if not shares:
        return (
            "Prevalence in use: that of the films the model was calibrated on; no prevalence of "
            "a site was given."
        )
    named = ", ".join(
        f"{LABELS[key]} {percent(shares[key], decimals=1)}" for key in KEYS if key in shares
    )
    return (
        f"Prevalence in use: {named}, as the reader gave them for the site; the first columns "
        "hold for the films the model was calibrated on."
    )


def _at_the_site(record: Record, key: str) -> list[str]:
    share = record.site_prevalence.get(key)
    given = "" if share is None else percent(share, decimals=1)
    if key not in record.rebased:
        return [given, "", ""]
    probability, threshold = record.rebased[key]
    return [given, percent(probability, decimals=1), percent(threshold, decimals=1)]


def _row(
    sheet: Sheet, columns: Sequence[Column], texts: Sequence[str], y: float, *, size: float,
    gray: float = 0.0, bold: int = 0,
) -> None:  # fmt: skip
    """Write a row of texts on the line ``y``, the first ``bold`` of them in bold."""
    x = LEFT
    for index, (column, text) in enumerate(zip(columns, texts, strict=True)):
        width = column.share * WIDTH
        inner = width - 10
        end = x + inner if column.figure else x + 6 * (column is not columns[0])
        sheet.line_of_text(
            end,
            y,
            text,
            size=size,
            font=BOLD if index < bold else REGULAR,
            gray=gray,
            right=column.figure,
            room=inner,
        )
        x += width


def record_pdf(record: Record) -> bytes:
    """The page as PDF, A4 within letter's edges; legible in gray.

    Letters that the font lacks are replaced visibly; a text too long is set smaller, then
    shortened with a sentence that says so. The same record gives the same bytes.

    Raises:
        ExportError: the font is not installed.
    """
    with _ONE_AT_A_TIME:
        program = f"{PROGRAM} {record.version}"
        sheet = Sheet(title=TITLE, program=program, created=record.created)
        _heading(sheet, record)
        banner = _banner(record)
        if banner is not None:
            sheet.box(height_of(banner) + 12)
            sheet.y -= 5
            sheet.paragraph(banner, x=LEFT + 8)
            sheet.y -= 7 + GAP
        below = _words(record)
        room = sheet.y - BOTTOM - _FOOTER - HEIGHT - 2 * GAP
        room -= sum(height_of(words) + GAP / 2 for words in below)
        _pictures(sheet, record, room)
        draw(sheet, record)
        for words in below:
            sheet.y -= GAP / 2
            sheet.paragraph(words)
        _footer(sheet, record)
        return sheet.to_bytes()


def _heading(sheet: Sheet, record: Record) -> None:
    sheet.line_of_text(LEFT, TOP - 15, TITLE, size=17, font=BOLD)
    moment = f"{record.created:%Y-%m-%d %H:%M} {record.created.tzname() or ''}".rstrip()
    sheet.line_of_text(RIGHT, TOP - 15, moment, size=9, right=True, gray=QUIET)
    words = "Not a diagnosis. A research tool, not a medical device: nothing here may decide about a patient."  # noqa: E501
    sheet.line_of_text(LEFT, TOP - 30, words, size=8.5, gray=QUIET)
    sheet.y = TOP - 36
    if record.reference:
        sheet.y -= 4
        sheet.paragraph(fitted(record.reference, opening="Reference", size=9.5, height=26))
    sheet.y -= GAP


def _banner(record: Record) -> Paragraph | None:
    if not record.banner:
        return None
    return fitted(" ".join(record.banner), height=46, size=9, width=WIDTH - 16, bold=True)


def _words(record: Record) -> list[Paragraph]:
    """What stands below the table."""
    words = [fitted(prevalence_sentence(record), size=7.5, height=30)]
    if record.note.strip():
        words.append(fitted(record.note, opening="Reader's note", height=80))
    none = "None beside the box above." if record.banner else "None from the file or its check."
    cautions = " ".join(record.all_cautions) or none
    words.append(fitted(cautions, opening="Cautions", height=54))
    return words


def _pictures(sheet: Sheet, record: Record, room: float) -> None:
    """The film beside the shown map, then the four maps small, within ``room`` points."""
    left_for = room - _CAPTION - 14 - 2 * GAP
    small = min(_SMALL_MOST, _SMALL_SHARE * left_for)
    film = record.analysis.radiograph.pixels
    half, quarter = (WIDTH - GAP) / 2, (WIDTH - 3 * GAP) / 4
    width, height = _within(film, half, min(_FILM_MOST, left_for - small))
    left, right = LEFT, LEFT + half + GAP
    y = sheet.y - height
    copy = _copy(film, width, height)
    sheet.picture(copy, left, y, width, height)
    sheet.picture(_on_paper(copy, record, record.shown, record.style), right, y, width, height)
    rows, columns = film.shape
    sheet.line_of_text(left, y - 11, "The film as it was read", size=8, font=BOLD, room=half)
    kind = f"{record.analysis.radiograph.kind}, {columns} x {rows} pixels"
    sheet.line_of_text(left, y - 22, kind, size=7.5, gray=QUIET, room=half)
    sheet.line_of_text(right, y - 11, map_title(record.shown), size=8, font=BOLD, room=half - 104)
    _scale(sheet, record, y - 11)
    sheet.y = y - 14
    marks = marks_sentence(record.shown, record.style)
    if record.style.form == "colour":
        marks += " A line joins what is equally strong."
    sheet.paragraph(fitted(marks, height=_CAPTION - 14, size=7.5, width=half), x=right)
    sheet.y = y - _CAPTION - GAP
    width, height = _within(film, quarter, small)
    copy = _copy(film, width, height)
    style = replace(record.style, opacity=max(record.style.opacity, _SMALL_OPACITY))
    for index, key in enumerate(KEYS):
        x = LEFT + index * (quarter + GAP)
        small_map = _on_paper(copy, record, key, style)
        sheet.picture(small_map, x, sheet.y - height, width, height)
        sheet.line_of_text(x, sheet.y - height - 10, map_title(key), size=7, room=quarter)
    sheet.y -= height + 14 + GAP


def _on_paper(
    copy: NDArray[np.uint8], record: Record, key: str, style: MapStyle
) -> NDArray[np.uint8]:
    """The map as on the page, with its contour lines over it: a veil is lost in gray print."""
    picture = draw_map(copy, record.analysis, key, style).copy()
    if style.opacity > 0:
        lines = draw_map(copy, record.analysis, key, replace(style, form="contour", opacity=1.0))
        drawn = (lines != copy[..., None]).any(axis=2)
        picture[drawn] = lines[drawn]
    return picture


def _scale(sheet: Sheet, record: Record, y: float) -> None:
    low, high = scale_ends(record)
    sheet.line_of_text(RIGHT, y, high, size=7, gray=QUIET, right=True, room=38)
    sheet.picture(scale_bar(record, 200, 8), RIGHT - 92, y - 0.5, 50, 6)
    sheet.line_of_text(RIGHT - 95, y, low, size=7, gray=QUIET, right=True, room=20)


def _footer(sheet: Sheet, record: Record) -> None:
    sheet.y = BOTTOM + _FOOTER - 8
    sheet.rule()
    analysis = record.analysis
    hashes = (("Film", analysis.image_sha256), ("Model", analysis.model_sha256))
    for index, (name, sha256) in enumerate(hashes):
        y = BOTTOM + 15 - 9 * index
        sheet.line_of_text(LEFT, y, f"{name}, SHA-256", size=7, gray=QUIET)
        sheet.line_of_text(LEFT + 68, y, sha256, size=6.5, font=MONO)
    made = f"{PROGRAM} {record.version}, torch {torch.__version__}"
    sheet.line_of_text(RIGHT, BOTTOM + 15, made, size=7, gray=QUIET, right=True, room=150)
    exact = record.created.isoformat(sep=" ", timespec="seconds")
    sheet.line_of_text(RIGHT, BOTTOM + 6, exact, size=7, gray=QUIET, right=True, room=150)


def _within(film: NDArray[np.uint8], width: float, height: float) -> tuple[float, float]:
    """The size in points of a film (H, W) as large as fits into width x height."""
    factor = min(width / film.shape[1], height / film.shape[0])
    return film.shape[1] * factor, film.shape[0] * factor


def _copy(film: NDArray[np.uint8], width: float, height: float) -> NDArray[np.uint8]:
    """The film at the paper's resolution for width x height points, never enlarged."""
    wanted = (round(width * PIXELS_A_POINT), round(height * PIXELS_A_POINT))
    size = tuple(
        max(1, min(have, want)) for have, want in zip(film.shape[::-1], wanted, strict=True)
    )
    return np.asarray(Image.fromarray(film).resize(size, Image.Resampling.LANCZOS))
