"""What the parts of ``bench.gpu`` share: what is measured, how long, and films a second."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from cxr_core.model.checkpoint import load_weights
from cxr_core.model.torch_engine import TorchEngine

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


def synchronize(setup: Setup) -> None:
    if setup.on_cuda:
        torch.cuda.synchronize()


def rate(setup: Setup, work: Callable[[], object], films: int, *, warm_ups: int = 2) -> float:
    """Films a second: the median of three stretches of some calls each."""
    for _ in range(warm_ups):
        work()
    synchronize(setup)
    began = time.perf_counter()
    work()
    synchronize(setup)
    calls = max(1, int(setup.seconds / 3 / max(1e-6, time.perf_counter() - began)))
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(calls):
            work()
        synchronize(setup)
        rates.append(calls * films / (time.perf_counter() - began))
    return statistics.median(rates)
