"""DenseNet121 on torchvision's features, and weights to start from."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import DenseNet121_Weights, densenet121

from cxr_core.errors import WeightsError
from cxr_core.model.metadata import DENSENET121
from cxr_core.model.network import ChestNetwork
from cxr_core.model.state_dict import StateDict, read_state_dict

# Files published before PyTorch 0.4 say denselayer1.norm.1.weight for denselayer1.norm1.weight.
_LEGACY_KEY = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")
_KEY_PREFIXES = ("module.", "model.", "densenet121.", "backbone.")
_BATCH_COUNTER = "num_batches_tracked"


# Pre-trained DenseNet121 features: ImageNet's published file, or any file on disk.


def load_imagenet_features() -> StateDict:
    """Torchvision's ImageNet features, from its cache (``TORCH_HOME``) or downloaded.

    Raises:
        WeightsError: the file is not in the cache and cannot be downloaded, or is damaged.
    """
    weights = DenseNet121_Weights.IMAGENET1K_V1
    file_name = weights.url.rsplit("/", 1)[-1]
    cached = Path(torch.hub.get_dir()) / "checkpoints" / file_name
    try:
        state: StateDict = densenet121(weights=weights, progress=False).features.state_dict()
    except (URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise WeightsError(
            f"The ImageNet weights could not be loaded ({error})",
            value=file_name,
            remedy=f"Download {weights.url} where there is a network and put the file at {cached}, "
            "or give its path with --weights PATH, or train from scratch with --weights "
            "none.",
        ) from error
    return state


def load_features(
    path: Path, *, reference: Mapping[str, Tensor], n_outputs: int
) -> tuple[StateDict, StateDict | None]:
    """Features, and a head of ``n_outputs`` where the file has one.

    Args:
        path: a ``.safetensors`` file, or one that ``torch.load(weights_only=True)`` reads.
        reference: the network's own feature tensors, by name; shapes must agree.

    Returns:
        The features by ``reference``'s names; the head's ``weight`` and ``bias``, or None.

    Raises:
        WeightsError: no such file, unreadable, or not the weights of a DenseNet121.
    """
    state = {_remap_key(key): value for key, value in read_state_dict(path).items()}
    features = {
        key.removeprefix("features."): value
        for key, value in state.items()
        if key.startswith("features.")
    }
    # A file saved before the batch counters existed trains as well without them.
    counters = {key: value for key, value in reference.items() if key.endswith(_BATCH_COUNTER)}
    missing = sorted(set(reference) - set(counters) - set(features))
    if missing:
        needed = len(reference) - len(counters)
        raise WeightsError(
            f"These are not the weights of a DenseNet121 ({len(missing)} of {needed} "
            f"tensors are missing, the first is features.{missing[0]})",
            value=path,
            remedy="Give a file saved from torchvision's densenet121.",
        )
    features = {key: features.get(key, value) for key, value in reference.items()}
    for key, value in reference.items():
        if features[key].shape != value.shape:
            raise WeightsError(
                f"A tensor has another shape than a DenseNet121's (features.{key}: "
                f"{tuple(features[key].shape)} for {tuple(value.shape)})",
                value=path,
                remedy="Give a file saved from torchvision's densenet121.",
            )
    head = _matching_head(state, n_outputs)
    for name, tensor in [*features.items(), *(head or {}).items()]:
        if not torch.isfinite(tensor).all():
            raise WeightsError(
                f"The weights hold values that are not numbers ({name})",
                value=path,
                remedy="Give other weights: a network that starts from these learns nothing.",
            )
    return features, head


def _remap_key(key: str) -> str:
    for _ in _KEY_PREFIXES:
        for wrapper in _KEY_PREFIXES:
            key = key.removeprefix(wrapper)
    match = _LEGACY_KEY.match(key)
    return match.group(1) + match.group(2) if match else key


def _matching_head(state: StateDict, n_outputs: int) -> StateDict | None:
    weight, bias = state.get("classifier.weight"), state.get("classifier.bias")
    if weight is None or bias is None or weight.ndim != 2 or bias.shape != (n_outputs,):
        return None
    if weight.shape[0] != n_outputs:
        return None
    return {"weight": weight, "bias": bias}


def build_densenet121(n_outputs: int, weights: str | Path) -> ChestNetwork:
    """DenseNet121 (Huang et al., CVPR 2017), in train mode.

    Args:
        weights: ``imagenet`` (torchvision's published file, from its cache or downloaded),
            ``none`` (random), or the path of a ``.pth`` or ``.safetensors`` file of DenseNet121
            weights, legacy key names included; its head is used only if it has as many outputs.

    Raises:
        WeightsError: the file cannot be had, read, or does not fit.
    """
    published = densenet121(weights=None)
    features = published.features
    # Torchvision applies this ReLU in place, which changes what a hook on the features sees, and
    # differently on CPU and GPU; this one is a module of its own, and not in place.
    features.add_module("relu", nn.ReLU(inplace=False))
    model = ChestNetwork(
        DENSENET121,
        features,
        n_channels=published.classifier.in_features,
        n_outputs=n_outputs,
    )
    if str(weights) == "none":
        return model
    if str(weights) == "imagenet":
        features.load_state_dict(load_imagenet_features())
        return model
    tensors, head = load_features(
        Path(weights), reference=features.state_dict(), n_outputs=n_outputs
    )
    features.load_state_dict(tensors)
    if head is not None:
        model.classifier.load_state_dict(head)
    return model
