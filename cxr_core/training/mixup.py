"""Mixup: the films of a batch blended in pairs, with their labels."""

import torch
from torch import Tensor

from cxr_core.data.loader import Batch


def mixup(batch: Batch, alpha: float) -> Batch:
    """Each film blended with another of the batch (Zhang et al., 2018).

    A film keeps the larger share of its blend, so that its boxes stay its own.

    Args:
        alpha: shares are drawn from Beta(alpha, alpha), one a film, with torch's generator.

    Returns:
        The batch with other images (B, 3, S, S) and soft labels (B, K).
    """
    size = len(batch.images)
    share = torch.distributions.Beta(alpha, alpha).sample((size,))  # (B,)
    share = torch.maximum(share, 1 - share).to(batch.images)
    partner = torch.randperm(size).to(batch.images.device)  # (B,)

    def blend(values: Tensor) -> Tensor:
        own = share.view(-1, *[1] * (values.ndim - 1))
        return torch.lerp(values[partner], values, own)

    return batch._replace(images=blend(batch.images), labels=blend(batch.labels))
