"""Read many films into one CSV: ``cxr-read PATH… --model DIR --out F``.

Exit status: 0 all were read, 3 some were not (their rows say why), 2 nothing could be started,
130 interrupted (what was read is kept for ``--resume``).
"""

import argparse
import os
import pwd
import secrets
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from cxr_core.audit.entry import Entry, Event, film_entries
from cxr_core.audit.log import AuditLog, audit_log
from cxr_core.errors import CXRError, ImageError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import ModelFacts, read_model_facts_if_usable
from cxr_core.export.results_csv import (
    STATUS_FAILED,
    STATUS_READ,
    STATUS_STOPPED,
    Row,
    one_line,
    outcome_row,
    read_previous_rows,
    worth_cells,
    write_rows,
)
from cxr_core.files import atomic_write
from cxr_core.imaging.correction import correction_key
from cxr_core.imaging.workers.pool import default_workers
from cxr_core.reading.analyzer import Analyzer, load_analyzer
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource, film_sources, may_be_film

PROG = "cxr-read"
DEFAULT_MODEL = Path("models") / "default"  # in a checkout; elsewhere --model is needed
EXIT_ALL_READ, EXIT_NOT_STARTED, EXIT_SOME_NOT_READ, EXIT_INTERRUPTED = 0, 2, 3, 130


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and every file below each folder that may be a film, sorted by path.

    Raises:
        ImageError: there is no file at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (found for found in path.rglob("*") if found.is_file())
            files += sorted(
                found for found in inside if may_be_film(found.relative_to(path).as_posix())
            )
        else:
            files.append(path)
    if not files:
        raise ImageError(
            "There is no file to read",
            value=", ".join(map(str, paths)),
            remedy="Give image files, zip files or folders.",
        )
    return files


def list_sources(paths: Iterable[Path]) -> list[FilmSource]:
    """The films of files, folders and zips; a zip's are listed, not yet unpacked.

    Raises:
        ImageError: there is no file at all.
    """
    sources: list[FilmSource] = []
    for path in list_files(paths):
        sources += film_sources(str(path), path, first_number=len(sources) + 1)[0]
    return sources


class AuditTrail:
    """What a run tells the audit log: as whom it ran, its model, and each film before its row."""

    def __init__(self, log: AuditLog, model_sha256: str) -> None:
        """Begin with the model.

        Raises:
            AuditError: it cannot be logged.
        """
        self._log, self._model = log, model_sha256
        self._who, self._session = _account(), secrets.token_hex(8)
        log.record([Entry(Event.MODEL_LOADED, self._who, self._session, model=model_sha256)])

    def row(self, row: Row, *, read: bool) -> None:
        """That a film goes into the table, and that it was read for it.

        Args:
            read: it was read now, and not by an earlier run.

        Raises:
            AuditError: it cannot be logged.
        """
        if row["status"] not in (STATUS_READ, STATUS_STOPPED):
            return
        events = [Event.CORRECTED] if read and row["correction"] else []
        events += [Event.FILM_READ] if read else []
        about = {"who": self._who, "session": self._session, "image": row["image_sha256"]}
        about |= {"model": self._model, "correction": row["correction"]}
        self._log.record(
            [
                *film_entries(*events, **about, place=PROG),
                *film_entries(Event.EXPORTED, **about, kind="result_csv"),
            ]
        )


