"""One film, decoded here and in a worker process: what the process costs.

    python -m bench.decode_workers [--repeats 30] [--side 2000] [--pause 0] [FILM ...]

A drawn film of --side pixels as JPEG, 12-bit DICOM and 8-bit PNG, and the films that are named.
Both ways take turns within one run, so that a machine that is busy with other things is as unfair
to both. Printed are, in ms, medians of the computing time of both processes together and of the
waiting time, each with the medians of the paired differences and ratios. On a machine that is busy
only the computing time tells something.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.damaged_films import by_pillow, dicom, to_bytes
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.workers.pool import WorkerPool
from cxr_core.phantom.draw import draw_phantom

_TICKS = os.sysconf("SC_CLK_TCK")


def drawn_films(side: int) -> dict[str, bytes]:
    """A phantom with a little noise, so that it packs as a film does."""
    drawn = np.ascontiguousarray(draw_phantom(1, size=1024).pixels)
    large = np.asarray(Image.fromarray(drawn).resize((side, side)), np.int16)
    noisy = large + np.random.default_rng(0).integers(-2, 3, large.shape)
    pixels = noisy.clip(0, 255).astype(np.uint8)
    return {
        f"JPEG, {side} px": by_pillow(pixels, "JPEG", quality=90),
        f"DICOM, 12 bits, {side} px": to_bytes(dicom(pixels, 12)),
        f"PNG, {side} px": by_pillow(pixels, "PNG"),
    }


def measure(data: bytes, pool: WorkerPool, repeats: int, pause: float) -> str:
    """A line of figures for one film."""
    read_radiograph(data), pool.read(data)
    here: list[float] = []
    there: list[float] = []
    here_cpu: list[float] = []
    there_cpu: list[float] = []
    for index in range(repeats):
        ways: list[tuple[Callable[[bytes], object], list[float], list[float]]] = [
            (read_radiograph, here, here_cpu),
            (pool.read, there, there_cpu),
        ]
        for read, seconds, cpu in ways if index % 2 else reversed(ways):
            if pause:
                time.sleep(pause)  # the process has cleaned up, and this is its first film
            began, began_cpu = time.perf_counter(), _cpu(pool)
            read(data)
            seconds.append(1000 * (time.perf_counter() - began))
            cpu.append(1000 * (_cpu(pool) - began_cpu))
    return f"{_paired(here_cpu, there_cpu)}  {_paired(here, there)}"


def _paired(here: list[float], there: list[float]) -> str:
    more = statistics.median(b - a for a, b in zip(here, there, strict=True))
    ratio = statistics.median(b / a for a, b in zip(here, there, strict=True))
    medians = f"{statistics.median(here):8.1f} {statistics.median(there):8.1f}"
    return f"{medians} {more:+8.1f} {ratio:6.2f}"


def _cpu(pool: WorkerPool) -> float:
    """Seconds of computing so far, of this process and of the pool's one worker."""
    worker = pool._idle.get()
    pool._idle.put(worker)
    if worker is None:
        return time.process_time()
    fields = Path(f"/proc/{worker.pid}/schedstat").read_text().split()
    return time.process_time() + int(fields[0]) / 1e9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", nargs="*", type=Path, metavar="FILM")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--pause", type=float, default=0.0, help="s before each film")
    given = parser.parse_args()
    films = drawn_films(given.side) | {path.name: path.read_bytes() for path in given.films}
    pool = WorkerPool(1)
    print(f"{'':28}{'computing':>33}  {'waiting':>33}")
    head = f"{'here':>8} {'process':>8} {'more':>8} {'ratio':>6}"
    print(f"{'ms':28}{head}  {head}")
    for name, data in films.items():
        print(f"{name:28}{measure(data, pool, given.repeats, given.pause)}", flush=True)
    pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
