"""One model over several processes: FSDP2, bfloat16 arithmetic, gradient checkpointing.

Weights, gradients and optimiser states lie in float32, each process holding its part; a layer's weights are gathered in
bfloat16 while it is computed. Every process reads its own pairs. The training loop is the one that is used alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from models.training.architecture import CausalModel

__all__ = ["ALONE", "Ranks", "gathered", "joined", "shard", "shard_device"]

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int
    world_size: int

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def share_of(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """This process's entries: every so many-th, so that all have as many as possible."""
        return entries[self.rank :: self.world_size]


ALONE = Ranks(0, 1)
"""One process, which needs no other."""


@contextmanager
def joined(rank: int, world_size: int, meeting: Path) -> Iterator[Ranks]:
    """Be one of several processes.

    Args:
        rank: From 0.
        world_size: All of them.
        meeting: A file that does not exist yet; the same for all.
    """
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(rank)
    dist.init_process_group(backend, init_method=meeting.resolve().as_uri(), rank=rank, world_size=world_size)
    try:
        yield Ranks(rank, world_size)
    finally:
        dist.destroy_process_group()


def shard_device() -> torch.device:
    """Where a process computes: on its GPU, or on the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def shard(whole: nn.Module, ranker: CausalModel, ranks: Ranks) -> None:
    """Spread a model over the processes, in place; all call it with the same weights.

    Args:
        whole: The module that is called; it holds the ranker. Its head and embedding are one, so one group holds both.
        ranker: Whose layers are groups of their own.
        ranks: The processes.
    """
    whole.to(shard_device())
    mesh = init_device_mesh(shard_device().type, (ranks.world_size,))
    precision = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    ranker.gradient_checkpointing_enable()
    for layer in ranker.model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=precision)
    fully_shard(whole, mesh=mesh, mp_policy=precision)


def gathered(whole: nn.Module) -> dict[str, torch.Tensor]:
    """The whole weights on the CPU, for the first process; the others get none. All call it."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return dict(get_model_state_dict(whole, options=options))
