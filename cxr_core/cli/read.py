"""Read many films into one CSV, or an archive into a folder of files:
``cxr-read PATH… --model DIR --out F``.

Exit status: 0 all were read, 3 some were not (their rows say why), 2 nothing could be started,
130 interrupted (what was read is kept for ``--resume``).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from shutil import copyfileobj

from tqdm import tqdm

from cxr_core.audit.log import audit_log
from cxr_core.cli.read_rows import PROG, AuditTrail, iter_blocks, iter_rows
from cxr_core.errors import CXRError, ImageError
from cxr_core.evaluation.cutoffs import Setting
from cxr_core.evaluation.model_facts import read_model_facts_if_usable
from cxr_core.export.results_csv import (
    STATUS_FAILED,
    Row,
    cells_to_row,
    read_previous_rows,
    rows_to_csv,
)
from cxr_core.export.shards import Block, ShardFolder
from cxr_core.files import atomic_write
from cxr_core.imaging.correction import correction_key
from cxr_core.imaging.workers.pool import default_workers
from cxr_core.model.engine import EngineSettings
from cxr_core.model.metadata import load_metadata
from cxr_core.reading.analyzer import load_analyzer
from cxr_core.reading.archive import FilmOpener, FilmPlace, is_address, list_films

DEFAULT_MODEL = Path("models") / "default"  # in a checkout; elsewhere --model is needed
EXIT_ALL_READ, EXIT_NOT_STARTED, EXIT_SOME_NOT_READ, EXIT_INTERRUPTED = 0, 2, 3, 130
LOCAL = "local"
_COPY = 2**20  # bytes at a time


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parsed(argv)
    try:
        counts = _read(args)
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return EXIT_NOT_STARTED
    except OSError as error:
        why = str(error.strerror or error).rstrip(".")
        print(f"{PROG}: {args.out} cannot be written: {why}.", file=sys.stderr)
        return EXIT_NOT_STARTED
    except KeyboardInterrupt:
        kept = args.out if args.shards else journal_path(Path(args.out))
        print(
            f"{PROG}: stopped. Continue with --resume; what was read is in {kept}.",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    print(f"{counts.total()} films: {summary or 'nothing new'}. The rows are in {args.out}.")
    return EXIT_SOME_NOT_READ if counts[STATUS_FAILED] else EXIT_ALL_READ


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROG, description="Read films into one CSV, or into a folder of files; a row a film."
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="film, zip or folder, or an address (s3://…)"
    )
    parser.add_argument(
        "--list", dest="lists", action="append", type=Path, default=[], metavar="FILE",
        help="read the films, zips, folders and addresses in this file too, one a line",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help=f"model folder (default {DEFAULT_MODEL}, if here)"
    )
    parser.add_argument("--out", required=True, metavar="CSV", help="with --shards a folder")
    parser.add_argument(
        "--shards", choices=("parquet", "csv"),
        help="write a folder of files, --shard-films films each (with --ray: parquet)",
    )  # fmt: skip
    parser.add_argument("--shard-films", type=int, default=1000, metavar="N")
    parser.add_argument(
        "--ray", nargs="?", const=LOCAL, metavar="ADDRESS",
        help="read on the Ray cluster that this machine is part of, auto or HOST:PORT; without "
        "ADDRESS on one that is started here",
    )  # fmt: skip
    parser.add_argument(
        "--workers",
        "--jobs",
        dest="workers",
        type=int,
        default=default_workers(),
        metavar="N",
        help="films that are decoded at once; with --ray, cores of each reader",
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
    if not args.paths and not args.lists:
        parser.error("give a PATH or --list FILE")
    if args.workers < 1 or args.shard_films < 1:
        parser.error("--workers and --shard-films must be at least 1")
    if args.ray is not None and not (args.ray in (LOCAL, "auto") or ":" in args.ray):
        parser.error(f"--ray {args.ray}: no address of a cluster; put --ray after the paths")
    if args.ray is not None:
        args.shards = args.shards or "parquet"
    if is_address(args.out) and not args.shards:
        parser.error("--out at an address needs --shards")
    if args.model is None and not DEFAULT_MODEL.is_dir():
        parser.error(f"there is no {DEFAULT_MODEL} here: give --model DIR, the folder of a model")
    args.model = args.model or DEFAULT_MODEL
    args.setting = "sensitive" if args.sensitive else "standard"
    return args


def _read(args: argparse.Namespace) -> Counter[str]:
    """Read all; how many rows of each status were written."""
    opener = FilmOpener()
    films = _not_empty(list_films(args.paths, args.lists, opener=opener), args)
    args.correct = correction_key(args.correct)
    return _read_into_shards(args, films, opener) if args.shards else _read_csv(args, films, opener)


def _not_empty(films: Iterator[FilmPlace], args: argparse.Namespace) -> Iterator[FilmPlace]:
    first = next(films, None)
    if first is None:
        raise ImageError(
            "There is no file to read",
            value=", ".join(map(str, (*args.paths, *args.lists))),
            remedy="Give image files, zip files or folders.",
        )
    return chain([first], films)


# One CSV.


def _read_csv(
    args: argparse.Namespace, films: Iterator[FilmPlace], opener: FilmOpener
) -> Counter[str]:
    out = Path(args.out)
    analyzer = load_analyzer(args.model, EngineSettings.from_environment().for_many())
    facts = read_model_facts_if_usable(args.model, analyzer.metadata)
    model, setting, correction = analyzer.metadata.model_sha256, args.setting, args.correct
    previous: Iterable[Row] = ()
    if args.resume:
        previous = read_previous_rows(
            (out, journal_path(out)), model_sha256=model, setting=setting, correction=correction
        )
    with closing(Journal(journal_path(out), previous)) as journal:
        rows = iter_rows(
            analyzer, map(opener.source, films), workers=args.workers, finished_rows=journal,
            setting=setting, facts=facts, correction=correction, trail=_trail(model),
        )  # fmt: skip
        counts: Counter[str] = Counter()
        for row in tqdm(rows, unit="film", disable=not sys.stderr.isatty()):
            journal.add(row)
            counts[row["status"]] += 1
        journal.finish(out)
    return counts


def _trail(model_sha256: str) -> AuditTrail | None:
    log = audit_log()
    return None if log is None else AuditTrail(log, model_sha256)


def journal_path(out: Path) -> Path:
    """The journal beside ``out``: rows as they come, until all are there."""
    return out.with_name(f"{out.name}.part")


class Journal(Mapping[str, Row]):
    """Rows on the disk until all are there: those of earlier runs, then this run's in their order.

    As a mapping it has the earlier runs' rows by the film's SHA-256; each is read when it is asked
    for.
    """

    def __init__(self, path: Path, previous: Iterable[Row]) -> None:
        """Begin with the rows of earlier runs, so that another stop loses none of them.

        Raises:
            ConfigError: they cannot be had.
            OSError: it cannot be written.
        """
        self._path = path
        self._places: dict[bytes, int] = {}
        with atomic_write(path) as temporary, temporary.open("wb") as stream:
            stream.write(rows_to_csv([]))
            for row in previous:
                film = row["image_sha256"].encode()
                if film not in self._places:
                    self._places[film] = stream.tell()
                    stream.write(rows_to_csv([row], header=False))
        self._own = path.stat().st_size  # where this run's rows begin
        self._stream = path.open("r+b")

    def __getitem__(self, sha256: str) -> Row:
        self._stream.seek(self._places[sha256.encode()])
        return cells_to_row(self._stream.readline())

    def __iter__(self) -> Iterator[str]:
        return map(bytes.decode, self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and sha256.encode() in self._places

    def add(self, row: Row) -> None:
        """Note a row of this run."""
        self._stream.seek(0, 2)
        self._stream.write(rows_to_csv([row], header=False))
        self._stream.flush()

    def finish(self, out: Path) -> None:
        """Write this run's rows to ``out``, and drop the journal."""
        self._stream.seek(self._own)
        with atomic_write(out) as temporary, temporary.open("wb") as stream:
            stream.write(rows_to_csv([]))
            copyfileobj(self._stream, stream, _COPY)
        self.close()
        self._path.unlink()

    def close(self) -> None:
        """Close its file, which stays unless it was finished."""
        self._stream.close()


