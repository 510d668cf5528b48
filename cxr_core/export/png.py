"""The overlay as a picture at the film's full resolution, with what it means in a strip below it.

The PNG and the DICOM are this one picture; the map over the film is ``overlay.draw_map``'s, as
on the page. Nothing is written over the film.
"""

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from cxr_core.export.fonts import BOLD, REGULAR, font_path, printable
from cxr_core.export.overlay import (
    alpha_composite,
    draw_map,
    scale_layer,
    typical_gray,
)
from cxr_core.export.record import (
    FLAGGED_MARK,
    NOT_A_DIAGNOSIS,
    NOT_FLAGGED_MARK,
    Record,
    flag_sentence,
    map_title,
    map_words,
    percent,
    worth_words,
)
from cxr_core.findings import LABELS
from cxr_core.version import PROGRAM

MIN_WIDTH = 480  # px; a narrower film stands in a black field, so that the strip can be read
_BACKGROUND, _TEXT_COLOUR, _DIM_TEXT_COLOUR = (18, 18, 18), (235, 235, 235), (170, 170, 170)
_BANNER_BACKGROUND, _BANNER_TEXT_COLOUR = (235, 235, 235), (0, 0, 0)


def overlay_image(record: Record) -> NDArray[np.uint8]:
    """The film under the shown finding's map, and the strip below: uint8 (H + h, W, 3), RGB.

    The first H rows are the film's own pixels one to one, in the middle of a black field where
    the film is narrower than ``MIN_WIDTH``.
    """
    key = record.shown_finding
    film = draw_map(record.analysis.radiograph.pixels, record.analysis, key, record.style_of(key))
    width = max(film.shape[1], MIN_WIDTH)
    left = (width - film.shape[1]) // 2
    field = np.zeros((film.shape[0], width, 3), dtype=np.uint8)
    field[:, left : left + film.shape[1]] = film
    return np.concatenate([field, _caption_strip(record, width)])


def overlay_png(record: Record) -> bytes:
    """``overlay_image`` as PNG, which names the program and nothing else."""
    info = PngInfo()
    info.add_text("Software", f"{PROGRAM} {record.version}")
    buffer = io.BytesIO()
    # A film is mostly noise: stronger compression takes seconds and saves a few percent.
    Image.fromarray(overlay_image(record)).save(buffer, "PNG", pnginfo=info, compress_level=2)
    return buffer.getvalue()


def colorbar_labels(record: Record) -> tuple[str, str]:
    """The words at the low and the high end of the colour scale."""
    return "strong" if record.style.signed else "weak", "strong"


def colorbar(record: Record, width: int, height: int) -> NDArray[np.uint8]:
    """The colour scale from its low to its high end, as it looks over this film's typical gray:
    (h, w, 3), RGB."""
    style = record.style_of(record.shown_finding)
    gray = np.full((1, width), typical_gray(record.analysis.radiograph.pixels), np.uint8)
    row = alpha_composite(gray, scale_layer(style, width)[None], opacity=style.opacity)
    return np.repeat(row, height, axis=0)


def _caption_strip(record: Record, width: int) -> NDArray[np.uint8]:
    """(h, width, 3): the banner, then the finding with its scale, then what this is not."""
    size = max(13, round(width / 62))
    margin, line = size, round(size * 1.5)
    regular, bold = _font(REGULAR, size), _font(BOLD, size)
    text_width = width - 2 * margin
    banner = _wrap(" ".join(record.banner), bold, text_width)
    lines = _wrap(record.summary, regular, text_width)
    lines += _wrap(_finding_sentence(record), regular, text_width)
    style = record.style_of(record.shown_finding)
    lines += _wrap(map_words(record.analysis, record.shown_finding, style), regular, text_width)
    about = " ".join((NOT_A_DIAGNOSIS, *record.model_sentences))
    disclaimer = _wrap(about, regular, text_width)
    top = len(banner) * line + margin if banner else 0
    has_scale = style.opacity > 0
    # The title, what is said, the scale, what it is not.
    rows = 1 + len(lines) + has_scale + len(disclaimer)
    picture = Image.new("RGB", (width, top + rows * line + 2 * margin), _BACKGROUND)
    pen = ImageDraw.Draw(picture)
    if banner:
        pen.rectangle((0, 0, width, top - 1), fill=_BANNER_BACKGROUND)
    y = _write(pen, margin, margin // 2, line, banner, bold, _BANNER_TEXT_COLOUR)
    y = _write(
        pen, margin, top + margin, line, [map_title(record.shown_finding)], bold, _TEXT_COLOUR
    )
    y = _write(pen, margin, y, line, lines, regular, _TEXT_COLOUR)
    if has_scale:
        low, high = colorbar_labels(record)
        x = margin + round(pen.textlength(low, font=regular)) + size // 2
        picture.paste(Image.fromarray(colorbar(record, width // 4, size)), (x, y + size // 6))
        pen.text((margin, y), low, fill=_DIM_TEXT_COLOUR, font=regular)
        pen.text((x + width // 4 + size // 2, y), high, fill=_DIM_TEXT_COLOUR, font=regular)
        y += line
    _write(pen, margin, y, line, disclaimer, regular, _DIM_TEXT_COLOUR)
    return np.asarray(picture)


def _write(
    pen: ImageDraw.ImageDraw,
    x: int,
    y: int,
    line: int,
    rows: list[str],
    font: ImageFont.FreeTypeFont,
    ink: tuple[int, int, int],
) -> int:
    """Write lines below one another; returns where the next one begins."""
    for row in rows:
        pen.text((x, y), row, fill=ink, font=font)
        y += line
    return y


def _finding_sentence(record: Record) -> str:
    analysis, key = record.analysis, record.shown_finding
    probability, above = analysis.probabilities[key], analysis.above[key]
    threshold = analysis.operating_points[key].threshold
    mark = FLAGGED_MARK if above else NOT_FLAGGED_MARK
    where = flag_sentence(key, probability, threshold, flagged=above)
    band = f"{analysis.bands[key]}, " if analysis.has_bands else ""
    worth = worth_words(analysis, key, record.facts)
    words = f"{mark} {LABELS[key]} {percent(probability)}, {band}{where}: {worth}."
    if key in record.at_site_prevalence:
        rebased, cut_off = record.at_site_prevalence[key]
        words += f" At the site prevalence: {percent(rebased)}, cut-off {percent(cut_off)}."
    return words


def _wrap(text: str, font: ImageFont.FreeTypeFont, max_width: float) -> list[str]:
    """A text as lines of at most ``max_width`` pixels, broken between words, else within one."""
    if not text:
        return []
    lines = [""]
    for word in printable(text).split():
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= max_width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > max_width:
                lines.append("")
            lines[-1] += letter
    return lines


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    # Basic layout is the same on every machine; Raqm is there on some only.
    return ImageFont.truetype(str(font_path(name)), size, layout_engine=ImageFont.Layout.BASIC)
