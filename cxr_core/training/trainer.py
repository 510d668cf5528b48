"""Everything that changes while a network is trained, one step of it, and reading with it."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cxr_core.data.boxes import Regions
from cxr_core.data.loader import Batch, BatchLoader
from cxr_core.findings import KEYS
from cxr_core.model.densenet import FEATURE_CHANNELS, ChestDenseNet
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Engine
from cxr_core.training.distributed import Team

LEAST_VISIBLE = 0.05  # of a cell of the feature map; of less of a box nothing can be said
_LEAST_SHARE = 1e-6  # keeps the logarithm of an empty cell finite
ALONE = Team()


# What a network is trained on: the four findings, and what may be learnt beside them.


class Objective(nn.Module):
    """A network with its loss, as one module, so that all gradients are those of one forward.

    The loss is binary cross-entropy over the four findings; with ``other_findings`` that over
    NIH's other findings is added, from a second linear layer which is thrown away after the
    training; with ``boxes`` the loss of ``outside_boxes``.
    """

    def __init__(
        self,
        network: ChestDenseNet,
        config: TrainConfig,
        engine: Engine,
        *,
        n_others: int = 0,
        pos_weight: Tensor | None = None,
    ) -> None:
        """Put a head for the others beside the network's own, where they count.

        Args:
            n_others: label columns after the four.
            pos_weight: (4,) weights of the positives.
        """
        super().__init__()
        self.network = network
        self.others: nn.Linear | None = None
        if n_others and config.other_findings:
            self.others = nn.Linear(FEATURE_CHANNELS, n_others)
            nn.init.zeros_(self.others.weight)
            nn.init.zeros_(self.others.bias)
        self.engine = engine
        self.smoothing = config.label_smoothing
        self.others_weight = config.other_findings
        self.boxes_weight = config.boxes
        self.pos_weight: Tensor | None
        self.register_buffer("pos_weight", pos_weight, persistent=False)

    def forward(self, images: Tensor, labels: Tensor, regions: Regions | None = None) -> Tensor:
        """Mean loss a film.

        Args:
            images: (B, 3, S, S), normalised.
            labels: (B, 4) or (B, 4 + others) of 0 and 1.
            regions: the boxes on these films.
        """
        with self.engine.autocast():
            features = self.network.forward_features(images)  # (B, 1024, h, w)
        features = features.float()
        pooled = features.mean(dim=(2, 3))  # (B, 1024)
        targets = labels * (1 - self.smoothing) + self.smoothing / 2  # (B, K)
        four = len(KEYS)
        head = self.network.classifier
        loss = functional.binary_cross_entropy_with_logits(
            functional.linear(pooled, head.weight, head.bias),  # (B, 4)
            targets[:, :four],
            pos_weight=self.pos_weight,
        )
        weight = head.weight  # (K, 1024)
        if self.others is not None:
            logits = functional.linear(pooled, self.others.weight, self.others.bias)
            others = functional.binary_cross_entropy_with_logits(logits, targets[:, four:])
            loss = loss + self.others_weight * others
            weight = torch.cat([weight, self.others.weight])
        if self.boxes_weight and regions is not None:
            loss = loss + self.boxes_weight * outside_boxes(features, weight, regions)
        return loss


def outside_boxes(features: Tensor, weight: Tensor, regions: Regions) -> Tensor:
    """How far from the boxes the evidence lies: a mean a film of the batch.

    The evidence of finding k at a cell is w_k · A(x, y), the signed Grad-CAM of contract 6. A
    softmax over the cells makes it a distribution, and a boxed film's loss is minus the
    logarithm of its share inside the box. It says nothing of how strong the evidence is, so it
    does not pull at the film's logit (after Li et al., CVPR 2018, who learn boxes and labels of
    these films together).

    Args:
        features: (B, 1024, h, w), after the ReLU.
        weight: (K, 1024) of the linear layers.
        regions: a region with hardly a cell in view, or of a column without weights, counts
            nothing.
    """
    known = regions.finding < len(weight)  # (P,)
    film, finding, maps = (values[known] for values in regions)
    if len(film) == 0:
        return features.sum() * 0.0
    evidence = torch.einsum("pc,pchw->phw", weight[finding], features[film])  # (P, h, w)
    height, width = features.shape[-2:]
    inside = functional.adaptive_avg_pool2d(maps.unsqueeze(1), (height, width))
    inside = inside.flatten(1)  # (P, h w) share of each cell that is inside
    shares = torch.log_softmax(evidence.flatten(1), dim=1)  # (P, h w)
    within = torch.logsumexp(shares + inside.clamp(_LEAST_SHARE, 1.0).log(), dim=1)  # (P,)
    visible = inside.sum(dim=1) > LEAST_VISIBLE  # (P,)
    return -(within * visible).sum() / len(features)


class Trainer:
    """A network in training: weights, their moving average, optimizer and schedule."""

    def __init__(
        self,
        network: ChestDenseNet,
        config: TrainConfig,
        engine: Engine,
        steps: int,
        *,
        team: Team = ALONE,
        n_others: int = 0,
        pos_weight: Tensor | None = None,
    ) -> None:
        """Place the network on the device and begin at step 0.

        Args:
            steps: steps an epoch.
            n_others: label columns after the four findings.
            pos_weight: (4,) weights of the positives.
        """
        self.config, self.engine, self.team = config, engine, team
        placed = engine.place(network)
        objective = Objective(placed, config, engine, n_others=n_others, pos_weight=pos_weight)
        self.objective = objective.to(engine.device)
        self.together = team.together(self.objective, engine.device)
        self.model = self.objective.network
        self.average: AveragedModel | None = None
        if config.averaging:
            average_fn = get_ema_multi_avg_fn(config.averaging)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.model, multi_avg_fn=average_fn, use_buffers=True)
        self.optimizer = _optimizer(self.objective, config)
        self.scheduler = _scheduler(self.optimizer, config, steps)

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and kept: the average where there is one."""
        return self.model if self.average is None else self.average.module

    def step(self, batch: Batch) -> Tensor:
        """Learn from one batch; returns this process's part of the batch's mean loss, ()."""
        self.objective.train()
        images = batch.images.contiguous(memory_format=self.engine.memory_format)  # (B, 3, S, S)
        part: Tensor = self.together(images, batch.labels, batch.regions) * batch.share
        self.optimizer.zero_grad(set_to_none=True)
        # The team averages the gradients, and the shares of a batch add up to 1.
        (part * self.team.size).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.config.schedule != "plateau":
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return part.detach()

    def end_epoch(self, validation_loss: float) -> None:
        """Lower the rate of a plateau schedule where the loss has stopped falling."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(validation_loss)

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs, as tensors and plain values."""
        return {
            "objective": self.objective.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state_dict``'s value."""
        self.objective.load_state_dict(state["objective"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])


def predict(
    model: nn.Module, loader: BatchLoader, engine: Engine, team: Team = ALONE
) -> NDArray[np.float32]:
    """Logits of every film of ``loader``, float32 (N, 4), in its order, in every process.

    Each process reads whole batches, every so many-th one, so that each film is read in the
    company in which one process would have read it.
    """
    model.eval()
    mine = range(team.rank, len(loader), team.size)
    read: dict[int, NDArray[np.float32]] = {}
    with torch.inference_mode():
        for number, batch in zip(mine, loader.batches(mine), strict=True):
            images = batch.images.contiguous(memory_format=engine.memory_format)  # (B, 3, S, S)
            with engine.autocast():
                read[number] = model(images).float().cpu().numpy()  # (B, 4)
    everybody = {number: rows for part in team.gather(read) for number, rows in part.items()}
    return np.concatenate([everybody[number] for number in range(len(loader))])  # (N, 4)


def _optimizer(module: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            module.parameters(), lr=rate, weight_decay=decay, momentum=config.momentum
        )
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(module.parameters(), lr=rate, weight_decay=decay)


def _scheduler(
    optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int
) -> LRScheduler | ReduceLROnPlateau:
    if config.schedule == "one-cycle":
        return OneCycleLR(optimizer, config.learning_rate, total_steps=config.epochs * steps)
    if config.schedule == "plateau":
        return ReduceLROnPlateau(optimizer, factor=0.1, patience=config.patience, threshold=0.0)
    return ConstantLR(optimizer, factor=1.0)
