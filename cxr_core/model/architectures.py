"""The networks by their names in ``model.json``: another backbone is one function and one entry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cxr_core.errors import ConfigError
from cxr_core.findings import KEYS
from cxr_core.model.densenet import DENSENET121, build_densenet121
from cxr_core.model.network import ChestNetwork

# Each takes the number of outputs and the weights to start from.
_BUILDERS: Mapping[str, Callable[[int, str | Path], ChestNetwork]] = MappingProxyType(
    {DENSENET121: build_densenet121}
)
ARCHITECTURES: tuple[str, ...] = tuple(_BUILDERS)
DEFAULT_ARCHITECTURE = DENSENET121  # also that of a model.json that names none


def build_model(
    name: str = DEFAULT_ARCHITECTURE, n_outputs: int = len(KEYS), *, weights: str | Path = "none"
) -> ChestNetwork:
    """A network ready to be trained, in train mode.

    Args:
        name: one of ``ARCHITECTURES``.
        n_outputs: logits a film.
        weights: ``imagenet`` (the published file, from its cache or downloaded), ``none``
            (random), or the path of a ``.pth`` or ``.safetensors`` file.

    Raises:
        ConfigError: there is no such network.
        WeightsError: the weights cannot be had, read, or do not fit.
    """
    if name not in _BUILDERS:
        raise ConfigError(
            "There is no such network in this version",
            value=name,
            remedy=f"Use one of {', '.join(ARCHITECTURES)}.",
        )
    return _BUILDERS[name](n_outputs, weights)
