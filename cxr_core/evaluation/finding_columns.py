"""Which columns of somebody's table are the label and the score of which finding.

Each function guesses from names first and from values where names do not tell, says what it took,
and asks what is unsure: whole sentences, added to ``said`` and ``questions``.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from cxr_core.evaluation.column_affixes import pair_by_affix
from cxr_core.evaluation.column_names import Column, key_of, split_list
from cxr_core.evaluation.table_mapping import (
    FindingColumns,
    Kind,
)
from cxr_core.findings import label_of

_MANY = 0.02  # of the values; fewer that are no probability are refused, and no sign of logits
UNNAMED = "Finding"  # of a table that tells of one finding and not of which
NAMING = (
    "The table tells of one finding and not of which: give its name.",
    "The findings have numbers and no names: give their names.",
)
_NAME_ONE, _NAME_ALL = NAMING


def pair_findings(
    columns: Sequence[Column], questions: list[str], said: list[str]
) -> tuple[list[FindingColumns], list[Column]]:
    """Findings whose label and score are named alike; and the scores that are left."""
    groups: dict[str, list[Column]] = {}
    for one in columns:
        if one.key and (one.is_numeric or one.is_binary or len(one.told) == 0):
            groups.setdefault(one.key, []).append(one)
    groups = _merged_suffixes(groups)
    pairs: dict[str, tuple[Column, Column]] = {}
    left: list[Column] = []
    decisions: list[str] = []
    scoreless: list[str] = []
    for key, group in groups.items():
        label, scores = _sides(group)
        if label is None or not scores:
            left += scores[:1] if label is None else []
            scoreless += [key] if label is not None and label.role == "label" and label.name else []
            continue
        score = scores[0]
        if score.is_binary and len(score.told):
            decisions.append(key)
        pairs[key] = label, score
    if scoreless and pairs:
        said.append(f"Without a score, so not measured: {named_findings(scoreless)}.")
    if decisions:
        said.append(
            f"Scores of {named_findings(decisions)} are 0 and 1 alone: decisions, not "
            "probabilities. Areas are then of one cut-off."
        )
    kinds = _kinds([score for _, score in pairs.values()], questions)
    found = []
    for key, (label, score) in pairs.items():
        number = re.fullmatch(r"#(\d+)", score.name)
        found.append(FindingColumns(f"Class_{number[1]}" if number else key, label.title,
                                    score.title, kinds[score.title]))  # fmt: skip
    if any(score.name.startswith("#") for _, score in pairs.values()):
        questions.append(_NAME_ALL)
    return found, [one for one in left if not one.is_binary]


def _merged_suffixes(groups: dict[str, list[Column]]) -> dict[str, list[Column]]:
    """``Effusion_x`` and ``Effusion_y``, as pandas' merge makes them, are of one finding."""
    merged: dict[str, list[Column]] = {}
    for key, group in groups.items():
        stem = re.sub(r"_[xy]$", "", key)
        other = f"{stem}_{'y' if key.endswith('_x') else 'x'}"
        merged.setdefault(key_of(stem) if stem != key and other in groups else key, []).extend(
            group
        )
    return merged


def _sides(group: Sequence[Column]) -> tuple[Column | None, list[Column]]:
    """Of one finding's columns: its label, and what may be its score, the best first."""
    binary = [one for one in group if one.is_binary or len(one.told) == 0]
    named = [one for one in group if one.role == "label"]
    label = next(iter(named), None)
    if label is None:
        label = next((one for one in binary if one.role == ""), None)
    scores = [one for one in group if one is not label and one.role != "label"]
    scores = [
        one for one in scores if one.role in ("logit", "score", "decision") or not one.is_binary
    ]
    rank = {"logit": 0, "score": 1, "": 2, "decision": 3, "label": 4}
    scores.sort(key=lambda one: (one.is_binary, rank[one.role]))
    if label is not None and not label.is_binary and len(label.told) and not scores:
        return None, [label]  # "y_Effusion" of probabilities
    return label, scores


def _kinds(scores: Sequence[Column], questions: list[str]) -> dict[str, Kind]:
    """What the scores are, by column: by name where it tells, else by the values of all others."""
    found: dict[str, Kind] = {one.title: "logit" for one in scores if one.role == "logit"}
    others = [one for one in scores if one.title not in found]
    if not others:
        return found
    values = np.concatenate([one.numbers[np.isfinite(one.numbers)] for one in others])
    outside = (values < 0) | (values > 1)
    kind: Kind = "logit"
    if len(values) == 0 or outside.mean() < _MANY:
        kind = "probability"
    elif (values >= 0).all() and values.max() <= 100:
        questions.append(percent_question(others[0].title))
        kind = "percent"
    return found | {one.title: kind for one in others}


def percent_question(title: str) -> str:
    """What is asked where scores may be percent."""
    return f"Scores such as {title} lie between 0 and 100: they are taken for percent."


