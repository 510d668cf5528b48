"""Everything that changes while a network is trained, and one pass over the films."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from cxr_core.data.loader import BatchLoader
from cxr_core.errors import TrainingError
from cxr_core.model.densenet import ChestDenseNet
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Engine


class Trainer:
    """A network in training: weights, their moving average, optimizer and schedule."""

    def __init__(self, model: ChestDenseNet, config: TrainConfig, engine: Engine, steps: int):
        self.config, self.engine = config, engine
        self.model = engine.place(model)
        self.average: AveragedModel | None = None
        if config.averaging:
            ema = get_ema_multi_avg_fn(config.averaging)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.model, multi_avg_fn=ema, use_buffers=True)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        self.optimizer = kind(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scheduler: torch.optim.lr_scheduler.LRScheduler
        if config.schedule == "one-cycle":
            self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer, config.learning_rate, total_steps=config.epochs * steps
            )
        else:
            self.scheduler = torch.optim.lr_scheduler.ConstantLR(self.optimizer, factor=1.0)

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and kept: the average where there is one."""
        return self.model if self.average is None else self.average.module

    def train_epoch(
        self, loader: BatchLoader, pos_weight: Tensor | None, *, label: str, progress: bool
    ) -> float:
        """One pass over the training films; returns the mean loss.

        Raises:
            TrainingError: the loss is not finite.
        """
        self.model.train()
        total, films = 0.0, 0
        bar = tqdm(loader, desc=label, unit="batch", disable=not progress, leave=False)
        for step, (images, labels) in enumerate(bar):
            images = images.contiguous(memory_format=self.engine.memory_format)  # (B, 3, S, S)
            targets = self._smooth(labels)  # (B, 4)
            with self.engine.autocast():
                logits = self.model(images)  # (B, 4)
            loss = functional.binary_cross_entropy_with_logits(
                logits.float(), targets, pos_weight=pos_weight
            )
            value = loss.item()
            if not np.isfinite(value):
                raise TrainingError(
                    f"The loss is no longer a number ({label}, batch {step + 1})",
                    value=value,
                    remedy="The state after the last whole epoch is kept; go on from it with "
                    "--resume, or train anew with a lower learning rate.",
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            total, films = total + value * len(labels), films + len(labels)
            bar.set_postfix(loss=f"{total / films:.4f}")
        return total / films

    def _smooth(self, labels: Tensor) -> Tensor:
        amount = self.config.label_smoothing
        return labels * (1 - amount) + amount / 2  # (B, 4)

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state_dict``'s value."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])


def predict(model: nn.Module, loader: BatchLoader, engine: Engine) -> NDArray[np.float32]:
    """Logits of every film of ``loader``, float32 (N, 4), in its order."""
    model.eval()
    batches = []
    with torch.inference_mode():
        for images, _ in loader:
            images = images.contiguous(memory_format=engine.memory_format)  # (B, 3, S, S)
            with engine.autocast():
                batches.append(model(images).float().cpu().numpy())  # (B, 4)
    return np.concatenate(batches)  # (N, 4)
