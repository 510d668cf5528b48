"""Parts (a) and (b) of ``bench.gpu``: reading, and whether its answers are those of the CPU."""

import gc
import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch

from bench.gpu_setup import LIMIT, PX, Setup, rate
from cxr_core.imaging.preprocessing import preprocess
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.workers.pool import read_radiograph_in_worker, start_workers
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.engine import EngineSettings, ServedModel, load_served_model
from cxr_core.model.head import pool
from cxr_core.model.network import ChestNetwork
from cxr_core.model.torch_engine import TorchEngine
from cxr_core.reading.analyzer import Analyzer
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource


def reading(setup: Setup) -> bool:
    """Reading, films a second."""
    default = load_served_model(setup.model, EngineSettings()).engine.name
    print(f"by default {default} reads")
    if setup.on_cuda:
        _memory(setup)
    _bare_and_engine(setup)
    radiographs = [read_radiograph_in_worker(film) for film in setup.films]
    for bf16 in setup.precisions():
        engine = setup.engine(bf16=bf16)
        served = load_served_model(setup.model, EngineSettings("torch"))
        analyzer = Analyzer(replace(served, engine=engine))
        for workers in setup.workers[-1:] if bf16 else setup.workers:
            _batch_reader(setup, analyzer, radiographs, workers)
    return "CUDA" in default or not setup.on_cuda


def _memory(setup: Setup) -> None:
    """What of the card's an engine takes that has read batches of every size."""
    for bf16 in setup.precisions():
        gc.collect()  # the last one
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved()
        engine, size = setup.engine(bf16=bf16), 1
        began = time.perf_counter()
        while size <= engine.batch_size:
            engine.features(np.zeros((size, 3, PX, PX), np.float32))
            size *= 2
        seconds = time.perf_counter() - began
        torch.cuda.empty_cache()
        taken = torch.cuda.memory_reserved() - before
        print(f"{engine.name}: {taken / 2**20:,.0f} MB of the card; recording took {seconds:.1f} s")
        del engine


def _bare_and_engine(setup: Setup) -> None:
    """The engine, arrays in and arrays out, beside the bare forward."""
    print("  films  precision  contiguous  channels last  cuDNN chose  engine  engine / bare")
    torch.backends.cudnn.allow_tf32 = False
    for bf16 in setup.precisions():
        network, engine = load_weights(setup.model).to(setup.device), setup.engine(bf16=bf16)
        for size in setup.batches:
            contiguous = _bare(setup, network, size, bf16=bf16, form=torch.contiguous_format)
            last = _bare(setup, network, size, bf16=bf16, form=torch.channels_last)
            chosen = float("nan")
            if size == setup.searched_batch:
                torch.backends.cudnn.benchmark = True
                chosen = _bare(setup, network, size, bf16=bf16, form=torch.channels_last)
                torch.backends.cudnn.benchmark = False
            images = np.random.default_rng(0).standard_normal((size, 3, PX, PX), np.float32)
            own = rate(setup, partial(engine.features, images), size)
            name = "bfloat16" if bf16 else "float32"
            print(
                f"{size:7}{name:>11}{contiguous:12,.0f}{last:15,.0f}{chosen:13,.0f}{own:8,.0f}"
                f"{own / last:15.2f}",
                flush=True,
            )


def _bare(
    setup: Setup, network: ChestNetwork, size: int, *, bf16: bool, form: torch.memory_format
) -> float:
    network.to(memory_format=form)
    batch = torch.randn(size, 3, PX, PX, device=setup.device).to(memory_format=form)

    def forward() -> None:
        with (
            torch.inference_mode(),
            torch.autocast(setup.device.type, torch.bfloat16, enabled=bf16),
        ):
            network.forward_features(batch)

    return rate(setup, forward, size)


class _Counted:
    """An engine that notes how many films each forward had, or one that computes nothing."""

    def __init__(self, engine: TorchEngine) -> None:
        self.sizes: list[int] = []
        self._engine, self._compute = engine, engine._compute

    def __enter__(self) -> "_Counted":
        self._engine._compute = self._count  # type: ignore[method-assign]
        return self

    def __exit__(self, *_error: object) -> None:
        del self._engine._compute  # the class's own again

    def _count(self, images: Any) -> Any:
        self.sizes.append(len(images))
        return self._compute(images)


class _NoEngine:
    """Knows one answer."""

    name, batch_size = "none", 1

    def __init__(self, features: Any) -> None:
        self._features = features

    def features(self, images: Any) -> Any:
        return self._features


