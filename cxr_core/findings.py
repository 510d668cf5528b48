"""The findings, in the one order that every tensor, table and checkpoint uses.

A finding is added by one record in ``FINDINGS``; everything else here is computed from it.
"""

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


def _in_words(count: int) -> str:
    small = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return small[count] if count < len(small) else str(count)


# How many there are, for sentences.
ALL_IN_WORDS: str = _in_words(len(KEYS))
ABNORMAL_IN_WORDS: str = _in_words(len(ABNORMAL_KEYS))
