"""Words of a file, a table or an error on a page: shown as they are, and never obeyed.

Streamlit reads Markdown in messages and labels, and beyond it links, icons, emoji, colours,
formulas and typographical signs, some of which no backslash stops. Plotly reads a few tags.
"""

import re
from html import escape

from cxr_core.errors import one_line

_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`+[^`]*`+)", re.DOTALL)
_ADDRESS = re.compile(r"(?:https?://|ftp://|mailto:|www\.)[^\s`()<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SHORTCODE = re.compile(r":[\w/+-]*[A-Za-z][\w/+-]*:|:[A-Za-z][\w-]*(?=\[)")
_SIGNS = re.compile(r"[\[\]<$]")


def as_text(words: str) -> str:
    """Words for a message or a label in which they stay the plain text that they are.

    A code span is the one thing whose inside nothing looks at; the style sheet takes its looks.
    """
    # Streamlit rewrites an icon's word before anything reads Markdown: a word joiner, which takes
    # no room, keeps it as it is.
    text = one_line(words).replace(":material/", ":\u2060material/")
    if not text.strip():
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"


def without_commands(markdown: str) -> str:
    """A file's Markdown with its headings, tables and emphasis, but without links, pictures, icons,
    formulas and tags: these stay what is written."""
    parts = _CODE.split(markdown)
    return "".join(part if n % 2 else _inert(part) for n, part in enumerate(parts))


def _inert(text: str) -> str:
    def in_code(match: re.Match[str]) -> str:
        return f"`{match[0]}`"

    pieces = _CODE.split(_SHORTCODE.sub(in_code, _ADDRESS.sub(in_code, text)))
    return "".join(
        piece if n % 2 else _SIGNS.sub(r"\\\g<0>", piece) for n, piece in enumerate(pieces)
    )


def plotly_text(words: str) -> str:
    """Words for a title, an axis or a hover text of a chart, in which Plotly reads tags."""
    return escape(one_line(words), quote=False)