# A folder of files.


def _read_into_shards(
    args: argparse.Namespace, films: Iterator[FilmPlace], opener: FilmOpener
) -> Counter[str]:
    setting: Setting = args.setting
    model = load_metadata(args.model).model_sha256
    shards = ShardFolder(
        args.out, args.shards, model_sha256=model, setting=setting, correction=args.correct
    )
    shards.start(resume=args.resume)
    blocks = shards.blocks(films, args.shard_films)
    results: Iterator[tuple[Block, list[Row]]]
    if args.ray is not None:
        from cxr_core.cli.read_cluster import iter_blocks_on_ray

        results = iter_blocks_on_ray(
            blocks, address=args.ray, model=args.model, cores=args.workers, setting=setting,
            correction=args.correct, trail=_trail(model),
        )  # fmt: skip
    else:
        analyzer = load_analyzer(args.model, EngineSettings.from_environment().for_many())
        results = iter_blocks(
            analyzer, blocks, opener=opener, workers=args.workers, setting=setting,
            facts=read_model_facts_if_usable(args.model, analyzer.metadata),
            correction=args.correct, trail=_trail(model),
        )  # fmt: skip
    counts: Counter[str] = Counter()
    with tqdm(unit="film", disable=not sys.stderr.isatty()) as bar:
        for block, rows in results:
            shards.write(block, rows)
            counts.update(row["status"] for row in rows)
            bar.update(len(rows))
    return counts


if __name__ == "__main__":
    sys.exit(main())
