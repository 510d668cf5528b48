"""Labels and scores told apart by what their columns' names share, where no word is known.

``Effusion (radiologist 2)`` and ``Effusion (tool B)``: all labels begin or end alike, so do all
scores, and what is left is the finding.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from cxr_core.evaluation.column_names import Column, key_of

_LEAST = 2  # findings; of one alone nothing is shared
_MAX_WORDS = 3  # of an affix
_MAX_AFFIXES = 15  # of a side that are tried, the commonest
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
Words = tuple[str, ...]
Affix = tuple[Words, Words]  # before and behind the finding


def pair_by_affix(columns: Sequence[Column]) -> dict[str, tuple[Column, Column]]:
    """Label and score by finding, where two affixes part the columns; else nothing.

    The pair of affixes that fits most findings is taken, and of equals the shortest. Labels are
    columns of 0 and 1 or words for these, scores all other numbers.
    """
    labels = {one: _words(one.title) for one in columns if one.is_binary}
    scores = {one: _words(one.title) for one in columns if one.is_numeric and not one.is_binary}
    best: tuple[int, int] = (_LEAST - 1, 0)
    found: dict[str, tuple[Column, Column]] = {}
    for label_affix, score_affix in product(_affixes(labels), _affixes(scores)):
        of_label, of_score = (
            _named(side, affix) for side, affix in ((labels, label_affix), (scores, score_affix))
        )
        both = [name for name in of_label if name in of_score]
        words = sum(map(len, (*label_affix, *score_affix)))
        if (len(both), -words) > best:
            best = len(both), -words
            found = {_key(name): (of_label[name], of_score[name]) for name in both}
    return found


def _affixes(columns: Mapping[Column, Words]) -> list[Affix]:
    """What several names begin or end with, the commonest first; and nothing."""
    counts: Counter[Affix] = Counter()
    for words in columns.values():
        counts.update(_affixes_of(words))
    shared = [affix for affix, n in counts.most_common() if n >= _LEAST]
    return [((), ()), *shared[:_MAX_AFFIXES]]


def _affixes_of(words: Words) -> Iterator[Affix]:
    for n in range(1, min(_MAX_WORDS, len(words) - 1) + 1):
        yield words[:n], ()
        yield (), words[-n:]


def _named(columns: Mapping[Column, Words], affix: Affix) -> dict[Words, Column]:
    """The columns that have the affix, by the words that are left."""
    start, end = affix
    found: dict[Words, Column] = {}
    for one, words in columns.items():
        rest = words[len(start) : len(words) - len(end)]
        if rest and words == (*start, *rest, *end):
            found.setdefault(rest, one)
    return found


def _words(title: str) -> Words:
    return tuple(word.casefold() for word in _WORD.findall(title))


def _key(name: Words) -> str:
    return key_of(" ".join(name).capitalize())
