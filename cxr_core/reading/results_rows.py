"""One outcome as one row of the batch reader's CSV, and the rows of an earlier run read back."""

import csv
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from cxr_core.errors import ConfigError
from cxr_core.findings import ABOVE_COLUMNS, KEYS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.analyzer import Analysis
from cxr_core.reading.batch import Outcome

COLUMNS = (
    "file",
    "sha256",
    "model_sha256",
    "status",
    "reason",
    "warnings",
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
    *(f"operating_point_{key}" for key in KEYS),
    *ABOVE_COLUMNS,
    "versions",
)
Row = dict[str, str]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_VERSIONED_PACKAGES = ("torch", "pillow", "pydicom", "python-gdcm", "pyjpegls")


def library_versions() -> str:
    """The libraries that a number depends on, as "torch 2.15.0, pillow 13.0.0, …"."""
    return ", ".join(f"{name} {version(name)}" for name in _VERSIONED_PACKAGES)


def result_row(outcome: Outcome, *, model_sha256: str, versions: str) -> Row:
    """A row in the order of ``COLUMNS``.

    ``status`` is ``read``, ``stopped`` (read, but the film does not look readable; ``reason``
    says why) or ``failed``. Logits and probabilities have six decimals, ``above_…`` is 0 or 1.
    No text begins as a formula does, since a spreadsheet would run it.
    """
    row = dict.fromkeys(COLUMNS, "") | {
        "file": escape_formula(outcome.source.name),
        "sha256": outcome.sha256,
        "model_sha256": model_sha256,
        "versions": versions,
    }
    if outcome.analysis is None:
        return row | {"status": "failed", "reason": _one_line(outcome.reason)}
    return row | _values(outcome.analysis)


def _values(analysis: Analysis) -> Row:
    values = {
        "status": "read" if analysis.gate.passed else "stopped",
        "reason": _one_line(" ".join(analysis.gate.reasons)),
        "warnings": _one_line(" ".join(analysis.warnings)),
    }
    for index, key in enumerate(KEYS):
        values[LOGIT_COLUMNS[index]] = f"{analysis.logits[key]:.6f}"
        values[PROBABILITY_COLUMNS[index]] = f"{analysis.probabilities[key]:.6f}"
        values[f"operating_point_{key}"] = f"{analysis.operating_points[key].threshold:.6f}"
        values[ABOVE_COLUMNS[index]] = str(int(analysis.above[key]))
    return values


def escape_formula(text: str) -> str:
    """A text on one line that no spreadsheet runs: an apostrophe before what looks like a
    formula."""
    line = _one_line(text)
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def read_previous_rows(paths: Iterable[Path], *, model_sha256: str) -> dict[str, Row]:
    """What earlier runs have read with this model, by the film's SHA-256.

    Rows of failed files are left out, so they are tried again. A last line that was not written
    to its end is passed over; files that are not there are, too.

    Raises:
        ConfigError: a file is no table of this program's.
    """
    found: dict[str, Row] = {}
    for path in paths:
        if not path.is_file():
            continue
        # A row is one line, and only a line with its end was written whole.
        text = path.read_bytes().decode(errors="replace")
        lines = text.split("\n")[:-1]
        if lines and tuple(next(csv.reader(lines[:1]))) != COLUMNS:
            raise ConfigError(
                "The run cannot be resumed: the file has other columns",
                value=path,
                remedy="Leave out --resume, or give another --out.",
            )
        for row in csv.DictReader(lines):
            if row["model_sha256"] == model_sha256 and row["status"] in ("read", "stopped"):
                found[row["sha256"]] = row
    return found
