"""Signed Grad-CAM in logit units (Selvaraju et al., ICCV 2017), one map a finding."""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class ClassifierHead(nn.Module):
    """The classifier over features that were computed once.

    Grad-CAM registers hooks and runs a backward pass. On the shared model these would meet
    another session's forward; this head is made for one call and thrown away, and only reads
    the shared classifier's tensors.
    """

    def __init__(self, classifier: nn.Linear) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.weight = nn.Parameter(classifier.weight.detach(), requires_grad=False)  # (K, C)
        self.bias = nn.Parameter(classifier.bias.detach(), requires_grad=False)  # (K,)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) features -> (B, K) logits."""
        pooled = self.features(features).mean(dim=(2, 3))  # (B, C)
        return nn.functional.linear(pooled, self.weight, self.bias)  # (B, K)


@cache
def _grad_cam_classes() -> Any:
    # The package brings OpenCV, matplotlib and scipy: imported late, so a first page is quick.
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    class SignedGradCAM(GradCAM):  # type: ignore[misc]
        """Grad-CAM without the ReLU and min-max that it applies in these two steps."""

        def compute_cam_per_layer(
            self, input_tensor: Tensor, targets: list[Any], eigen_smooth: bool
        ) -> list[NDArray[np.float32]]:
            grabbed = self.activations_and_grads
            activations = grabbed.activations[0].numpy()  # (K, C, h, w)
            gradients = grabbed.gradients[0].numpy()  # (K, C, h, w)
            layer = self.target_layers[0]
            cam = self.get_cam_image(
                input_tensor, layer, targets, activations, gradients, eigen_smooth
            )
            return [cam]  # (K, h, w)

        def aggregate_multi_layers(
            self, cam_per_target_layer: list[NDArray[np.float32]]
        ) -> NDArray[np.float32]:
            return cam_per_target_layer[0]

    return SignedGradCAM, ClassifierOutputTarget


def signed_evidence(features: Tensor, classifier: nn.Linear) -> NDArray[np.float32]:
    """Where a film's logits come from.

    With global average pooling d logit_k / d A_c(x, y) = w_kc / (h w), so h w times Grad-CAM's
    raw map is the sum over channels of w_kc A_c(x, y), and
    ``evidence[k].mean() + bias[k] == logit[k]``.

    Args:
        features: (1, C, h, w) activations of one film, after the ReLU.
        classifier: the model's linear C -> K; it is only read.

    Returns:
        float32 (K, h, w) in logit units, in the order of ``KEYS``; positive speaks for.
    """
    signed_grad_cam, target = _grad_cam_classes()
    height, width = features.shape[-2:]
    n_outputs = classifier.out_features
    with torch.inference_mode(False), torch.enable_grad():
        head = ClassifierHead(classifier)
        # A copy, since a tensor made under inference_mode cannot take part in a backward pass.
        repeated = features.detach().repeat(n_outputs, 1, 1, 1).requires_grad_()  # (K, C, h, w)
        # Not as a context manager: the package's own swallows an IndexError.
        cam = signed_grad_cam(model=head, target_layers=[head.features])
        maps = cam(repeated, targets=[target(index) for index in range(n_outputs)])
    evidence: NDArray[np.float32] = np.asarray(maps * (height * width), dtype=np.float32)
    return evidence  # (K, h, w)


def signed_evidence_of_films(features: Tensor, classifier: nn.Linear) -> NDArray[np.float32]:
    """``signed_evidence`` of several films, each by itself.

    Args:
        features: (B, C, h, w).

    Returns:
        float32 (B, K, h, w).
    """
    return np.stack([signed_evidence(film[None], classifier) for film in features])
