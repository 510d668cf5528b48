"""What another process of ours holds in memory, by Linux' /proc."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CHUNK = 2**24


def memory_hits(pid: int, marks: Iterable[bytes]) -> Counter[bytes]:
    """How often each mark stands in the memory that a process can write to.

    Files that it only reads (libraries, weights) are left out: nothing of a film gets there.
    """
    wanted = sorted(set(marks))
    longest, hits = max(map(len, wanted)), Counter(dict.fromkeys(wanted, 0))
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in _writable(pid):
            rest = b""
            while start < end:
                try:
                    memory.seek(start)
                    piece = memory.read(min(CHUNK, end - start))
                except (OSError, ValueError):  # given back meanwhile, or not to be read at all
                    break
                if not piece:
                    break
                start += len(piece)
                text = rest + piece
                for mark in wanted:  # what stands in the rest was counted before
                    hits[mark] += text.count(mark) - rest.count(mark)
                rest = text[len(text) - longest + 1 :]
    return hits


def resident_megabytes(pid: int) -> float:
    """The memory that a process has at present, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def process_tree(pid: int) -> list[int]:
    """A process and all below it."""
    pids, parents = [pid], {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended meanwhile
            fields = status.read_text().rpartition(")")[2].split()
            parents[int(status.parent.name)] = int(fields[1])
    for one in pids:
        pids += [child for child, parent in parents.items() if parent == one]
    return pids


def ray_readers(pid: int) -> list[int]:
    """Of the processes below, those that read for ``cxr-read --ray``."""
    return processes_named(pid, b"MapWorker(")


def processes_named(pid: int, part: bytes) -> list[int]:
    """Of a process and all below it, those with this in their command line."""
    found = []
    for one in process_tree(pid):
        with suppress(OSError):
            if part in Path(f"/proc/{one}/cmdline").read_bytes():
                found.append(one)
    return found


def tree_megabytes(pid: int) -> tuple[float, int]:
    """The memory of a process and all below it, MB, what they share counted once; and how many."""
    pids = process_tree(pid)
    total = 0
    for one in pids:
        with suppress(OSError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1024, len(pids)


def _writable(pid: int) -> list[tuple[int, int]]:
    areas = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, rights, *_ = line.split()
        if rights.startswith("rw"):
            start, end = (int(part, 16) for part in place.split("-"))
            areas.append((start, end))
    return areas
