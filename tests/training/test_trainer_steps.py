"""A step of the optimizer: gathered gradients, their norm, the heads' rate, the schedules."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cxr_core.config import Preprocessing
from cxr_core.data.loader import Batch, BatchLoader
from cxr_core.model.network import ChestNetwork
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Accelerator, select_accelerator
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Trainer

CPU = Accelerator(torch.device("cpu"), bf16=False)
PLAIN = replace(BASELINE, optimizer="sgd", schedule="constant", learning_rate=0.1, batch_size=8)


def toy() -> ChestNetwork:
    """Without batch statistics, so that a film's gradient does not hang on its batch."""
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=8, padding=1), nn.ReLU())
    return ChestNetwork("toy", features, n_channels=6, n_outputs=4)


def trainer_of(config: TrainConfig, batches: int = 8, **more: Any) -> Trainer:
    return Trainer(toy(), config, CPU, batches, **more)


def batches_of(size: int, n_films: int = 16) -> list[Batch]:
    random = np.random.default_rng(0)
    films = random.integers(0, 256, (n_films, 32, 32), dtype=np.uint8)
    labels = random.integers(0, 2, (n_films, 4)).astype(np.float32)
    return list(BatchLoader(films, labels, preprocessing=Preprocessing(32), batch_size=size))


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in trainer.model.parameters()])


def test_two_batches_of_8_accumulated_are_one_step_on_the_16_together() -> None:
    accumulating, whole = trainer_of(replace(PLAIN, accumulate=2)), trainer_of(PLAIN)
    before = weights(accumulating)
    first, second = batches_of(8)
    accumulating.step(first)
    assert torch.equal(weights(accumulating), before)  # it only gathers
    accumulating.step(second)
    assert not torch.equal(weights(accumulating), before)
    whole.step(batches_of(16)[0])
    torch.testing.assert_close(weights(accumulating), weights(whole), atol=1e-6, rtol=0)


def test_left_between_two_accumulated_batches_it_goes_on_bit_by_bit() -> None:
    config = replace(PLAIN, accumulate=2, optimizer="adam", schedule="cosine", ema_decay=0.9)
    expected, left = trainer_of(config), trainer_of(config)
    batches = batches_of(4)
    for batch in batches:
        expected.step(batch)
    for batch in batches[:3]:
        left.step(batch)
    assert left.accumulated == 1
    resumed = trainer_of(config)
    resumed.load_state_dict(left.state_dict())
    resumed.step(batches[3])
    assert torch.equal(weights(resumed), weights(expected))


def test_a_gradient_is_cut_to_the_norm_that_is_allowed() -> None:
    (batch,) = batches_of(16)
    free, cut = trainer_of(PLAIN), trainer_of(replace(PLAIN, clip_norm=1e-3))
    before = weights(free)
    free.step(batch)
    cut.step(batch)
    # SGD moves by the rate times the gradient: by 0.1 * 0.001, in the same direction.
    moved_free, moved_cut = weights(free) - before, weights(cut) - before
    assert moved_free.norm() > 1e-3
    assert moved_cut.norm().item() == pytest.approx(1e-4, rel=1e-2)
    assert torch.cosine_similarity(moved_free, moved_cut, dim=0).item() > 0.999


def test_the_heads_learn_at_a_rate_of_their_own() -> None:
    (batch,) = batches_of(16)
    plain, faster = trainer_of(PLAIN), trainer_of(replace(PLAIN, head_rate_factor=3.0))
    start = toy()
    for trainer in (plain, faster):
        trainer.step(batch)
    head = [one.model.classifier.weight - start.classifier.weight for one in (plain, faster)]
    torch.testing.assert_close(head[1], 3 * head[0], atol=1e-7, rtol=1e-4)
    body = [next(one.model.features.parameters()) for one in (plain, faster)]
    assert torch.equal(body[0], body[1])


def rates(config: TrainConfig, batches: int) -> list[float]:
    """Of each step."""
    trainer = trainer_of(config, batches)
    found = []
    for batch in batches_of(16, 16 * batches):
        found.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.step(batch)
    found.append(trainer.optimizer.param_groups[0]["lr"])
    return found


def test_cosine_falls_from_the_rate_to_nothing() -> None:
    found = rates(replace(PLAIN, schedule="cosine"), 4)
    assert found == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 4)) for k in range(5)])


def test_a_schedule_counts_steps_and_not_the_batches_they_gather() -> None:
    found = rates(replace(PLAIN, schedule="cosine", accumulate=2), 4)
    assert found == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.0])


def test_the_precision_is_the_one_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not select_accelerator("float32").bf16
    assert select_accelerator("bfloat16").bf16
    for capable in (True, False):
        monkeypatch.setattr(
            torch.cpu, "get_capabilities", lambda able=capable: {"avx512_bf16": able}, raising=False
        )
        assert select_accelerator("auto").bf16 is capable
