"""The results CSV: one row a film, the same from Read, the Worklist and the command line."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from cxr_core.errors import ConfigError
from cxr_core.evaluation.cutoffs import BANDS, Setting
from cxr_core.evaluation.model_facts import ModelFacts
from cxr_core.export.record import (
    NO_WORTH,
    NOT_RELIABLE,
    Record,
    correction_sentence,
    flag_word,
)
from cxr_core.findings import KEYS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.analyzer import Analysis, at_setting
from cxr_core.reading.batch import Outcome
from cxr_core.spreadsheet import csv_line, unguard_formula
from cxr_core.version import VERSION

# ``stopped``: the gate stopped the film and nobody overruled it; ``failed``: it cannot be read.
STATUS_READ, STATUS_STOPPED, STATUS_FAILED = "read", "stopped", "failed"
CUTOFF_COLUMNS: tuple[str, ...] = tuple(f"cutoff_{key}" for key in KEYS)
# Both cut-offs of each finding, between which it is uncertain; ``cutoff_…`` is the one that flags.
SENSITIVE_CUTOFF_COLUMNS: tuple[str, ...] = tuple(f"sensitive_cutoff_{key}" for key in KEYS)
SPECIFIC_CUTOFF_COLUMNS: tuple[str, ...] = tuple(f"specific_cutoff_{key}" for key in KEYS)
BAND_COLUMNS: tuple[str, ...] = tuple(f"band_{key}" for key in KEYS)
# Of the model's test films in the same band: how many, and the share that carry the label.
TEST_FILMS_COLUMNS: tuple[str, ...] = tuple(f"test_films_{key}" for key in KEYS)
TEST_SHARE_COLUMNS: tuple[str, ...] = tuple(f"test_share_{key}" for key in KEYS)
TEST_SHARE_LOW_COLUMNS: tuple[str, ...] = tuple(f"test_share_low_{key}" for key in KEYS)
TEST_SHARE_HIGH_COLUMNS: tuple[str, ...] = tuple(f"test_share_high_{key}" for key in KEYS)
WORTH_COLUMNS: tuple[str, ...] = tuple(f"worth_{key}" for key in KEYS)
FLAGGED_COLUMNS: tuple[str, ...] = tuple(f"flagged_{key}" for key in KEYS)
SITE_PREVALENCE_COLUMNS: tuple[str, ...] = tuple(f"site_prevalence_{key}" for key in KEYS)
SITE_PROBABILITY_COLUMNS: tuple[str, ...] = tuple(f"site_probability_{key}" for key in KEYS)
SITE_CUTOFF_COLUMNS: tuple[str, ...] = tuple(f"site_cutoff_{key}" for key in KEYS)
ASSESSMENT_COLUMNS: tuple[str, ...] = tuple(f"assessment_{key}" for key in KEYS)
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
    "correction_words",
    "warnings",
    "cautions",
    "film_note",
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
    "setting",
    *CUTOFF_COLUMNS,
    *FLAGGED_COLUMNS,
    *SENSITIVE_CUTOFF_COLUMNS,
    *SPECIFIC_CUTOFF_COLUMNS,
    *BAND_COLUMNS,
    *TEST_FILMS_COLUMNS,
    *TEST_SHARE_COLUMNS,
    *TEST_SHARE_LOW_COLUMNS,
    *TEST_SHARE_HIGH_COLUMNS,
    *WORTH_COLUMNS,
    *SITE_PREVALENCE_COLUMNS,
    *SITE_PROBABILITY_COLUMNS,
    *SITE_CUTOFF_COLUMNS,
    *ASSESSMENT_COLUMNS,
    "note",
    "reference",
    "created",
    "model_note",
    "model_sha256",
    "app_version",
    "library_versions",
)
Row = dict[str, str]
_NEEDED_TO_RESUME = {
    "image_sha256",
    "model_sha256",
    "status",
    "correction",
    "read_anyway",
    *LOGIT_COLUMNS,
}
# The command line's columns in an earlier version, by today's names.
_EARLIER_COLUMNS: dict[str, str] = {
    "file": "file",
    "sha256": "image_sha256",
    "model_sha256": "model_sha256",
    "status": "status",
    "reason": "reason",
    "warnings": "warnings",
    **{name: name for name in (*LOGIT_COLUMNS, *PROBABILITY_COLUMNS)},
    **{f"operating_point_{key}": f"cutoff_{key}" for key in KEYS},
    **{f"above_{key}": f"flagged_{key}" for key in KEYS},
    "versions": "library_versions",
}
_DECODERS = ("pillow", "imagecodecs", "pydicom", "python-gdcm", "pyjpegls")


# From a reading to its row.


def analysis_row(
    analysis: Analysis, file: str = "", *, row_number: int | None = None, read_anyway: bool = False
) -> Row:
    """The row of a film that was read; what only a ``Record`` knows stays empty.

    Args:
        file: a name for the row; left empty unless the user asks for names, since a name may
            tell a patient.
        row_number: of the row, from 1; without it ``write_rows`` counts.
        read_anyway: the reader had the film read although the gate stopped it.

    Returns:
        By ``COLUMNS``, in their order: logits, probabilities and cut-offs with six decimals,
        ``flagged_…`` as 0 or 1.
    """
    gate_reasons = one_line(" ".join(analysis.gate.reasons))
    stopped = not (analysis.gate.passed or read_anyway)
    row = _empty_row(row_number, file) | {
        "image_sha256": analysis.image_sha256,
        "status": STATUS_STOPPED if stopped else STATUS_READ,
        "reason": gate_reasons if stopped else "",
        "gate": "passed" if analysis.gate.passed else "stopped",
        "gate_reasons": gate_reasons,
        "read_anyway": str(int(read_anyway)),
        "correction": analysis.correction or "",
        "correction_words": correction_sentence(analysis.correction),
        "cautions": cautions_cell(analysis, (), read_anyway=read_anyway),
        "warnings": one_line(" ".join(analysis.warnings)),
        "model_sha256": analysis.model_sha256,
        "library_versions": _library_versions(analysis.engine),
        "setting": analysis.setting,
    }
    for index, key in enumerate(KEYS):
        row[LOGIT_COLUMNS[index]] = f"{analysis.logits[key]:.6f}"
        row[PROBABILITY_COLUMNS[index]] = f"{analysis.probabilities[key]:.6f}"
        row[CUTOFF_COLUMNS[index]] = f"{analysis.operating_points[key].threshold:.6f}"
        row[FLAGGED_COLUMNS[index]] = str(int(analysis.above[key]))
        if analysis.cutoffs is not None:
            specific = analysis.cutoffs.specific[key].threshold
            row[SPECIFIC_CUTOFF_COLUMNS[index]] = f"{specific:.6f}"
            if analysis.cutoffs.sensitive is not None:
                lower = analysis.cutoffs.sensitive[key].threshold
                row[SENSITIVE_CUTOFF_COLUMNS[index]] = f"{lower:.6f}"
        row[BAND_COLUMNS[index]] = analysis.bands[key]
    return row


def cautions_cell(analysis: Analysis, cautions: Sequence[str], *, read_anyway: bool) -> str:
    """The cautions of a film; first, that its numbers are not reliable, where they are not."""
    first = [f"{NOT_RELIABLE}."] if read_anyway and not analysis.gate.passed else []
    return " ".join((*first, *cautions))


def worth_cells(row: Row, facts: ModelFacts) -> Row:
    """What a row's results are worth, and what its model is, as cells to add to it.

    A film that the input check stopped has no test films like it, so its cells stay empty.

    Args:
        row: of a film that was read, or without bands: then only the model is told.
        facts: of the model that read it.
    """
    cells = {"model_note": facts.sentence}
    for index, key in enumerate(KEYS):
        band = next((band for band in BANDS if band == row[BAND_COLUMNS[index]]), None)
        if band is None:
            continue
        if row["gate"] == "stopped":
            cells[WORTH_COLUMNS[index]] = NO_WORTH
            continue
        flagged = row[FLAGGED_COLUMNS[index]] == "1"
        called = flag_word(key, flagged=True) if flagged else ""
        cells[WORTH_COLUMNS[index]] = facts.worth(key, band, called=called)
        if (one := facts.share(key, band)) is not None:
            cells[TEST_FILMS_COLUMNS[index]] = str(one.n)
            if one.share.estimable:
                cells[TEST_SHARE_COLUMNS[index]] = f"{one.share.estimate:.6f}"
                cells[TEST_SHARE_LOW_COLUMNS[index]] = f"{one.share.low:.6f}"
                cells[TEST_SHARE_HIGH_COLUMNS[index]] = f"{one.share.high:.6f}"
    return cells


def outcome_row(outcome: Outcome, *, model_sha256: str, setting: Setting = "standard") -> Row:
    """The row of one of many films, whether it was read or not.

    Args:
        model_sha256: of the model, for a film that it could not read.
        setting: which cut-offs flag.
    """
    source = outcome.source
    if outcome.analysis is not None:
        analysis = at_setting(outcome.analysis, setting)
        return analysis_row(analysis, source.name, row_number=source.number)
    row = failed_row(source.number, source.name, outcome.reason, model_sha256=model_sha256)
    return row | {"image_sha256": outcome.sha256}


def failed_row(row_number: int, file: str, reason: str, *, model_sha256: str) -> Row:
    """The row of a film that was not read, whose bytes are not known."""
    return _empty_row(row_number, file) | {
        "status": STATUS_FAILED,
        "reason": one_line(reason),
        "model_sha256": model_sha256,
    }


def waiting_row(row_number: int, file: str = "") -> Row:
    """The row of a film whose turn has not come; it has no status yet."""
    return _empty_row(row_number, file) | {"reason": "Not read yet."}


def record_row(record: Record) -> Row:
    """The row of one reading with the reader's assessment, the site's prevalence and the time."""
    row = analysis_row(record.analysis, row_number=1, read_anyway=record.read_anyway) | {
        "cautions": cautions_cell(record.analysis, record.cautions, read_anyway=record.read_anyway),
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
            row[SITE_CUTOFF_COLUMNS[index]] = f"{threshold:.6f}"
    return row | worth_cells(row, record.facts)


def _empty_row(number: int | None, file: str) -> Row:
    return dict.fromkeys(COLUMNS, "") | {
        "row": "" if number is None else str(number),
        "file": one_line(file),
        "app_version": VERSION,
        "library_versions": _library_versions(),
    }


@cache
def _library_versions(engine: str = "") -> str:
    """What a number depends on, as "OpenVINO 2026.4.1, pillow 13.0.0, …"."""
    decoders = (f"{name} {version(name)}" for name in _DECODERS)
    return ", ".join(filter(None, (engine, *decoders)))


def one_line(text: str) -> str:
    """The text without its line breaks: a row of the command line's journal is one line."""
    return " ".join(text.splitlines())