def findings_by_affix(columns: Sequence[Column], questions: list[str]) -> list[FindingColumns]:
    """Findings whose labels and scores begin or end alike (``pair_by_affix``)."""
    pairs = pair_by_affix(columns)
    kinds = _kinds([score for _, score in pairs.values()], questions)
    return [
        FindingColumns(key, label.title, score.title, kinds[score.title])
        for key, (label, score) in pairs.items()
    ]


def findings_of_classes(
    columns: Sequence[Column],
    left: Sequence[Column],
    found: Sequence[FindingColumns],
    questions: list[str],
    said: list[str],
) -> list[FindingColumns]:
    """Findings whose labels are named in cells: ``Effusion|Atelectasis``, a class, its number."""
    scores = {one.key: one for one in left if one.key not in {f.key for f in found}}
    if not scores:
        return []
    numbered = all(one.name.startswith("#") for one in scores.values())
    best: tuple[int, Column | None, dict[str, str]] = (0, None, {})
    for one in columns:
        if one.title in {score.title for score in left} or one.role in (
            "score",
            "logit",
            "decision",
        ):
            continue
        if one.is_numeric and not numbered:
            continue
        values: dict[str, str] = {}
        for cell in one.cells[one.cells != ""].unique()[:10_000]:
            for part in split_list(cell):
                name = f"#{int(float(part))}" if numbered and _is_whole(part) else part
                values.setdefault(key_of(name), part)
        matched = {key: values[key] for key in scores if key in values}
        weight = 2 * len(matched) + (one.role == "label")
        if matched and weight > best[0]:
            best = (weight, one, values)
    _, column, values = best
    if column is None:
        return []
    if numbered and len(scores) == 2 and _complementary(list(scores.values())):
        scores = {key: one for key, one in scores.items() if one.name == "#1"}
    kinds = _kinds(list(scores.values()), questions)
    listed = column.cells.str.contains("|", regex=False).any() or len(
        [key for key in scores if key in values]) * 2 >= len(scores)  # fmt: skip
    result = []
    for key, score in scores.items():
        if key not in values and not listed:
            continue
        name = key
        if numbered:
            name = UNNAMED if len(scores) == 1 else f"Class_{score.name.removeprefix('#')}"
        value = values.get(key, score.name)
        result.append(FindingColumns(name, column.title, score.title, kinds[score.title], value))
    if numbered:
        questions.append(_NAME_ONE if len(scores) == 1 else _NAME_ALL)
    said.append(f"Labels are read from {column.title}, in which cells name the finding.")
    return result


def _is_whole(cell: str) -> bool:
    return bool(re.fullmatch(r"\d{1,6}(?:\.0+)?", cell))


def _complementary(scores: Sequence[Column]) -> bool:
    a, b = (one.numbers for one in scores)
    return len(a) == len(b) and bool(np.allclose(a + b, 1.0, atol=1e-3))


def single_finding(
    columns: Sequence[Column], name: str, questions: list[str], said: list[str]
) -> list[FindingColumns]:
    """The one finding of a table such as ``y_true, y_score``."""
    labels = [
        one for one in columns if one.role == "label" and (one.is_binary or not one.is_numeric)
    ]
    labels += [one for one in columns if one.role == "" and one.is_binary]
    labels = [one for one in labels if one.told.nunique() > 1]
    scores = [one for one in columns if one.role in ("logit", "score") and one.is_numeric]
    scores += [one for one in columns if one.role == "" and one.is_numeric and not one.is_binary]
    scores.sort(key=lambda one: (one.is_binary, one.role == ""))
    labels = [one for one in labels if one.told.nunique() <= 2 or one.is_binary]
    scores = [one for one in scores if one not in labels[:1]]
    if not labels or not scores or not (labels[0].role or scores[0].role):
        return []
    label, score = labels[0], scores[0]
    named = next(
        (one.key for one in (label, score) if one.key and not one.name.startswith("#")), ""
    )
    key = named or key_of(name) or UNNAMED
    value = ""
    if not label.is_binary:
        values = sorted(label.cells[label.cells != ""].unique())
        value = next(
            (v for v in values if key_of(v) != "no_finding" and not _says_no(v)), values[0]
        )
        named = named or key_of(value)
        key = named
        questions.append(f"{label.title} is taken as positive where it says {value}.")
    if not named:
        questions.append(_NAME_ONE)
    kind = _kinds([score], questions)[score.title]
    return [FindingColumns(key, label.title, score.title, kind, value)]


def _says_no(value: str) -> bool:
    return bool(re.match(r"(?:no|non|not|neg\w*|absent|without)\b", value.casefold()))


def named_findings(keys: Iterable[str]) -> str:
    """Findings in words, each once; of very many the first."""
    names = list(dict.fromkeys(label_of(key) for key in keys))
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