def _batch_reader(
    setup: Setup, analyzer: Analyzer, radiographs: list[Radiograph], workers: int
) -> None:
    """The batch reader, and each of its parts as if the others cost nothing."""
    films = list(islice(cycle(setup.films), setup.n_read))
    sources = [FilmSource(n, "", partial(bytes, film)) for n, film in enumerate(films, 1)]
    start_workers(workers)
    for _outcome in read_films(analyzer, sources[: 4 * workers], workers=workers):
        pass  # warms up: each size of batch is recorded
    engine = analyzer.model.engine
    assert isinstance(engine, TorchEngine)
    rates: dict[str, float] = {}
    sizes: list[int] = []
    for _round in range(2):
        with _Counted(engine) as counted:
            began = time.perf_counter()
            unread = sum(
                one.analysis is None for one in read_films(analyzer, sources, workers=workers)
            )
            own = len(films) / (time.perf_counter() - began)
        if unread:
            print(f"{unread} of {len(films)} films could not be read")
        rates["reading.batch"] = max(own, rates.get("reading.batch", 0))
        sizes = counted.sizes
    images = preprocess(radiographs[0].pixels, analyzer.metadata.preprocessing)  # (1, 3, S, S)
    none = Analyzer(replace(analyzer.model, engine=_NoEngine(engine.features(images))))
    with ThreadPoolExecutor(workers) as threads:
        rates["decoders"] = _timed(threads.map(read_radiograph_in_worker, films), len(films))
        again = islice(cycle(radiographs), len(films))
        rates["the rest"] = _timed(threads.map(none.analyze_radiograph, again), len(films))
        one_thread = min(64, len(films))
        alone = map(none.analyze_radiograph, islice(cycle(radiographs), one_thread))
        rates["the rest in one thread"] = _timed(alone, one_thread)
    mean_size = max(1, round(statistics.mean(sizes)))
    batch = np.concatenate([images] * mean_size)
    rates[f"engine in batches of {mean_size}"] = rate(
        setup, partial(engine.features, batch), mean_size
    )
    own = rates.pop("reading.batch")
    bounds = {name: films_s for name, films_s in rates.items() if "one thread" not in name}
    slowest = min(bounds, key=lambda name: bounds[name])
    told = ", ".join(f"{name} {films_s:,.0f}" for name, films_s in rates.items())
    print(f"{engine.name}, {workers} workers: reading.batch {own:,.0f} (forwards of up to "
          f"{max(sizes)}); alone: {told}; {slowest} binds: {own / bounds[slowest]:.2f} of it",
          flush=True)  # fmt: skip


def _timed(work: Iterable[object], films: int) -> float:
    began = time.perf_counter()
    for _ in work:
        pass
    return films / (time.perf_counter() - began)


def agreement(setup: Setup) -> bool:
    """Largest differences from PyTorch on the CPU in float32."""
    reference = load_served_model(setup.model, EngineSettings("torch"))
    images = np.concatenate(
        [
            preprocess(read_radiograph_in_worker(film).pixels, reference.metadata.preprocessing)
            for film in setup.films
        ]
    )  # (N, 3, S, S)
    expected, expected_maps = _answers(reference, images, 1)
    right = True
    for bf16 in setup.precisions():
        engine = setup.engine(bf16=bf16)
        served = replace(reference, engine=engine)
        for size in (1, len(images)):
            logits, maps = _answers(served, images, size)
            apart = float(np.abs(logits - expected).max())
            scale = np.abs(expected_maps).max(axis=(1, 2, 3), keepdims=True)
            maps_apart = float((np.abs(maps - expected_maps) / scale).max())
            print(f"{served.engine.name}, {len(images)} films in batches of {size}: logits "
                  f"{apart:.1e}, maps {maps_apart:.1e} of their scale")  # fmt: skip
            right &= bf16 or max(apart, maps_apart) <= LIMIT
        with ThreadPoolExecutor(2 * len(images)) as threads, _Counted(engine) as counted:
            features = list(threads.map(engine.features, 4 * list(images[:, None])))
        again = served.head.logits(pool(np.concatenate(features)))
        apart = float(np.abs(again - np.tile(expected, (4, 1))).max())
        print(
            f"from {2 * len(images)} threads, forwards of up to {max(counted.sizes)}: {apart:.1e}"
        )
        right &= bf16 or apart <= LIMIT
    print(
        f"logits from {expected.min():.2f} to {expected.max():.2f}; float32 is "
        f"{'within' if right else 'BEYOND'} {LIMIT}"
    )
    return right


def _answers(served: ServedModel, images: Any, size: int) -> tuple[Any, Any]:
    """Logits (N, 4) and maps (N, 4, h, w)."""
    features = np.concatenate(
        [
            served.engine.features(images[start : start + size])
            for start in range(0, len(images), size)
        ]
    )
    return served.head.logits(pool(features)), np.stack(list(map(served.head.evidence, features)))
