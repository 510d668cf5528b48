"""One reading on one page: the film, its maps, the numbers, and what speaks against them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.platypus import Paragraph

from cxr_core.export.fonts import BOLD, MONO, unprintable_sentence
from cxr_core.export.overlay import MapStyle, draw_map, is_flagged
from cxr_core.export.pdf_page import (
    BLACK,
    BOTTOM,
    CONTENT_WIDTH,
    DARK_GRAY,
    FONT_LOCK,
    GAP,
    LEFT,
    LIGHT_GRAY,
    RIGHT,
    TOP,
    Column,
    PdfPage,
    draw_row,
    fit_text,
    paragraph_height,
)
from cxr_core.export.png import colorbar, colorbar_labels
from cxr_core.export.record import (
    FLAGGED_MARK,
    NOT_FLAGGED_MARK,
    RESEARCH_TOOL,
    TITLE,
    Record,
    map_title,
    map_words,
    percent,
    prior_sentence,
    result_headline,
    result_words,
    uncertain_sentence,
)
from cxr_core.findings import ABNORMAL_KEYS, KEYS, LABELS
from cxr_core.version import PROGRAM

_DOUBTFUL_GRAY = 0.55  # of numbers that are not reliable
ROW_HEIGHT, HEADER_HEIGHT = 14.5, 24.0  # points
TABLE_HEIGHT = HEADER_HEIGHT + ROW_HEIGHT * len(KEYS) + 4
NOT_GIVEN = "not given"
PIXELS_PER_POINT = 3.0  # 216 dpi: as fine as a good printer shows grays
_MAX_FILM_HEIGHT, _MAX_SMALL_MAP_HEIGHT, _SMALL_MAP_FRACTION = 240.0, 115.0, 0.3
_CAPTION_HEIGHT, _FOOTER_HEIGHT = 36.0, 34.0
_PALE_INK = 0.5  # of the lines of a finding that is not flagged
_MIN_SMALL_MAP_OPACITY = 0.65  # the least, so that a small map is seen however the large one is set


# The table of the page: a row a finding, numbers in line, every state in words.


_COLUMNS = (
    Column(("", "Finding"), 0.15),
    Column(("", "Probability"), 0.125, numeric=True),
    Column(("", "Cut-off"), 0.105, numeric=True),
    Column(("", "Result"), 0.265),
    Column(("Test films like this", "with the label"), 0.2, numeric=True),
    Column(("", "Reader's reading"), 0.155),
)


_COLUMNS_WITH_SITE = (
    Column(("", "Finding"), 0.12),
    Column(("", "Probability"), 0.095, numeric=True),
    Column(("", "Cut-off"), 0.08, numeric=True),
    Column(("", "Result"), 0.19),
    Column(("Test films like this", "with the label"), 0.165, numeric=True),
    Column(("Prevalence", "at the site"), 0.09, numeric=True),
    Column(("Probability", "at the site"), 0.09, numeric=True),
    Column(("Cut-off", "at the site"), 0.08, numeric=True),
    Column(("Reader's", "reading"), 0.09),
)


def draw_table(page: PdfPage, record: Record) -> None:
    """Draw the table at the sheet's ``y`` and go below it; ``TABLE_HEIGHT`` points high."""
    columns = _COLUMNS_WITH_SITE if record.at_site_prevalence else _COLUMNS
    top = page.y
    draw_row(
        page, columns, [column.header[0] for column in columns], top - 8, size=7, gray=DARK_GRAY
    )
    draw_row(
        page, columns, [column.header[1] for column in columns], top - 17, size=7, gray=DARK_GRAY
    )
    page.y = top - HEADER_HEIGHT + 2
    page.draw_rule(gray=DARK_GRAY)
    for key in KEYS:
        reliable = record.analysis.gate.passed
        highlighted = record.analysis.above[key] and key in ABNORMAL_KEYS and reliable
        draw_row(
            page, columns, table_row(record, key), page.y - 10.5, size=9, bold=4 * highlighted,
            gray=BLACK if reliable else _DOUBTFUL_GRAY,
        )  # fmt: skip
        page.y -= ROW_HEIGHT
        page.draw_rule(gray=LIGHT_GRAY)
    page.y = top - TABLE_HEIGHT


