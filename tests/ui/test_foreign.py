"""Words of files on a page: what is escaped, and how it comes back as it was."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_core.ui.foreign import as_text, plotly_text, without_commands


def code_span(markdown: str) -> str:
    """What CommonMark makes of a text that is one code span."""
    found = re.fullmatch(r"(`+)(?!`)(.*?)(?<!`)\1", markdown)
    assert found is not None, markdown
    inside = found[2]
    assert not re.search(rf"(?<!`){found[1]}(?!`)", inside)  # it ends nowhere before
    return inside[1:-1] if inside.startswith(" ") and inside.endswith(" ") else inside


@pytest.mark.parametrize(
    "words",
    ["a", "[a](http://b)", "`", "``a`", "a`", ":material/delete:", "$x$", "a--b", "**b**", "<b>"],
)
def test_words_are_one_code_span_and_come_back(words: str) -> None:
    assert code_span(as_text(words)).replace("\u2060", "") == words


@given(st.text("`a *[]()<$:\\\n", min_size=1))
def test_any_words_are_one_code_span(words: str) -> None:
    if as_text(words):
        assert code_span(as_text(words)) == words.replace("\n", " ") or "\n" in words
    else:
        assert not words.strip()


def test_a_card_keeps_its_headings_and_tables_and_loses_what_a_page_would_follow() -> None:
    card = (
        "## Limits\n\n**Bold**, `code [a](b)`, 12 %.\n\n| a | b |\n| :---: | ---: |\n| 1 | 2 |\n\n"
        "![p](http://evil.example/p.png) [a](b) <b>x</b> $x$ :material/delete: :red[r] www.e.org\n"
    )
    shown = without_commands(card)
    kept, rest = shown.split("!", 1)
    assert kept == card.split("!")[0]
    assert not re.search(r"(?<!\\)\]", rest)
    assert "\\<b>" in rest
    assert "\\$x\\$" in rest
    for words in ("`http://evil.example/p.png`", "`:material/delete:`", "`:red`", "`www.e.org`"):
        assert words in rest


def test_a_chart_shows_tags_as_they_are_written() -> None:
    assert plotly_text('<a href="x">&amp;</a>\n') == '&lt;a href="x"&gt;&amp;amp;&lt;/a&gt; '
