"""The network: torchvision's features, our own ReLU, logits, and weights from a file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import DenseNet, densenet121

from cxr_core.errors import WeightsError
from cxr_core.model.architectures import build_model


@pytest.fixture(scope="module")
def published() -> DenseNet:
    """Torchvision's own network with a 1000-class head and weights that are not the default."""
    torch.manual_seed(7)
    return densenet121(weights=None).eval()


def legacy(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The key names of the file that torchvision publishes."""
    names = {}
    for key, value in state.items():
        for part in ("norm", "relu", "conv"):
            for number in "12":
                key = key.replace(f".{part}{number}.", f".{part}.{number}.")
        if not key.endswith("num_batches_tracked"):
            names[key] = value
    return names


def test_features_equal_torchvisions_after_its_relu(published: DenseNet) -> None:
    model = build_model().eval()
    model.features.load_state_dict(published.features.state_dict())
    images = torch.randn(2, 3, 64, 64)  # (B, 3, S, S)
    with torch.no_grad():
        expected = torch.relu(published.features(images))
        torch.testing.assert_close(model.forward_features(images), expected)


def test_forward_is_head_over_features_and_returns_four_logits() -> None:
    model = build_model().eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        features = model.forward_features(images)
        logits = model(images)
    assert features.shape == (2, 1024, 7, 7)
    assert logits.shape == (2, 4)
    expected = features.mean((2, 3)) @ model.classifier.weight.T + model.classifier.bias
    torch.testing.assert_close(logits, expected.detach())


def test_no_relu_of_ours_is_in_place() -> None:
    relu = build_model().features.get_submodule("relu")
    assert isinstance(relu, torch.nn.ReLU)
    assert relu.inplace is False


@pytest.mark.parametrize("wrap", ["plain", "legacy", "module", "nested", "safetensors"])
def test_weights_file_with_a_1000_class_head(
    published: DenseNet, tmp_path: Path, wrap: str
) -> None:
    state = published.state_dict()
    path = tmp_path / ("weights.safetensors" if wrap == "safetensors" else "weights.pth")
    if wrap == "safetensors":
        save_file(state, path)
    else:
        wrapped = {
            "plain": state,
            "legacy": legacy(state),
            "module": {f"module.{key}": value for key, value in state.items()},
            "nested": {"epoch": 3, "state_dict": legacy(state)},
        }
        torch.save(wrapped[wrap], path)
    model = build_model(weights=path)
    loaded = model.features.state_dict()
    for key, value in published.features.state_dict().items():
        torch.testing.assert_close(loaded[key], value)
    assert model.classifier.weight.shape == (4, 1024)


def test_legacy_names_really_are_other_names(published: DenseNet) -> None:
    assert "features.denseblock1.denselayer1.norm.1.weight" in legacy(published.state_dict())


def test_four_output_head_is_used(tmp_path: Path) -> None:
    trained = build_model()
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    model = build_model(weights=tmp_path / "w.pth")
    torch.testing.assert_close(model.classifier.weight, trained.classifier.weight)


def test_imagenet_comes_from_torch_home(
    published: DenseNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real path: torchvision's enum, its cache folder, its hash check."""
    from torchvision.models import DenseNet121_Weights

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    name = DenseNet121_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]
    torch.save(legacy(published.state_dict()), tmp_path / "hub" / "checkpoints" / name)
    model = build_model(weights="imagenet")
    expected = published.features.state_dict()["conv0.weight"]
    torch.testing.assert_close(model.features.state_dict()["conv0.weight"], expected)


def test_offline_imagenet_is_one_sentence_with_file_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.error import URLError

    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(WeightsError) as caught:
        build_model(weights="imagenet")
    assert caught.value.value == "densenet121-a639ec97.pth"
    assert str(tmp_path / "hub" / "checkpoints" / "densenet121-a639ec97.pth") in str(caught.value)
    assert "--weights none" in caught.value.remedy


def test_missing_foreign_and_unsafe_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights file here: .*nowhere\.pth"):
        build_model(weights=tmp_path / "nowhere.pth")
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"not the weights of a DenseNet121 \(604 of 604"):
        build_model(weights=tmp_path / "other.pth")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "pickle.pth")
    with pytest.raises(WeightsError, match="cannot be read as tensors only"):
        build_model(weights=tmp_path / "pickle.pth")
    torch.save(3, tmp_path / "number.pth")
    with pytest.raises(WeightsError, match="does not hold a state_dict"):
        build_model(weights=tmp_path / "number.pth")
    wrong = densenet121(weights=None).state_dict()
    wrong["features.conv0.weight"] = torch.zeros(64, 1, 7, 7)
    torch.save(wrong, tmp_path / "gray.pth")
    with pytest.raises(WeightsError, match=r"features\.conv0\.weight: \(64, 1, 7, 7\)"):
        build_model(weights=tmp_path / "gray.pth")
