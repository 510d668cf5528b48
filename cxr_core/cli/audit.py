"""The audit log from a terminal: ``cxr-audit verify FILE…``, ``head FILE``, ``rotate FILE``.

Exit status of ``verify``: 0 whole, 1 a line was removed, changed or added, 2 it cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cxr_core.audit.log import FileLog
from cxr_core.audit.verify import (
    ChainReport,
    file_lines,
    missing_heads,
    syslog_chains,
    verify_chain,
)
from cxr_core.errors import AuditError

PROG = "cxr-audit"
CANNOT_SHOW = (
    "A chain cannot show what was cut off at its end, nor that it was written anew: keep the head "
    "where whoever can write the log cannot, and give it with --head next time."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module for what it returns."""
    parser = argparse.ArgumentParser(prog=PROG, description="Check, cut off or name an audit log.")
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="whether a line was removed, changed or added")
    verify.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the oldest first")
    verify.add_argument(
        "--head", action="append", default=[], metavar="HASH", help="a head that was kept elsewhere"
    )
    verify.add_argument("--syslog", action="store_true", help="the files are of syslog")
    for name, words in (
        ("head", "print the number and the hash of the last entry"),
        ("rotate", "put the file aside and go on in a new one that hangs on it"),
    ):
        commands.add_parser(name, help=words).add_argument("file", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    try:
        if args.command == "verify":
            return _verify(args.files, [head.lower() for head in args.head], syslog=args.syslog)
        log = FileLog(args.file)
        if args.command == "rotate":
            print(log.rotate())
        elif (link := log.head()) is not None:
            print(link.number, link.head)
    except AuditError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{PROG}: {error.filename} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _verify(files: Sequence[Path], heads: Sequence[str], *, syslog: bool) -> int:
    with ExitStack() as stack:
        lines = file_lines([stack.enter_context(path.open("rb")) for path in files])
        if syslog:
            reports = [verify_chain(chain) for chain in syslog_chains(lines).values()]
        else:
            reports = [verify_chain(lines)]
    for report in reports:
        _tell(report)
    missing = missing_heads(reports, heads)
    for fault in missing:
        print(fault.problem)
    print(CANNOT_SHOW)
    return 1 if missing or any(report.faults for report in reports) else 0


def _tell(report: ChainReport) -> None:
    noun = "entry" if report.n_entries == 1 else "entries"
    times = f", {report.first_time} to {report.last_time}" if report.n_entries else ""
    print(f"{report.n_entries:,} {noun}{times}.")
    for sentence in [*(fault.problem for fault in report.faults), *report.notes]:
        print(sentence)
    if not report.faults:
        print("No entry in it was removed, changed or added.")
    if report.head is not None:
        print(f"Head: {report.head.head} (number {report.head.number}).")


if __name__ == "__main__":
    sys.exit(main())