# Rows to a file, and back.


def rows_to_csv(rows: Iterable[Row], *, header: bool = True) -> bytes:
    """Rows as a CSV file in UTF-8, by default after the column names."""
    stream = io.StringIO(newline="")
    write_rows(stream, rows, header=header)
    # A lone half of a surrogate pair, which a browser can send, has no place in UTF-8.
    return stream.getvalue().encode(errors="replace")


def write_rows(stream: TextIO, rows: Iterable[Row], *, header: bool = True) -> None:
    """Write rows, by default after the column names.

    A row without a number gets its place, counted from 1. Texts are quoted and guarded against
    being run as formulas (``spreadsheet``); numbers are left as they are.

    Args:
        stream: opened with ``newline=""``.
    """
    if header:
        stream.write(csv_line(COLUMNS))
    for place, row in enumerate(rows, start=1):
        numbered = row | {"row": row["row"] or str(place)}
        stream.write(csv_line(numbered[column] for column in COLUMNS))


def read_previous_rows(
    paths: Iterable[Path],
    *,
    model_sha256: str,
    setting: Setting = "standard",
    correction: str | None = None,
) -> Iterator[Row]:
    """What earlier runs have read with this model in this setting, one row after the other.

    Args:
        correction: what is done to every film, as ``Correction.key``.

    Rows of failed films are left out, so they are tried again; so are rows of the Worklist that
    are not what a run would write: without numbers, corrected otherwise, or read although stopped.
    A last line that was not written to its end is passed over; files that are not there are, too. A
    column that the version before did not write stays empty in its rows.

    Raises:
        ConfigError: a file is no table of this program's.
    """
    for path in paths:
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            for row in read_rows(stream, path):
                if (
                    row["model_sha256"] == model_sha256
                    and (row["setting"] or "standard") == setting
                    and row["status"] in (STATUS_READ, STATUS_STOPPED)
                    and row[LOGIT_COLUMNS[0]]
                    and row["correction"] == (correction or "")
                    and row["read_anyway"] != "1"
                ):
                    yield row


