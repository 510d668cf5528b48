"""Signed Grad-CAM: the logit identity, and agreement with the package's own output."""

import threading

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxr_core.findings import KEYS
from cxr_core.model.architectures import build_model
from cxr_core.model.gradcam import ClassifierHead, signed_evidence, signed_evidence_of_films
from cxr_core.model.network import ChestNetwork


@pytest.fixture(scope="module")
def model() -> ChestNetwork:
    torch.manual_seed(1)
    network = build_model().eval().requires_grad_(False)
    network.classifier.bias.add_(torch.tensor([0.3, -1.2, 0.0, 2.0]))
    return network


@pytest.fixture(scope="module")
def features(model: ChestNetwork) -> torch.Tensor:
    torch.manual_seed(2)
    with torch.inference_mode():
        return model.forward_features(torch.randn(1, 3, 224, 224))  # (1, 1024, 7, 7)


def test_mean_plus_bias_is_the_raw_logit(model: ChestNetwork, features: torch.Tensor) -> None:
    evidence = signed_evidence(features, model.classifier)  # (4, 7, 7)
    assert evidence.shape == (4, 7, 7)
    assert evidence.dtype == np.float32
    with torch.inference_mode():
        logits = model.forward_head(features)[0].numpy()  # (4,)
    sums = evidence.mean(axis=(1, 2)) + model.classifier.bias.numpy()
    np.testing.assert_allclose(sums, logits, atol=1e-4)


def test_evidence_is_weighted_activations(model: ChestNetwork, features: torch.Tensor) -> None:
    weighted = torch.einsum("kc,chw->khw", model.classifier.weight, features[0]).numpy()
    np.testing.assert_allclose(signed_evidence(features, model.classifier), weighted, atol=1e-4)


def test_positive_part_min_max_scaled_is_the_packages_own_output(
    model: ChestNetwork, features: torch.Tensor
) -> None:
    evidence = signed_evidence(features, model.classifier)  # (4, 7, 7)
    head = ClassifierHead(model.classifier)
    given = features.clone().repeat(4, 1, 1, 1).requires_grad_()  # (4, 1024, 7, 7)
    with GradCAM(model=head, target_layers=[head.features]) as package:
        expected = package(given, targets=[ClassifierOutputTarget(k) for k in range(4)])
    positive = np.maximum(evidence, 0)  # (4, 7, 7)
    low = positive.min(axis=(1, 2), keepdims=True)
    high = positive.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose((positive - low) / (high - low + 1e-7), expected, atol=1e-5)


def test_signs_differ_between_findings(model: ChestNetwork, features: torch.Tensor) -> None:
    evidence = signed_evidence(features, model.classifier)
    assert (evidence < 0).any()
    assert (evidence > 0).any()
    assert not np.allclose(evidence[0], evidence[1])


def test_the_shared_model_is_left_as_it_was(model: ChestNetwork, features: torch.Tensor) -> None:
    before = {key: value.clone() for key, value in model.state_dict().items()}
    signed_evidence(features, model.classifier)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_threads_do_not_mix(model: ChestNetwork) -> None:
    films = [torch.rand(1, 1024, 7, 7) for _ in range(24)]
    alone = [signed_evidence(film, model.classifier) for film in films]
    together: dict[int, np.ndarray] = {}

    def work(start: int) -> None:
        for index in range(start, len(films), 4):
            together[index] = signed_evidence(films[index], model.classifier)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, evidence in enumerate(alone):
        np.testing.assert_array_equal(together[index], evidence)


def test_keys_and_maps_have_one_order(model: ChestNetwork) -> None:
    """A film whose features speak only for one finding has its positive mean there."""
    for index in range(len(KEYS)):
        weight = model.classifier.weight[index].clamp(min=0)  # (1024,)
        film = weight.view(1, -1, 1, 1).expand(1, -1, 7, 7)
        means = signed_evidence(film, model.classifier).mean(axis=(1, 2))
        assert means.argmax() == index


def test_several_films_are_each_explained_by_themselves(model: ChestNetwork) -> None:
    films = torch.rand(3, 1024, 2, 2)
    evidence = signed_evidence_of_films(films, model.classifier)
    assert evidence.shape == (3, len(KEYS), 2, 2)
    for film, maps in zip(films, evidence, strict=True):
        np.testing.assert_array_equal(maps, signed_evidence(film[None], model.classifier))
