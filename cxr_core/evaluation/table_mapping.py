"""Which column of somebody's table is what, kept as TOML and applied.

``mapping_guess`` proposes one.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from cxr_core.data.csv_files import normalise_image_names
from cxr_core.errors import ConfigError, DataError
from cxr_core.evaluation.column_names import Column, key_of, read_name, split_list
from cxr_core.evaluation.predictions import OPTIONAL_COLUMNS, validate_predictions
from cxr_core.evaluation.raw_table import RawTable
from cxr_core.evaluation.scoring import sigmoid
from cxr_core.evaluation.table_cells import LABEL_WORDS
from cxr_core.findings import label_of

Kind = Literal["probability", "logit", "percent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_FINDINGS = 100
_MAX_TOML_BYTES = 1 << 20
FROM_IMAGE = "(image name)"  # in place of a column of patients
# Patients in the names of images: NIH's files, and folders as CheXpert's.
PATIENT_PATTERNS = {
    "NIH's file names": re.compile(r"(\d{8})_\d{3}\.\w+"),
    "their folders": re.compile(r"(?:^|/)(?:patient|p)(\d{4,})(?:/|$)", re.IGNORECASE),
}


@dataclass(frozen=True)
class FindingColumns:
    """Where one finding stands.

    Attributes:
        key: as ``findings.key_from`` makes it.
        label, score: columns; of ``label``, where ``value`` is told, the cells that name the
            finding, alone or in a list, are positive.
        kind: what the score is.
        value: a class; "" where the column holds 0 and 1.
    """

    key: str
    label: str
    score: str
    kind: Kind
    value: str = ""


@dataclass(frozen=True)
class TableMapping:
    """Which column is what.

    Attributes:
        image: "" numbers the rows.
        findings: in their order.
        details: by ``OPTIONAL_COLUMNS``; of patients also ``FROM_IMAGE``.
        finding: of a table with a row a film and finding, the column that names the finding; its
            one entry of ``findings`` then tells the columns of all.
    """

    image: str
    findings: tuple[FindingColumns, ...]
    details: Mapping[str, str] = field(default_factory=dict)
    finding: str = ""


@dataclass(frozen=True, eq=False)
class MappedTable:
    """A table of somebody's columns, read.

    Attributes:
        table: validated.
        mapping: how.
        cautions: whole sentences that the figures cannot be read without.
        said: whole sentences on what was taken for what.
    """

    table: pd.DataFrame
    mapping: TableMapping
    cautions: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def apply_mapping(raw: RawTable, mapping: TableMapping) -> MappedTable:
    """The validated predictions table that a mapping makes.

    Raises:
        DataError: a column is not there, or the table breaks the contract of ``predictions``.
    """
    _require_mapping(raw, mapping)
    if mapping.finding:
        wide, per_film = _widened(raw, mapping)
        _require_mapping(wide, per_film)
        return replace(apply_mapping(wide, per_film), mapping=mapping)
    cells = raw.cells
    images = pd.Series([f"row {row}" for row in range(1, len(cells) + 1)])
    if mapping.image:
        bare = normalise_image_names(cells[mapping.image])
        images = bare if bare.is_unique else cells[mapping.image]
    columns: dict[str, pd.Series] = {"image": images}
    for name in OPTIONAL_COLUMNS:
        column = mapping.details.get(name, "")
        if column == FROM_IMAGE and mapping.image:
            columns[name] = _patients_of_images(cells[mapping.image])
        elif column:
            columns[name] = _sexes(cells[column]) if name == "sex" else cells[column]
    kinds = {one.kind for one in mapping.findings}
    cautions = _kind_cautions(cells, mapping)
    as_logits = kinds == {"logit"}
    for one in mapping.findings:
        columns[f"label_{one.key}"] = _labels(cells[one.label], one.value)
        name = f"{'logit' if as_logits else 'probability'}_{one.key}"
        columns[name] = _scores(cells[one.score], one.kind, as_logits=as_logits)
    return MappedTable(validate_predictions(pd.DataFrame(columns)), mapping, tuple(cautions))


def _sexes(cells: pd.Series) -> pd.Series:
    """``M`` and ``F``, as NIH writes them; any other word stays."""
    short = {"male": "M", "m": "M", "female": "F", "f": "F"}
    return cells.map(lambda cell: short.get(cell.casefold(), cell))


def _patients_of_images(cells: pd.Series) -> pd.Series:
    for pattern in PATIENT_PATTERNS.values():
        found = cells.str.extract(pattern, expand=False)
        if found.notna().all():
            return found
    return pd.Series("", index=cells.index)


def _kind_cautions(cells: pd.DataFrame, mapping: TableMapping) -> list[str]:
    """Scores whose name says one thing and whose values another."""
    misnamed: list[tuple[str, float, float]] = []
    for one in mapping.findings:
        column = Column(one.score, *read_name(one.score), cells[one.score])
        probable = re.search(r"prob|sigmoid|softmax", one.score, re.IGNORECASE)
        if one.kind == "logit" and column.role != "logit" and probable and column.is_numeric:
            misnamed.append((one.score, column.numbers.min(), column.numbers.max()))
    if not misnamed:
        return []
    name, low, high = misnamed[0]
    more = f", and {len(misnamed) - 1} more columns" if len(misnamed) > 1 else ""
    return [
        f"{name}{more} are called probabilities and hold values from {low:.3g} to {high:.3g}, so "
        "they are read as logits. If they are something else, no probability below is right."
    ]


def _labels(cells: pd.Series, value: str) -> pd.Series:
    if not value:
        return cells
    wanted = key_of(value)

    def named(cell: str) -> str:
        if cell == "":
            return ""
        return (
            "1"
            if cell == value or any(key_of(part) == wanted for part in split_list(cell))
            else "0"
        )

    return cells.map({cell: named(cell) for cell in cells.unique()})


def _scores(cells: pd.Series, kind: Kind, *, as_logits: bool) -> pd.Series:
    if as_logits:
        return cells
    if kind == "probability":  # a decision may be a word
        words = cells.str.casefold().map(LABEL_WORDS)
        return cells.where(words.isna(), words.astype(object))
    numbers = pd.to_numeric(cells, errors="coerce")
    turned = numbers / 100 if kind == "percent" else pd.Series(sigmoid(numbers), index=cells.index)
    return turned.where(numbers.notna(), cells)  # what is no number is refused with its row


def _widened(raw: RawTable, mapping: TableMapping) -> tuple[RawTable, TableMapping]:
    """A table of one row a film and finding as one of a row a film."""
    rows, columns = raw.cells, mapping.findings[0]
    doubled = rows.duplicated([mapping.image, mapping.finding])
    if doubled.any():
        at = int(doubled.to_numpy().argmax())
        raise DataError(
            "A film and finding stand in the table twice",
            value=f"row {at + 1:,} below the header: {rows[mapping.image].iloc[at][:60]}, "
            f"{rows[mapping.finding].iloc[at][:60]}",
            remedy="Keep one row a film and finding.",
        )
    names = [name for name in rows[mapping.finding].unique() if name]
    if len(names) > MAX_FINDINGS:
        raise _too_many(len(names))
    details = [column for column in dict.fromkeys(mapping.details.values()) if column in rows]
    films = rows.drop_duplicates(mapping.image).set_index(mapping.image)[details]
    wide = {}
    for side in (columns.label, columns.score):
        spread = rows.pivot(index=mapping.image, columns=mapping.finding, values=side)
        for name in names:
            wide[f"{side}[{name}]"] = spread[name].reindex(films.index).fillna("")
    cells = pd.concat([films, pd.DataFrame(wide)], axis=1).reset_index()
    findings = tuple(
        FindingColumns(key_of(name), f"{columns.label}[{name}]", f"{columns.score}[{name}]",
                       columns.kind, columns.value)
        for name in names
    )  # fmt: skip
    return replace(raw, cells=cells), replace(mapping, findings=findings, finding="")


def _too_many(n: int) -> DataError:
    return DataError(
        "The table has too many findings",
        value=f"{n:,}, at most {MAX_FINDINGS} are measured",
        remedy="Give a mapping of those that are wanted.",
    )


def _require_mapping(raw: RawTable, mapping: TableMapping) -> None:
    used = [mapping.image, mapping.finding, *mapping.details.values()]
    used += [column for one in mapping.findings for column in (one.label, one.score)]
    missing = [name for name in dict.fromkeys(used) if name not in ("", FROM_IMAGE, *raw.columns)]
    if missing:
        raise DataError(
            "The table lacks columns that the mapping names",
            value=f"{', '.join(missing[:8])} (it has: {', '.join(raw.columns)[:200]})",
            remedy="Correct the mapping; --suggest-map writes one for this table.",
        )
    if not mapping.findings:
        raise DataError(
            "No finding of the table has both a label and a score",
            value=f"its columns: {', '.join(raw.columns)[:200]}",
            remedy="Name the columns in a mapping, or give the labels in a table of their own.",
        )
    if len(mapping.findings) > MAX_FINDINGS:
        raise _too_many(len(mapping.findings))
    keys = [one.key.casefold() for one in mapping.findings]
    if "" in keys and not mapping.finding:
        raise DataError(
            "A finding has a name without a letter",
            value=mapping.findings[keys.index("")].score,
            remedy="Give every finding a name.",
        )
    doubled = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if doubled:
        raise DataError(
            "Two findings have the same name",
            value=", ".join(doubled),
            remedy="Give every finding a name of its own.",
        )


# The mapping as a file.


def mapping_toml(mapping: TableMapping) -> str:
    """The mapping as TOML, to be corrected by hand and given again."""
    lines = ["# Which column of the table is what. kind: probability, logit or percent."]
    lines.append(f"image = {_quoted(mapping.image)}")
    if mapping.finding:
        lines.append(f"finding = {_quoted(mapping.finding)}  # one row a film and finding")
    if mapping.details:
        lines += ["", "[details]"]
        lines += [f"{name} = {_quoted(column)}" for name, column in mapping.details.items()]
    for one in mapping.findings:
        lines += ["", "[[findings]]"]
        if one.key:
            lines.append(f"name = {_quoted(label_of(one.key))}")
        lines += [f"label = {_quoted(one.label)}", f"score = {_quoted(one.score)}"]
        lines.append(f"kind = {_quoted(one.kind)}")
        if one.value:
            lines.append(f"value = {_quoted(one.value)}  # cells of the label that name it")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(sign):04X}" if ord(sign) < 32 or ord(sign) == 127 else sign for sign in
        text.replace("\\", "\\\\").replace('"', '\\"')
    )  # fmt: skip
    return f'"{escaped}"'


def read_mapping(path: Path) -> TableMapping:
    """A mapping as ``mapping_toml`` writes it.

    Raises:
        ConfigError: it cannot be read, is no TOML, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TOML_BYTES)
        content = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            "The mapping cannot be read",
            value=f"{path} ({error.strerror})",
            remedy="Check the path; --suggest-map writes one.",
        ) from error
    # A ValueError: no TOML, no UTF-8, or a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise _no_mapping(f"{path} ({error})") from error
    return mapping_of(content)


