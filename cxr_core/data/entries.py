"""NIH's label table: one validated row an image, joined with the image files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from cxr_core.data.csv_files import (
    find_columns,
    first_few,
    normalise_identifiers,
    normalise_image_names,
    read_columns,
    read_header,
)
from cxr_core.data.images import find_images_in
from cxr_core.data.labels import LabelIssues, label_columns, normalise_labels
from cxr_core.errors import DataError
from cxr_core.findings import ALL_IN_WORDS, KEYS, LABEL_COLUMNS, LABELS

MAX_AGE = 120.0  # years; NIH's first table has ages up to 414
_YEARS_PER_UNIT = {"Y": 1.0, "M": 1.0 / 12.0, "W": 7.0 / 365.25, "D": 1.0 / 365.25}
_COLUMN_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image": ("Image Index", "image"),
        "patient": ("Patient ID", "patient"),
        "age": ("Patient Age", "age"),
        "sex": ("Patient Gender", "Patient Sex", "gender", "sex"),
        "view": ("View Position", "view"),
        "follow_up": ("Follow-up #", "Follow-up", "follow_up"),
        "findings": ("Finding Labels", "findings"),
    }
)
_REQUIRED = ("image", "findings", "patient")


# What reading a label table and joining it with images counted, in plain lines.


@dataclass(frozen=True)
class FilmCounts:
    """Counts over the films of a table.

    Attributes:
        n_films: rows, one an image.
        n_patients: distinct patients.
        findings: finding key -> films with it.
        other_only: films with none of the four (only other findings).
        multi_label: films with more than one label of any kind.
        missing_ages: films without a usable age.
    """

    n_films: int
    n_patients: int
    findings: Mapping[str, int]
    other_only: int
    multi_label: int
    missing_ages: int


@dataclass(frozen=True)
class EntriesReport:
    """Everything counted between the CSV file and the films that are used.

    ``rows`` to ``missing_columns`` are about the CSV file; ``counts`` about the films that
    remain; the last three are None until images are attached.
    """

    rows: int
    duplicates: int
    empty_labels: int
    contradictions: int
    unknown_labels: Mapping[str, int]
    impossible_ages: int
    missing_columns: tuple[str, ...]
    counts: FilmCounts
    rows_without_image: int | None = None
    images_without_row: int | None = None
    repeated_files: int | None = None

    def lines(self) -> list[str]:
        """Return the report as short lines for a terminal or a model card."""
        counts = self.counts
        lines = [
            f"rows in the table: {self.rows:,}",
            f"images: {counts.n_films:,} of {counts.n_patients:,} patients",
        ]
        if self.rows_without_image is not None:
            lines += [
                f"rows without image: {self.rows_without_image:,}",
                f"images without row: {self.images_without_row:,}",
                f"files whose name appeared before, left out: {self.repeated_files:,}",
            ]
        lines += [
            f"duplicate rows dropped: {self.duplicates:,}",
            "films per finding: "
            + ", ".join(f"{LABELS[key]} {count:,}" for key, count in counts.findings.items()),
            f"films with only other findings: {counts.other_only:,}",
            f"films with more than one label: {counts.multi_label:,}",
            f"ages missing: {counts.missing_ages:,} "
            f"(impossible ages in the table, made missing: {self.impossible_ages:,})",
        ]
        return lines + self._issue_lines()

    def _issue_lines(self) -> list[str]:
        """Return lines for what a clean table does not have."""
        lines = []
        if self.empty_labels:
            lines.append(f"rows without any label, left out: {self.empty_labels:,}")
        if self.contradictions:
            lines.append(
                f'rows with "No Finding" beside a finding (the finding kept): '
                f"{self.contradictions:,}"
            )
        if self.unknown_labels:
            named = ", ".join(f'"{name}" {n:,}' for name, n in self.unknown_labels.items())
            lines.append(f"labels that NIH does not have, in rows: {named}")
        if self.missing_columns:
            lines.append(f"columns that the table lacks: {', '.join(self.missing_columns)}")
        return lines


def _count_films(table: pd.DataFrame) -> FilmCounts:
    """Count films, patients and findings of a table with ``findings`` and label columns."""
    labels = table[list(LABEL_COLUMNS)].to_numpy()  # (N, 4)
    return FilmCounts(
        n_films=len(table),
        n_patients=int(table["patient"].nunique()),
        findings=dict(zip(KEYS, labels.sum(axis=0).tolist(), strict=True)),
        other_only=int((labels.sum(axis=1) == 0).sum()),
        multi_label=int(table["findings"].str.contains("|", regex=False).sum()),
        missing_ages=int(table["age"].isna().sum()),
    )


# Ages as tables write them (``58``, ``058Y``, ``011M``, ``013D``), in years.


def parse_ages(cells: pd.Series) -> tuple[pd.Series, int]:
    """Turn age cells into years.

    Args:
        cells: str, (N,): a number of years, or a number with Y, M, W or D (DICOM's age form).

    Returns:
        float (N,) years, NaN where the cell is empty or impossible; and how many cells were
        impossible: not an age at all, negative, or over 120 years.
    """
    codes, distinct = pd.factorize(cells)
    parsed = np.array([_parse_age(str(cell)) for cell in distinct], dtype=np.float64)
    written = np.array([bool(str(cell).strip()) for cell in distinct])
    impossible = int((np.isnan(parsed) & written)[codes].sum())
    return pd.Series(parsed[codes], index=cells.index, name=cells.name), impossible


def _parse_age(cell: str) -> float:
    text = cell.strip().upper()
    factor = _YEARS_PER_UNIT.get(text[-1:])
    number = text if factor is None else text[:-1]
    try:
        years = float(number) * (1.0 if factor is None else factor)
    except ValueError:
        return float("nan")
    return years if 0.0 <= years <= MAX_AGE else float("nan")


@dataclass(frozen=True)
class Entries:
    """A label table that has been checked.

    Attributes:
        table: one row an image, in the file's order, index 0..N-1: ``image, patient (str),
            age (years, NaN when missing), sex, view, follow_up (str, "" when missing),
            findings "A|B"``, ``label_effusion`` ... (0/1), and ``path`` once images
            are attached.
        report: what was counted on the way.
    """

    table: pd.DataFrame
    report: EntriesReport


def read_entries(path: Path) -> Entries:
    """Read NIH's ``Data_Entry_2017.csv``, its v2020 form, or Kaggle's ``sample_labels.csv``.

    Image, labels and patient must be there; age, sex, view and follow-up may be absent.
    Rows without any label are left out and counted (they say nothing, not "healthy");
    exact repeats of an image's row are dropped and counted.

    Raises:
        DataError: no such file, not UTF-8 CSV, columns missing, an image or patient cell
            empty, or one image with rows that contradict each other.
    """
    header = read_header(path)
    positions = find_columns(path, header, _COLUMN_ALIASES, required=_REQUIRED)
    raw = read_columns(path, positions)
    rows = len(raw)
    _require_filled(raw, path)
    table, impossible, issues = _sanitise(raw)
    table = table[table["findings"] != ""]
    kept = table.drop_duplicates()
    duplicates = len(table) - len(kept)
    _require_one_row_per_image(kept, path)
    if kept.empty:
        raise DataError(
            "The table has no row with a label",
            value=path,
            remedy='Fill the column "Finding Labels"; a normal film says "No Finding".',
        )
    kept = kept.reset_index(drop=True)
    kept = pd.concat([kept, label_columns(kept["findings"])], axis=1)
    report = EntriesReport(
        rows=rows,
        duplicates=duplicates,
        empty_labels=issues.empty,
        contradictions=issues.contradictions,
        unknown_labels=issues.unknown,
        impossible_ages=impossible,
        missing_columns=tuple(
            _COLUMN_ALIASES[name][0] for name in _COLUMN_ALIASES if name not in positions
        ),
        counts=_count_films(kept),
    )
    return Entries(kept, report)


def attach_images(entries: Entries, image_folders: Path | Sequence[Path]) -> Entries:
    """Join the rows with the image files below one or more folders, by file name, at any depth.

    A name that stands in several folders is taken from the first of them.

    Returns:
        Entries whose table has the column ``path`` (str) and only rows with a file; the
        report gains the rows without image, images without row and repeated files.

    Raises:
        DataError: the folder is not there, or no row of the table has a file in it.
    """
    folders = [image_folders] if isinstance(image_folders, Path) else list(image_folders)
    found = find_images_in(folders)
    table = entries.table
    paths = table["image"].map(found.paths)
    with_image = paths.notna()
    if not with_image.any():
        raise DataError(
            f"None of the {len(table):,} images of the table is in the image folder",
            value=f"{', '.join(map(str, folders))} ({len(found.paths):,} images there, such as "
            f"{first_few(list(found.paths)[:3]) or 'none'}; "
            f"the table names {first_few(table['image'].head(3))})",
            remedy="Point to the folder with the images of this table; they are matched by file "
            "name.",
        )
    kept = table[with_image].assign(path=paths[with_image].astype("str")).reset_index(drop=True)
    report = replace(
        entries.report,
        rows_without_image=int((~with_image).sum()),
        images_without_row=len(found.paths) - len(kept),
        repeated_files=found.n_duplicates,
        counts=_count_films(kept),
    )
    return Entries(kept, report)


def select_population(
    table: pd.DataFrame, population: Literal["target-only", "all"]
) -> pd.DataFrame:
    """Choose the films that take part.

    Args:
        table: with the four label columns.
        population: ``target-only`` keeps rows with at least one of the four findings;
            ``all`` keeps every row, so that films with only other findings are negatives
            of all four (the harder and truer task).

    Raises:
        DataError: another population, or no row is left.
    """
    if population not in ("target-only", "all"):
        raise DataError(
            "There is no such population",
            value=population,
            remedy="Use target-only or all.",
        )
    if population == "all":
        return table
    kept = table[(table[list(LABEL_COLUMNS)] == 1).any(axis=1)]
    if kept.empty:
        raise DataError(
            f"No film has any of the {ALL_IN_WORDS} findings",
            value=f"{len(table):,} films",
            remedy="Check the labels, or use the population all.",
        )
    return kept.reset_index(drop=True)


def _sanitise(raw: pd.DataFrame) -> tuple[pd.DataFrame, int, LabelIssues]:
    """Return the table in our columns, the number of impossible ages, and label issues."""
    blank = pd.Series("", index=raw.index, dtype="str")
    ages, impossible = parse_ages(raw.get("age", blank))
    findings, issues = normalise_labels(raw["findings"])
    table = pd.DataFrame(
        {
            "image": normalise_image_names(raw["image"]),
            "patient": normalise_identifiers(raw["patient"]),
            "age": ages,
            "sex": raw.get("sex", blank).str.upper(),
            "view": raw.get("view", blank).str.upper(),
            "follow_up": normalise_identifiers(raw.get("follow_up", blank)),
            "findings": findings,
        }
    )
    return table, impossible, issues


def _require_filled(raw: pd.DataFrame, path: Path) -> None:
    for name in ("image", "patient"):
        empty = raw.index[raw[name] == ""]
        if len(empty):
            lines = ", ".join(str(i + 2) for i in empty[:3])  # line 1 is the header
            raise DataError(
                f'The column "{_COLUMN_ALIASES[name][0]}" has empty cells',
                value=f"{len(empty):,} rows of {path}, such as line {lines}",
                remedy="Every row needs an image name and a patient; fill or delete these rows.",
            )


def _require_one_row_per_image(table: pd.DataFrame, path: Path) -> None:
    """Refuse an image with rows that differ: which one is true cannot be known."""
    twice = table.loc[table["image"].duplicated(), "image"].unique()
    if len(twice):
        raise DataError(
            "Images have several rows that contradict each other",
            value=f"{len(twice):,} images of {path}: {first_few(twice)}",
            remedy="Keep one row for each image.",
        )
