"""The processes that train together: alone, or as many as torchrun started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

Value = TypeVar("Value")

# One process may decode 112,120 films, or read them after the fit, while the others wait.
PROCESS_GROUP_TIMEOUT = timedelta(hours=12)


@dataclass(frozen=True)
class Distributed:
    """This process's place among those that train together.

    Attributes:
        rank: 0 to ``world_size`` - 1, over all machines; 0 leads, and alone writes files.
        world_size: processes over all machines.
        local_rank: place on this machine, and the number of its GPU.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            self.all_gather(None)

    def all_gather(self, value: Value) -> list[Value]:
        """Every process's value, in the order of ranks, in every process."""
        if self.world_size == 1:
            return [value]
        values: list[Value | None] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values  # type: ignore[return-value]

    def all_gather_batches(self, own: dict[int, Value]) -> list[Value]:
        """What every process made of its batches, by their numbers -> all, in their order."""
        gathered = {number: made for part in self.all_gather(own) for number, made in part.items()}
        return [gathered[number] for number in sorted(gathered)]

    def all_reduce_sum(self, values: Tensor) -> Tensor:
        """Sum over the processes, in every process."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def broadcast_state(self, module: nn.Module) -> None:
        """Give every process the leader's weights and statistics."""
        if self.world_size > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)

    def wrap_ddp(self, module: nn.Module, device: torch.device) -> nn.Module:
        """``module`` with its gradients averaged over the processes.

        On GPUs the batch statistics are those of the whole batch. On the CPU each process has
        its own, and the leader's running statistics are the ones that are kept.
        """
        if self.world_size == 1:
            return module
        on_gpu = device.type == "cuda"
        if on_gpu:
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(module, device_ids=[self.local_rank] if on_gpu else None)

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """The leader goes first, then one process on each other machine, then the rest.

        So a cache is made once where machines share a disk, and once a machine where not.
        """
        stage = 0 if self.is_main else 1 if self.local_rank == 0 else 2
        for _ in range(stage):
            self.barrier()
        yield
        for _ in range(stage, 2):
            self.barrier()


@contextmanager
def init_distributed() -> Iterator[Distributed]:
    """The processes that torchrun started with this one, or a team of one without it.

    torchrun says who is who by ``RANK``, ``WORLD_SIZE`` and ``LOCAL_RANK``.
    """
    if "RANK" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        yield Distributed()
        return
    distributed = Distributed(
        int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_RANK"])
    )
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(distributed.local_rank)
    # Tables and flags travel over gloo, gradients of a GPU over NCCL.
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, timeout=PROCESS_GROUP_TIMEOUT)
    try:
        yield distributed
    finally:
        dist.destroy_process_group()