def _account() -> str:
    """The operating system's account that the command runs as."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a line in passwd
        return f"uid-{os.getuid()}"


def iter_rows(
    analyzer: Analyzer,
    sources: Iterable[FilmSource],
    *,
    workers: int | None = None,
    finished_rows: dict[str, Row] | None = None,
    setting: Setting = "standard",
    facts: ModelFacts | None = None,
    correction: str | None = None,
    trail: AuditTrail | None = None,
) -> Iterator[Row]:
    """One row a film, as ``export.results_csv`` has them; one that cannot be read is a row too.

    Args:
        correction: what is done to every film before it is read, as ``Correction.key``.
        workers: films that are decoded at once; None for the usual number.
        finished_rows: rows of films that need no reading again, by SHA-256.
        setting: which cut-offs flag.
        facts: of the analyzer's model; without them a row does not tell what a flag is worth.
        trail: is told of each film before its row is handed out.

    Raises:
        AuditError: the trail cannot be told; the film's row is not handed out.
    """
    facts = facts or ModelFacts()
    finished_rows = finished_rows or {}
    model = analyzer.metadata.model_sha256
    for outcome in read_films(
        analyzer, sources, workers=workers, skip=finished_rows.keys(), correction=correction
    ):
        if outcome.sha256 in finished_rows:
            place = {"row": str(outcome.source.number), "file": one_line(outcome.source.name)}
            row = finished_rows[outcome.sha256] | place
        else:
            row = outcome_row(outcome, model_sha256=model, setting=setting)
            row |= worth_cells(row, facts)
        if trail is not None:
            trail.row(row, read=outcome.sha256 not in finished_rows)
        yield row


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Read films into one CSV, one row per film."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="film, zip or folder")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help=f"model folder (default {DEFAULT_MODEL}, if here)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="CSV")
    parser.add_argument(
        "--workers",
        "--jobs",
        dest="workers",
        type=int,
        default=default_workers(),
        metavar="N",
        help="films that are decoded at once",
    )
    parser.add_argument(
        "--sensitive",
        action="store_true",
        help="flag uncertain findings too: misses fewer, alarms more often",
    )
    parser.add_argument(
        "--correct",
        metavar="STEPS",
        help="do this to every film first: steps joined by +, as invert+rotate_cw+mirror",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="skip films that an earlier run has read with this model, setting and correction",
    )
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error("--workers must be at least 1")
    if args.model is None and not DEFAULT_MODEL.is_dir():
        parser.error(f"there is no {DEFAULT_MODEL} here: give --model DIR, the folder of a model")
    out: Path = args.out
    journal = journal_path(out)
    try:
        sources = list_sources(args.paths)
        folder, setting = args.model or DEFAULT_MODEL, _setting(args)
        correction = correction_key(args.correct)
        analyzer = load_analyzer(folder)
        facts = read_model_facts_if_usable(folder, analyzer.metadata)
        model = analyzer.metadata.model_sha256
        finished_rows = (
            read_previous_rows(
                (out, journal), model_sha256=model, setting=setting, correction=correction
            )
            if args.resume
            else {}
        )
        log = audit_log()
        rows = iter_rows(
            analyzer, sources, workers=args.workers, finished_rows=finished_rows,
            setting=setting, facts=facts, correction=correction,
            trail=None if log is None else AuditTrail(log, model),
        )  # fmt: skip
        counts = _write(rows, out, total=len(sources), finished_rows=finished_rows)
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return EXIT_NOT_STARTED
    except OSError as error:
        print(f"{PROG}: {out} cannot be written: {error.strerror}.", file=sys.stderr)
        return EXIT_NOT_STARTED
    except KeyboardInterrupt:
        print(
            f"{PROG}: stopped. Continue with --resume; what was read is in {journal}.",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    print(f"{len(sources)} films: {summary}. The rows are in {out}.")
    return EXIT_SOME_NOT_READ if counts[STATUS_FAILED] else EXIT_ALL_READ


def _setting(args: argparse.Namespace) -> Setting:
    return "sensitive" if args.sensitive else "standard"


def journal_path(out: Path) -> Path:
    """The journal beside ``out``: rows as they come, until all are there."""
    return out.with_name(f"{out.name}.part")


def _write(
    rows: Iterator[Row], out: Path, *, total: int, finished_rows: dict[str, Row]
) -> Counter[str]:
    """Note each row in the journal as it comes, then write all in order and drop the journal."""
    part = journal_path(out)
    with atomic_write(part) as temporary:
        _write_table(temporary, finished_rows.values())  # so that another stop loses none of these
    done: list[Row] = []
    with part.open("a", newline="", encoding="utf-8", errors="replace") as stream:
        for row in tqdm(rows, total=total, unit="film", disable=not sys.stderr.isatty()):
            done.append(row)
            write_rows(stream, [row], header=False)
            stream.flush()
    with atomic_write(out) as temporary:
        _write_table(temporary, done)
    part.unlink()
    return Counter(row["status"] for row in done)


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="replace") as stream:
        write_rows(stream, rows)


if __name__ == "__main__":
    sys.exit(main())
