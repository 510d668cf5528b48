"""Mixup: pairs of a batch blended, labels likewise, and boxes left with the larger share."""

import numpy as np
import pytest
import torch

from cxr_core.data.boxes import BoxMasks
from cxr_core.data.loader import Batch
from cxr_core.training.mixup import mixup

N = 200


@pytest.fixture
def batch() -> Batch:
    """Film number i is i everywhere, and so is its label."""
    numbers = torch.arange(float(N))
    masks = BoxMasks(torch.tensor([1]), torch.tensor([0]), torch.ones(1, 4, 4))
    images = numbers.view(-1, 1, 1, 1).expand(N, 3, 2, 2)
    return Batch(images, numbers.view(-1, 1), masks, np.arange(N), 1.0)


def test_images_and_labels_are_blended_alike_within_the_batch(batch: Batch) -> None:
    torch.manual_seed(0)
    mixed = mixup(batch, 1.0)
    torch.testing.assert_close(mixed.images[:, 0, 0, 0], mixed.labels[:, 0])
    assert mixed.images.shape == batch.images.shape
    assert (mixed.labels != batch.labels).float().mean() > 0.9
    # Partners are a permutation: what a film gains another loses, in the mean over many.
    assert mixed.labels.mean().item() == pytest.approx((N - 1) / 2, rel=0.1)


def test_a_film_keeps_the_larger_share_and_its_boxes(batch: Batch) -> None:
    torch.manual_seed(1)
    ones = batch._replace(images=torch.zeros(N, 3, 2, 2), labels=torch.eye(N))
    mixed = mixup(ones, 1.0)
    assert (mixed.labels.diagonal() >= 0.5).all()
    assert mixed.box_masks is ones.box_masks
    torch.testing.assert_close(mixed.labels.sum(dim=1), torch.ones(N))


def test_the_same_seed_blends_the_same(batch: Batch) -> None:
    torch.manual_seed(2)
    first = mixup(batch, 0.4)
    torch.manual_seed(2)
    torch.testing.assert_close(mixup(batch, 0.4).images, first.images, atol=0, rtol=0)
