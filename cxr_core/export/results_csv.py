"""One reading as one row of a table: for the page's download and the worklist's."""

import csv
import io
from collections.abc import Iterable

import torch

from cxr_core.export.record import Record
from cxr_core.findings import ABOVE_COLUMNS, KEYS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.analyzer import Analysis
from cxr_core.version import VERSION

CUT_OFF_COLUMNS: tuple[str, ...] = tuple(f"operating_point_{key}" for key in KEYS)
ASSESSMENT_COLUMNS: tuple[str, ...] = tuple(f"verdict_{key}" for key in KEYS)
SITE_PREVALENCE_COLUMNS: tuple[str, ...] = tuple(f"site_prevalence_{key}" for key in KEYS)
SITE_PROBABILITY_COLUMNS: tuple[str, ...] = tuple(f"rebased_probability_{key}" for key in KEYS)
SITE_CUT_OFF_COLUMNS: tuple[str, ...] = tuple(f"rebased_operating_point_{key}" for key in KEYS)
COLUMNS: tuple[str, ...] = (
    "row",
    "file",
    "image_sha256",
    "status",
    "reason",
    "gate",
    "gate_reasons",
    "read_anyway",
    "correction",
    "warnings",
    "cautions",
    "film_note",
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
    *CUT_OFF_COLUMNS,
    *ABOVE_COLUMNS,
    *SITE_PREVALENCE_COLUMNS,
    *SITE_PROBABILITY_COLUMNS,
    *SITE_CUT_OFF_COLUMNS,
    *ASSESSMENT_COLUMNS,
    "note",
    "reference",
    "created",
    "model_sha256",
    "app_version",
    "torch_version",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def analysis_row(
    analysis: Analysis, file: str = "", *, row_number: int | None = None
) -> dict[str, str]:
    """A row in the order of ``COLUMNS``; what only a ``Record`` knows stays empty.

    Args:
        file: a name for the row; left empty unless the user asks for names, since a name may
            tell a patient.
        row_number: of the row, from 1; without it ``rows_to_csv`` counts.

    Returns:
        Logits and probabilities with six decimals, ``above_…`` as 0 or 1.
    """
    row = _empty_row(row_number, file) | {
        "image_sha256": analysis.image_sha256,
        "status": "read",
        "gate": "passed" if analysis.gate.passed else "stopped",
        "gate_reasons": " ".join(analysis.gate.reasons),
        "correction": analysis.correction or "",
        "warnings": " ".join(analysis.warnings),
        "model_sha256": analysis.model_sha256,
    }
    for index, key in enumerate(KEYS):
        row[LOGIT_COLUMNS[index]] = f"{analysis.logits[key]:.6f}"
        row[PROBABILITY_COLUMNS[index]] = f"{analysis.probabilities[key]:.6f}"
        row[CUT_OFF_COLUMNS[index]] = f"{analysis.operating_points[key].threshold:.6f}"
        row[ABOVE_COLUMNS[index]] = str(int(analysis.above[key]))
    return row


def failed_row(row_number: int, sha256: str, reason: str, file: str = "") -> dict[str, str]:
    """The row of a file that could not be read.

    Args:
        row_number: of the row, from 1.
        sha256: of the file's bytes.
        reason: the error's sentence.
    """
    return _empty_row(row_number, file) | {
        "image_sha256": sha256,
        "status": "failed",
        "reason": reason,
    }


def record_row(record: Record) -> dict[str, str]:
    """The row of one reading with the reader's word, the prevalence in use and the time."""
    row = analysis_row(record.analysis, row_number=1) | {
        "read_anyway": str(int(record.read_anyway)),
        "cautions": " ".join(record.cautions),
        "film_note": record.film_note,
        "note": record.note,
        "reference": record.reference,
        "created": record.created.isoformat(timespec="seconds"),
        "app_version": record.version,
    }
    for index, key in enumerate(KEYS):
        row[ASSESSMENT_COLUMNS[index]] = record.assessments.get(key, "")
        share = record.site_prevalence.get(key)
        row[SITE_PREVALENCE_COLUMNS[index]] = "" if share is None else f"{share:.6f}"
        if key in record.at_site_prevalence:
            probability, threshold = record.at_site_prevalence[key]
            row[SITE_PROBABILITY_COLUMNS[index]] = f"{probability:.6f}"
            row[SITE_CUT_OFF_COLUMNS[index]] = f"{threshold:.6f}"
    return row


def rows_to_csv(rows: Iterable[dict[str, str]]) -> bytes:
    """Rows as a CSV file in UTF-8, its first line the column names.

    A row without a number gets its place, counted from 1. A text that a spreadsheet would run
    as a formula gets an apostrophe before it; numbers are left as they are.
    """
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    for place, row in enumerate(rows, start=1):
        numbered = row | {"row": row["row"] or str(place)}
        writer.writerow({column: _escape_formula(value) for column, value in numbered.items()})
    # A lone half of a surrogate pair, which a browser can send, has no place in UTF-8.
    return stream.getvalue().encode(errors="replace")


def _empty_row(number: int | None, file: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {
        "row": "" if number is None else str(number),
        "file": file,
        "app_version": VERSION,
        "torch_version": str(torch.__version__),
    }


def _escape_formula(value: str) -> str:
    # Spreadsheets skip blanks before a formula's sign.
    if not value.lstrip().startswith(_FORMULA_STARTS) and not value.startswith(_FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
