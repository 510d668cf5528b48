"""What a CUDA device gives: reading and training beside the bare network, and is it right.

    python -m bench.gpu
    python -m bench.gpu --device cpu --quick    # the same in small, where there is none

Of others' packages it imports numpy, pandas, pillow, pydicom, safetensors, scipy, simplejpeg, torch
(with torchvision) and tqdm.

Four parts, of which one that fails does not end the others; returns 1 where one failed or an answer
in float32 lies beyond 1e-3 of the CPU's.
(a) Films a second of ``reading.batch`` on drawn PNG files beside each of its parts alone: the
decoders, the engine, and what is done to a film besides; and the engine beside the bare forward of
the same network on tensors that stay on the device.
(b) Logits and maps of 16 drawn films beside those of PyTorch on the CPU.
(c) Films a second of a bare training step on one batch that stays on the device, beside the
project's own, its films from a cache, changed at random on the device.
(d) Whether NCCL starts, with this process alone.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed as dist
from torch import nn
from torchvision import models

from cxr_core.config import Preprocessing
from cxr_core.data.loader import Batch, BatchLoader
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import preprocess, to_square
from cxr_core.imaging.radiograph import Radiograph
from cxr_core.imaging.workers.pool import read_radiograph_in_worker, start_workers
from cxr_core.model.architectures import build_model
from cxr_core.model.checkpoint import load_weights
from cxr_core.model.engine import EngineSettings, ServedModel, load_served_model
from cxr_core.model.head import pool
from cxr_core.model.network import ChestNetwork
from cxr_core.model.torch_engine import TorchEngine
from cxr_core.phantom.draw import phantom_png
from cxr_core.reading.analyzer import Analyzer
from cxr_core.reading.batch import read_films
from cxr_core.reading.sources import FilmSource
from cxr_core.training.config import MILD_AUGMENTATION
from cxr_core.training.device import Accelerator
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Trainer

PX = 224
LIMIT = 1e-3  # of a logit, and of a map's scale
N_DRAWN = 16


@dataclass(frozen=True)
class Setup:
    """What is measured, and how long."""

    device: torch.device
    model: Path
    films: list[bytes]
    n_read: int
    n_trained: int
    batches: tuple[int, ...]
    training_batches: tuple[int, ...]
    seconds: float
    workers: tuple[int, ...]
    searched_batch: int = 32  # cuDNN tries all that it has, which takes seconds

    @property
    def on_cuda(self) -> bool:
        """Whether there is a card."""
        return self.device.type == "cuda"

    def engine(self, *, bf16: bool = False) -> TorchEngine:
        """The project's engine on the device."""
        if not self.on_cuda:
            return TorchEngine(load_weights(self.model), batch_size=8)
        return TorchEngine(load_weights(self.model), device="cuda", bf16=bf16, side=PX)

    def precisions(self) -> tuple[bool, ...]:
        """Whether bfloat16, for each one that the engine has here."""
        return (False, True) if self.on_cuda else (False,)


