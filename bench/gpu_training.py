"""Parts (c) and (d) of ``bench.gpu``: a training step, and several cards' way of talking."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import distributed as dist
from torch import nn
from torchvision import models

from bench.gpu_setup import PX, Setup, rate
from cxr_core.config import Preprocessing
from cxr_core.data.loader import Batch, BatchLoader
from cxr_core.findings import KEYS
from cxr_core.imaging.preprocessing import to_square
from cxr_core.imaging.workers.pool import read_radiograph_in_worker
from cxr_core.model.architectures import build_model
from cxr_core.training.config import MILD_AUGMENTATION
from cxr_core.training.device import Accelerator
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Trainer


def training(setup: Setup) -> bool:
    """Training a DenseNet121 at 224 px by AdamW, bfloat16 and channels last, films a second."""
    squares = np.stack(
        [to_square(read_radiograph_in_worker(film).pixels, PX) for film in setup.films]
    )
    cached = np.tile(squares, (-(-setup.n_trained // len(squares)), 1, 1))  # (N, S, S)
    labels = np.random.default_rng(0).integers(0, 2, (len(cached), len(KEYS))).astype(np.float32)
    accelerator = Accelerator(setup.device, bf16=True)
    for size in setup.training_batches:
        bare = rate(setup, _bare_step(setup, size), size, warm_ups=3)
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
        step = rate(setup, partial(trainer.step, resident), size, warm_ups=3)
        steps = (trainer.step(batch) for batch in _endless(loader))
        own = rate(setup, partial(next, steps), size)
        films = rate(setup, partial(next, _endless(loader)), size)
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
