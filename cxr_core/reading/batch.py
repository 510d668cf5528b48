"""Read many films into one CSV: ``python -m cxr_core.reading.batch PATH… --model DIR --out F``.

Exit status: 0 all were read, 3 some were not (their rows say why), 2 nothing could be started.
"""

import argparse
import csv
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cxr_core.atomic import replacing
from cxr_core.errors import CXRError, ImageError
from cxr_core.findings import ABOVE_COLUMNS, KEYS, LOGIT_COLUMNS, PROBABILITY_COLUMNS
from cxr_core.reading.analyzer import Analysis, Analyzer, load_analyzer

COLUMNS = (
    "file",
    "sha256",
    "status",
    "reason",
    *LOGIT_COLUMNS,
    *PROBABILITY_COLUMNS,
    *ABOVE_COLUMNS,
)
ALL_READ, NOT_STARTED, SOME_NOT_READ = 0, 2, 3


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and every visible file below each folder, sorted by path.

    Raises:
        ImageError: there is no file at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (found for found in path.rglob("*") if found.is_file())
            files += sorted(found for found in inside if not found.name.startswith("."))
        else:
            files.append(path)
    if not files:
        raise ImageError(
            "There is no file to read",
            value=", ".join(map(str, paths)),
            remedy="Name image files, or folders that hold some.",
        )
    return files


def read_files(analyzer: Analyzer, files: Iterable[Path]) -> Iterator[dict[str, str]]:
    """One row a file, in the columns ``COLUMNS``; a file that cannot be read is a row too.

    ``status`` is ``read``, ``stopped`` (read, but the film does not look readable; ``reason``
    says why) or ``failed``. Logits and probabilities have six decimals, ``above_…`` is 0 or 1.
    """
    for path in files:
        row = dict.fromkeys(COLUMNS, "") | {"file": str(path)}
        try:
            data = path.read_bytes()
            row["sha256"] = hashlib.sha256(data).hexdigest()
            row |= _values(analyzer.analyze(data))
        except ImageError as error:
            row |= {"status": "failed", "reason": str(error)}
        except OSError as error:
            reason = f"The file cannot be opened: {error.strerror}. Check the path and its rights."
            row |= {"status": "failed", "reason": reason}
        yield row


def _values(analysis: Analysis) -> dict[str, str]:
    values = {
        "status": "read" if analysis.gate.passed else "stopped",
        "reason": " ".join(analysis.gate.reasons),
    }
    for index, key in enumerate(KEYS):
        values[LOGIT_COLUMNS[index]] = f"{analysis.logits[key]:.6f}"
        values[PROBABILITY_COLUMNS[index]] = f"{analysis.probabilities[key]:.6f}"
        values[ABOVE_COLUMNS[index]] = str(int(analysis.above[key]))
    return values


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr_core.reading.batch",
        description="Read films into one CSV, a row a file.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="film or folder")
    parser.add_argument("--model", type=Path, default=Path("models/default"), metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV")
    arguments = parser.parse_args(words)
    try:
        files = list_files(arguments.paths)
        counts = _write(load_analyzer(arguments.model), files, arguments.out)
    except CXRError as error:
        print(f"batch: {error}", file=sys.stderr)
        return NOT_STARTED
    except OSError as error:
        print(f"batch: {arguments.out} cannot be written: {error.strerror}.", file=sys.stderr)
        return NOT_STARTED
    failed = counts.get("failed", 0)
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    print(f"{len(files)} files: {summary}. The rows are in {arguments.out}.")
    return SOME_NOT_READ if failed else ALL_READ


def _write(analyzer: Analyzer, files: Sequence[Path], out: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in read_files(analyzer, files):
            writer.writerow(row)
            counts[row["status"]] = counts.get(row["status"], 0) + 1
    return counts


if __name__ == "__main__":
    sys.exit(main())
