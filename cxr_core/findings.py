"""The findings, in the one order that every tensor, table and checkpoint uses.

A finding is added by one record in ``FINDINGS``; everything else here is computed from it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One output of the model.

    Attributes:
        key: name in columns, dictionaries and files, e.g. ``no_finding``.
        label: NIH ChestX-ray14's own name, e.g. ``No Finding``.
        kind: ``abnormal``, or ``normal`` for the one that says that nothing was found.
        colour, dash, symbol: of its curves and marks, in Plotly's words. The colours are Okabe and
            Ito's that are bright enough on a dark ground; the dash tells them apart too.
    """

    key: str
    label: str
    kind: Literal["abnormal", "normal"]
    colour: str
    dash: str
    symbol: str


FINDINGS: tuple[Finding, ...] = (
    Finding("effusion", "Effusion", "abnormal", "#e69f00", "solid", "circle"),
    Finding("atelectasis", "Atelectasis", "abnormal", "#56b4e9", "dash", "square"),
    Finding("infiltration", "Infiltration", "abnormal", "#cc79a7", "dot", "diamond"),
    Finding("no_finding", "No Finding", "normal", "#dddddd", "dashdot", "cross"),
)
KEYS: tuple[str, ...] = tuple(finding.key for finding in FINDINGS)
LABELS: dict[str, str] = {finding.key: finding.label for finding in FINDINGS}
ABNORMAL_KEYS: tuple[str, ...] = tuple(f.key for f in FINDINGS if f.kind == "abnormal")
(NORMAL_KEY,) = (finding.key for finding in FINDINGS if finding.kind == "normal")
# Columns of a tensor or an array whose last axis is the findings.
ABNORMAL_INDICES: tuple[int, ...] = tuple(KEYS.index(key) for key in ABNORMAL_KEYS)
NORMAL_INDEX: int = KEYS.index(NORMAL_KEY)
LABEL_COLUMNS: tuple[str, ...] = tuple(f"label_{key}" for key in KEYS)
LOGIT_COLUMNS: tuple[str, ...] = tuple(f"logit_{key}" for key in KEYS)
PROBABILITY_COLUMNS: tuple[str, ...] = tuple(f"probability_{key}" for key in KEYS)


def in_words(count: int) -> str:
    """A small number as a word."""
    small = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return small[count] if count < len(small) else str(count)


# Findings of other models' tables, of which only the key is known. A key is made by ``key_from``:
# whatever it is made of, its label can stand in any document as it is.
_MAX_NAME = 40  # letters


def key_from(name: str) -> str:
    """A finding's key from a name in somebody's table, e.g. ``Pleural_Thickening``.

    Letters, digits, brackets, plus, slash and hyphen stay; all else becomes one underscore. "" for
    a name of which nothing stays.
    """
    kept = re.sub(r"[^\w()+/-]+|_+", "_", name.strip()).strip("_")[:_MAX_NAME]
    return re.sub(r"^[^\w(]+", "", kept).strip("_")


def label_of(key: str) -> str:
    """What a finding is called, one of ours or any other."""
    if key in LABELS:
        return LABELS[key]
    words = key.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def abnormal_of(keys: Iterable[str]) -> tuple[str, ...]:
    """Those of any keys that are not the one of the normal film."""
    return tuple(key for key in keys if key != NORMAL_KEY)


# How many there are, for sentences.
ALL_IN_WORDS: str = in_words(len(KEYS))
ABNORMAL_IN_WORDS: str = in_words(len(ABNORMAL_KEYS))
