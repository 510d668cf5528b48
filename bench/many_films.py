"""Many films: in bulk, as ``cxr-read`` reads them, beside one after the other and beside its parts.

    python -m bench.many_films --model models/default --films 60 [--images DIR] [--jobs 2] [--zip]
    python -m bench.many_films --films 200 --zip --once     # the page's own way, for its memory

Rounds of all ways alternate, so that a noisy machine is noisy for all; their ratio is what counts.
Beside the batch reader in each round stand the decoders alone, all at once, and the engine alone,
on batches of 8 and on all cores: the slower of the two bounds what the whole could reach if each
had all cores. With ``--zip`` the films are packed and go through the Worklist page's own list, too.
"""

import argparse
import io
import logging
import resource
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import read_radiograph
from cxr_core.imaging.workers.pool import default_workers, read_radiograph_in_worker
from cxr_core.model.engine import EngineSettings
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
    logging.disable(logging.WARNING)  # Streamlit's, of a list without a page
    analyzer = load_analyzer(arguments.model)
    _one_by_one(analyzer, films[:4])  # warms up
    print(f"{len(films)} films, {sum(map(len, films)) / 2**20:.0f} MB; loaded: {_peak()}")
    if arguments.once:
        worklist = _through_worklist if arguments.zip else _one_by_one
        print(f"{1000 * _seconds(partial(worklist, analyzer, films)) / len(films):.1f} ms a film")
    else:
        bulk = load_analyzer(arguments.model, EngineSettings.from_environment().for_many())
        _compare(analyzer, bulk, films, arguments)
    print(f"greatest resident memory: {_peak()}")
    return 0


def _compare(
    analyzer: Analyzer, bulk: Analyzer, films: list[bytes], arguments: argparse.Namespace
) -> None:
    workers, count = arguments.jobs, len(films)
    sources = [FilmSource(number, "", partial(bytes, film)) for number, film in enumerate(films, 1)]
    images = np.concatenate(
        [
            preprocess(read_radiograph(one).pixels, analyzer.metadata.preprocessing)
            for one in films[:8]
        ]
    )  # (8, 3, S, S)
    batches = -(-count // len(images))

    def decoders() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(read_radiograph_in_worker, films))

    def engine() -> None:
        for _ in range(batches):
            analyzer.model.engine.features(images)

    def batch() -> None:
        for _outcome in read_films(bulk, sources, workers=workers):
            pass

    ways: dict[str, Callable[[], object]] = {
        "decoders": decoders,
        "engine": engine,
        "one by one": partial(_one_by_one, analyzer, films),
        "batch": batch,
    }
    if arguments.zip:
        ways["worklist"] = partial(_through_worklist, analyzer, films)
    batch()  # warms up
    rounds = [
        {name: _seconds(way) / count for name, way in ways.items()} for _ in range(arguments.rounds)
    ]
    for one in rounds:
        one["engine"] *= count / (batches * len(images))
    middle = {name: statistics.median(one[name] for one in rounds) for name in ways}
    for name, seconds in middle.items():
        print(f"{name:10}  {1000 * seconds:7.1f} ms a film")
    slower = max("decoders", "engine", key=lambda name: middle[name])

    def ratio(above: str, below: str) -> float:
        return statistics.median(one[above] / one[below] for one in rounds)

    print(f"batch: {ratio(slower, 'batch'):.2f} of the rate of the slower alone, the {slower}")
    print(f"one by one / batch: {ratio('one by one', 'batch'):.2f}")
    if arguments.zip:
        print(f"worklist / batch: {ratio('worklist', 'batch'):.2f}")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _one_by_one(analyzer: Analyzer, films: list[bytes]) -> None:
    for film in films:
        analyzer.analyze(film)


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
