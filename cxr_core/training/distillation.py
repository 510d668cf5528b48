"""Teachers: models whose logits are targets beside the labels, on the very films a student sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from cxr_core.config import Preprocessing
from cxr_core.data.labels import AUXILIARY_LABELS
from cxr_core.errors import CheckpointError
from cxr_core.files import atomic_write
from cxr_core.model.checkpoint import load_verified_weights
from cxr_core.model.metadata import ModelMetadata, load_metadata
from cxr_core.model.network import ChestNetwork
from cxr_core.training.device import Accelerator

AUXILIARY_FILE = "auxiliary.safetensors"  # the head of NIH's other findings, kept for students


def save_auxiliary_head(folder: Path, state: dict[str, Tensor]) -> None:
    """Write the linear layer of the other findings: ``weight`` (K, C) and ``bias`` (K,)."""
    with atomic_write(folder / AUXILIARY_FILE) as temporary:
        temporary.write_bytes(save({name: value.contiguous() for name, value in state.items()}))


@dataclass(frozen=True)
class Teacher:
    """One trained network, frozen.

    Attributes:
        network: in evaluation mode.
        preprocessing: of its input.
        film_px: side of the films that it has learnt from, before they were brought to its input;
            it reads sharper ones worse.
        auxiliary: weight (K, C) and bias (K,) of NIH's other findings; None where it has none.
    """

    network: ChestNetwork
    preprocessing: Preprocessing
    film_px: int
    auxiliary: tuple[Tensor, Tensor] | None


class TeacherOutput(NamedTuple):
    """What teachers say of a batch.

    Attributes:
        logits: their mean, float32 (B, 4), or (B, 15) when each teacher knows NIH's other
            findings too.
        features: their pooled features side by side, float32 (B, C of all together).
    """

    logits: Tensor
    features: Tensor


class Teachers:
    """Several teachers as one: the mean of their logits, and the features of all."""

    def __init__(
        self, teachers: Sequence[Teacher], student: Preprocessing, accelerator: Accelerator
    ) -> None:
        """Place them on the device.

        Args:
            student: mean and std of the batches that come.
        """
        self.teachers = [
            Teacher(
                accelerator.prepare(teacher.network),
                teacher.preprocessing,
                teacher.film_px,
                None
                if teacher.auxiliary is None
                else tuple(tensor.to(accelerator.device) for tensor in teacher.auxiliary),  # type: ignore[arg-type]
            )
            for teacher in teachers
        ]
        self.student, self.accelerator = student, accelerator

    @property
    def n_features(self) -> int:
        """Channels of all teachers together."""
        return sum(teacher.network.n_channels for teacher in self.teachers)

    @torch.no_grad()
    def read(self, images: Tensor) -> TeacherOutput:
        """What the teachers say of these films.

        Args:
            images: (B, 3, S, S), normalised for the student.
        """
        gray = images * _channels(self.student.std, images) + _channels(self.student.mean, images)
        with_auxiliary = all(teacher.auxiliary is not None for teacher in self.teachers)
        total: Tensor | None = None
        all_pooled: list[Tensor] = []
        for teacher in self.teachers:
            own = self._own_input(gray, teacher)  # (B, 3, T, T)
            with self.accelerator.autocast():
                features = teacher.network.forward_features(own)  # (B, C, h, w)
            pooled = features.float().mean(dim=(2, 3))  # (B, C)
            all_pooled.append(pooled)
            head = teacher.network.classifier
            logits = functional.linear(pooled, head.weight, head.bias)  # (B, 4)
            if with_auxiliary and teacher.auxiliary is not None:
                others = functional.linear(pooled, *teacher.auxiliary)  # (B, 11)
                logits = torch.cat([logits, others], dim=1)  # (B, 15)
            total = logits if total is None else total + logits
        if total is None:
            raise ValueError("There are no teachers")
        return TeacherOutput(total / len(self.teachers), torch.cat(all_pooled, dim=1))

    def _own_input(self, gray: Tensor, teacher: Teacher) -> Tensor:
        """(B, 3, S, S) on the scale 0 to 1 -> a teacher's own size, mean and deviation."""
        preprocessing = teacher.preprocessing
        for side in (min(teacher.film_px, gray.shape[-1]), preprocessing.size):
            if gray.shape[-1] != side:
                gray = functional.interpolate(
                    gray, (side, side), mode="bilinear", antialias=True, align_corners=False
                )
        normalised = (gray - _channels(preprocessing.mean, gray)) / _channels(
            preprocessing.std, gray
        )
        return normalised.contiguous(memory_format=self.accelerator.memory_format)


