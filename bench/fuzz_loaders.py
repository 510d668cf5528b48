"""Every loader of a file against mutated files: only the project's errors may come out.

    python -m bench.fuzz_loaders --files 2000 --seed 0

For each loader it prints how many files were read, refused with a sentence, and ended otherwise;
of the last, each kind once with its place. Warnings count as errors, as they do in the tests.
"""

import argparse
import logging
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

from tests.helpers.hostile import LOADERS, attack


def fault_of(error: Exception) -> str:
    """Its kind and the innermost place of the package that it came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "cxr_core" in f.filename]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "the bench"
    return f"{type(error).__name__} at {where}: {str(error)[:150]!r}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000, help="for each loader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(LOADERS), metavar="LOADER")
    given = parser.parse_args()
    warnings.simplefilter("error")
    logging.disable()
    total: Counter[str] = Counter()
    print(f"{'loader':24}{'read':>8}{'refused':>9}{'other':>8}{'ms a file':>11}{'slowest s':>11}")
    for name in given.only or LOADERS:
        loader, rng = LOADERS[name], Random(f"{given.seed} {name}")
        counts: Counter[str] = Counter()
        faults: dict[str, int] = {}
        slowest, begun = 0.0, time.perf_counter()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            sound = loader.sound(folder)
            for _ in range(given.files):
                start = time.perf_counter()
                try:
                    counts["refused" if attack(loader, folder, sound, rng) else "read"] += 1
                except Exception as error:
                    counts["other"] += 1
                    fault = fault_of(error)
                    faults[fault] = faults.get(fault, 0) + 1
                slowest = max(slowest, time.perf_counter() - start)
        each = (time.perf_counter() - begun) / max(1, given.files)
        numbers = "".join(
            f"{counts[k]:>{w}}" for k, w in (("read", 8), ("refused", 9), ("other", 8))
        )
        print(f"{name:24}{numbers}{1000 * each:>11.1f}{slowest:>11.2f}", flush=True)
        for fault, count in faults.items():
            print(f"    {count} x {fault}")
        total.update(counts)
    print(f"{sum(total.values()):,} files: {dict(total)}")
    return 1 if total["other"] else 0


if __name__ == "__main__":
    sys.exit(main())
