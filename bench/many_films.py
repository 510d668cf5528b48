"""Many films: decoding in parallel beside one after the other, and the memory that a list takes.

    python -m bench.many_films --model models/default --films 60 [--images DIR] [--jobs 2]
    python -m bench.many_films --films 200 --zip --once     # the page's own way, for its memory

Rounds of both ways alternate, so that a noisy machine is noisy for both; their ratio is what
counts. Beside them in each round stand the decoders alone, all at once, and the engine alone, on
batches of 8: the slower of the two bounds what the whole could reach if each had all cores. With
``--zip`` the films are packed and go through the Worklist page's own list.
"""

import argparse
import io
import resource
import statistics
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.workers.pool import default_workers, read_radiograph_in_worker
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer, load_analyzer
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource
from cxr_core.ui.worklist.session import Worklist


def main() -> int:
    """Time and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--films", type=int, default=60)
    parser.add_argument("--images", type=Path, nargs="*", default=[], help="folders of films")
    parser.add_argument("--jobs", type=int, default=default_workers())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--zip", action="store_true", help="through the page's list, as one zip")
    parser.add_argument("--once", action="store_true", help="no comparison, one reading")
    arguments = parser.parse_args()
    films = _films(arguments.images, arguments.films)
    analyzer = load_analyzer(arguments.model)
    list(_one_by_one(analyzer, films[:4]))  # warms up
    print(f"{len(films)} films, {sum(map(len, films)) / 2**20:.0f} MB; loaded: {_peak()}")
    if arguments.zip:
        started = time.perf_counter()
        _through_worklist(analyzer, films)
        print(f"list  {(time.perf_counter() - started) / len(films) * 1000:7.1f} ms a film")
    if not arguments.once:
        _compare(analyzer, films, rounds=arguments.rounds, workers=arguments.jobs)
    print(f"greatest resident memory: {_peak()}")
    return 0


def _compare(analyzer: Analyzer, films: list[bytes], *, rounds: int, workers: int) -> None:
    sources = [FilmSource(number, "", partial(bytes, film)) for number, film in enumerate(films, 1)]
    ratios, serial, parallel, decoders, engine = [], [], [], [], []
    images = np.concatenate(
        [
            preprocess(read_radiograph(one).pixels, analyzer.metadata.preprocessing)
            for one in films[:8]
        ]
    )  # (8, 3, S, S)
    for _ in range(rounds):
        begun = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(read_radiograph_in_worker, films))
        decoded = time.perf_counter()
        for _start in range(0, len(films), len(images)):
            analyzer.model.engine.features(images)
        decoders.append(decoded - begun)
        batches = -(-len(films) // len(images))
        engine.append((time.perf_counter() - decoded) * len(films) / (batches * len(images)))
        began = time.perf_counter()
        list(_one_by_one(analyzer, films))
        between = time.perf_counter()
        for _outcome in read_films(analyzer, sources, workers=workers):
            pass
        ended = time.perf_counter()
        serial.append(between - began)
        parallel.append(ended - between)
        ratios.append(serial[-1] / parallel[-1])
    for name, values in (
        ("one by one", serial),
        (f"{workers} jobs", parallel),
        ("decoders", decoders),
        ("engine", engine),
    ):
        print(f"{name:10}  {statistics.median(values) / len(films) * 1000:7.1f} ms a film")
    print(f"one by one / {workers} jobs: {statistics.median(ratios):.2f}")
    rows = list(zip(parallel, decoders, engine, strict=True))
    share = statistics.median(max(one, other) / all_ for all_, one, other in rows)
    both = statistics.median((one + other) / all_ for all_, one, other in rows)
    slower = "decoders" if sum(decoders) > sum(engine) else "engine"
    print(f"of the rate of the slower, the {slower}: {share:.2f}; of both in turn: {both:.2f}")


def _one_by_one(analyzer: Analyzer, films: list[bytes]) -> list[str]:
    return [analyzer.analyze(film).image_sha256 for film in films]


def _through_worklist(analyzer: Analyzer, films: list[bytes]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, film in enumerate(films):
            archive.writestr(f"{number}.png", film)
    worklist = Worklist()
    worklist.add("films.zip", stream.getvalue())
    worklist.set_model(analyzer)
    while worklist.running:
        worklist.advance(analyzer, seconds=1.0)


def _films(folders: list[Path], count: int) -> list[bytes]:
    if not folders:
        return [phantom_png(seed, size=1024) for seed in range(count)]
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    paths = [path for path in files if path.suffix in (".png", ".jpg", ".tif", ".dcm")]
    return [path.read_bytes() for path in islice(cycle(paths), count)]


def _peak() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"


if __name__ == "__main__":
    sys.exit(main())
