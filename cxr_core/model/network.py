"""What every network here is: a feature map, global average pooling, one linear layer."""

from torch import Tensor, nn


class ChestNetwork(nn.Module):
    """Logits of a film, in the order of ``KEYS``.

    With global average pooling a finding's logit is the mean of its evidence over the feature
    map, which ``model.gradcam`` relies on.

    Attributes:
        architecture: the network's name in ``model.json``.
        features: (B, 3, S, S) normalised images -> (B, C, h, w) activations.
        classifier: linear, C channels -> one logit an output.
    """

    def __init__(
        self, architecture: str, features: nn.Module, *, n_channels: int, n_outputs: int
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.features = features
        self.classifier = nn.Linear(n_channels, n_outputs)
        nn.init.zeros_(self.classifier.bias)

    @property
    def n_channels(self) -> int:
        """Channels of the feature map."""
        return self.classifier.in_features

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised images -> (B, C, h, w) activations."""
        features: Tensor = self.features(images)
        return features  # (B, C, h, w)

    def forward_head(self, features: Tensor) -> Tensor:
        """(B, C, h, w) activations -> (B, K) logits."""
        pooled = features.mean(dim=(2, 3))  # (B, C)
        logits: Tensor = self.classifier(pooled)
        return logits  # (B, K)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised images -> (B, K) logits."""
        return self.forward_head(self.forward_features(images))
