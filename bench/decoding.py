"""The decoder alone on all cores, beside building the cache of decoded films, in one run.

    python -m bench.decoding [--images DIR] [--films N] [--repeats 3] [--memory 1000 8000]

Each round times a bare pool of processes, started before, that decodes every film and returns
nothing; then ``open_cache`` twice in a new process: with its workers' start counted, and again
when what they import is in memory. Then caches of as many films as ``--memory`` says are built,
each in a new process, and what that process and its children hold at most is printed. Films
without ``--images`` are a few phantoms under many names (hard links), deleted afterwards.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from cxr_core.data.cache import open_cache
from cxr_core.data.decode import decode_film
from cxr_core.phantom.draw import phantom_png

_NIH_FILMS = 112_120  # films of NIH ChestX-ray14
_CHUNK_SIZE = 16
_PHANTOMS = 8  # phantoms


def decode_chunk(paths: Sequence[Path], size: int) -> None:
    """Decode a chunk of films and forget them."""
    for path in paths:
        decode_film(path, size)


def time_bare_pool(pool: ProcessPoolExecutor, paths: Sequence[Path], size: int) -> float:
    """Seconds in which a pool that has started decodes all films."""
    chunks = [paths[i : i + _CHUNK_SIZE] for i in range(0, len(paths), _CHUNK_SIZE)]
    start = time.perf_counter()
    list(pool.map(partial(decode_chunk, size=size), chunks))
    return time.perf_counter() - start


def time_open_cache(paths: Sequence[Path], size: int, times: int) -> list[float]:
    """Seconds of ``open_cache`` into one empty folder after another."""
    seconds = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            cache = open_cache(paths, size=size, folder=Path(folder))
            seconds.append(time.perf_counter() - started)
            if len(cache.names) != len(paths):
                raise SystemExit(f"Films cannot be decoded:\n{cache.rejected.to_string()}")
            del cache
    return seconds


def fresh_process() -> ProcessPoolExecutor:
    """A process that shares nothing with this one, so also starts workers of its own."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def measure_memory(paths: Sequence[Path], size: int) -> tuple[float, int, int, int]:
    """Seconds, then peaks in MiB: PSS of all processes, their RSS, the building one's RSS."""
    with fresh_process() as pool:
        builder = pool.submit(os.getpid).result()
        peaks = [0, 0, 0]
        future = pool.submit(time_open_cache, paths, size, 1)
        while not future.done():
            held = {pid: process_memory(pid) for pid in process_tree(builder)}
            now = [sum(column) for column in zip(*held.values(), strict=True)]
            peaks = [max(pair) for pair in zip(peaks, [*now, held[builder][1]], strict=True)]
            time.sleep(0.2)
        return future.result()[0], peaks[0], peaks[1], peaks[2]


def process_memory(pid: int) -> tuple[int, int]:
    """PSS (shared pages divided among who shares them) and RSS in MiB; 0 for one that ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {words[0]: int(words[1]) for line in lines[1:] if (words := line.split())}  # KiB
    return values["Pss:"] // 1024, values["Rss:"] // 1024


def process_tree(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            words = children.read_text().split()
        except OSError:
            continue
        for child in words:
            yield from process_tree(int(child))


def collect_files(images: Path | None, count: int, *, side: int, folder: Path) -> list[Path]:
    """``count`` files: the folder's own, or more by hard links below ``folder``."""
    if images is None:
        sources = [folder / f"phantom_{seed}.png" for seed in range(_PHANTOMS)]
        for seed, path in enumerate(sources):
            path.write_bytes(phantom_png(seed, size=side))
    else:
        sources = sorted(images.glob("*.png"))
        if count <= len(sources):
            return sources[:count]
        copies = [folder / path.name for path in sources]
        for copy, path in zip(copies, sources, strict=True):  # links need the same disk
            copy.write_bytes(path.read_bytes())
        sources = copies
    links = [folder / f"{i:06d}.png" for i in range(count)]
    for i, link in enumerate(links):
        os.link(sources[i % len(sources)], link)
    return links


def compare(paths: Sequence[Path], size: int, *, cores: int, repeats: int) -> float:
    """Time and print; returns the films a second of ``open_cache``, start-up counted."""
    for path in paths:
        path.read_bytes()  # so that the disk is not in the first round
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([decode_film.__module__])
    rounds = []
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        time_bare_pool(pool, paths[: 8 * _CHUNK_SIZE * cores], size)
        for _ in range(repeats):
            bare = time_bare_pool(pool, paths, size)
            with fresh_process() as other:
                rounds.append((bare, *other.submit(time_open_cache, paths, size, 2).result()))
    names = ("decoder alone", "open_cache, workers' start counted", "open_cache, started before")
    for name, seconds in zip(names, zip(*rounds, strict=True), strict=True):
        rates = [len(paths) / s for s in seconds]
        ratio = median(row[0] / s for row, s in zip(rounds, seconds, strict=True))
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        print(f"{name:<36}{median(rates):8.1f} films/s ({spread}), ratio {ratio:.2f}")
    return len(paths) / median(row[1] for row in rounds)


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder of PNGs; default: phantoms")
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--size", type=int, default=224, help="side of the decoded films")
    parser.add_argument("--side", type=int, default=1024, help="side of the phantoms")
    parser.add_argument("--repeats", type=int, default=3, help="0 leaves the comparison out")
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 8000], metavar="FILMS")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, busy with {os.getloadavg()[0]:.1f} processes before")
    if arguments.repeats:
        with tempfile.TemporaryDirectory() as folder:
            paths = collect_files(
                arguments.images, arguments.films, side=arguments.side, folder=Path(folder)
            )
            print(f"{len(paths):,} films, {arguments.images or f'phantoms of {arguments.side} px'}")
            rate = compare(paths, arguments.size, cores=cores, repeats=arguments.repeats)
            print(f"{_NIH_FILMS:,} films at this rate: {_NIH_FILMS / rate / 60:.0f} min")
    for count in arguments.memory:
        with tempfile.TemporaryDirectory() as folder:
            paths = collect_files(None, count, side=arguments.side, folder=Path(folder))
            seconds, pss, rss, builder = measure_memory(paths, arguments.size)
        print(
            f"{count:>7,} phantoms of {arguments.side} px in {seconds:.0f} s; at most {pss:,} MiB "
            f"(PSS of all), {rss:,} MiB (RSS of all), {builder:,} MiB (RSS of the parent)"
        )
    print(f"{_NIH_FILMS:,} films on the disk: {_NIH_FILMS * arguments.size**2 / 2**30:.2f} GiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
