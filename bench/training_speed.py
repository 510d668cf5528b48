"""Training films a second: ours beside a plain loop, and beside the bare step, in one run.

    python -m bench.training_speed --images ../shared/nih/images --films 128 --rounds 2

The plain loop is what one writes first: a DataLoader with two workers that decodes and
transforms each PNG in every epoch, float32, contiguous tensors. Both train a DenseNet121 at
224 px with batches of 32 on the same films, one after the other and again, so that a noisy
machine is noisy for both. The bare step is ours on one batch that stays on the device: what
would be reached if films cost nothing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import models, transforms

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from cxr_core.data.cache import open_cache
from cxr_core.data.loader import BatchLoader
from cxr_core.findings import KEYS
from cxr_core.model.architectures import build_model
from cxr_core.training.config import MILD_AUGMENTATION
from cxr_core.training.device import select_accelerator
from cxr_core.training.loop import EpochHooks, train_epoch
from cxr_core.training.presets import BASELINE
from cxr_core.training.state import StopRequest, TrainState
from cxr_core.training.trainer import Trainer

BATCH, PX = 32, 224
NIH_TRAINING_FILMS, NIH_EPOCHS = 86_524, 20  # the official train_val list, the seed preset


class PngFilms(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """PNG files, decoded and transformed anew each time they are asked for."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.transform = transforms.Compose(
            [
                transforms.Resize((PX, PX)),
                transforms.RandomAffine(5, translate=(0.03, 0.03), scale=(0.95, 1.1)),
                transforms.ColorJitter(brightness=0.08, contrast=0.15),
                transforms.ToTensor(),
                transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(Image.open(self.paths[index]).convert("RGB")), torch.zeros(len(KEYS))


def plain_epochs(paths: list[Path], device: torch.device) -> Callable[[], None]:
    """One epoch of the plain loop, as a call."""
    model = models.densenet121(weights=None)
    model.classifier = nn.Linear(model.classifier.in_features, len(KEYS))
    model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    loader = DataLoader(PngFilms(paths), batch_size=BATCH, shuffle=True, num_workers=2)

    def epoch() -> None:
        for images, labels in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(images.to(device)), labels.to(device)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return epoch


class ProjectLoop:
    """This project's epochs over the same films, from the cache."""

    def __init__(self, paths: list[Path], folder: Path) -> None:
        self.engine = select_accelerator()
        cache = open_cache(paths, size=PX, folder=folder)
        labels = np.zeros((len(paths), len(KEYS)), dtype=np.float32)
        self.loader = BatchLoader(
            cache.images,
            labels,
            preprocessing=Preprocessing(PX),
            batch_size=BATCH,
            shuffle=True,
            augmentation=MILD_AUGMENTATION,
            device=self.engine.device,
        )
        self.trainer = Trainer(build_model(), BASELINE, self.engine, len(self.loader) * 1000)
        self.watch = EpochHooks(StopRequest(), lambda: None, float("inf"), cache.names)
        self.waiting: list[float] = []

    def epoch(self) -> None:
        """One epoch; notes the share of it that waited for films."""
        train_state = TrainState()
        train_epoch(self.trainer, self.loader, train_state, self.watch, description="bench")
        self.waiting.append(train_state.data_wait_seconds / train_state.seconds)

    def bare(self) -> None:
        """As many steps on one batch that stays where it is."""
        batch = next(iter(self.loader))
        for _ in range(len(self.loader)):
            self.trainer.step(batch)
        if self.engine.device.type == "cuda":
            torch.cuda.synchronize()


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of PNGs")
    parser.add_argument("--films", type=int, default=128, help="a multiple of 32")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    paths = sorted(args.images.glob("*.png"))[: args.films // BATCH * BATCH]
    with tempfile.TemporaryDirectory() as folder:
        ours = ProjectLoop(paths, Path(folder))
        loops = {
            "plain loop": plain_epochs(paths, ours.engine.device),
            "ours": ours.epoch,
            "bare step": ours.bare,
        }
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for number in range(args.rounds + 1):
            for name, work in loops.items():
                started = time.perf_counter()
                work()
                if number:  # the first round warms up
                    speeds[name].append(len(paths) / (time.perf_counter() - started))
    speed = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"{ours.engine}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, value in speed.items():
        print(f"{name:<12}{value:8.1f} films/s")
    print(f"ours / plain loop   {speed['ours'] / speed['plain loop']:.2f}")
    print(f"ours / bare step    {speed['ours'] / speed['bare step']:.2f}")
    print(f"waiting for films   {statistics.median(ours.waiting):.1%} of an epoch")
    hours = NIH_TRAINING_FILMS * NIH_EPOCHS / speed["ours"] / 3600
    print(f"all of NIH, {NIH_EPOCHS} epochs of {NIH_TRAINING_FILMS:,} films: {hours:.1f} hours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
