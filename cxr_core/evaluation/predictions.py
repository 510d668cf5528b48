"""Predictions tables: one row an image, its labels, and what a model said of it.

A validated table holds ``image`` and, of every finding, its label and its logit or probability:
our findings, some of them, or any others; ``keys_of`` tells which. What a column holds is told by
its name, never by its values. Tables of other columns come here through ``table_mapping``; a run's
own hold all of our findings (``read_predictions``).

A film may lack the label of a finding. It then takes no part in what is measured of that finding;
``is_labelled`` tells which films have which label, and whoever asks for labels asks it too.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxr_core.arrays import Floats
from cxr_core.config import Calibration
from cxr_core.data.csv_files import first_few, read_columns_strict, read_header, write_csv
from cxr_core.data.entries import parse_ages
from cxr_core.errors import DataError
from cxr_core.evaluation.scoring import sigmoid
from cxr_core.evaluation.table_cells import (
    MAX_QUOTED,
    MAX_ROWS,
    MISSING_LABEL,
    as_labels,
    as_number,
    as_scores,
    as_text,
)
from cxr_core.findings import (
    ALL_IN_WORDS,
    KEYS,
    LABEL_COLUMNS,
    LOGIT_COLUMNS,
    NORMAL_KEY,
    PROBABILITY_COLUMNS,
    abnormal_of,
)

OPTIONAL_COLUMNS = ("patient", "age", "sex", "view", "follow_up", "group")
NUMERIC_COLUMNS = ("age", "follow_up")
KNOWN_COLUMNS = (
    "image",
    *OPTIONAL_COLUMNS,
    *LABEL_COLUMNS,
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
)


# What a predictions table must hold, each breach in its own words.

_LABEL, _LOGIT, _PROBABILITY = "label_", "logit_", "probability_"


def keys_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The findings of a validated table, in the order of its columns and of every array of it."""
    return tuple(
        str(name).removeprefix(_LABEL) for name in table.columns if str(name).startswith(_LABEL)
    )


