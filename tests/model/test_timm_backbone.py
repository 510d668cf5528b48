"""Networks of timm: whose logits have maps, and weights under other names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cxr_core.errors import ConfigError, WeightsError
from cxr_core.model.architectures import build_model, require_architecture
from cxr_core.model.gradcam import signed_evidence

timm = pytest.importorskip("timm", reason='needs the extra: pip install ".[backbones]"')
NAME = "mobilenetv2_050"  # small, with batch norms; its head is one linear layer


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """Its tensors in timm's names, head of 1,000 classes and batch counters included."""
    torch.manual_seed(1)
    state: dict[str, torch.Tensor] = timm.create_model(NAME, pretrained=False).state_dict()
    return state


def features_of(path: Path) -> dict[str, torch.Tensor]:
    model = build_model(f"timm/{NAME}", weights=path)
    return {name.removeprefix("features.network."): v for name, v in model.state_dict().items()}


def test_maps_and_bias_are_the_logits() -> None:
    torch.manual_seed(0)
    model = build_model(f"timm/{NAME}").eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        features, logits = model.forward_features(images), model(images)[0]
    evidence = signed_evidence(features, model.classifier)
    assert model.classifier.out_features == 4
    means = evidence.mean(axis=(1, 2)) + model.classifier.bias.detach().numpy()
    np.testing.assert_allclose(means, logits.numpy(), atol=1e-4)
    assert np.abs(evidence).max() > 0


def test_weights_under_the_networks_own_names_are_loaded(
    published: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    # In another order, so that only the names can tell.
    save_file(dict(reversed(published.items())), tmp_path / "own.safetensors")
    loaded = features_of(tmp_path / "own.safetensors")
    assert torch.equal(loaded["conv_stem.weight"], published["conv_stem.weight"])
    assert torch.equal(loaded["bn2.weight"], published["bn2.weight"])


def test_another_implementations_names_do_where_the_order_is_the_same(
    published: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    tensors = [v for name, v in published.items() if not name.endswith("num_batches_tracked")]
    torch.save({f"layer{i}": v for i, v in enumerate(tensors)}, tmp_path / "other.pth")
    loaded = features_of(tmp_path / "other.pth")
    for name in ("conv_stem.weight", "bn2.running_var"):
        assert torch.equal(loaded[name], published[name])


def test_weights_of_another_network_are_one_sentence(
    published: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    tensors = [v for name, v in published.items() if not name.endswith("num_batches_tracked")]
    torch.save({f"layer{i}": v for i, v in enumerate(tensors[:-1])}, tmp_path / "short.pth")
    count = len(tensors)
    words = rf"not the weights of this network \({count - 1} tensors for {count}\): .*short\.pth"
    with pytest.raises(WeightsError, match=words):
        features_of(tmp_path / "short.pth")
    tensors[0] = torch.zeros(1)
    torch.save({f"layer{i}": v for i, v in enumerate(tensors)}, tmp_path / "shape.pth")
    with pytest.raises(WeightsError, match=r"first that differs is conv_stem\.weight: \(1,\) for"):
        features_of(tmp_path / "shape.pth")


def test_a_network_without_one_linear_layer_over_a_mean_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no map of evidence: vit_tiny_patch16_224\. Use"):
        build_model("timm/vit_tiny_patch16_224")


def test_a_name_that_timm_does_not_have_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"timm has no network of this name: resnet5O\. Use"):
        require_architecture("timm/resnet5O")


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"need the package timm.*\[backbones\]"):
        require_architecture("timm/resnet50")
