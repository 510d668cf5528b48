"""Mutated films, led by the lines of code that they reach: only the project's errors may come out.

    python -m bench.coverage_guided --seconds 600 --seed 0 --out FOLDER

Begins with one small film of each encoding. A mutated film that reaches a line of ``cxr_core`` or
pydicom that none has reached before is kept, and mutated in its turn. ``--seconds`` are of
computing, so that a busy machine looks at as many films. Before it is read each film is written to
``FOLDER/current``: a decoder that ends the process leaves it there. A film that ends otherwise than
read or refused, or takes over ``SLOW`` seconds, is kept in ``FOLDER``, each kind once.
"""

import argparse
import logging
import resource
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pydicom

import cxr_core
from bench.damaged_films import ENCODINGS
from bench.fuzz_loaders import fault_of
from cxr_core.errors import ImageError
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.phantom.draw import draw_phantom
from tests.helpers.mutations import mutate_bytes, mutate_dicom

SLOW = 2.0  # seconds of computing
SIDE = 64  # px of the films to begin with: small, so that many can be read
MAX_BYTES, MEMORY = 2**17, 4 * 2**30
_FOLDERS = tuple(str(Path(str(package.__file__)).parent) for package in (cxr_core, pydicom))

Line = tuple[CodeType, int]


class Lines:
    """The lines that were reached, of the packages that are looked at."""

    def __init__(self) -> None:
        self.seen: set[Line] = set()
        self._watched: dict[CodeType, bool] = {}

    def reached(self, run: Callable[[], object]) -> int:
        """How many lines ``run`` reaches that none has before; its errors come through."""
        before = len(self.seen)
        sys.settrace(self._call)
        try:
            run()
        finally:
            sys.settrace(None)
        return len(self.seen) - before

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if code not in self._watched:
            self._watched[code] = code.co_filename.startswith(_FOLDERS)
        return self._line if self._watched[code] else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.seen.add((frame.f_code, frame.f_lineno))
        return self._line


def mutate(corpus: list[bytes], rng: Random) -> bytes:
    """A film of the corpus, the later ones more often, changed one to three times."""
    data = corpus[max(rng.randrange(len(corpus)), rng.randrange(len(corpus)))]
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(8)
        if kind == 0:  # the start of one and the end of another
            other = rng.choice(corpus)
            data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
        elif kind <= 4 and data[128:132] == b"DICM":
            try:
                data = mutate_dicom(data, rng)
            except Exception:  # pydicom cannot write what it has read of a damaged one
                data = mutate_bytes(data, rng)
        else:
            data = mutate_bytes(data, rng)
    return data[:MAX_BYTES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="of computing")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    logging.disable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    rng, lines = Random(given.seed), Lines()
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest = 0.0

    def read(data: bytes) -> int:
        """Look at one film; how many new lines it reached."""
        nonlocal slowest
        current.write_bytes(data)
        known, began, outcome, fault = len(lines.seen), time.process_time(), "read", ""
        try:
            lines.reached(partial(read_radiograph, data))
        except ImageError:
            outcome = "refused"
        except Exception as error:
            outcome, fault = "other", fault_of(error)
        took = time.process_time() - began
        slowest = max(slowest, took)
        if took > SLOW:
            outcome, fault = "slow", fault or "slow"
        if fault and not faults[fault]:
            given.out.joinpath(f"fault_{len(faults)}").write_bytes(data)
        faults.update([fault] if fault else [])
        counts[outcome] += 1
        return len(lines.seen) - known

    current = given.out / "current"
    pixels = np.ascontiguousarray(draw_phantom(1, size=SIDE).pixels)
    corpus = [encode(pixels) for encode in ENCODINGS.values()]
    for data in corpus:
        read(data)
    first, end = len(lines.seen), time.process_time() + given.seconds
    print(f"{len(corpus)} films to begin with: {first:,} lines", flush=True)
    told = time.monotonic()
    while time.process_time() < end:
        data = mutate(corpus, rng)
        if read(data):
            corpus.append(data)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{sum(counts.values()):,} films, {len(lines.seen):,} lines", flush=True)
    current.unlink()
    print(f"{sum(counts.values()):,} films: {dict(counts)}; the slowest {slowest:.2f} s")
    print(f"{len(lines.seen):,} lines reached, {first:,} by the first; {len(corpus):,} films kept")
    for fault, count in faults.items():
        print(f"  {count} x {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
