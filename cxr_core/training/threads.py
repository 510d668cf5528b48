"""How many threads a training takes: as many as help, not as many as there are.

PyTorch takes a thread a core. Where another process has half of the cores, each operation waits for
the slowest thread while the others spin, and training is many times slower than with fewer threads.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from cxr_core.errors import ConfigError
from cxr_core.model.architectures import build_model
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Accelerator

logger = logging.getLogger(__name__)
_MAX_THREADS = 1024
_TIMED_FILMS = 8  # enough to keep every thread busy, few enough to take seconds
_WARM_UP_FILMS = 2
_CGROUPS, _OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def available_cpus() -> int:
    """Cores that this process may use: by its affinity, and by its container's quota."""
    count: Callable[[], int | None] | None = getattr(os, "process_cpu_count", None)  # Python 3.13
    if count is not None:
        cores = count()
    elif hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    return max(1, math.ceil(min(cores or 1, cgroup_quota())))


def cgroup_quota(root: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> float:
    """Cores that the container's quota gives, by version 2 or 1 of cgroups; infinity without one.

    Args:
        root: where the groups are mounted.
        own: file that names this process's group.
    """
    folders = {root, root / "cpu"}
    for line in _text(own).splitlines():
        group = root / line.rpartition(":")[2].lstrip("/")
        folders |= {group, *(parent for parent in group.parents if parent.is_relative_to(root))}
    return min(map(_quota_in, folders), default=math.inf)


def _quota_in(folder: Path) -> float:
    """Of one group: ``cpu.max`` is "quota period" or "max period", in microseconds."""
    words = _text(folder / "cpu.max").split() or [
        *_text(folder / "cpu.cfs_quota_us").split(),
        *_text(folder / "cpu.cfs_period_us").split(),
    ]
    if len(words) != 2 or not all(word.isdigit() for word in words):  # "max", or -1 for none
        return math.inf
    quota, period = map(int, words)
    return quota / period if quota and period else math.inf


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@contextmanager
def use_threads(number: int) -> Iterator[None]:
    """PyTorch with this many threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def require_threads(number: int | None) -> None:
    """Raise ConfigError unless so many threads can be asked for."""
    if number is not None and not 1 <= number <= _MAX_THREADS:
        raise ConfigError(
            "The number of threads is out of range",
            value=number,
            remedy=f"Use 1 to {_MAX_THREADS}, or leave --threads out to have it measured.",
        )


def choose_threads(
    requested: int | None, recorded: int | None, measure: Callable[[int], float] | None
) -> int:
    """How many threads to train with; what decided it is logged.

    Args:
        requested: by the user.
        recorded: of the run that is resumed; with another number its sums round differently.
        measure: seconds of one batch with so many threads; None to take all without measuring.
    """
    if requested is not None:
        if recorded not in (None, requested):
            logger.warning(
                "The run was started with %d threads; with %d its weights will not come out the "
                "same bit for bit.",
                *(recorded, requested),
            )
        return requested
    if recorded is not None:
        return recorded
    every = min(torch.get_num_threads(), available_cpus())
    # OMP_NUM_THREADS is a number that somebody chose already.
    if measure is None or every < 2 or "OMP_NUM_THREADS" in os.environ:
        return every
    half = every // 2
    with_every, with_half = measure(every), measure(half)
    chosen = half if with_half < with_every else every
    logger.info(
        "A batch took %.1f s with %d threads and %.1f s with %d: training with %d (--threads N "
        "sets another number).",
        *(with_every, every, with_half, half, chosen),
    )
    return chosen


def batch_timer(config: TrainConfig, accelerator: Accelerator) -> Callable[[int], float]:
    """What measures one training batch, on a network of its own and with no trace on the run's."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        network = accelerator.prepare(build_model(config.architecture)).train()
    count = max(_WARM_UP_FILMS, min(config.batch_size, _TIMED_FILMS))
    images = torch.rand(count, 3, config.px, config.px, generator=generator)  # (B, 3, S, S)
    images = images.contiguous(memory_format=accelerator.memory_format)

    def train_on(films: torch.Tensor) -> None:
        with accelerator.autocast():
            logits = network(films)  # (B, 4)
        logits.float().square().mean().backward()
        network.zero_grad(set_to_none=True)

    def seconds(threads: int) -> float:
        with use_threads(threads):
            train_on(images[:_WARM_UP_FILMS])  # kernels are chosen once for a number of threads
            started = time.perf_counter()
            train_on(images)
            return time.perf_counter() - started

    return seconds
