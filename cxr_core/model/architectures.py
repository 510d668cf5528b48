"""The networks by their names in ``model.json``: DenseNet121, and any of timm's that fits."""

from pathlib import Path

from cxr_core.config import IMAGENET_MEAN, IMAGENET_STD
from cxr_core.errors import ConfigError
from cxr_core.findings import KEYS
from cxr_core.model.densenet import build_densenet121
from cxr_core.model.metadata import DEFAULT_ARCHITECTURE, DENSENET121
from cxr_core.model.network import ChestNetwork
from cxr_core.model.timm_backbone import (
    TIMM_PREFIX,
    build_timm,
    imagenet_statistics,
    require_timm_model,
)


def require_architecture(name: str) -> None:
    """Raise ConfigError unless ``build_model`` knows the name."""
    if name.startswith(TIMM_PREFIX):
        require_timm_model(name.removeprefix(TIMM_PREFIX))
    elif name != DENSENET121:
        raise ConfigError(
            "There is no such network in this version",
            value=name,
            remedy=f"Use {DENSENET121}, or {TIMM_PREFIX} and one of timm's names, such as "
            f"{TIMM_PREFIX}tf_efficientnet_lite2.",
        )


def build_model(
    name: str = DEFAULT_ARCHITECTURE, n_outputs: int = len(KEYS), *, weights: str | Path = "none"
) -> ChestNetwork:
    """A network ready to be trained, in train mode.

    Args:
        name: ``densenet121``, or ``timm/`` and a name of timm's whose network ends in global
            average pooling and one linear layer (needs the extra ``backbones``).
        n_outputs: logits a film.
        weights: ``imagenet`` (the published file, from its cache, an installed package or
            downloaded), ``none`` (random), or the path of a ``.pth`` or ``.safetensors`` file.

    Raises:
        ConfigError: there is no such network, or it ends in something else.
        WeightsError: the weights cannot be had, read, or do not fit.
    """
    require_architecture(name)
    if name.startswith(TIMM_PREFIX):
        return build_timm(name.removeprefix(TIMM_PREFIX), n_outputs, weights)
    return build_densenet121(n_outputs, weights)


def imagenet_mean_std(
    name: str,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation a channel of the network's ImageNet weights."""
    if name.startswith(TIMM_PREFIX):
        return imagenet_statistics(name.removeprefix(TIMM_PREFIX))
    return IMAGENET_MEAN, IMAGENET_STD
