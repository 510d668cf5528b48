"""Everything that changes while a network is trained, one step of it, and reading with it."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cxr_core.data.boxes import BoxMasks
from cxr_core.data.loader import Batch, BatchLoader
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Accelerator
from cxr_core.training.distillation import FeatureHead, TeacherOutput, Teachers, distillation_loss
from cxr_core.training.distributed import Distributed
from cxr_core.training.mixup import mixup

MIN_VISIBLE_CELLS = 0.05  # of a cell of the feature map; of less of a box nothing can be said
_EPSILON = 1e-6  # keeps the logarithm of an empty cell finite
SINGLE_PROCESS = Distributed()
AUXILIARY_PREFIX = "auxiliary_head."  # of the auxiliary head's tensors in a kept state


# What a network is trained on: the four findings, and what may be learnt beside them.


class Objective(nn.Module):
    """A network with its loss, as one module, so that all gradients are those of one forward.

    The loss is binary cross-entropy over the four findings; with ``other_findings`` that over
    NIH's other findings is added, from a second linear layer which is thrown away after the
    training; with ``boxes`` the loss of ``box_loss``. Where teachers give logits, they have a
    share of the loss and the labels the rest; and where their features count, so does how far the
    own ones, through a linear layer that is thrown away too, are from them.
    """

    def __init__(
        self,
        network: ChestNetwork,
        config: TrainConfig,
        accelerator: Accelerator,
        *,
        n_auxiliary: int = 0,
        pos_weight: Tensor | None = None,
        n_teacher_features: int = 0,
    ) -> None:
        """Put a head for the others beside the network's own, where they count.

        Args:
            n_auxiliary: label columns after the four.
            pos_weight: (4,) weights of the positives.
            n_teacher_features: channels of all teachers together.
        """
        super().__init__()
        self.network = network
        self.auxiliary_head: nn.Linear | None = None
        if n_auxiliary and config.auxiliary_loss_weight:
            self.auxiliary_head = nn.Linear(network.n_channels, n_auxiliary)
            nn.init.zeros_(self.auxiliary_head.weight)
            nn.init.zeros_(self.auxiliary_head.bias)
        self.feature_head: FeatureHead | None = None
        if n_teacher_features and config.feature_distill_weight:
            self.feature_head = FeatureHead(network.n_channels, n_teacher_features)
        self.accelerator = accelerator
        self.label_smoothing = config.label_smoothing
        self.auxiliary_loss_weight = config.auxiliary_loss_weight
        self.box_loss_weight = config.box_loss_weight
        self.distill_weight = config.distill_weight
        self.distill_temperature = config.distill_temperature
        self.feature_distill_weight = config.feature_distill_weight
        self.pos_weight: Tensor | None
        self.register_buffer("pos_weight", pos_weight, persistent=False)

    def forward(
        self,
        images: Tensor,
        labels: Tensor,
        regions: BoxMasks | None = None,
        taught: TeacherOutput | None = None,
    ) -> Tensor:
        """Mean loss a film.

        Args:
            images: (B, 3, S, S), normalised.
            labels: (B, 4) or (B, 4 + others), 0 to 1.
            regions: the boxes on these films.
            taught: what the teachers say of them.
        """
        with self.accelerator.autocast():
            features = self.network.forward_features(images)  # (B, C, h, w)
        features = features.float()
        pooled = features.mean(dim=(2, 3))  # (B, C)
        targets = labels * (1 - self.label_smoothing) + self.label_smoothing / 2  # (B, K)
        head = self.network.classifier
        n_findings = head.out_features
        logits = functional.linear(pooled, head.weight, head.bias)  # (B, 4)
        loss = functional.binary_cross_entropy_with_logits(
            logits, targets[:, :n_findings], pos_weight=self.pos_weight
        )
        if taught is not None:
            loss = self._taught(loss, logits, taught.logits[:, :n_findings])
        weight = head.weight  # (K, C)
        if self.auxiliary_head is not None:
            logits = functional.linear(
                pooled, self.auxiliary_head.weight, self.auxiliary_head.bias
            )  # (B, others)
            others = functional.binary_cross_entropy_with_logits(logits, targets[:, n_findings:])
            if taught is not None and taught.logits.shape[1] > n_findings:
                others = self._taught(others, logits, taught.logits[:, n_findings:])
            loss = loss + self.auxiliary_loss_weight * others
            weight = torch.cat([weight, self.auxiliary_head.weight])
        if self.feature_head is not None and taught is not None:
            loss = loss + self.feature_distill_weight * self.feature_head(pooled, taught.features)
        if self.box_loss_weight and regions is not None:
            loss = loss + self.box_loss_weight * box_loss(features, weight, regions)
        return loss

    def _taught(self, loss: Tensor, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """The labels' loss with the teachers' share in it."""
        theirs = distillation_loss(logits, teacher_logits, self.distill_temperature)
        return torch.lerp(loss, theirs, self.distill_weight)


def box_loss(features: Tensor, weight: Tensor, regions: BoxMasks) -> Tensor:
    """How far from the boxes the evidence lies: a mean a film of the batch.

    The evidence of finding k at a cell is w_k · A(x, y), that of ``model.gradcam``. A
    softmax over the cells makes it a distribution, and a boxed film's loss is minus the
    logarithm of its share inside the box. It says nothing of how strong the evidence is, so it
    does not pull at the film's logit (after Li et al., CVPR 2018, who learn boxes and labels of
    these films together).

    Args:
        features: (B, C, h, w), after the ReLU.
        weight: (K, C) of the linear layers.
        regions: a region with hardly a cell in view, or of a column without weights, counts
            nothing.
    """
    known = regions.label_index < len(weight)  # (P,)
    film, finding, maps = (values[known] for values in regions)
    if len(film) == 0:
        return features.sum() * 0.0
    evidence = torch.einsum("pc,pchw->phw", weight[finding], features[film])  # (P, h, w)
    height, width = features.shape[-2:]
    inside = functional.adaptive_avg_pool2d(maps.unsqueeze(1), (height, width))
    inside = inside.flatten(1)  # (P, h w) share of each cell that is inside
    shares = torch.log_softmax(evidence.flatten(1), dim=1)  # (P, h w)
    within = torch.logsumexp(shares + inside.clamp(_EPSILON, 1.0).log(), dim=1)  # (P,)
    visible = inside.sum(dim=1) > MIN_VISIBLE_CELLS  # (P,)
    return -(within * visible).sum() / len(features)


class Trainer:
    """A network in training: weights, their moving average, optimizer and schedule."""

    def __init__(
        self,
        network: ChestNetwork,
        config: TrainConfig,
        accelerator: Accelerator,
        batches: int,
        *,
        distributed: Distributed = SINGLE_PROCESS,
        n_auxiliary: int = 0,
        pos_weight: Tensor | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        """Place the network on the device and begin at step 0.

        Args:
            batches: in all epochs together.
            n_auxiliary: label columns after the four findings.
            pos_weight: (4,) weights of the positives.
            teachers: from whom is learnt beside the labels.
        """
        self.teachers = teachers
        self.config, self.accelerator, self.distributed = config, accelerator, distributed
        network = accelerator.prepare(network)
        objective = Objective(
            network,
            config,
            accelerator,
            n_auxiliary=n_auxiliary,
            pos_weight=pos_weight,
            n_teacher_features=0 if teachers is None else teachers.n_features,
        )
        self.objective = objective.to(accelerator.device)
        self.ddp_objective = distributed.wrap_ddp(self.objective, accelerator.device)
        self.model = self.objective.network
        self.ema: AveragedModel | None = None
        if config.ema_decay:
            average_fn = get_ema_multi_avg_fn(config.ema_decay)  # type: ignore[no-untyped-call]
            self.ema = AveragedModel(self.model, multi_avg_fn=average_fn, use_buffers=True)
        self.optimizer = _optimizer(self.objective, config)
        steps = -(-batches // config.accumulate)
        self.scheduler = _scheduler(self.optimizer, config, steps)
        self.accumulated = 0  # batches whose gradients wait for the step

    @property
    def eval_model(self) -> nn.Module:
        """The network that is validated and kept: the average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def step(self, batch: Batch) -> Tensor:
        """Learn from one batch; returns this process's part of the batch's mean loss, ()."""
        self.objective.train()
        if self.config.mixup_alpha:
            batch = mixup(batch, self.config.mixup_alpha)
        images = batch.images.contiguous(
            memory_format=self.accelerator.memory_format
        )  # (B, 3, S, S)
        taught = None if self.teachers is None else self.teachers.read(images)
        objective = self.ddp_objective(images, batch.labels, batch.box_masks, taught)
        loss: Tensor = objective * batch.batch_fraction
        if self.accumulated == 0:
            self.optimizer.zero_grad(set_to_none=True)
        # The team averages the gradients, and the shares of a batch add up to 1.
        scale = self.distributed.world_size / self.config.accumulate
        (loss * scale).backward()  # type: ignore[no-untyped-call]
        self.accumulated += 1
        if self.accumulated == self.config.accumulate:
            self._update()
        return loss.detach()

    def _update(self) -> None:
        """One step of the optimizer with the gradients that have gathered."""
        self.accumulated = 0
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.objective.parameters(), self.config.clip_norm)
        self.optimizer.step()
        if self.config.schedule != "plateau":
            self.scheduler.step()
        if self.ema is not None:
            self.ema.update_parameters(self.model)

    def end_epoch(self, validation_loss: float) -> None:
        """Lower the rate of a plateau schedule where the loss has stopped falling."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(validation_loss)

    def best_state(self) -> dict[str, Tensor]:
        """A copy of what is kept of the epoch: the validated network, and the auxiliary head."""
        modules: dict[str, nn.Module | None] = {
            "": self.eval_model,
            AUXILIARY_PREFIX: self.objective.auxiliary_head,
        }
        return {
            prefix + name: value.detach().clone()
            for prefix, module in modules.items()
            if module is not None
            for name, value in module.state_dict().items()
        }

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs, as tensors and plain values."""
        waiting = None
        if self.accumulated:
            waiting = [parameter.grad for parameter in self.objective.parameters()]
        return {
            "accumulated": self.accumulated,
            "gradients": waiting,
            "objective": self.objective.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state_dict``'s value."""
        self.objective.load_state_dict(state["objective"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        self.accumulated = state.get("accumulated", 0)
        if self.accumulated:
            for parameter, gradient in zip(
                self.objective.parameters(), state["gradients"], strict=True
            ):
                parameter.grad = None if gradient is None else gradient.to(parameter.device)


def predict(
    model: nn.Module,
    loader: BatchLoader,
    accelerator: Accelerator,
    distributed: Distributed = SINGLE_PROCESS,
) -> NDArray[np.float32]:
    """Logits of every film of ``loader``, float32 (N, 4), in its order, in every process.

    Each process reads whole batches, every so many-th one, so that each film is read in the
    company in which one process would have read it.
    """
    model.eval()
    own_batches = range(distributed.rank, len(loader), distributed.world_size)
    read: dict[int, NDArray[np.float32]] = {}
    with torch.inference_mode():
        for number, batch in zip(own_batches, loader.batches(own_batches), strict=True):
            # (B, 3, S, S)
            images = batch.images.contiguous(memory_format=accelerator.memory_format)
            with accelerator.autocast():
                read[number] = model(images).float().cpu().numpy()  # (B, 4)
    return np.concatenate(distributed.all_gather_batches(read))  # (N, 4)


def _optimizer(objective: Objective, config: TrainConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    groups: list[dict[str, Any]] = [{"params": list(objective.parameters())}]
    if config.head_rate_factor != 1:
        heads = [objective.network.classifier, objective.auxiliary_head]
        head = [weight for module in heads if module is not None for weight in module.parameters()]
        of_head = {id(weight) for weight in head}
        body = [weight for weight in objective.parameters() if id(weight) not in of_head]
        groups = [{"params": body}, {"params": head, "lr": rate * config.head_rate_factor}]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, weight_decay=decay, momentum=config.momentum)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    # On a GPU a step of small batches costs what its launches cost, and fused it is a single one.
    fused = True if next(objective.parameters()).is_cuda else None
    return kind(groups, lr=rate, weight_decay=decay, fused=fused)


def _scheduler(
    optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int
) -> LRScheduler | ReduceLROnPlateau:
    if config.schedule == "one-cycle":
        rates = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, rates, total_steps=steps)
    if config.schedule == "cosine":
        return CosineAnnealingLR(optimizer, steps)
    if config.schedule == "plateau":
        return ReduceLROnPlateau(optimizer, factor=0.1, patience=config.patience, threshold=0.0)
    return ConstantLR(optimizer, factor=1.0)
