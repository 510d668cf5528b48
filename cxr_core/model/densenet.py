"""DenseNet121 with four logits: torchvision's features, global average pooling, one linear."""

from pathlib import Path

from torch import Tensor, nn
from torchvision.models import densenet121

from cxr_core.findings import KEYS
from cxr_core.model.pretrained import imagenet_features, load_features

FEATURE_CHANNELS = 1024
REDUCTION = 32  # the input side over the feature map's side


class ChestDenseNet(nn.Module):
    """DenseNet121 (Huang et al., CVPR 2017) that returns logits in the order of ``KEYS``.

    The ReLU after the last norm is a module of its own and never in place: torchvision's in-place
    one changes what a hook on the features sees, and differently on CPU and GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features: nn.Module = densenet121(weights=None).features
        self.relu = nn.ReLU(inplace=False)
        self.classifier = nn.Linear(FEATURE_CHANNELS, len(KEYS))
        nn.init.zeros_(self.classifier.bias)

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised images -> (B, 1024, S/32, S/32) activations, >= 0."""
        features: Tensor = self.relu(self.features(images))
        return features  # (B, 1024, h, w)

    def forward_head(self, features: Tensor) -> Tensor:
        """(B, 1024, h, w) activations -> (B, 4) logits."""
        pooled = features.mean(dim=(2, 3))  # (B, 1024)
        logits: Tensor = self.classifier(pooled)
        return logits  # (B, 4)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) normalised images -> (B, 4) logits."""
        return self.forward_head(self.forward_features(images))


def build_densenet(weights: str | Path = "imagenet") -> ChestDenseNet:
    """A network ready to be trained, in train mode.

    Args:
        weights: ``imagenet`` (torchvision's published file, from its cache or downloaded),
            ``none`` (random), or the path of a ``.pth`` or ``.safetensors`` file of DenseNet121
            weights, legacy key names included; its head is used only if it has four outputs.

    Raises:
        WeightsError: the file cannot be had, read, or does not fit.
    """
    model = ChestDenseNet()
    if str(weights) == "none":
        return model
    if str(weights) == "imagenet":
        model.features.load_state_dict(imagenet_features())
        return model
    features, head = load_features(Path(weights), expected=model.features.state_dict())
    model.features.load_state_dict(features)
    if head is not None:
        model.classifier.load_state_dict(head)
    return model
