"""Chinese, Japanese and Korean letters for the PDF: Noto Sans CJK, a few of its letters at a time.

The font comes with a package (SIL Open Font License 1.1) as one file of 65,535 letters in
PostScript outlines, which reportlab cannot embed. So the letters that a page needs are taken over
into a small TrueType font of their own. Chinese characters have the forms that are usual in Japan.
"""

import importlib.util
import io
from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from cxr_core.errors import ExportError

CJK = "NotoSansCJK"
_PACKAGE, _FILE = "noto_cjk_sans_jp_regular", "NotoSansCJKjp-Regular.otf"
# Blocks of Unicode, first and last: radicals to Chinese characters, Korean syllables, compatibility
# characters and forms. Beyond 16 bits reportlab 5.1 writes a broken character map.
_BLOCKS = (
    (0x1100, 0x11FF), (0x2E80, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F), (0xFF00, 0xFFEF),
)  # fmt: skip
_MAX_ERROR = 1.0  # units of 1000 an em by which a curve may be off


def is_cjk(letter: str) -> bool:
    """Whether a letter is one of those that the font of this module draws."""
    return ord(letter) in _code_points()


def cjk_font(letters: Set[str]) -> bytes:
    """A TrueType font of these letters alone.

    Args:
        letters: of which ``is_cjk`` is true.

    Raises:
        ExportError: the font's package is not installed; then ``is_cjk`` is true of no letter.
    """
    path = font_file()
    if path is None:
        raise ExportError(
            "The font of Chinese, Japanese and Korean letters is missing",
            value=_FILE,
            remedy="Install the requirements again: make app.",
        )
    with TTFont(path, lazy=True) as source:
        names, outlines = source.getBestCmap(), source.getGlyphSet()
        cmap = {ord(letter): names[ord(letter)] for letter in sorted(letters)}
        order = [".notdef", *dict.fromkeys(cmap.values())]
        glyphs, metrics = {}, {}
        for name in order:
            pen = TTGlyphPen(None)
            outlines[name].draw(Cu2QuPen(pen, _MAX_ERROR, reverse_direction=True))
            glyphs[name] = pen.glyph()
            metrics[name] = source["hmtx"][name]
        units = source["head"].unitsPerEm
        ascent, descent = source["hhea"].ascent, source["hhea"].descent
    return small_font(CJK, cmap, glyphs, metrics, units=units, ascent=ascent, descent=descent)


def small_font(
    name: str,
    cmap: Mapping[int, str],
    glyphs: Mapping[str, Any],
    metrics: Mapping[str, tuple[int, int]],
    *,
    units: int,
    ascent: int,
    descent: int,
) -> bytes:
    """A TrueType font of a few glyphs, the same bytes for the same ones.

    Args:
        name: of the family.
        cmap: code point -> a glyph's name.
        glyphs: of fontTools, by name; the first is ".notdef".
        metrics: advance width and left side bearing, in units.
        units, ascent, descent: an em, and how far lines reach above and below their base.
    """
    font = FontBuilder(units, isTTF=True)
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap(cmap)
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics(metrics)
    font.setupHorizontalHeader(ascent=ascent, descent=descent)
    font.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    font.setupOS2(sTypoAscender=ascent, sTypoDescender=descent)
    font.setupPost()
    font.font["head"].created = font.font["head"].modified = 0
    font.font.recalcTimestamp = False
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def font_file() -> Path | None:
    """Where the font lies; None where its package is not installed: its letters are not drawn."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(_FILE)
    return path if path.is_file() else None


@cache
def _code_points() -> frozenset[int]:
    path = font_file()
    if path is None:
        return frozenset()
    with TTFont(path, lazy=True) as font:
        found = font.getBestCmap()
    return frozenset(code for code in found if any(low <= code <= high for low, high in _BLOCKS))