def table_row(record: Record, key: str) -> list[str]:
    """The texts of a finding's row."""
    analysis = record.analysis
    probability, above = analysis.probabilities[key], analysis.above[key]
    threshold = analysis.operating_points[key].threshold
    row = [
        LABELS[key],
        percent(probability, decimals=1),
        percent(threshold, decimals=1),
        f"{FLAGGED_MARK if above else NOT_FLAGGED_MARK} {result_words(analysis, key)}",
        _share_cell(record, key),
    ]
    if record.at_site_prevalence:
        row += _site_cells(record, key)
    return [*row, record.assessments.get(key, NOT_GIVEN)]


def _share_cell(record: Record, key: str) -> str:
    """The share of test films in the film's band that carry the label, with its interval."""
    if not record.analysis.gate.passed:
        return "not known"
    one = record.facts.share(key, record.analysis.bands[key])
    if one is None:
        return "not measured"
    if not one.share.estimable:
        return "not labelled" if one.share.verdict == "not labelled" else "too few"
    low, high = percent(one.share.low).removesuffix(" %"), percent(one.share.high)
    return f"{percent(one.share.estimate)} ({low} to {high})"


def worth_sentence(record: Record) -> str:
    """What the column of test films means."""
    if not record.analysis.gate.passed:
        return "The input check stopped this film: what its results are worth is not known."
    if not record.facts.bands:
        return "What a flag is worth was not measured: the model folder has no usable test films."
    where = "in the same band" if record.analysis.has_bands else "on the same side of the cut-off"
    return (
        f"Test films like this: those of the model's {record.facts.n_films:,} test films {where}; "
        "the share that carry the label mined from reports, with its 95 % interval."
    )


def prevalence_sentence(record: Record) -> str:
    """Which prevalence the probabilities hold for."""
    shares = {key: share for key, share in record.site_prevalence.items() if share is not None}
    if not shares:
        return (
            "Prevalence: that of the films the model was calibrated on. No site prevalence was "
            "given."
        )
    named = ", ".join(
        f"{LABELS[key]} {percent(shares[key], decimals=1)}" for key in KEYS if key in shares
    )
    return (
        f"Site prevalence, given by the reader: {named}. The first columns hold for the films the "
        "model was calibrated on."
    )


def _site_cells(record: Record, key: str) -> list[str]:
    share = record.site_prevalence.get(key)
    given = "" if share is None else percent(share, decimals=1)
    if key not in record.at_site_prevalence:
        return [given, "", ""]
    probability, threshold = record.at_site_prevalence[key]
    return [given, percent(probability, decimals=1), percent(threshold, decimals=1)]


def record_pdf(record: Record) -> bytes:
    """The page as PDF, A4 within letter's edges; legible in gray.

    Letters that no font has are replaced visibly, and a sentence says so; a text too long is set
    smaller, then shortened with a sentence that says so. The same record gives the same bytes.

    Raises:
        ExportError: the font is not installed.
    """
    with FONT_LOCK:
        program = f"{PROGRAM} {record.version}"
        page = PdfPage(
            title=TITLE, program=program, created=record.created, letters=_users_text(record)
        )
        _draw_heading(page, record)
        banner = _banner(record)
        if banner is not None:
            page.draw_frame(paragraph_height(banner) + 12)
            page.y -= 5
            page.draw_paragraph(banner, x=LEFT + 8)
            page.y -= 7 + GAP
        page.draw_text(LEFT, page.y - 10, result_headline(record.analysis), size=12, font=BOLD)
        uncertain = uncertain_sentence(record.analysis)
        page.draw_text(RIGHT, page.y - 10, uncertain, size=9, align_right=True, max_width=220)
        page.y -= 14 + GAP
        paragraphs = _text_below_table(record)
        available_height = page.y - BOTTOM - _FOOTER_HEIGHT - TABLE_HEIGHT - 2 * GAP
        available_height -= sum(paragraph_height(words) + GAP / 2 for words in paragraphs)
        _draw_images(page, record, available_height)
        draw_table(page, record)
        for words in paragraphs:
            page.y -= GAP / 2
            page.draw_paragraph(words)
        _draw_footer(page, record)
        return page.to_bytes()


