"""One ``Analysis`` as one row of a table, for the page's download and the batch reader's kin."""

import csv
import io
from collections.abc import Iterable

from cxr_core.findings import ABOVE_COLUMNS, KEYS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.analyzer import Analysis

THRESHOLD_COLUMNS: tuple[str, ...] = tuple(f"operating_point_{key}" for key in KEYS)
COLUMNS: tuple[str, ...] = (
    "file",
    "image_sha256",
    "model_sha256",
    "gate",
    "gate_reasons",
    "correction",
    "warnings",
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
    *THRESHOLD_COLUMNS,
    *ABOVE_COLUMNS,
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def analysis_row(analysis: Analysis, file: str = "") -> dict[str, str]:
    """A row in the order of ``COLUMNS``.

    Args:
        file: a name for the row; left empty by the page, since a name may tell a patient.

    Returns:
        Logits and probabilities with six decimals, ``above_…`` as 0 or 1.
    """
    row = {
        "file": file,
        "image_sha256": analysis.image_sha256,
        "model_sha256": analysis.model_sha256,
        "gate": "passed" if analysis.gate.passed else "stopped",
        "gate_reasons": " ".join(analysis.gate.reasons),
        "correction": analysis.correction or "",
        "warnings": " ".join(analysis.warnings),
    }
    for index, key in enumerate(KEYS):
        row[LOGIT_COLUMNS[index]] = f"{analysis.logits[key]:.6f}"
        row[PROBABILITY_COLUMNS[index]] = f"{analysis.probabilities[key]:.6f}"
        row[THRESHOLD_COLUMNS[index]] = f"{analysis.operating_points[key].threshold:.6f}"
        row[ABOVE_COLUMNS[index]] = str(int(analysis.above[key]))
    return {column: row[column] for column in COLUMNS}


def rows_to_csv(rows: Iterable[dict[str, str]]) -> bytes:
    """Rows as a CSV file in UTF-8, its first line the column names.

    A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers are
    left as they are.
    """
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _inert(value) for column, value in row.items()})
    return stream.getvalue().encode()


def _inert(value: str) -> str:
    if not value.startswith(_FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
