"""What is drawn of a text, and what visibly stands for the rest."""

import io

import pytest
from fontTools.ttLib import TTFont

from cxr_core.errors import ExportError
from cxr_core.export import cjk_font
from cxr_core.export.fonts import (
    BOLD,
    MONO,
    REGULAR,
    font_path,
    printable,
    unprintable_sentence,
)


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


@pytest.mark.parametrize(
    ("text", "drawn", "said"),
    [
        ("王小明 山田 ひらがな カタカナ", "王小明 山田 ひらがな カタカナ", ""),
        ("김철수 ㈜ ！", "김철수 ㈜ ！", ""),
        ("Žižka Ωmega Яков 王", "Žižka Ωmega Яков 王", ""),
        ("שלום محمد", "שלום محمد", ""),
        ("می\u200cروم a\u200cb", "می\u200cروم ab", ""),  # says which Persian letters join
        ("ܫܠܡܐ", "����", "Syriac"),
        ("नमस्ते ไทย", "नमस्ते ไทย", ""),
        ("བོད 😀", "��� �", "Tibetan and other signs"),
        ("𠀀 王", "� 王", "Chinese"),  # beyond 16 bits
        ("", "", ""),
    ],
)
def test_what_the_pdf_draws_and_what_it_says_of_the_rest(text, drawn, said):
    assert printable(text, on_pdf=True) == drawn
    sentence = f"Not printable here, � stands for each: {said}." if said else ""
    assert unprintable_sentence(text) == sentence


def test_without_the_package_of_the_font_its_letters_are_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(cjk_font, "_PACKAGE", "no_such_package")
    cjk_font._code_points.cache_clear()
    try:
        assert printable("王 김 カ", on_pdf=True) == "� � �"
        assert unprintable_sentence("王 김 カ").endswith("Chinese, Japanese and Korean.")
        with pytest.raises(ExportError, match="font of Chinese, Japanese and Korean"):
            cjk_font.cjk_font({"王"})
    finally:
        cjk_font._code_points.cache_clear()


def test_a_font_of_a_few_letters_has_these_and_is_always_the_same():
    letters = {"王", "김", "カ"}
    made = cjk_font.cjk_font(letters)
    assert made == cjk_font.cjk_font(letters)
    assert len(made) < 20_000
    with TTFont(io.BytesIO(made)) as font:
        assert set(font.getBestCmap()) == {ord(letter) for letter in letters}
        assert all(font["glyf"][name].numberOfContours > 0 for name in font.getBestCmap().values())


@pytest.mark.parametrize("name", [REGULAR, BOLD, MONO])
def test_the_fonts_come_with_what_is_installed(name):
    assert font_path(name).read_bytes()[:4] == b"\0\1\0\0"  # TrueType


def test_a_font_that_is_missing_is_a_sentence():
    with pytest.raises(ExportError, match="font for exports is missing: Nowhere.ttf"):
        font_path("Nowhere")
