"""Whether an audit log is whole: no line removed, changed or added, and where if so.

What a chain cannot show: lines cut off at its end, and a log that somebody wrote anew from some
line on. Both show when the hash of a later line was kept elsewhere (``missing_heads``), or when the
program that had written them was still running, and said so in its next line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cxr_core.audit.entry import GENESIS, Event, Link, ParsedLine, parse_line


@dataclass(frozen=True)
class Fault:
    """Attributes:
    line: its number in the file, from 1; 0 where it is about the whole.
    problem: a whole sentence.
    """

    line: int
    problem: str


@dataclass
class ChainReport:
    """What was found of one chain.

    Attributes:
        n_entries: whole lines.
        first_time, last_time: as they say; empty without any.
        head: where the chain stands at its end; None without any.
        faults: in the order of the lines.
        notes: whole sentences on what the file alone cannot tell.
        places: the line of each hash.
    """

    n_entries: int = 0
    first_time: str = ""
    last_time: str = ""
    head: Link | None = None
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)


def verify_chain(lines: Iterable[tuple[int, bytes]]) -> ChainReport:
    """Follow one chain from its first line to its last.

    Args:
        lines: number in the file, and the line without its end.
    """
    report = ChainReport()
    seen = report.places
    for place, line in lines:
        found = parse_line(line)
        if found is None:
            problem = f"Line {place} is no whole entry: it was cut short, changed or added."
            report.faults.append(Fault(place, problem))
            continue
        if found.link.head in seen:
            problem = f"Line {place} was added: it repeats line {seen[found.link.head]}."
            report.faults.append(Fault(place, problem))
            continue
        problem = _problem(found, place, report.head, seen)
        if problem:
            report.faults.append(Fault(place, problem))
        if not found.is_intact:
            report.faults.append(Fault(place, f"Line {place} was changed: its hash does not fit."))
        if found.event == Event.LOG_CUT:
            problem = (
                f"Line {place} says that the entry of number {found.lost:,} was gone: the end was "
                "cut off, or the file was written anew or taken away while the program ran."
            )
            report.faults.append(Fault(place, problem))
        if report.head is None:
            report.first_time = found.time
            _note_beginning(found, place, report)
        seen[found.link.head] = place
        report.head, report.last_time = found.link, found.time
        report.n_entries += 1
    return report


def missing_heads(reports: Iterable[ChainReport], kept: Iterable[str]) -> list[Fault]:
    """Hashes of lines that were kept elsewhere, and that no line has any more."""
    known = {head for report in reports for head in report.places}
    return [
        Fault(0, f"No entry has the kept hash {head}: the end was cut off, or it was written anew.")
        for head in kept
        if head not in known
    ]


def _problem(found: ParsedLine, place: int, head: Link | None, seen: dict[str, int]) -> str:
    """What is wrong between this line and those before it; empty where nothing is."""
    if head is None:
        return ""
    link = found.link
    if found.previous == head.head:
        if (link.chain, link.number) == (head.chain, head.number + 1):
            return ""
        return f"Line {place} was changed: its number or chain does not follow the line before."
    if found.previous in seen:
        first, last = seen[found.previous] + 1, place - 1
        which = f"Line {last} was" if first == last else f"Lines {first} to {last} were"
        return f"{which} added or moved: line {place} goes on from line {first - 1}."
    if link.number > head.number + 1:
        missing = link.number - head.number - 1
        noun = "entry was" if missing == 1 else "entries were"
        return f"{missing:,} {noun} removed before line {place} (number {head.number + 1:,} on)."
    if link.number == head.number + 1:
        return f"The line before line {place} was changed with its hash, or line {place} was."
    return f"Line {place} was added or moved: its number {link.number:,} has gone by."


def _note_beginning(found: ParsedLine, place: int, report: ChainReport) -> None:
    if found.link.number == 1 and found.previous == GENESIS:
        return
    if found.event == Event.LOG_CONTINUED:
        report.notes.append(
            "It goes on from an earlier file, whose last entry has number "
            f"{found.link.number - 1:,} and hash {found.previous}. Give that file first to check "
            "both."
        )
        return
    report.faults.append(
        Fault(
            place,
            f"Entries were removed before line {place}: it has number {found.link.number:,}. If "
            "they stand in an earlier file, give that first.",
        )
    )


def file_lines(files: Iterable[Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    """The lines of files one after the other, counted through."""
    place = 0
    for file in files:
        for line in file:
            place += 1
            yield place, line.rstrip(b"\n")


def syslog_chains(lines: Iterable[tuple[int, bytes]]) -> dict[str, list[tuple[int, bytes]]]:
    """The entries among the lines of a syslog, by chain: every process has one of its own.

    Lines of other programs are passed over, and what the daemon wrote before an entry is cut off.
    So an entry that was changed beyond recognition is missing, which its chain shows.
    """
    chains: dict[str, list[tuple[int, bytes]]] = {}
    for place, line in lines:
        start = line.find(b'{"chain":')
        if start >= 0 and (found := parse_line(line[start:])) is not None:
            chains.setdefault(found.link.chain, []).append((place, line[start:]))
    return chains