def read_rows(stream: Iterable[bytes], name: object) -> Iterator[Row]:
    """The rows of a results CSV, as ``COLUMNS`` has them; the file is never held whole.

    Args:
        stream: a file, open for bytes.
        name: of the file, for an error.

    Raises:
        ConfigError: the file is no table of this program's.
    """
    # A row is one line, and only a line with its end was written whole.
    lines = (line.decode(errors="replace") for line in stream if line.endswith(b"\n"))
    try:
        table = csv.DictReader(lines)
        header = COLUMNS if table.fieldnames is None else tuple(table.fieldnames)
        earlier = header == tuple(_EARLIER_COLUMNS)
        ours = _NEEDED_TO_RESUME <= set(header) <= set(COLUMNS) and len(set(header)) == len(header)
        if not earlier and not ours:
            raise _not_ours(name, "the file has other columns")
        for cells in table:
            row = {name: unguard_formula(cell or "") for name, cell in cells.items() if name}
            yield _from_earlier(row) if earlier else dict.fromkeys(COLUMNS, "") | row
    except csv.Error as error:
        raise _not_ours(name, "the file is no table of this program's") from error


def cells_to_row(line: bytes) -> Row:
    """The row of one line that ``rows_to_csv`` wrote."""
    (cells,) = csv.reader([line.decode()])
    return {name: unguard_formula(cell) for name, cell in zip(COLUMNS, cells, strict=True)}


def _not_ours(name: object, why: str) -> ConfigError:
    return ConfigError(
        f"The run cannot be resumed: {why}",
        value=name,
        remedy="Leave out --resume, or give another --out.",
    )


def _from_earlier(cells: Row) -> Row:
    """A row of an earlier version, by ``COLUMNS``; which version of this program is not known."""
    row = dict.fromkeys(COLUMNS, "") | {now: cells[old] for old, now in _EARLIER_COLUMNS.items()}
    stopped = row["status"] == STATUS_STOPPED
    return row | {"gate": "stopped" if stopped else "passed", "gate_reasons": row["reason"]}
