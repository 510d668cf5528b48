"""Many readers at once on one analyzer: how long they wait, by readers and by the engine's threads.

    python -m bench.at_once [--readers 1 4 16] [--threads 1 2] [--engine openvino]

Every reader opens its films one after the other, in turns as on a page (``reading.turns``), with a
process for each number of threads. Printed: films a second; the longest that a film took, as a
multiple of the queue's arithmetic, (films ahead + 1) x the time of a film; whether each answer is
the one that the film gets alone. Returns 1 where one is not.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer, load_analyzer
from cxr_core.reading.turns import Turns


def main() -> int:
    """Time and print; see the module for what it returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--films", type=int, default=4, help="of each reader")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--slots", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.in_this_process:
        return _measure(args)
    status = 0
    for threads in args.threads:
        settings = {"CXR_ENGINE": args.engine, "CXR_ENGINE_THREADS": str(threads)}
        # PyTorch and NumPy read this one when they are imported.
        environment = os.environ | settings | {"OMP_NUM_THREADS": str(threads)}
        print(f"engine {args.engine}, {threads} threads a forward", flush=True)
        command = [sys.executable, "-m", "bench.at_once", *sys.argv[1:], "--in-this-process"]
        status |= subprocess.run(command, env=environment, check=False).returncode
    return status


def _measure(args: argparse.Namespace) -> int:
    analyzer = load_analyzer(args.model)
    films = [phantom_png(seed, size=512) for seed in range(8)]
    alone = [analyzer.analyze(film).logits for film in films]
    status = 0
    for readers in args.readers:
        began = time.perf_counter()
        rows = _read_at_once(analyzer, films, alone, readers, args)
        took = time.perf_counter() - began
        each = took / len(rows)  # a film of all that were read
        worst = max(wait / ((ahead + 1) * each) for wait, ahead, _ in rows)
        longest = max(wait for wait, _, _ in rows)
        wrong = sum(not right for _, _, right in rows)
        print(
            f"  {readers:3} readers: {len(rows) / took:6.1f} films/s, the longest {longest:6.2f} s,"
            f" {worst:.2f} of the queue's arithmetic, {wrong} wrong",
            flush=True,
        )
        status |= wrong > 0
    return int(status)


def _read_at_once(
    analyzer: Analyzer, films: list[bytes], alone: list[dict[str, float]], readers: int,
    args: argparse.Namespace,
) -> list[tuple[float, int, bool]]:  # fmt: skip
    """Of every film: seconds, how many were ahead, whether the answer is its own."""
    turns = Turns(args.slots, max_waiting=10 * readers)
    rows: list[tuple[float, int, bool]] = []

    def read(reader: int) -> None:
        for number in range(args.films):
            index = (reader + number) % len(films)
            asked, ahead = time.perf_counter(), turns.ahead(str(reader))
            with turns.turn(str(reader)):
                logits = analyzer.analyze(films[index]).logits
            rows.append((time.perf_counter() - asked, ahead, logits == alone[index]))

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rows


if __name__ == "__main__":
    sys.exit(main())
