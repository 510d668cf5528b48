"""Teachers: the mean of their logits, each on an input of its own, and the loss against them."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from cxr_core.model.network import ChestNetwork
from cxr_core.training.device import Accelerator
from cxr_core.training.distillation import (
    FeatureHead,
    Teacher,
    TeacherOutput,
    Teachers,
    distillation_loss,
)
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Objective

CPU = Accelerator(torch.device("cpu"), bf16=False)
STUDENT = Preprocessing(64, (0.5,) * 3, (0.25,) * 3)


def toy(seed: int) -> ChestNetwork:
    """A small network of random weights."""
    torch.manual_seed(seed)
    features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=8, padding=1), nn.ReLU())
    return ChestNetwork("toy", features, n_channels=6, n_outputs=4).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def test_a_teacher_with_the_students_preprocessing_sees_its_very_input(
    images: torch.Tensor,
) -> None:
    teacher = toy(0)
    taught = (
        Teachers([Teacher(teacher, STUDENT, STUDENT.size, None)], STUDENT, CPU).read(images).logits
    )
    torch.testing.assert_close(taught, teacher(images), atol=1e-5, rtol=0)
    assert not taught.requires_grad


def test_features_of_all_teachers_stand_side_by_side(images: torch.Tensor) -> None:
    networks = [toy(seed) for seed in range(2)]
    teachers = Teachers(
        [Teacher(network, STUDENT, STUDENT.size, None) for network in networks], STUDENT, CPU
    )
    expected = [network.forward_features(images).mean(dim=(2, 3)) for network in networks]
    assert teachers.n_features == 12
    torch.testing.assert_close(teachers.read(images).features, torch.cat(expected, dim=1))


def test_several_teachers_are_the_mean_of_their_logits(images: torch.Tensor) -> None:
    networks = [toy(seed) for seed in range(3)]
    teachers = [Teacher(network, STUDENT, STUDENT.size, None) for network in networks]
    expected = (networks[0](images) + networks[1](images) + networks[2](images)) / 3
    taught = Teachers(teachers, STUDENT, CPU).read(images).logits
    torch.testing.assert_close(taught, expected, atol=1e-5, rtol=0)


def test_a_teacher_gets_its_own_size_mean_and_deviation(images: torch.Tensor) -> None:
    own = Preprocessing(96, IMAGENET_MEAN, IMAGENET_STD)
    teacher = toy(1)
    gray = functional.interpolate(
        images * 0.25 + 0.5, (96, 96), mode="bilinear", antialias=True, align_corners=False
    )
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (own.mean, own.std))
    taught = Teachers([Teacher(teacher, own, own.size, None)], STUDENT, CPU).read(images).logits
    torch.testing.assert_close(taught, teacher((gray - mean) / std), atol=1e-5, rtol=0)


def test_a_teacher_of_small_films_sees_them_no_sharper_than_it_learnt_them(
    images: torch.Tensor,
) -> None:
    teacher = toy(2)
    blurred = functional.interpolate(
        functional.interpolate(
            images * 0.25 + 0.5, (32, 32), mode="bilinear", antialias=True, align_corners=False
        ),
        (64, 64), mode="bilinear", antialias=True, align_corners=False,
    )  # fmt: skip
    taught = Teachers([Teacher(teacher, STUDENT, 32, None)], STUDENT, CPU).read(images).logits
    torch.testing.assert_close(taught, teacher((blurred - 0.5) / 0.25), atol=1e-5, rtol=0)


def test_other_findings_are_taught_only_where_every_teacher_knows_them(
    images: torch.Tensor,
) -> None:
    head = (torch.zeros(11, 6), torch.arange(11.0))
    knows, does_not = (
        Teacher(toy(0), STUDENT, STUDENT.size, head),
        Teacher(toy(1), STUDENT, STUDENT.size, None),
    )
    both = Teachers([knows, knows], STUDENT, CPU).read(images).logits
    assert both.shape == (2, 15)
    torch.testing.assert_close(both[0, 4:], torch.arange(11.0))
    assert Teachers([knows, does_not], STUDENT, CPU).read(images).logits.shape == (2, 4)


def test_the_loss_by_hand() -> None:
    # A teacher that gives 0.75 and a student that gives 0.5: -ln 0.5.
    teacher = torch.tensor([[math.log(3)]])
    assert distillation_loss(torch.zeros(1, 1), teacher, 1.0).item() == pytest.approx(math.log(2))
    # Alike, what is left is the teacher's own entropy: -0.75 ln 0.75 - 0.25 ln 0.25.
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert distillation_loss(teacher, teacher, 1.0).item() == pytest.approx(entropy)
    # At temperature 2 both logits are halved, and the loss is four times the cross-entropy.
    target, logit = 1 / (1 + math.exp(-math.log(3) / 2)), 1.0
    student = 1 / (1 + math.exp(-logit / 2))
    by_hand = -4 * (target * math.log(student) + (1 - target) * math.log(1 - student))
    found = distillation_loss(torch.full((1, 1), logit), teacher, 2.0)
    assert found.item() == pytest.approx(by_hand)


def test_teachers_have_their_share_of_the_loss_and_labels_the_rest(images: torch.Tensor) -> None:
    student, labels = toy(5), torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    teacher_logits = torch.tensor([[2.0, -1, 0, 0.5], [0, 1, -2, 1]])
    config = replace(BASELINE, distill_weight=0.25, distill_temperature=2.0)
    found = Objective(student, config, CPU).eval()(
        images, labels, None, TeacherOutput(teacher_logits, torch.zeros(2, 6))
    )
    logits = student(images)
    by_label = functional.binary_cross_entropy_with_logits(logits, labels)
    expected = 0.75 * by_label + 0.25 * distillation_loss(logits, teacher_logits, 2.0)
    torch.testing.assert_close(found, expected)


def test_features_that_tell_the_teachers_cost_nothing_and_others_their_variance() -> None:
    own = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    theirs = own[:, :3] * torch.tensor([1.0, 10, 100]) + 5  # (64, 3), of other scales
    head = FeatureHead(6, 3)
    centred, scale = own - own.mean(dim=0), own.std(dim=0, correction=0)
    with torch.no_grad():
        head.projection.weight.copy_(torch.eye(6)[:3] / scale[:3, None])
        head.projection.bias.zero_()
    assert head(centred, theirs).item() == pytest.approx(0, abs=1e-5)
    # A student that says nothing is off by the variance, which is 1 for each channel.
    assert head(centred * 0, theirs).item() == pytest.approx(1, abs=1e-5)


def test_the_distance_of_features_is_added_with_its_weight(images: torch.Tensor) -> None:
    student, labels = toy(5), torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    taught = TeacherOutput(torch.zeros(2, 4), torch.tensor([[1.0, 2], [3, 2]]))
    config = replace(BASELINE, feature_distill_weight=2.0)
    objective = Objective(student, config, CPU, n_teacher_features=2)
    without = Objective(student, replace(config, feature_distill_weight=0.0), CPU)
    assert without.feature_head is None
    assert objective.feature_head is not None
    pooled = student.forward_features(images).mean(dim=(2, 3))
    difference = objective(images, labels, None, taught) - without(images, labels, None, taught)
    torch.testing.assert_close(difference, 2 * objective.feature_head(pooled, taught.features))
    assert torch.isfinite(
        objective(images[:1], labels[:1], None, TeacherOutput(*(values[:1] for values in taught)))
    )
