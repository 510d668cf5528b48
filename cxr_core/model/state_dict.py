"""Weights files of others: tensors by name, and never a pickle's code."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from cxr_core.errors import WeightsError

StateDict = dict[str, Tensor]
_STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model")


def load_torch_file(path: Path) -> object:
    """What ``torch.save`` wrote, without code, once its checksums are right.

    PyTorch itself does not look at them: a flipped bit of a tensor would be another weight.

    Raises:
        ValueError: a part is not as it was written.
        Exception: of any kind, as PyTorch raises it on a file that it did not write.
    """
    if zipfile.is_zipfile(path):  # before PyTorch 1.6 it was none, and had no checksums
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)


def read_state_dict(path: Path) -> StateDict:
    """The tensors of a ``.safetensors`` file, or of a ``.pth`` one without code in it.

    Raises:
        WeightsError: no such file, or it does not hold tensors by name.
    """
    if not path.is_file():
        raise WeightsError(
            "There is no weights file here",
            value=path,
            remedy="Check the path, or use --weights imagenet or --weights none.",
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded: object = load_torch_file(path)
    except Exception as error:  # whatever a parser raises on a file that is something else
        raise WeightsError(
            "The weights file cannot be read as tensors only",
            value=path,
            remedy="Save it again as a plain state_dict (torch.save) or as safetensors.",
        ) from error
    for nest in _STATE_DICT_KEYS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(nest), Mapping):
            loaded = loaded[nest]
    if not isinstance(loaded, Mapping) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise WeightsError(
            "The weights file does not hold a state_dict",
            value=path,
            remedy="Save model.state_dict() rather than the model itself.",
        )
    return {str(key): value for key, value in loaded.items()}
