"""Arabic, Hebrew and what else runs to the left, for the PDF: joined and ordered as it is read.

reportlab draws letter after letter in the order of the text. So a run of such text is laid out by
matplotlib (libraqm: HarfBuzz joins the letters, SheenBidi puts them in order; all under permissive
licences), and its outline becomes one letter of a small font of the page. It prints as it should;
a search in the PDF does not find it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from fontTools.pens.ttGlyphPen import TTGlyphPen

from cxr_core.export.cjk_font import small_font

SHAPED = "ShapedRuns"
JOINERS = "\u200c\u200d"  # of no width, but they say which letters join
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_FIRST_CODE = 0xE000  # of the private use area, which no text of a user may draw
_MAX_RUN = 60  # letters; a longer run is broken into lines of its own
# An em of the font, and of matplotlib's outlines: 60 letters of an em each fit 16 bits.
_UNITS, _SIZE = 500, 100.0
_LEFTWARD = frozenset(("R", "AL", "AN"))
_CLOSING = {")": "(", "]": "[", "}": "{"}


def runs_leftward(letter: str) -> bool:
    """Whether a letter belongs to a script that runs from right to left."""
    return unicodedata.bidirectional(letter) in _LEFTWARD


def as_letters(text: str, runs: Mapping[str, str]) -> str:
    """The text with each of its runs as the one letter that ``runs`` has for it.

    Args:
        runs: of ``leftward_runs``, run -> letter.
    """
    parts = []
    at = 0
    for start, end in _spans(text):
        pieces = [runs.get(piece, _UNKNOWN) for piece in _pieces(text[start:end])]
        parts += [text[at:start], ("\n" if len(pieces) > 1 else "").join(pieces)]
        at = end
    return "".join((*parts, text[at:]))


def leftward_runs(text: str) -> dict[str, str]:
    """All runs of a text that are to be drawn whole, and a letter for each."""
    pieces = (piece for start, end in _spans(text) for piece in _pieces(text[start:end]))
    return {piece: chr(_FIRST_CODE + i) for i, piece in enumerate(dict.fromkeys(pieces))}


def is_shaped(letter: str) -> bool:
    """Whether it is a letter that stands for a run."""
    return unicodedata.category(letter) == "Co"


def _spans(text: str) -> Iterable[tuple[int, int]]:
    """Where a run begins and ends: from a leftward letter to the last one, or the last number,
    before a line's end or a letter that runs to the right (UAX #9, rules W7 and N1)."""
    at = 0
    while at < len(text):
        if unicodedata.bidirectional(text[at]) not in ("R", "AL"):
            at += 1
            continue
        end = look = at + 1
        while look < len(text) and text[look] != "\n":
            kind = unicodedata.bidirectional(text[look])
            if kind == "L":
                break
            opening = _CLOSING.get(text[look])
            follows = kind == "NSM" or (opening and opening in text[at:look])
            if kind in (*_LEFTWARD, "EN") or (follows and look == end):
                end = look + 1
            look += 1
        yield at, end
        at = end


def _pieces(run: str) -> list[str]:
    """A run in pieces that fit a line, parted at blanks."""
    pieces = [""]
    for word in re.findall(rf"[^ ]{{1,{_MAX_RUN - 1}}} ?|.", run):
        if pieces[-1] and len(pieces[-1]) + len(word) > _MAX_RUN:
            pieces.append("")
        pieces[-1] += word
    return [piece.strip() for piece in pieces]


def shaped_font(runs: Mapping[str, str], font: Path) -> bytes:
    """A TrueType font whose letters are whole runs.

    Args:
        runs: of ``leftward_runs``, run -> letter.
        font: whose glyphs are drawn.
    """
    glyphs, metrics = {".notdef": TTGlyphPen(None).glyph()}, {".notdef": (0, 0)}
    for run, letter in runs.items():
        name = f"run{ord(letter):X}"
        glyphs[name], width = _outline(run, font)
        metrics[name] = (width, 0)
    cmap = {ord(letter): f"run{ord(letter):X}" for letter in runs.values()}
    return small_font(
        SHAPED, cmap, glyphs, metrics, units=_UNITS, ascent=_UNITS, descent=-_UNITS // 2
    )


def _outline(run: str, font: Path) -> tuple[object, int]:
    """The glyph of a whole run, and its width in units."""
    from matplotlib.font_manager import FontProperties  # slow to load, and seldom needed
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextToPath

    properties = FontProperties(fname=str(font), size=_SIZE)
    layout = TextToPath()
    points, codes = layout.get_text_path(properties, run)
    width, _, _ = layout.get_text_width_height_descent(run, properties, ismath=False)
    scale = _UNITS / _SIZE
    pen = TTGlyphPen(None)
    is_open = False
    for vertices, code in Outline(points, codes).iter_segments(curves=True, simplify=False):
        corners = [(round(scale * x), round(scale * y)) for x, y in vertices.reshape(-1, 2)]
        if code == Outline.CLOSEPOLY:
            pen.closePath()
            is_open = False
        elif code == Outline.MOVETO:
            if is_open:
                pen.closePath()
            pen.moveTo(*corners)
            is_open = True
        elif code == Outline.LINETO:
            pen.lineTo(*corners)
        else:  # TrueType outlines have curves of the second degree alone
            pen.qCurveTo(*corners)
    if is_open:
        pen.closePath()
    return pen.glyph(), round(scale * width)
