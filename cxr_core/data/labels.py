"""NIH's finding names: one spelling, one order, and what did not fit."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxr_core.findings import FINDINGS, LABELS, NORMAL_KEY

_NORMAL_LABEL = LABELS[NORMAL_KEY]
NIH_LABELS: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
    _NORMAL_LABEL,
)
# Findings that the model does not have; they can be learnt beside its own.
AUXILIARY_LABELS: tuple[str, ...] = tuple(
    label for label in NIH_LABELS if label not in {finding.label for finding in FINDINGS}
)
_SYNONYMS: Mapping[str, str] = MappingProxyType({"infiltrate": "Infiltration"})  # NIH's boxes


@dataclass(frozen=True)
class LabelIssues:
    """What the label cells contained beside clean NIH names.

    Attributes:
        unknown: name that is not one of NIH's -> rows that carry it (they keep it).
        contradictions: rows with "No Finding" beside a finding (the finding was kept).
        empty: rows whose label cell is empty.
    """

    unknown: Mapping[str, int]
    contradictions: int
    empty: int


def canonical_label(name: str) -> str | None:
    """Return NIH's spelling of a finding's name, or None when NIH has no such finding.

    Case, spaces, hyphens and underscores do not matter; "Infiltrate" is Infiltration.
    """
    return _SPELLINGS.get(_fold_name(name))


def normalise_labels(cells: pd.Series) -> tuple[pd.Series, LabelIssues]:
    """Bring label cells such as ``"effusion | Mass"`` to NIH's form ``"Effusion|Mass"``.

    Names come out in NIH's spelling and order without repeats; unknown names follow, as
    written. "No Finding" beside any finding is a contradiction: the finding wins, since a
    report that names a finding is not a normal one.

    Args:
        cells: str, (N,).

    Returns:
        The cells in the same order and index (empty stays ""), and what did not fit.
    """
    codes, distinct = pd.factorize(cells)  # NIH has 836 distinct cells in 112,120 rows
    rows = np.bincount(codes, minlength=len(distinct))
    unknown: Counter[str] = Counter()
    contradictions = empty = 0
    clean: list[str] = []
    for cell, count in zip(distinct, rows.tolist(), strict=True):
        names, unknown_names, contradicts = _normalise_cell(str(cell))
        clean.append("|".join(names))
        contradictions += count * contradicts
        empty += count * (not names)
        for name in unknown_names:
            unknown[name] += count
    values = np.asarray(clean, dtype=object)[codes]
    issues = LabelIssues(dict(unknown.most_common()), contradictions, empty)
    return pd.Series(values, index=cells.index, name=cells.name, dtype="str"), issues


def label_columns(findings: pd.Series) -> pd.DataFrame:
    """Return one 0/1 column a finding of the model from sanitised cells.

    Args:
        findings: str, (N,), as :func:`sanitise_labels` returns them.

    Returns:
        DataFrame (N, 4) of int, columns ``label_effusion`` ..., same index.
    """
    codes, distinct = pd.factorize(findings)
    names = [set(str(cell).split("|")) for cell in distinct]
    columns = {
        f"label_{finding.key}": np.array([finding.label in n for n in names], dtype=np.int64)[codes]
        for finding in FINDINGS
    }
    return pd.DataFrame(columns, index=findings.index)


def auxiliary_labels(findings: pd.Series) -> NDArray[np.float32]:
    """Return 0 or 1 for each finding that the model does not have, (N, 11)."""
    sets = [set(str(cell).split("|")) for cell in findings]
    return np.array([[label in names for label in AUXILIARY_LABELS] for names in sets], np.float32)


def _normalise_cell(cell: str) -> tuple[list[str], list[str], bool]:
    """Return (names in order, the unknown ones among them, whether No Finding contradicted)."""
    known: set[str] = set()
    unknown: dict[str, str] = {}  # squeezed -> as first written
    for part in cell.split("|"):
        name = " ".join(part.split())
        if not name:
            continue
        label = canonical_label(name)
        if label is None:
            unknown.setdefault(_fold_name(name), name)
        else:
            known.add(label)
    contradicts = _NORMAL_LABEL in known and len(known) + len(unknown) > 1
    if contradicts:
        known.remove(_NORMAL_LABEL)
    ordered = [label for label in NIH_LABELS if label in known]
    others = sorted(unknown.values())
    return ordered + others, others, contradicts


def _fold_name(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()


_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {_fold_name(label): label for label in NIH_LABELS} | dict(_SYNONYMS)
)