def main() -> int:
    """Measure and print; see the module for what it returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="in small, to see that it runs")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    parser.add_argument("--parts", default="abcd", help="such as ab")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print(
            f"PyTorch {torch.__version__} sees no CUDA device here, so there is nothing to "
            "measure. Run it where there is one, or with --device cpu --quick."
        )
        return 1
    started = time.perf_counter()
    setup = _setup(args)
    print(_machine(setup))
    print(f"{len(setup.films)} films drawn in {time.perf_counter() - started:.1f} s")
    failed = False
    for letter, part in (("a", reading), ("b", agreement), ("c", training), ("d", nccl)):
        if letter in args.parts:
            began = time.perf_counter()
            print(f"\n({letter}) {part.__doc__}", flush=True)
            try:
                failed |= not part(setup)
            except Exception:  # the other parts can still be told
                traceback.print_exc(file=sys.stdout)
                failed = True
            print(f"    {time.perf_counter() - began:.1f} s", flush=True)
    print(f"\nin all {time.perf_counter() - started:.1f} s; {'FAILED' if failed else 'all right'}")
    return int(failed)


def _setup(args: argparse.Namespace) -> Setup:
    cores = os.cpu_count() or 1
    count, side = (4, 256) if args.quick else (N_DRAWN, 1024)
    start_workers(cores)
    with ThreadPoolExecutor(cores) as pool_:
        films = list(pool_.map(partial(phantom_png, size=side), range(count)))
    common: dict[str, Any] = {
        "device": torch.device(args.device),
        "model": args.model,
        "films": films,
    }
    if args.quick:
        return Setup(
            **common,
            n_read=8,
            n_trained=16,
            batches=(1, 4),
            training_batches=(4,),
            seconds=0.05,
            workers=(2,),
        )
    return Setup(
        **common,
        n_read=256,
        n_trained=4096,
        batches=(1, 8, 32, 128),
        training_batches=(32, 128),
        seconds=0.2,
        workers=tuple(sorted({min(4, cores), cores})),
    )


def _machine(setup: Setup) -> str:
    name = torch.cuda.get_device_name() if setup.on_cuda else "no card"
    return (
        f"{name}, {os.cpu_count()} cores, PyTorch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, cuDNN {torch.backends.cudnn.version()}"
    )


def _synchronize(setup: Setup) -> None:
    if setup.on_cuda:
        torch.cuda.synchronize()


def _rate(setup: Setup, work: Callable[[], object], films: int, *, warm_ups: int = 2) -> float:
    """Films a second: the median of three stretches of some calls each."""
    for _ in range(warm_ups):
        work()
    _synchronize(setup)
    began = time.perf_counter()
    work()
    _synchronize(setup)
    calls = max(1, int(setup.seconds / 3 / max(1e-6, time.perf_counter() - began)))
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(calls):
            work()
        _synchronize(setup)
        rates.append(calls * films / (time.perf_counter() - began))
    return statistics.median(rates)


# (a)


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
            own = _rate(setup, partial(engine.features, images), size)
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

    return _rate(setup, forward, size)


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
            rate = len(films) / (time.perf_counter() - began)
        if unread:
            print(f"{unread} of {len(films)} films could not be read")
        rates["reading.batch"] = max(rate, rates.get("reading.batch", 0))
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
    rates[f"engine in batches of {mean_size}"] = _rate(
        setup, partial(engine.features, batch), mean_size
    )
    own = rates.pop("reading.batch")
    bounds = {name: rate for name, rate in rates.items() if "one thread" not in name}
    slowest = min(bounds, key=lambda name: bounds[name])
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    print(f"{engine.name}, {workers} workers: reading.batch {own:,.0f} (forwards of up to "
          f"{max(sizes)}); alone: {told}; {slowest} binds: {own / bounds[slowest]:.2f} of it",
          flush=True)  # fmt: skip


def _timed(work: Iterable[object], films: int) -> float:
    began = time.perf_counter()
    for _ in work:
        pass
    return films / (time.perf_counter() - began)


# (b)


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


# (c)


def training(setup: Setup) -> bool:
    """Training a DenseNet121 at 224 px by AdamW, bfloat16 and channels last, films a second."""
    squares = np.stack(
        [to_square(read_radiograph_in_worker(film).pixels, PX) for film in setup.films]
    )
    cached = np.tile(squares, (-(-setup.n_trained // len(squares)), 1, 1))  # (N, S, S)
    labels = np.random.default_rng(0).integers(0, 2, (len(cached), len(KEYS))).astype(np.float32)
    accelerator = Accelerator(setup.device, bf16=True)
    for size in setup.training_batches:
        bare = _rate(setup, _bare_step(setup, size), size, warm_ups=3)
        loader = BatchLoader(
            cached,
            labels,
            preprocessing=Preprocessing(PX),
            batch_size=size,
            shuffle=True,
            augmentation=MILD_AUGMENTATION,
            device=setup.device,
        )
        config = replace(BASELINE, optimizer="adamw", batch_size=size, weights="none")
        trainer = Trainer(build_model(), config, accelerator, 100_000)
        resident = next(iter(loader))
        step = _rate(setup, partial(trainer.step, resident), size, warm_ups=3)
        steps = (trainer.step(batch) for batch in _endless(loader))
        own = _rate(setup, partial(next, steps), size)
        films = _rate(setup, partial(next, _endless(loader)), size)
        print(
            f"batches of {size}: bare step {bare:,.0f}; ours on a resident batch {step:,.0f} "
            f"({step / bare:.2f}); ours with its loader {own:,.0f} ({own / bare:.2f}); the "
            f"loader alone {films:,.0f}",
            flush=True,
        )
    return True


def _endless(loader: BatchLoader) -> Iterator[Batch]:
    epoch = 0
    while True:
        loader.set_epoch(epoch)
        yield from loader
        epoch += 1


def _bare_step(setup: Setup, size: int) -> Callable[[], None]:
    network = models.densenet121(weights=None)
    network.classifier = nn.Linear(network.classifier.in_features, len(KEYS))
    network.to(setup.device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    images = torch.randn(size, 3, PX, PX, device=setup.device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.rand(size, len(KEYS), device=setup.device).round()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(setup.device.type, torch.bfloat16):
            logits = network(images)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        loss.backward()
        optimizer.step()

    return step


# (d)


def nccl(setup: Setup) -> bool:
    """Several cards' way of talking, with one process."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    version = ".".join(map(str, torch.cuda.nccl.version())) if setup.on_cuda else "none"
    # The second is what training.distributed starts.
    backends = ("nccl", "cpu:gloo,cuda:nccl") if setup.on_cuda else ("gloo",)
    all_right = True
    for backend in backends:
        with tempfile.TemporaryDirectory() as folder:
            meeting = f"file://{folder}/meeting"
            dist.init_process_group(backend, init_method=meeting, rank=0, world_size=1)
            try:
                values = torch.arange(1000.0, device=setup.device)
                dist.all_reduce(values)
                right = bool((values.cpu() == torch.arange(1000.0)).all())
            finally:
                dist.destroy_process_group()
        gave = "what it should" if right else "SOMETHING ELSE"
        print(f"{backend}: all_reduce gave {gave}; NCCL {version}")
        all_right &= right
    return all_right


if __name__ == "__main__":
    sys.exit(main())