def complete_findings(names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The findings that have a label and a score among these columns, ours first (beside others,
    No Finding last); and the prefix of their scores, ``logit_`` where both kinds are whole. Of two
    kinds that are not, the one of more findings."""
    present = set(names)
    labelled = [name.removeprefix(_LABEL) for name in names if name.startswith(_LABEL)]
    others = [key for key in labelled if key not in KEYS]
    ordered = [key for key in KEYS if key in labelled and (key != NORMAL_KEY or not others)]
    ordered += [*others, *([NORMAL_KEY] if others and NORMAL_KEY in labelled else [])]
    found = {
        prefix: tuple(key for key in dict.fromkeys(ordered) if f"{prefix}{key}" in present)
        for prefix in (_LOGIT, _PROBABILITY)
    }
    prefix = max(found, key=lambda one: len(found[one]))  # the first of two that are equal
    return found[prefix], prefix


def score_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that hold what the model said: logits, or probabilities where they fail.

    Where neither set is whole, the one that is meant, so that a message can name the gap.
    """
    present = set(names)
    for columns in (LOGIT_COLUMNS, PROBABILITY_COLUMNS):
        if present.issuperset(columns):
            return columns
    started = present.intersection(PROBABILITY_COLUMNS) and not present.intersection(LOGIT_COLUMNS)
    return PROBABILITY_COLUMNS if started else LOGIT_COLUMNS


def require_columns(names: Sequence[str], where: str) -> None:
    """Refuse a table without its required columns, or with one of them twice.

    Args:
        names: the table's columns.
        where: the table as the user knows it, for the message.
    """
    required = ("image", *LABEL_COLUMNS, *score_columns(names))
    missing = [name for name in required if name not in names]
    if missing:
        raise DataError(
            "The predictions table lacks required columns",
            value=f"{', '.join(missing)} ({where})",
            remedy=(
                f"It needs image, {', '.join(LABEL_COLUMNS)}, and the same {ALL_IN_WORDS} as "
                "logit_… or as probability_…."
            ),
        )
    _refuse_doubled(names, where)


def _refuse_doubled(names: Sequence[str], where: str) -> None:
    twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if twice:
        raise DataError(
            "The predictions table has the same column twice",
            value=f"{', '.join(twice)} ({where})",
            remedy="Keep one of them.",
        )


def require_commas(header: Sequence[str]) -> None:
    """Refuse a table whose cells another sign parts, as spreadsheets write it in much of Europe."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and sign in header[0]:
            raise DataError(
                "The predictions table is not separated by commas",
                value=f"{name} in its first line",
                remedy=(
                    "Save it as CSV with commas between the cells and decimal points in the "
                    "numbers."
                ),
            )


def require_images(images: pd.Series) -> None:
    """Refuse a table without rows, with a nameless image, or with an image twice."""
    if images.empty:
        raise DataError(
            "The predictions table has no row",
            value="0 images",
            remedy="Give a table with at least one image.",
        )
    nameless = np.flatnonzero(images == "")
    if len(nameless):
        raise DataError(
            "A row of the predictions table has no image name",
            value=f"row {nameless[0] + 1} below the header, {len(nameless):,} such rows",
            remedy="Give every row the file name of its image.",
        )
    repeated = images[images.duplicated()].unique()
    if len(repeated):
        raise DataError(
            "An image appears more than once in the predictions table",
            value=f"{len(repeated):,} images: {first_few(name[:MAX_QUOTED] for name in repeated)}",
            remedy="Keep one row per image.",
        )


def read_predictions(source: str | Path | bytes) -> pd.DataFrame:
    """Read ``predictions_*.csv`` of this project or any table in its columns.

    Args:
        source: a CSV file's path, or what it holds. Case and spaces around columns' names do
            not count.

    Returns:
        As ``validate_predictions``.

    Raises:
        DataError: the file is missing, is no CSV in UTF-8, has over ``MAX_ROWS`` rows, or does
            not hold the contract.
    """
    if isinstance(source, str):
        source = Path(source)
    header = [name.casefold() for name in read_header(source)]
    require_commas(header)
    where = f"a file of {len(source):,} bytes" if isinstance(source, bytes) else f"file {source}"
    require_columns([name for name in header if name in KNOWN_COLUMNS], where)
    positions = {name: header.index(name) for name in KNOWN_COLUMNS if name in header}
    return validate_predictions(read_columns_strict(source, positions, max_rows=MAX_ROWS))


def validate_predictions(table: pd.DataFrame) -> pd.DataFrame:
    """Check a predictions table and give its columns their types.

    Its findings are those with a label; of scores of others nothing is kept.

    Args:
        table: any index and further columns; the argument itself is not changed.

    Returns:
        New DataFrame, its columns in the order above, those that are known and there (our findings
        before others):
        ``image, patient, sex, view, group`` as ``str`` ("" where missing), ``age, follow_up``
        as float (nan where missing; ages in years, also from ``058Y`` and ``011M``, and one
        outside 0 to 120 is missing), labels as int 0 or 1, or ``MISSING_LABEL`` where a cell is
        empty, NaN or -1, ``logit_*`` or else ``probability_*`` as finite floats; those of a finding
        that no film has a label of may be nan, as a model may lack that output.

    Raises:
        DataError: a required column is missing or stands there twice; no row; an image without
            name or twice; a label other than 0, 1 and a missing one; no label at all; a logit
            that is not finite; a probability outside 0 to 1.
    """
    names = [str(name) for name in table.columns]
    keys, prefix = complete_findings(names)
    scoreless = {name for name in names if name.startswith(_LABEL)} - {_LABEL + key for key in keys}
    if "image" not in names or not keys or scoreless & set(LABEL_COLUMNS):
        require_columns(names, f"a table of {len(names)} columns")
    if scoreless:
        missing = sorted(name.replace(_LABEL, prefix, 1) for name in scoreless)
        raise DataError(
            "The predictions table lacks the score of a finding",
            value=f"{', '.join(missing)} (a table of {len(names)} columns)",
            remedy="Add the column, or take the finding's label out.",
        )
    known = ["image", *OPTIONAL_COLUMNS]
    known += [f"{kind}{key}" for kind in (_LABEL, prefix) for key in keys]
    _refuse_doubled([name for name in names if name in known], f"a table of {len(names)} columns")
    label_columns = [f"{_LABEL}{key}" for key in keys]
    table = table.reset_index(drop=True)
    images = as_text(table["image"])
    require_images(images)
    columns = {"image": images}
    for name in OPTIONAL_COLUMNS:
        if name in names:
            columns[name] = (as_number if name == "follow_up" else as_text)(table[name])
    if "age" in columns:
        columns["age"], _ = parse_ages(columns["age"])
    for name in label_columns:
        columns[name] = as_labels(table[name], images, may_be_missing=True)
    labelled = {name: bool((columns[name] != MISSING_LABEL).any()) for name in label_columns}
    if not any(labelled.values()):
        raise DataError(
            "The predictions table has no label at all",
            value=f"{', '.join(label_columns)} are empty or -1 in all {len(images):,} rows",
            remedy="Fill in the labels of at least one finding.",
        )
    for key, of_label in zip(keys, label_columns, strict=True):
        name = f"{prefix}{key}"
        columns[name] = as_scores(table[name], images, may_be_missing=not labelled[of_label])
    return pd.DataFrame(columns)


def predictions_table(films: pd.DataFrame, logits: ArrayLike) -> pd.DataFrame:
    """Join films and what the model said of them into a predictions table.

    Args:
        films: a row a film, with ``image``, labels and any of the optional columns.
        logits: (N, K) raw, in the rows' order.

    Raises:
        DataError: logits of another shape, or as ``validate_predictions``.
    """
    names = ("image", *OPTIONAL_COLUMNS, *LABEL_COLUMNS)
    table = films[[name for name in names if name in films.columns]].reset_index(drop=True)
    raw = np.asarray(logits, dtype=np.float64)  # (N, K)
    if raw.shape != (len(table), len(LOGIT_COLUMNS)):
        raise DataError(
            "The logits do not belong to these films",
            value=f"an array of shape {raw.shape} for {len(table):,} films",
            remedy=f"Give one row a film, with {len(LOGIT_COLUMNS)} logits: {ALL_IN_WORDS}.",
        )
    return validate_predictions(
        table.assign(**{name: raw[:, k] for k, name in enumerate(LOGIT_COLUMNS)})
    )


def write_predictions(table: pd.DataFrame, path: Path) -> None:
    """Write a predictions table as CSV, whole or not at all, every number in full."""
    write_csv(table, path)


def template_csv() -> str:
    """Two films of a predictions table with every column, to be filled in by hand."""
    first = ["film_1.png", "patient 1", "58", "F", "PA", "0", "", *["0"] * 3, "1"]
    second = ["film_2.png", "patient 2", "63", "M", "AP", "1", "", "1", "0", "", "0"]
    scores = [["0.08", "0.12", "0.20", "0.75"], ["0.81", "0.30", "0.44", "0.05"]]
    header = ("image", *OPTIONAL_COLUMNS, *LABEL_COLUMNS, *PROBABILITY_COLUMNS)
    rows = [header, [*first, *scores[0]], [*second, *scores[1]]]
    return "".join(f"{','.join(row)}\n" for row in rows)


def look_like_probabilities(table: pd.DataFrame) -> bool:
    """Whether all logits of a validated table lie from 0 to 1, as hardly any model's do."""
    if not has_logits(table):
        return False
    logits = logits_of(table)  # (N, K)
    told = ~np.isnan(logits)
    return bool((~told | ((logits >= 0) & (logits <= 1))).all())


def has_logits(table: pd.DataFrame) -> bool:
    """Whether the table holds raw logits (else probabilities)."""
    return all(f"{_LOGIT}{key}" in table.columns for key in keys_of(table))


def labels_of(table: pd.DataFrame) -> NDArray[np.int64]:
    """Labels of a validated table, (N, K) in the order of ``keys_of``: 0 and 1, and
    ``MISSING_LABEL`` where there is none.

    They count nothing by themselves: ``is_labelled`` tells which of them are labels.
    """
    return _columns(table, _LABEL).to_numpy(dtype=np.int64)


def _columns(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    return table[[f"{prefix}{key}" for key in keys_of(table)]]


def contradictions_of(table: pd.DataFrame) -> NDArray[np.bool_]:
    """(N,) films labelled both No Finding and a finding; a missing label contradicts nothing."""
    positive = dict(zip(keys_of(table), labels_of(table).T == 1, strict=True))  # (N,) each
    if NORMAL_KEY not in positive:
        return np.zeros(len(table), dtype=bool)
    found = [positive[key] for key in abnormal_of(positive)]
    result: NDArray[np.bool_] = positive[NORMAL_KEY] & np.any(found, axis=0)
    return result


def is_labelled(labels: ArrayLike) -> NDArray[np.bool_]:
    """Where labels as ``labels_of`` gives them are known, of the same shape."""
    result: NDArray[np.bool_] = np.asarray(labels) != MISSING_LABEL
    return result


def logits_of(table: pd.DataFrame) -> Floats:
    """Raw logits of a validated table, (N, K); nan may stand for a finding without any label.

    Raises:
        DataError: the table holds probabilities only.
    """
    if not has_logits(table):
        raise DataError(
            "The table holds probabilities, but raw logits are needed here",
            value=", ".join(_columns(table, _PROBABILITY).columns),
            remedy="Give the model's raw outputs in columns named logit_effusion and so on.",
        )
    return _columns(table, _LOGIT).to_numpy(dtype=np.float64)


def calibrated_logits_of(table: pd.DataFrame, calibration: Calibration) -> Floats:
    """Logits of a validated table after a calibration of our findings, (N, K).

    It says nothing of other findings: their logits stay as they are.

    Raises:
        DataError: the table holds probabilities only.
    """
    offsets = dict(zip(KEYS, calibration.offsets, strict=True))
    keys = keys_of(table)
    scales = np.array([calibration.scale if key in offsets else 1.0 for key in keys])
    result: Floats = scales * logits_of(table) + np.array([offsets.get(key, 0.0) for key in keys])
    return result


def probabilities_of(table: pd.DataFrame, calibration: Calibration | None = None) -> Floats:
    """Probabilities of a validated table, (N, K).

    Args:
        calibration: applied to the raw logits; without it their plain sigmoid is returned.

    Raises:
        DataError: a calibration is given, but the table holds probabilities only.
    """
    if calibration is not None:
        return sigmoid(calibrated_logits_of(table, calibration))
    if has_logits(table):
        return sigmoid(logits_of(table))
    return _columns(table, _PROBABILITY).to_numpy(dtype=np.float64)


def scores_of(table: pd.DataFrame) -> Floats:
    """What ranks the films, (N, K): the logits, or the probabilities where there are none."""
    return logits_of(table) if has_logits(table) else probabilities_of(table)


def patients_of(table: pd.DataFrame) -> NDArray[np.str_] | None:
    """Each film's patient, (N,); None where the table does not tell.

    A film without a patient in a table that has the column counts as a patient of its own.
    """
    if "patient" not in table or not (table["patient"] != "").any():
        return None
    # The newline keeps an image's name from being taken for a patient's.
    alone = "\n" + table["image"]
    return table["patient"].where(table["patient"] != "", alone).to_numpy(dtype=str)
