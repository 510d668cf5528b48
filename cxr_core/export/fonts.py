"""The one typeface of pictures and pages: DejaVu Sans, which comes with matplotlib.

The PDF's own fonts and those of reportlab know Latin letters only, and reference lines hold more.
"""

import importlib.util
import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile

from cxr_core.errors import ExportError

REGULAR, BOLD, MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # stands for every letter that cannot be drawn
# Letters that run to the left: drawn in the order of the text they would read backwards.
_RIGHT_TO_LEFT = {"R", "AL", "RLE", "RLO", "RLI"}


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


def printable(text: str) -> str:
    """A user's text as it can be drawn, on one line a paragraph.

    Line ends stay, other blanks become one space, and every letter that the font lacks, that
    runs from right to left or that only controls a terminal becomes ``REPLACEMENT``.
    """
    drawn = (_printable_letter(letter) for letter in unicodedata.normalize("NFC", text))
    lines = ("".join(drawn)).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _printable_letter(letter: str) -> str:
    if letter in "\r\n\v\f\x85\u2028\u2029":
        return "\n"
    if letter.isspace():
        return " "
    if letter in "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f":
        return ""  # no width of their own: joiners, break marks, variants
    leftward = unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT
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
