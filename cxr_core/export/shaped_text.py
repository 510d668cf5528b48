"""Scripts whose letters join, stack or run to the left, for the PDF: laid out as they are read.

reportlab draws letter after letter in the order of the text. So a run of such text is laid out by
matplotlib (libraqm: HarfBuzz joins the letters, SheenBidi puts them in order; all under permissive
licences), and its outline becomes one letter of a small font of the page. It prints as it should;
a search in the PDF does not find it. Arabic and Hebrew are drawn in the page's own typeface, the
scripts of South and Southeast Asia and Ethiopia in Noto Sans (SIL Open Font License), which comes
with a package.
"""

import importlib.util
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from cxr_core.export.cjk_font import small_font

SHAPED = "ShapedRuns"
JOINERS = "\u200c\u200d"  # of no width, but they say which letters join
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_FIRST_CODE = 0xE000  # of the private use area, which no text of a user may draw
_MAX_RUN = 60  # letters; a longer run is broken into lines of its own
# An em of the font, and of matplotlib's outlines: 60 letters of an em each fit 16 bits.
_UNITS, _SIZE = 500, 100.0
_MAX_SYLLABLES = 24  # letters of a piece of a script that is written without blanks
_PACKAGE = "manimgx_fonts"
# Blocks of Unicode, first and last, and the Noto Sans that draws them.
_SCRIPTS = {
    "Devanagari": (0x0900, 0x097F), "Bengali": (0x0980, 0x09FF), "Gurmukhi": (0x0A00, 0x0A7F),
    "Gujarati": (0x0A80, 0x0AFF), "Oriya": (0x0B00, 0x0B7F), "Tamil": (0x0B80, 0x0BFF),
    "Telugu": (0x0C00, 0x0C7F), "Kannada": (0x0C80, 0x0CFF), "Malayalam": (0x0D00, 0x0D7F),
    "Sinhala": (0x0D80, 0x0DFF), "Thai": (0x0E00, 0x0E7F), "Lao": (0x0E80, 0x0EFF),
    "Myanmar": (0x1000, 0x109F), "Ethiopic": (0x1200, 0x137F), "Khmer": (0x1780, 0x17FF),
}  # fmt: skip
_VIRAMA = 9  # combining class of the sign that binds a letter to the next
_LEFTWARD = frozenset(("R", "AL", "AN"))
_CLOSING = {")": "(", "]": "[", "}": "{"}


def runs_leftward(letter: str) -> bool:
    """Whether a letter belongs to a script that runs from right to left."""
    return unicodedata.bidirectional(letter) in _LEFTWARD


def is_laid_out(letter: str) -> bool:
    """Whether a letter is of a script that runs to the left, or that Noto Sans draws here."""
    return runs_leftward(letter) or ord(letter) in _code_points(_script(letter))


def _script(letter: str) -> str:
    code = ord(letter)
    found = (name for name, (first, last) in _SCRIPTS.items() if first <= code <= last)
    return next(found, "")


def _font_file(script: str) -> Path | None:
    """The font of one of ``_SCRIPTS``; None where its package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if not script or spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(f"NotoSans{script}[wght].ttf")
    return path if path.is_file() else None


@cache
def _code_points(script: str) -> frozenset[int]:
    path = _font_file(script)
    if path is None:
        return frozenset()
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


def as_letters(text: str, runs: Mapping[str, str]) -> str:
    """The text with each of its runs as the one letter that ``runs`` has for it.

    Args:
        runs: of ``laid_out_runs``, run -> letter.
    """
    parts = []
    at = 0
    for start, end in _spans(text):
        pieces = _pieces(text[start:end])
        # A line that runs to the left cannot be parted anywhere else without being in disorder.
        between = "\n" if len(pieces) > 1 and runs_leftward(text[start]) else ""
        parts += [text[at:start], between.join(runs.get(piece, _UNKNOWN) for piece in pieces)]
        at = end
    return "".join((*parts, text[at:]))


def laid_out_runs(text: str) -> dict[str, str]:
    """All runs of a text that are to be drawn whole, and a letter for each."""
    pieces = (piece for start, end in _spans(text) for piece in _pieces(text[start:end]))
    return {piece: chr(_FIRST_CODE + i) for i, piece in enumerate(dict.fromkeys(pieces))}


def is_shaped(letter: str) -> bool:
    """Whether it is a letter that stands for a run."""
    return unicodedata.category(letter) == "Co"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each run begins and ends."""
    at = 0
    while at < len(text):
        if unicodedata.bidirectional(text[at]) in ("R", "AL"):
            end = _leftward_end(text, at)
        elif script := _script(text[at]):
            end = at + 1
            while end < len(text) and (_script(text[end]) == script or text[end] in JOINERS):
                end += 1
        else:
            at += 1
            continue
        yield at, end
        at = end


def _leftward_end(text: str, start: int) -> int:
    """Up to the last leftward letter, or the last number, before a line's end or a letter that runs
    to the right (UAX #9, rules W7 and N1)."""
    end = start + 1
    for look in range(start + 1, len(text)):
        kind = unicodedata.bidirectional(text[look])
        if kind == "L" or text[look] == "\n":
            break
        opening = _CLOSING.get(text[look])
        follows = kind == "NSM" or (opening and opening in text[start:look])
        if kind in (*_LEFTWARD, "EN") or (follows and look == end):
            end = look + 1
    return end


def _pieces(run: str) -> list[str]:
    """A run in pieces that fit a line: parted at blanks, or between syllables."""
    pieces = [""]
    if not runs_leftward(run[0]):
        for before, letter in zip(("", *run), run, strict=False):
            bound = before and (letter in JOINERS or before in JOINERS or _is_bound(before, letter))
            if (len(pieces[-1]) >= _MAX_SYLLABLES and not bound) or len(pieces[-1]) >= _MAX_RUN:
                pieces.append("")
            pieces[-1] += letter
        return pieces
    for word in re.findall(rf"[^ ]{{1,{_MAX_RUN - 1}}} ?|.", run):
        if pieces[-1] and len(pieces[-1]) + len(word) > _MAX_RUN:
            pieces.append("")
        pieces[-1] += word
    return [piece.strip() for piece in pieces]


def _is_bound(before: str, letter: str) -> bool:
    """Whether two letters make up one syllable; a vowel sign may stand before or after its own."""
    return unicodedata.category(letter)[0] == "M" or unicodedata.combining(before) == _VIRAMA


def shaped_font(runs: Mapping[str, str], font: Path) -> bytes:
    """A TrueType font whose letters are whole runs.

    Args:
        runs: of ``laid_out_runs``, run -> letter.
        font: that draws what runs to the left.
    """
    glyphs, metrics = {".notdef": TTGlyphPen(None).glyph()}, {".notdef": (0, 0)}
    for run, letter in runs.items():
        name = f"run{ord(letter):X}"
        glyphs[name], width = _outline(run, _font_file(_script(run[0])) or font)
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
