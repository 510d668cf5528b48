"""What is drawn of a text, and what visibly stands for the rest."""

import pytest

from cxr_core.errors import ExportError
from cxr_core.export.fonts import BOLD, MONO, REGULAR, font_path, printable


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Müller Žižka Ωmega Яков", "Müller Žižka Ωmega Яков"),
        ("Mu\u0308ller", "Müller"),  # letter and dots apart become one
        ("王 😀 \x07 \x1b[0m", "� � � �[0m"),
        ("שלום", "����"),  # would be drawn backwards
        ("a\u202eb", "a�b"),  # turns the direction of what follows
        ("a\u200bb\ufeff", "ab"),
        ("half \ud800 letter", "half � letter"),
        ("  one\t two \r\n\r\n three ", "one two\nthree"),
        ("", ""),
    ],
)
def test_what_the_font_lacks_is_replaced_visibly(text, drawn):
    assert printable(text) == drawn


@pytest.mark.parametrize("name", [REGULAR, BOLD, MONO])
def test_the_fonts_come_with_what_is_installed(name):
    assert font_path(name).read_bytes()[:4] == b"\0\1\0\0"  # TrueType


def test_a_font_that_is_missing_is_a_sentence():
    with pytest.raises(ExportError, match="font for exports is missing: Nowhere.ttf"):
        font_path("Nowhere")
