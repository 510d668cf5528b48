"""How long NIH's whole label table takes: read and check, split, write.

    python -m bench.entries_table [Data_Entry_2017_v2020.csv] [--repeats 5]

Without a path: the table below CXR_SHARED, or ../shared beside the repository.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from cxr_core.data.entries import read_entries, select_population
from cxr_core.data.splits import split_by_patient, write_split


def seconds(work: Callable[[], object], *, repeats: int) -> str:
    """Return "median s (first, fastest, slowest)" of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return f"{median(times):6.2f} s  (first {times[0]:.2f}, {min(times):.2f} to {max(times):.2f})"


def main() -> None:
    """Measure and print."""
    shared = Path(os.environ.get("CXR_SHARED") or "../shared")
    parser = argparse.ArgumentParser(description=__doc__)
    default = shared / "nih" / "Data_Entry_2017_v2020.csv"
    parser.add_argument("table", type=Path, nargs="?", default=default)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    read = seconds(lambda: read_entries(arguments.table), repeats=arguments.repeats)
    entries = read_entries(arguments.table)
    print("\n".join(entries.report.lines()), end="\n\n")
    print(f"read and check                  {read}")
    films = select_population(entries.table, "target-only")
    for name, table in (("all", entries.table), ("target-only", films)):
        took = seconds(partial(split_by_patient, table), repeats=arguments.repeats)
        print(f"split by patient, {name:<12}  {took}")
    split = split_by_patient(entries.table)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.csv"
        took = seconds(lambda: write_split(split, path), repeats=arguments.repeats)
        print(f"write split.csv                 {took}")


if __name__ == "__main__":
    main()