def mapping_of(content: Mapping[str, Any]) -> TableMapping:
    """A mapping from plain values.

    Raises:
        ConfigError: something in it is not what a mapping holds; it is named.
    """
    unknown = set(content) - {"image", "finding", "details", "findings"}
    details = content.get("details", {})
    listed = content.get("findings", [])
    if unknown or not isinstance(details, dict) or not isinstance(listed, list) or not listed:
        raise _no_mapping(", ".join(sorted(map(str, unknown))) or "no [[findings]]")
    if odd := set(details) - set(OPTIONAL_COLUMNS):
        raise _no_mapping(f"[details] {', '.join(sorted(map(str, odd)))}")
    finding = _word(content, "finding")
    found = []
    for entry in listed:
        if not isinstance(entry, dict) or set(entry) - {"name", "label", "score", "kind", "value"}:
            raise _no_mapping(f"[[findings]] {entry}"[:200])
        kind = entry.get("kind", "probability")
        if kind not in KINDS:
            raise _no_mapping(f"kind = {kind}"[:200])
        name = _word(entry, "name")
        key = "" if finding else key_of(name)
        label, score = _word(entry, "label"), _word(entry, "score")
        if not (label and score and (key or finding)):
            raise _no_mapping(f"[[findings]] {entry}"[:200])
        found.append(FindingColumns(key, label, score, kind, _word(entry, "value")))
    return TableMapping(
        _word(content, "image"),
        tuple(found),
        {name: _word(details, name) for name in OPTIONAL_COLUMNS if name in details},
        finding,
    )


def _word(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str):
        raise _no_mapping(f"{name} = {value}"[:200])
    return value


def _no_mapping(value: str) -> ConfigError:
    return ConfigError(
        "The mapping is not one",
        value=value,
        remedy="It holds image, [details] and [[findings]] with name, label, score and kind; "
        "--suggest-map writes one.",
    )
