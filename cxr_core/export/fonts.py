"""The one typeface of pictures and pages: DejaVu Sans, which comes with matplotlib.

The PDF's own fonts and those of reportlab know Latin letters only, and reference lines hold more.
Chinese, Japanese and Korean on the PDF come from ``cjk_font``, and scripts that run from right to
left (Arabic, Hebrew) or whose letters join or stack (Devanagari, Thai ...) from ``shaped_text``.
What can be drawn: Latin, Greek, Cyrillic, Armenian, Georgian, and there these. What no font has
(Tibetan, pictures) is not: a sign stands for each letter, and ``unprintable_sentence`` says so.
"""

import importlib.util
import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile

from cxr_core.errors import ExportError
from cxr_core.export.cjk_font import is_cjk
from cxr_core.export.shaped_text import JOINERS, is_laid_out, runs_leftward
from cxr_core.wording import listed

REGULAR, BOLD, MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # stands for every letter that cannot be drawn
_OTHER = "other signs"
_SCRIPTS = {
    "Cjk": "Chinese",
    "Hiragana": "Japanese",
    "Katakana": "Japanese",
    "Hangul": "Korean",
    "Other": _OTHER,
}


def font_path(name: str) -> Path:
    """Where a font's file lies. matplotlib itself, which is slow to load, is not imported.

    Raises:
        ExportError: matplotlib, which comes with grad-cam, is not installed as it should be.
    """
    spec = importlib.util.find_spec("matplotlib")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    path = folder / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    if not path.is_file():
        raise ExportError(
            "The font for exports is missing",
            value=f"{name}.ttf",
            remedy="Install the requirements again: make app.",
        )
    return path


def printable(text: str, *, on_pdf: bool = False) -> str:
    """A user's text as it can be drawn, on one line a paragraph.

    Line ends stay, other blanks become one space, and every letter that the font lacks, that
    runs from right to left or that only controls a terminal becomes ``REPLACEMENT``.

    Args:
        on_pdf: whether the letters of ``cjk_font`` and those of ``shaped_text`` are drawn, too.
    """
    whole = unicodedata.normalize("NFC", text)
    drawn = (
        letter
        if on_pdf and letter in JOINERS and before and is_laid_out(before)
        else _printable_letter(letter, on_pdf)
        for before, letter in zip(("", *whole), whole, strict=False)
    )
    lines = ("".join(drawn)).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def unprintable_sentence(text: str) -> str:
    """Which scripts ``printable`` cannot draw on the PDF; "" where it draws all."""
    lost = [
        letter
        for letter in unicodedata.normalize("NFC", text)
        if _printable_letter(letter, True) == REPLACEMENT
    ]
    if not lost:
        return ""
    scripts = sorted({_script(letter) for letter in lost} - {_OTHER})
    named = [*scripts, *([_OTHER] if _OTHER in map(_script, lost) else [])]
    return f"Not printable here, {REPLACEMENT} stands for each: {listed(named)}."


def _script(letter: str) -> str:
    """The script of a letter, by the first word of its name, e.g. ``Arabic``."""
    if unicodedata.category(letter)[0] not in "LM":
        return _OTHER
    first = unicodedata.name(letter, _OTHER).split(" ")[0].title()
    return _SCRIPTS.get(first, first)


def _printable_letter(letter: str, on_pdf: bool) -> str:
    if letter in "\r\n\v\f\x85\u2028\u2029":
        return "\n"
    if letter.isspace():
        return " "
    if letter in "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f":
        return ""  # no width of their own: joiners, break marks, variants
    if on_pdf and (is_cjk(letter) or (is_laid_out(letter) and not runs_leftward(letter))):
        return letter
    leftward = runs_leftward(letter) and not on_pdf
    control = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn")
    return (
        REPLACEMENT
        if leftward or control or ord(letter) not in _supported_code_points()
        else letter
    )


@cache
def _supported_code_points() -> frozenset[int]:
    """The code points that the fonts of text can draw."""
    faces = [TTFontFile(str(font_path(name))) for name in (REGULAR, BOLD)]
    both = frozenset.intersection(*(frozenset(face.charToGlyph) for face in faces))
    # reportlab 5.1 writes a broken character map for letters beyond 16 bits.
    return frozenset(code for code in both if code <= 0xFFFF)
