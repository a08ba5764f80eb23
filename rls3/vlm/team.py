"""Processes that fine-tune one model together (torch's process group, joined by accelerate)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from accelerate import PartialState

from rls3.vlm.interface import BatchShare


class _Gather(torch.autograd.Function):
    """All processes' rows, one process after the other; gradients are summed over processes."""

    @staticmethod
    def forward(context, rows: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


@dataclass(frozen=True)
class Team:
    """This process's place among those that train together."""

    rank: int
    size: int

    def share_of(self, n: int, device: torch.device) -> BatchShare:
        """Of a batch of n."""
        most = -(-n // self.size)
        rows = np.arange(self.rank * most, (self.rank + 1) * most)
        own = rows < n
        weights = torch.tensor(own * (self.size / n), dtype=torch.float32, device=device)
        return BatchShare(np.where(own, rows, 0), weights, lambda part: _Gather.apply(part)[:n])

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Each over processes, in place; in one message."""
        together = self.mean(torch.cat([tensor.reshape(-1) for tensor in tensors]))
        parts = together.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts):
            tensor.copy_(part.view_as(tensor))

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Over processes."""
        total = value.clone()
        dist.all_reduce(total)
        return total / self.size


def launched() -> bool:
    """Whether this is one of several processes that a launcher (`accelerate launch`) started."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def team_of_launch(device: torch.device) -> Team | None:
    """The processes that were launched together; None if this is alone."""
    if not launched():
        return None
    state = PartialState(cpu=device.type == "cpu")
    return Team(state.process_index, state.num_processes)
