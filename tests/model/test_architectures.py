"""Networks by name, and that nothing but the network itself knows how many channels it has."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cxr_core.errors import ConfigError
from cxr_core.model.architectures import build_model, require_architecture
from cxr_core.model.gradcam import signed_evidence
from cxr_core.model.network import ChestNetwork
from cxr_core.training.device import Accelerator
from cxr_core.training.presets import BASELINE
from cxr_core.training.trainer import Objective


def test_a_network_is_built_by_its_name_with_any_number_of_outputs() -> None:
    model = build_model("densenet121", 7)
    assert (model.architecture, model.n_channels) == ("densenet121", 1024)
    assert model.classifier.weight.shape == (7, 1024)


def test_an_unknown_name_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"no such network in this version: vgg\. Use"):
        build_model("vgg")
    with pytest.raises(ConfigError, match=r"no such network in this version: vgg\. Use"):
        require_architecture("vgg")


def test_other_channels_and_outputs_are_trained_and_explained() -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=8, padding=1), nn.ReLU())
    network = ChestNetwork("toy", features, n_channels=6, n_outputs=5)
    images = torch.randn(2, 3, 32, 32)
    config = replace(BASELINE, auxiliary_loss_weight=1.0)
    accelerator = Accelerator(torch.device("cpu"), bf16=False)
    objective = Objective(network, config, accelerator, n_auxiliary=2)
    # Zero weights of the auxiliary head, so its cross-entropy is log 2 on any film.
    labels = torch.zeros(2, 7)
    own = nn.functional.binary_cross_entropy_with_logits(network(images), labels[:, :5])
    assert objective(images, labels).item() == pytest.approx(own.item() + 0.693147, abs=1e-5)
    activations = network.forward_features(images[:1]).detach()
    evidence = torch.from_numpy(signed_evidence(activations, network.classifier))
    assert evidence.shape == (5, 4, 4)
    logits = evidence.mean(dim=(1, 2)) + network.classifier.bias
    torch.testing.assert_close(logits, network(images[:1])[0], atol=1e-5, rtol=0)
