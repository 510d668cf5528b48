"""Which processor trains, and in which precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cxr_core.model.network import ChestNetwork


@dataclass(frozen=True)
class Accelerator:
    """A device and how to use it well.

    Attributes:
        device: where the network lives.
        bf16: run the forward under bfloat16 autocast; the weights stay float32.
    """

    device: torch.device
    bf16: bool

    @property
    def memory_format(self) -> torch.memory_format:
        """Channels last: bfloat16 convolutions want it, and float32 ones gain by it."""
        return torch.channels_last

    def autocast(self) -> Any:
        """A context for the forward pass."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def prepare(self, model: ChestNetwork) -> ChestNetwork:
        """Move ``model`` to the device in the right memory format."""
        return model.to(self.device).to(memory_format=self.memory_format)

    def __str__(self) -> str:
        return f"{self.device.type}, {'bfloat16' if self.bf16 else 'float32'} channels_last"


def select_accelerator(precision: str = "auto") -> Accelerator:
    """A GPU if there is one.

    Args:
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the processor has
            instructions for it.
    """
    if torch.cuda.is_available():
        device = torch.device("cuda", torch.cuda.current_device())
        bf16 = torch.cuda.is_bf16_supported() if precision == "auto" else precision == "bfloat16"
        return Accelerator(device, bf16=bf16)
    # Without such instructions a bfloat16 convolution is emulated, and slower than float32.
    # Older releases of torch cannot say; they train in float32.
    ask: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    capabilities = ask()
    bf16 = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    if precision != "auto":
        bf16 = precision == "bfloat16"
    return Accelerator(torch.device("cpu"), bf16=bf16)
