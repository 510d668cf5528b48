"""The same films by ``cxr-read --jobs 2``, and on a Ray cluster of which one worker is killed.

    python -m bench.archive FILMS [--films 2000] [--kill machine|process] [--model models/default]

FILMS is a folder. Needs the extra ``cluster``. The cluster has a head without cores and two workers
of one core each, so both ways have two cores. When a third of the files is there, one worker is
killed: a machine with all that runs on it, or a reader's process alone. Printed of each way:
seconds until the first file and in all, films a second from the first file to the last, and the
greatest memory of all its processes (what they share counted once), at a quarter of the way and in
the end; and the seconds that all of them computed, which a machine that is busy with other work
changes least.
Then rows and films, which must be the same number, and how far the probabilities of both ways lie
apart. Returns 1 where a film is missing, is there twice, or the ways differ by more than .001.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cxr_core.findings import PROBABILITY_COLUMNS
from cxr_core.reading.archive import FilmOpener, list_films
from tests.helpers.process_memory import process_tree, ray_readers, tree_megabytes
from tests.helpers.ray_cluster import two_workers

SHARD_FILMS = 50
_TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 1.0  # seconds between two looks at the memory
CLOSE = 1e-3


def main() -> int:
    """Measure and print; see the module for what it returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--kill", choices=("machine", "process", "none"), default="machine")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    args = parser.parse_args()
    places = list_films([str(args.folder)], opener=FilmOpener())
    names = [film.name for film in islice(places, args.films)]
    with tempfile.TemporaryDirectory() as folder:
        films = Path(folder) / "films.txt"
        films.write_text("\n".join(names) + "\n")
        command = [
            sys.executable, "-m", "cxr_core.cli.read", "--list", str(films),
            "--model", str(args.model), "--shards", "parquet", "--shard-films", str(SHARD_FILMS),
        ]  # fmt: skip
        print(f"{len(names)} films, load of the machine {os.getloadavg()[0]:.1f}", flush=True)
        alone, cluster = Path(folder) / "alone", Path(folder) / "cluster"
        watch("cxr-read --jobs 2", [*command, "--jobs", "2"], alone, len(names))
        on_cluster([*command, "--jobs", "1"], cluster, len(names), args.kill)
        return compare(pq.read_table(alone), pq.read_table(cluster), len(names))


def on_cluster(command: list[str], out: Path, n_films: int, kill: str) -> None:
    """Read on two workers, one of which is killed."""
    with two_workers() as (cluster, workers):

        def kill_one() -> None:
            if kill == "machine":
                cluster.remove_node(workers[0], allow_graceful=False)
            else:
                os.kill(random.choice(ray_readers(os.getpid())), signal.SIGKILL)

        name = f"cxr-read --ray, two workers, killed: {kill}"
        address = ["--ray", cluster.address]
        watch(name, [*command, *address], out, n_films, None if kill == "none" else kill_one)


def watch(
    name: str, command: list[str], out: Path, n_films: int, kill: Callable[[], None] | None = None
) -> None:
    """Run a command, kill what is to be killed, and print what it took."""
    began, first, quarter, peak, killed_at = time.monotonic(), 0.0, 0.0, 0.0, 0.0
    before = dict(computed(os.getpid()))
    seconds = before
    n_files = -(-n_films // SHARD_FILMS)
    run = subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.PIPE, text=True)
    while run.poll() is None:
        time.sleep(EVERY)
        # A cluster's workers are this process's own children, and so is the command.
        peak = max(peak, tree_megabytes(os.getpid())[0])
        seconds = seconds | computed(os.getpid())
        done = len(list(out.glob("*.parquet"))) if out.is_dir() else 0
        if done and not first:
            first = time.monotonic() - began
        if done <= n_files // 4:
            quarter = peak
        if kill is not None and done >= max(1, n_files // 3):
            kill()
            kill, killed_at = None, time.monotonic() - began
    took = time.monotonic() - began
    rate = (n_films - SHARD_FILMS) / (took - first)
    assert run.stdout is not None
    print(f"{name}: status {run.returncode}; {run.stdout.read().strip()}")
    print(
        f"  first file {first:.0f} s, all {took:.0f} s, {rate:.1f} films/s; memory at a quarter "
        f"{quarter:.0f} MB, at most {peak:.0f} MB; computed "
        f"{sum(seconds.values()) - sum(before.values()):.0f} s"
        + (f"; killed after {killed_at:.0f} s" if killed_at else ""),
        flush=True,
    )


def computed(pid: int) -> dict[int, float]:
    """The seconds that a process and each below it have computed."""
    found = {}
    for one in process_tree(pid):
        with suppress(OSError):  # ended meanwhile
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            found[one] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def compare(alone: pa.Table, cluster: pa.Table, n_films: int) -> int:
    """Print rows and differences; 1 where there is a fault."""
    status = 0
    for name, table in (("alone", alone), ("cluster", cluster)):
        distinct = len(set(table["file"].to_pylist()))
        print(f"{name}: {len(table)} rows of {distinct} films")
        status |= len(table) != n_films or distinct != n_films
    if status:
        return 1
    one, other = (table.sort_by("file").select(PROBABILITY_COLUMNS) for table in (alone, cluster))
    gaps = [
        np.abs(a.to_numpy() - b.to_numpy()) for a, b in zip(one.columns, other.columns, strict=True)
    ]
    largest = float(np.nanmax(gaps))
    print(f"largest difference of a probability: {largest:.6f}")
    return int(largest > CLOSE)


if __name__ == "__main__":
    sys.exit(main())
