"""What reading a label table and joining it with images counted, in plain lines."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cxr_core.findings import KEYS, LABEL_COLUMNS, LABELS


@dataclass(frozen=True)
class FilmCounts:
    """Counts over the films of a table.

    Attributes:
        films: rows, one an image.
        patients: distinct patients.
        findings: finding key -> films with it.
        other_only: films with none of the four (only other findings).
        multi_label: films with more than one label of any kind.
        ages_missing: films without a usable age.
    """

    films: int
    patients: int
    findings: Mapping[str, int]
    other_only: int
    multi_label: int
    ages_missing: int


@dataclass(frozen=True)
class EntriesReport:
    """Everything counted between the CSV file and the films that are used.

    ``rows`` to ``columns_absent`` are about the CSV file; ``counts`` about the films that
    remain; the last three are None until images are attached.
    """

    rows: int
    duplicates: int
    empty_labels: int
    contradictions: int
    unknown_labels: Mapping[str, int]
    ages_impossible: int
    columns_absent: tuple[str, ...]
    counts: FilmCounts
    rows_without_image: int | None = None
    images_without_row: int | None = None
    repeated_files: int | None = None

    def lines(self) -> list[str]:
        """Return the report as short lines for a terminal or a model card."""
        counts = self.counts
        lines = [
            f"rows in the table: {self.rows:,}",
            f"images: {counts.films:,} of {counts.patients:,} patients",
        ]
        if self.rows_without_image is not None:
            lines += [
                f"rows without image: {self.rows_without_image:,}",
                f"images without row: {self.images_without_row:,}",
                f"files whose name appeared before, left out: {self.repeated_files:,}",
            ]
        lines += [
            f"duplicate rows dropped: {self.duplicates:,}",
            "films a finding: "
            + ", ".join(f"{LABELS[key]} {count:,}" for key, count in counts.findings.items()),
            f"films with only other findings: {counts.other_only:,}",
            f"films with more than one label: {counts.multi_label:,}",
            f"ages missing: {counts.ages_missing:,} "
            f"(impossible ages in the table, made missing: {self.ages_impossible:,})",
        ]
        return lines + self._oddities()

    def _oddities(self) -> list[str]:
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
        if self.columns_absent:
            lines.append(f"columns that the table lacks: {', '.join(self.columns_absent)}")
        return lines


def count_films(table: pd.DataFrame) -> FilmCounts:
    """Count films, patients and findings of a table with ``findings`` and label columns."""
    labels = table[list(LABEL_COLUMNS)].to_numpy()  # (N, 4)
    return FilmCounts(
        films=len(table),
        patients=int(table["patient"].nunique()),
        findings=dict(zip(KEYS, labels.sum(axis=0).tolist(), strict=True)),
        other_only=int((labels.sum(axis=1) == 0).sum()),
        multi_label=int(table["findings"].str.contains("|", regex=False).sum()),
        ages_missing=int(table["age"].isna().sum()),
    )
