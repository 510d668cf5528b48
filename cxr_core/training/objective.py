"""What a network is trained on: the four findings, and what may be learnt beside them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from cxr_core.data.regions import Regions
from cxr_core.findings import KEYS
from cxr_core.model.densenet import FEATURE_CHANNELS, ChestDenseNet
from cxr_core.training.config import TrainConfig
from cxr_core.training.device import Engine

LEAST_VISIBLE = 0.05  # of a cell of the feature map; of less of a box nothing can be said
_LEAST_SHARE = 1e-6  # keeps the logarithm of an empty cell finite


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
