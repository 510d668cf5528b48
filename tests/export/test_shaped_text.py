"""What joins, stacks or runs to the left is laid out before reportlab sees it."""

import io
import unicodedata

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from cxr_core.export.fonts import REGULAR, font_path
from cxr_core.export.shaped_text import as_letters, laid_out_runs, shaped_font


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Ward 3", []),
        ("Ward محمد عبد الله, room 3", ["محمد عبد الله"]),
        ("12 שלום (3) end", ["שלום (3)"]),  # a number after it belongs to it, one before it not
        ("שלום (end", ["שלום"]),
        ("אב\nגד אב", ["אב", "גד אב"]),  # never over a line's end
        ("אב x אב", ["אב"]),
        ("אָב", ["אָב"]),  # its vowel sign, too
        ("नमस्ते दुनिया x", ["नमस्ते", "दुनिया"]),  # word by word: a line may end between them
        ("สวัสดี 12 ไทย", ["สวัสดี", "ไทย"]),
        ("நலம்नमः", ["நலம்", "नमः"]),  # of two fonts
        ("क्\u200dष", ["क्\u200dष"]),
    ],
)
def test_runs_reach_from_the_first_leftward_letter_to_the_last(text: str, runs: list[str]) -> None:
    found = laid_out_runs(text)
    assert list(found) == runs
    back = as_letters(text, found)
    assert not any("\u0590" <= letter <= "\u17ff" for letter in back)
    for run, letter in found.items():
        back = back.replace(letter, run)
    assert back == text


def test_a_long_run_is_broken_into_lines_and_an_unknown_one_is_never_drawn_wrong() -> None:
    text = "צילום חזה " * 20
    pieces = laid_out_runs(text)
    assert all(len(piece) <= 60 for piece in pieces)
    assert as_letters(text, pieces).strip().split("\n") == [
        pieces[piece] for piece in [next(iter(pieces))] * 3 + [list(pieces)[-1]]
    ]
    assert as_letters("x שלום", {}) == "x �"
    assert all(len(piece) <= 60 for piece in laid_out_runs("ש" * 200))


def outline(text: str) -> tuple[np.ndarray, int]:
    """The points (N, 2) of a run's glyph and its width."""
    runs = laid_out_runs(text)
    with TTFont(io.BytesIO(shaped_font(runs, font_path(REGULAR)))) as font:
        name = font.getBestCmap()[ord(runs[text])]
        return np.array(font["glyf"][name].coordinates), font["hmtx"][name][0]


def test_letters_stand_from_right_to_left() -> None:
    (alef, _), (bet, width) = outline("א"), outline("ב")
    both, _ = outline("אב")
    np.testing.assert_allclose(both, np.concatenate([bet, alef + np.array([width, 0])]), atol=1)


def test_arabic_letters_are_joined() -> None:
    joined, _ = outline("محمد")
    apart, _ = outline("م\u200cح\u200cم\u200cد")  # as non-joiners forbid it
    assert joined.shape != apart.shape


def test_syllables_are_stacked_and_never_parted() -> None:
    stacked, width = outline("क्ष")
    apart, _ = outline("कष")
    assert stacked.shape != apart.shape
    assert width > 0
    pieces = list(laid_out_runs("สวัสดีครับยินดีต้อนรับ" * 6))
    assert all(len(piece) <= 60 for piece in pieces)
    assert not any(unicodedata.category(piece[0])[0] == "M" for piece in pieces)
