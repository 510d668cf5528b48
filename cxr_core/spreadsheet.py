"""CSV that a spreadsheet opens as text and numbers, whatever stands in it.

A cell that begins with a sign such as ``=`` is a formula to a spreadsheet, which may run a program
or send a table's other cells away. Some skip blanks, quotes and marks that nobody sees before the
sign, take full-width signs for it, or begin a new cell at a line break or a semicolon, quoted or
not. So each text gets an apostrophe where such a cell would begin, and quotes around it; numbers
stay numbers. ``unguard_formula`` takes the apostrophes off again.
"""

import math
import re
from collections.abc import Iterable
from numbers import Integral, Real

# What may stand before a sign and is skipped or not seen: blanks, controls, zero-width and
# direction marks, variation selectors, byte order marks, quotes.
_SKIPPED_ON_LINE = (
    " \\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u1680"
    "\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u202a-\\u202f\\u205f-\\u206f\\u3000\\u3164"
    "\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\U000e0000-\\U000e0fff"
    "\"'`´‘’‚‛“”„‟«»‹›＂＇"
)
_BREAKS = "\\t\\n\\x0b\\x0c\\r\\x85\\u2028\\u2029"
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
_UNSAFE = re.compile(
    f"\\A(?=[{_SKIPPED_ON_LINE}{_BREAKS};]*[{_SIGNS}\\t\\r\\n])"
    f"|(?<=[{_BREAKS};])(?=[{_SKIPPED_ON_LINE}]*[{_SIGNS}])"
)
_GUARDED = re.compile(
    f"\\A'(?=[{_SKIPPED_ON_LINE}{_BREAKS};]*[{_SIGNS}\\t\\r\\n])"
    f"|(?<=[{_BREAKS};])'(?=[{_SKIPPED_ON_LINE}]*[{_SIGNS}])"
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def guard_formula(text: str) -> str:
    """``text`` with an apostrophe wherever a spreadsheet could see a formula begin.

    A plain decimal number, as ``-1.5``, is left as it is.
    """
    return text if _NUMBER.fullmatch(text) else _UNSAFE.sub("'", text)


def unguard_formula(text: str) -> str:
    """What ``guard_formula`` was given."""
    return _GUARDED.sub("", text)


def csv_line(cells: Iterable[object]) -> str:
    """One line of CSV with its end.

    Args:
        cells: texts (a plain decimal number among them is one), numbers, and None or nan for an
            empty cell.
    """
    return ",".join(map(_csv_cell, cells)) + "\n"


def _csv_cell(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return "" if math.isnan(value) else repr(float(value))
    text = str(value)
    if _NUMBER.fullmatch(text):
        return text
    return '"' + guard_formula(text).replace('"', '""') + '"'