def load_teacher(folder: Path) -> Teacher:
    """The model of a run folder, with its head of other findings where it kept one.

    Raises:
        CheckpointError: no model, or a damaged one.
    """
    metadata = load_metadata(folder)
    network = load_verified_weights(folder, metadata)
    auxiliary: tuple[Tensor, Tensor] | None = None
    path = folder / AUXILIARY_FILE
    if path.is_file():
        try:
            state = load_file(path)
            auxiliary = (state["weight"], state["bias"])
            _require_linear_layer(*auxiliary, n_inputs=network.classifier.in_features)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"The teacher's head of other findings cannot be read ({error!r})",
                value=path,
                remedy="Restore the file, or remove it; the teacher then teaches the findings "
                "alone.",
            ) from error
    return Teacher(network, metadata.preprocessing, _film_px(metadata), auxiliary)


def _require_linear_layer(weight: Tensor, bias: Tensor, *, n_inputs: int) -> None:
    if weight.shape != (len(AUXILIARY_LABELS), n_inputs) or bias.shape != (len(weight),):
        raise ValueError(f"shapes {tuple(weight.shape)} and {tuple(bias.shape)}")
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise ValueError("values that are not numbers")


def _film_px(metadata: ModelMetadata) -> int:
    """The side of the films at the end of a teacher's training."""
    size = metadata.preprocessing.size
    config = metadata.provenance.get("config", {})
    two_stages = config.get("low_res_px", 0) not in (0, size)
    return size if two_stages else int(config.get("low_res_film_px", 0)) or size


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Binary cross-entropy against the teacher's probabilities, both softened.

    Multiplied by the square of the temperature, so that its gradient keeps its size (Hinton,
    Vinyals and Dean, 2015).

    Args:
        logits, teacher_logits: (B, K).
    """
    targets = torch.sigmoid(teacher_logits / temperature)  # (B, K)
    loss = functional.binary_cross_entropy_with_logits(logits / temperature, targets)
    return loss * temperature**2


class FeatureHead(nn.Module):
    """Reads the teachers' pooled features out of a student's, while it is trained.

    A teacher that began with ImageNet knows more of a film than its few logits say. To be read
    out by a linear layer, the student's features have to hold it too.
    """

    def __init__(self, n_channels: int, n_teacher_features: int) -> None:
        super().__init__()
        self.projection = nn.Linear(n_channels, n_teacher_features)
        self.scale = nn.BatchNorm1d(n_teacher_features, affine=False)

    def forward(self, pooled: Tensor, teacher_features: Tensor) -> Tensor:
        """Mean squared error, () , each channel of the teachers scaled to variance 1.

        Args:
            pooled: (B, C) of the student.
            teacher_features: (B, C').
        """
        if len(pooled) == 1:  # of one film there is no variance; the running one stands in
            mean, variance = self.scale.running_mean, self.scale.running_var
            targets = functional.batch_norm(teacher_features, mean, variance)  # (1, C')
        else:
            targets = self.scale(teacher_features)  # (B, C')
        return functional.mse_loss(self.projection(pooled), targets)


def _channels(values: tuple[float, float, float], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device).view(1, 3, 1, 1)
