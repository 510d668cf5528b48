"""Texts of files and readers in CSV: never a formula, and the same when they are read again."""

import csv
import io
import re
import unicodedata

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr_core.data.csv_files import read_columns, read_header, write_csv
from cxr_core.spreadsheet import csv_line, guard_formula, unguard_formula

SIGNS = "=+-@＝＋－＠"
NUMBERS = ("0", "12", "-1.5", "0.250000", "-3e-05", "1E+6")
# How a text may hide the sign that it begins with.
PREFIXES = ("", " ", "\t", "\r", "\n", '"', "'", "''", "\ufeff", "\u200b", "\u200e", "\xa0", "\x00",
            "\x07", "\u2060", "\u3000", "\u202e", "“", ' "\u200b\t', "\ufe0f", "\xad")  # fmt: skip
SEPARATORS = (";", "\n", "\r\n", "\t", "; ", ';"', "\n\u200b")
ALPHABET = SIGNS + "abc1.,;'\"|\t\n\r \xa0\u200b\ufeff\u2028Ä王"


def first_seen(text: str) -> str:
    """The first letter that stands in a cell once all that is not seen is gone."""
    seen = [
        letter for letter in text if unicodedata.category(letter)[0] not in "CZ" and letter != '"'
    ]
    return unicodedata.normalize("NFKC", seen[0]) if seen else ""


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("prefix", PREFIXES, ids=repr)
def test_no_cell_begins_with_a_sign_however_it_is_hidden(prefix: str, sign: str) -> None:
    text = f"{prefix}{sign}cmd|' /C calc'!A0"
    guarded = guard_formula(text)
    assert guarded.startswith("'")
    assert guarded.replace("'", "") == text.replace("'", "")
    assert unguard_formula(guarded) == text


@pytest.mark.parametrize("separator", SEPARATORS, ids=repr)
def test_no_part_of_a_cell_begins_with_one_where_another_separator_is_in_use(
    separator: str,
) -> None:
    guarded = guard_formula(f"a{separator}=1+1")
    parts = re.split("[;\t\r\n]", guarded)
    assert parts[-1].strip('"\u200b ').startswith("'")


@given(st.text(ALPHABET))
@settings(max_examples=100)
def test_any_text_is_safe_and_comes_back(text: str) -> None:
    guarded = guard_formula(text)
    assert unguard_formula(guarded) == text
    if guarded not in NUMBERS and not re.fullmatch(r"-?\d+(\.\d+)?", text):
        for part in re.split("[;\t\r\n]", guarded):
            assert first_seen(part) not in {"=", "+", "-", "@"}


@pytest.mark.parametrize("text", ["", "film.png", "a = b", "Effusion; Mass", "'s", "1+1", "a\n\nb"])
def test_a_harmless_text_is_left_as_it_is(text: str) -> None:
    assert guard_formula(text) == text == unguard_formula(text)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_stay_numbers(number: str) -> None:
    assert guard_formula(number) == number
    assert csv_line([number]) == f"{number}\n"


def test_a_line_quotes_each_text_and_no_number() -> None:
    line = csv_line(["a.png", 3, -0.5, None, float("nan"), "", "-1.25", 'say "x", y', "=1"])
    assert line == '"a.png",3,-0.5,,,,-1.25,"say ""x"", y","\'=1"\n'


@given(st.lists(st.text(ALPHABET), min_size=1))
@settings(max_examples=100)
def test_a_line_is_read_back_cell_by_cell(cells: list[str]) -> None:
    (back,) = csv.reader(io.StringIO(csv_line([*cells, "end"]), newline=""))
    assert [unguard_formula(cell) for cell in back] == [*cells, "end"]


@pytest.mark.parametrize("name", ["=1+1.png", "＠SUM(A1)", "'+a", "a;=b", "-x"])
def test_a_table_of_a_run_is_guarded_and_gives_the_same_names_again(tmp_path, name) -> None:
    path = tmp_path / "table.csv"
    write_csv(pd.DataFrame({"image": [name, "b"], "logit": [-1.5, 2.0]}), path)
    written = path.read_text("utf-8")
    assert name not in written.replace(f"'{name}", "").replace("'=b", "")
    assert "-1.5" in written
    assert "'-1.5" not in written
    positions = {column: at for at, column in enumerate(read_header(path))}
    assert read_columns(path, positions)["image"].tolist() == [name, "b"]
