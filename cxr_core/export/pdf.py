"""One reading on one page: the film, its maps, the numbers, and what speaks against them."""

from dataclasses import replace
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from reportlab.platypus import Paragraph

from cxr_core.export import pdf_table
from cxr_core.export.fonts import BOLD, MONO
from cxr_core.export.overlay import MapStyle, draw_map
from cxr_core.export.phrases import TITLE, map_title, marks_sentence
from cxr_core.export.png import scale_bar, scale_ends
from cxr_core.export.record import Record
from cxr_core.export.sheet import (
    BOTTOM,
    LEFT,
    QUIET,
    RIGHT,
    TOP,
    WIDTH,
    Sheet,
    fitted,
    height_of,
)
from cxr_core.findings import KEYS
from cxr_core.version import PROGRAM

PIXELS_A_POINT = 3.0  # 216 dpi: as fine as a good printer shows grays
GAP = 11.0  # points between two parts
_FILM_MOST, _SMALL_MOST, _SMALL_SHARE = 240.0, 115.0, 0.3
_CAPTION, _FOOTER = 36.0, 34.0
_SMALL_OPACITY = 0.65  # the least, so that a small map is seen however the large one is set
# reportlab's fonts remember which letters a document used, one document at a time.
_ONE_AT_A_TIME = Lock()


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
        room = sheet.y - BOTTOM - _FOOTER - pdf_table.HEIGHT - 2 * GAP
        room -= sum(height_of(words) + GAP / 2 for words in below)
        _pictures(sheet, record, room)
        pdf_table.draw(sheet, record)
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
    words = [fitted(pdf_table.prevalence_sentence(record), size=7.5, height=30)]
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
