"""A run in a process of its own, alone or under torchrun, that can be made to end badly.

python run_apart.py SOURCES RUN [--die-at step:3 | save:2 | validation:2]
torchrun --nproc-per-node 2 run_apart.py SOURCES RUN [--stop-at 6]
torchrun --nproc-per-node 2 run_apart.py --gradients OUT.pt
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cxr_core.config import Preprocessing
from cxr_core.data.loader import BatchLoader
from cxr_core.errors import TrainingStoppedError
from cxr_core.model.architectures import build_model
from cxr_core.training import loop
from cxr_core.training.dataset import DatasetPaths
from cxr_core.training.device import Accelerator
from cxr_core.training.distributed import Distributed, init_distributed
from cxr_core.training.presets import BASELINE
from cxr_core.training.run import RunOptions, run
from cxr_core.training.trainer import Trainer
from tests.training.easy_films import CONFIG


def sources_in(folder: Path) -> DatasetPaths:
    """The easy films as ``write_easy_films`` laid them out, with the cache beside them."""
    return DatasetPaths(
        entries=folder / "entries.csv",
        images=folder / "images",
        cache=folder.parent / "cache",
        boxes=folder / "boxes.csv",
    )


def on_call(number: int, what: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    """``what``, but before its call of this number, ``then``."""
    calls = []

    def counted(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == number:
            then()
        return what(*arguments, **named)

    return counted


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(place: str) -> None:
    """Arrange a ``kill -9`` at the n-th step, validation, or half-written saved state."""
    name, number = place.split(":")
    if name == "step":
        Trainer.step = on_call(int(number), Trainer.step, die)  # type: ignore[method-assign]
    elif name == "validation":
        loop._validate = on_call(int(number), loop._validate, die)
    else:
        real = torch.save

        def half(content: object, path: Path) -> None:
            real(content, path)
            os.truncate(path, path.stat().st_size // 2)
            die()

        torch.save = on_call(int(number), real, lambda: setattr(torch, "save", half))


def only_the_leader_writes(team: Distributed) -> None:
    """A process that does not lead fails when it puts a file in place."""
    if not team.is_main:

        def refuse(*_: object) -> None:
            raise AssertionError("A process that does not lead has written a file")

        os.replace = refuse  # type: ignore[assignment]


def gradients(team: Distributed) -> dict[str, torch.Tensor]:
    """Of one step on six films: this team's, or one process's that adds up the same halves."""
    engine = Accelerator(torch.device("cpu"), bf16=False)
    random = np.random.default_rng(0)
    films = random.integers(0, 256, (6, 64, 64), dtype=np.uint8)
    labels = random.integers(0, 2, (6, 4)).astype(np.float32)

    def step_of(team: Distributed, parts: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        trainer = Trainer(build_model(), BASELINE, engine, 1, distributed=team)
        trainer.objective.train()
        for part in parts:
            (batch,) = BatchLoader(films, labels, preprocessing=Preprocessing(64), shard=part)
            loss = trainer.ddp_objective(batch.images, batch.labels, None) * batch.batch_fraction
            (loss * team.world_size).backward()
        named = trainer.objective.named_parameters()
        return {name: value.grad for name, value in named if value.grad is not None}

    mine = step_of(team, [(team.rank, team.world_size)])
    alone = step_of(Distributed(), [(rank, team.world_size) for rank in range(team.world_size)])
    return {f"team.{name}": value for name, value in mine.items()} | {
        f"alone.{name}": value for name, value in alone.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", type=Path, nargs="?")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--die-at")
    parser.add_argument("--stop-at", type=int)
    parser.add_argument("--gradients", type=Path)
    words = parser.parse_args()
    if words.die_at:
        die_at(words.die_at)
    if words.stop_at:
        ask = on_call(words.stop_at, Trainer.step, lambda: os.kill(os.getpid(), signal.SIGTERM))
        Trainer.step = ask  # type: ignore[method-assign]
    with init_distributed() as team:
        if words.gradients:
            found = gradients(team)
            if team.is_main:
                torch.save(found, words.gradients)
            return 0
        only_the_leader_writes(team)
        manner = RunOptions(resume=True, save_interval_seconds=0)
        try:
            run(CONFIG, sources_in(words.sources), words.run, manner, distributed=team)
        except TrainingStoppedError as error:
            print(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