def _draw_heading(page: PdfPage, record: Record) -> None:
    page.draw_text(LEFT, TOP - 15, TITLE, size=17, font=BOLD)
    moment = f"{record.created:%Y-%m-%d %H:%M} {record.created.tzname() or ''}".rstrip()
    page.draw_text(RIGHT, TOP - 15, moment, size=9, align_right=True, gray=DARK_GRAY)
    page.draw_text(LEFT, TOP - 30, f"Not a diagnosis. {RESEARCH_TOOL}", size=8.5, gray=DARK_GRAY)
    page.y = TOP - 36
    if record.model_sentences:
        about = " ".join(record.model_sentences)
        page.draw_text(LEFT, TOP - 42, about, size=8.5, font=BOLD)
        page.y -= 12
    if record.reference:
        page.y -= 4
        page.draw_paragraph(
            fit_text(record.reference, heading="Reference", font_size=9.5, max_height=26)
        )
    if record.identity:
        page.y -= 4
        told = "; ".join(f"{name}: {value}" for name, value in record.identity)
        page.draw_paragraph(
            fit_text(f"{told}.", heading="From the film's file:", font_size=8.5, max_height=26)
        )
    page.y -= GAP


def _users_text(record: Record) -> str:
    """All that others than this program have written, and that the page shows."""
    told = [value for _, value in record.identity]
    return "\n".join((record.reference, record.note, *record.banner, *record.all_cautions, *told))


def _banner(record: Record) -> Paragraph | None:
    if not record.banner:
        return None
    return fit_text(
        " ".join(record.banner), max_height=46, font_size=9, width=CONTENT_WIDTH - 16, bold=True
    )


def _text_below_table(record: Record) -> list[Paragraph]:
    """What stands below the table."""
    words = [
        fit_text(worth_sentence(record), font_size=7.5, max_height=22),
        fit_text(prevalence_sentence(record), font_size=7.5, max_height=30),
    ]
    if beside := prior_sentence(record):
        words.append(fit_text(beside, font_size=7.5, max_height=30))
    if record.note.strip():
        words.append(fit_text(record.note, heading="Reader's note", max_height=80))
    none = "None besides the box above." if record.banner else "None."
    cautions = " ".join(record.all_cautions) or none
    words.append(fit_text(cautions, heading="Cautions", max_height=54))
    if lost := unprintable_sentence(_users_text(record)):
        words.append(fit_text(lost, font_size=7.5, max_height=22))
    return words


def _draw_images(page: PdfPage, record: Record, available_height: float) -> None:
    """The film beside the shown map, then the maps small, in ``available_height`` points."""
    image_height = available_height - _CAPTION_HEIGHT - 14 - 2 * GAP
    small = min(_MAX_SMALL_MAP_HEIGHT, _SMALL_MAP_FRACTION * image_height)
    film, shown = record.analysis.radiograph.pixels, record.style_of(record.shown_finding)
    half = (CONTENT_WIDTH - GAP) / 2
    narrow = (CONTENT_WIDTH - (len(KEYS) - 1) * GAP) / len(KEYS)
    width, height = _fit_size(film, half, min(_MAX_FILM_HEIGHT, image_height - small))
    left, right = LEFT, LEFT + half + GAP
    y = page.y - height
    print_copy = _downscale(film, width, height)
    page.draw_image(print_copy, left, y, width, height)
    page.draw_image(
        _print_overlay(print_copy, record, record.shown_finding, shown),
        right,
        y,
        width,
        height,
    )
    rows, columns = film.shape
    page.draw_text(left, y - 11, "The film as the model read it", size=8, font=BOLD, max_width=half)
    kind = f"{record.analysis.radiograph.file_format}, {columns} x {rows} pixels"
    page.draw_text(left, y - 22, kind, size=7.5, gray=DARK_GRAY, max_width=half)
    page.draw_text(
        right, y - 11, map_title(record.shown_finding), size=8, font=BOLD, max_width=half - 108
    )
    if shown.opacity > 0:
        _draw_colorbar(page, record, y - 11)
    page.y = y - 14
    marks = map_words(record.analysis, record.shown_finding, shown)
    if shown.mode == "colour" and shown.opacity > 0:
        marks += " Lines join regions of equal strength."
    page.draw_paragraph(
        fit_text(marks, max_height=_CAPTION_HEIGHT - 14, font_size=7.5, width=half), x=right
    )
    page.y = y - _CAPTION_HEIGHT - GAP
    width, height = _fit_size(film, narrow, small)
    print_copy = _downscale(film, width, height)
    for index, key in enumerate(KEYS):
        style = record.style_of(key)
        if is_flagged(record.analysis, key):
            style = replace(style, opacity=max(style.opacity, _MIN_SMALL_MAP_OPACITY))
        x = LEFT + index * (narrow + GAP)
        small_map = _print_overlay(print_copy, record, key, style)
        page.draw_image(small_map, x, page.y - height, width, height)
        title = map_title(key) if style.opacity > 0 else f"{LABELS[key]}: no map"
        page.draw_text(x, page.y - height - 10, title, size=7, max_width=narrow)
    page.y -= height + 14 + GAP


