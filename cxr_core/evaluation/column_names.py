"""What the name and the cells of somebody's column say: label or score, and of which finding."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.evaluation.table_cells import LABEL_WORDS, MISSING_WORDS
from cxr_core.findings import KEYS, key_from, label_of

# Ours, by what others call them; "normal" is No Finding where it stands among findings.
_SYNONYMS: Mapping[str, str] = {
    **{re.sub(r"\W|_", "", label_of(key).casefold()): key for key in KEYS},
    "pleuraleffusion": "effusion", "pleuraleffusions": "effusion", "effusions": "effusion",
    "infiltrate": "infiltration", "infiltrates": "infiltration", "infiltrations": "infiltration",
    "atelectases": "atelectasis", "nofindings": "no_finding", "normal": "no_finding",
    "nofind": "no_finding", "healthy": "no_finding",
}  # fmt: skip
_LABEL_WORDS = (
    r"y[ _]?true|y[ _]?test|ground[ _]?truth|(?:reference|gold)[ _]?standard|labels?|lbl|true|"
    r"truth|gt|targets?|tgt|actual|reference|annotations?|observed"
)
_LOGIT_WORDS = r"y[ _]?logits?|logits?"
_SCORE_WORDS = (
    r"prob(?:abilit(?:y|ies))?|probas?|pr|predict(?:ed|ions?)?|preds?|y[ _]?(?:pred|scores?|probs?|"
    r"proba|hat)|scores?|outputs?|sigmoid|softmax|conf(?:idence)?|likelihood|model|ai"
)
_WEAK = {"y": "label", "is": "label", "has": "label", "p": "score"}  # before a name alone
_ROLE = re.compile(
    rf"(?P<label>{_LABEL_WORDS})|(?P<logit>{_LOGIT_WORDS})|(?P<score>{_SCORE_WORDS})", re.IGNORECASE
)
_AT_START = rf"^(?:{_ROLE.pattern})(?=$|[\W_]|(?-i:[A-Z])|\d)"
_AT_END = rf"(?:^|(?<=[\W_])|(?-i:(?<=[a-z\d])(?=[A-Z])))(?:{_ROLE.pattern})$"
_CLASS_NUMBER = re.compile(r"(?:class|cls|c)?[ _]*(\d+)", re.IGNORECASE)
_LIST_SIGNS = "|;,"
_MAX_TITLE = 200  # letters of a name that are looked at
Role = Literal["label", "logit", "score", "decision", ""]


@dataclass(frozen=True, eq=False)
class Column:
    """A column that may be a label or a score; ``name`` is what is left of ``title``."""

    title: str
    role: Role
    name: str
    cells: pd.Series

    @cached_property
    def told(self) -> pd.Series:
        """Its cells that are not empty, in small letters."""
        small = self.cells.str.casefold()
        return small[~small.isin(MISSING_WORDS)]

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """Those of ``told`` as numbers, nan where they are none."""
        return pd.to_numeric(self.told, errors="coerce").to_numpy(dtype=np.float64)

    @cached_property
    def is_numeric(self) -> bool:
        return len(self.numbers) > 0 and bool(np.isfinite(self.numbers).all())

    @cached_property
    def is_binary(self) -> bool:
        """Whether it holds 0 and 1, words for these, and -1 for what is missing."""
        return len(self.told) > 0 and bool(
            (np.isin(self.numbers, (-1.0, 0.0, 1.0)) | self.told.isin(list(LABEL_WORDS))).all()
        )

    @cached_property
    def is_probable(self) -> bool:
        """Whether all its values could be probabilities."""
        return self.is_numeric and bool(((self.numbers >= 0) & (self.numbers <= 1)).all())

    @cached_property
    def key(self) -> str:
        return key_of(self.name)


def plain_name(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def key_of(name: str) -> str:
    return _SYNONYMS.get(plain_name(name), key_from(name))


def read_name(title: str) -> tuple[Role, str]:
    """What a column's name says of it, and the finding's name that is left.

    ``prob_Effusion``, ``Effusion (true)``, ``scores[Effusion]``, ``('label', 'Effusion')``.
    """
    title = title[:_MAX_TITLE]
    left = re.sub(r"^\('(.*)'\)$", lambda match: match[1].replace("', '", "/"), title)
    left = re.sub(r"\.\d+$", "", left)  # pandas' second of a name
    if inner := re.fullmatch(r"(.*)\[(.+)\]", left):
        outer = read_name(inner[1])[0]
        return outer, f"#{inner[2]}" if inner[2].isdigit() else inner[2]
    left = re.sub(r"^(.*\S)\s*\(([^()]*)\)$", r"\1_\2", left)  # "Effusion (true)"
    roles: list[str] = []
    for _ in range(4):
        before = left
        for pattern in (_AT_START, _AT_END):
            if match := re.search(pattern, left, re.IGNORECASE):
                roles += [role for role, found in match.groupdict().items() if found]
                left = (left[: match.start()] + left[match.end() :]).strip(" \t_-./:|()")
        if left == before:
            break
    if not roles:
        inside = re.search(rf"[\W_](?:{_ROLE.pattern})[\W_]+(?P<rest>.+)$", left, re.IGNORECASE)
        if inside:  # "test/prob/Effusion"
            roles += [
                role for role, found in inside.groupdict().items() if found and role != "rest"
            ]
            left = inside["rest"]
    if not roles and (weak := re.match(r"(y|p|is|has)[ _.](?=.)", left, re.IGNORECASE)):
        roles, left = [_WEAK[weak[1].casefold()]], left[weak.end() :]
    kinds = set(roles)
    if "label" in kinds and kinds & {"score", "logit"}:
        role: Role = "decision"  # "predicted label"
    else:
        role = "logit" if "logit" in kinds else "score" if "score" in kinds else (
            "label" if kinds else "")  # fmt: skip
    if number := _CLASS_NUMBER.fullmatch(left):
        left = f"#{int(number[1])}"
    return role, left


def split_list(cell: str) -> list[str]:
    for sign in _LIST_SIGNS:
        if sign in cell:
            return [part.strip() for part in cell.split(sign) if part.strip()]
    return [cell.strip()]