def _print_overlay(
    print_copy: NDArray[np.uint8], record: Record, key: str, style: MapStyle
) -> NDArray[np.uint8]:
    """The map as on the page, with its contour lines over it: a veil is lost in gray print."""
    picture = draw_map(print_copy, record.analysis, key, style).copy()
    if style.opacity > 0:
        ink = 1.0 if is_flagged(record.analysis, key) else _PALE_INK
        lines = draw_map(
            print_copy, record.analysis, key, replace(style, mode="contour", opacity=ink)
        )
        drawn = (lines != print_copy[..., None]).any(axis=2)
        picture[drawn] = lines[drawn]
    return picture


def _draw_colorbar(page: PdfPage, record: Record, y: float) -> None:
    low, high = colorbar_labels(record)
    page.draw_text(RIGHT, y, high, size=7, gray=DARK_GRAY, align_right=True, max_width=38)
    page.draw_image(colorbar(record, 200, 8), RIGHT - 92, y - 0.5, 50, 6)
    page.draw_text(RIGHT - 95, y, low, size=7, gray=DARK_GRAY, align_right=True, max_width=24)


def _draw_footer(page: PdfPage, record: Record) -> None:
    page.y = BOTTOM + _FOOTER_HEIGHT - 8
    page.draw_rule()
    analysis = record.analysis
    hashes = (("Film", analysis.image_sha256), ("Model", analysis.model_sha256))
    for index, (name, sha256) in enumerate(hashes):
        y = BOTTOM + 15 - 9 * index
        page.draw_text(LEFT, y, f"{name}, SHA-256", size=7, gray=DARK_GRAY)
        page.draw_text(LEFT + 68, y, sha256, size=6.5, font=MONO)
    made = ", ".join(filter(None, (f"{PROGRAM} {record.version}", analysis.engine)))
    page.draw_text(
        RIGHT, BOTTOM + 15, made, size=7, gray=DARK_GRAY, align_right=True, max_width=150
    )
    exact = record.created.isoformat(sep=" ", timespec="seconds")
    page.draw_text(
        RIGHT, BOTTOM + 6, exact, size=7, gray=DARK_GRAY, align_right=True, max_width=150
    )


def _fit_size(film: NDArray[np.uint8], width: float, height: float) -> tuple[float, float]:
    """The size in points of a film (H, W) as large as fits into width x height."""
    factor = min(width / film.shape[1], height / film.shape[0])
    return film.shape[1] * factor, film.shape[0] * factor


def _downscale(film: NDArray[np.uint8], width: float, height: float) -> NDArray[np.uint8]:
    """The film at the paper's resolution for width x height points, never enlarged."""
    wanted = (round(width * PIXELS_PER_POINT), round(height * PIXELS_PER_POINT))
    size = tuple(
        max(1, min(have, want)) for have, want in zip(film.shape[::-1], wanted, strict=True)
    )
    return np.asarray(Image.fromarray(film).resize(size, Image.Resampling.LANCZOS))
