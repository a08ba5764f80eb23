"""The one loop that all stages of pre-training share."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rls3.params import BaseParams

logger = logging.getLogger(__name__)
_WEIGHT_DECAY = 0.02
_CLIP_NORM = 1.0
_LOG_STEPS = 100


@dataclass(frozen=True)
class Part:
    """Of a loss: weight * value, a scalar."""

    name: str
    weight: float
    value: torch.Tensor


@dataclass(frozen=True)
class Stage:
    """What is trained, and by which losses.

    Attributes:
        epochs: passes over the data; a fraction of one is fine.
        module: in training mode meanwhile.
        trainable: parameters, those of thrown-away heads included.
        clipped: those whose gradients' norm is clipped.
        losses: parts of the loss on the samples of these indices, (B,) int64.
    """

    name: str
    epochs: float
    module: nn.Module
    trainable: Sequence[nn.Parameter]
    clipped: Sequence[nn.Parameter]
    losses: Callable[[torch.Tensor], Sequence[Part]]


def train(stage: Stage, n_samples: int, params: BaseParams, rng: torch.Generator) -> None:
    """AdamW, a short warm-up, then a cosine down to a hundredth of the rate."""
    steps = max(1, int(stage.epochs * n_samples / params.batch_size))
    optimizer = torch.optim.AdamW(
        stage.trainable, lr=params.learning_rate, weight_decay=_WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    stage.module.train()
    for step, rows in enumerate(_batches(n_samples, steps, params.batch_size, rng)):
        parts = stage.losses(rows)
        optimizer.zero_grad()
        sum(part.weight * part.value for part in parts).backward()
        nn.utils.clip_grad_norm_(stage.clipped, _CLIP_NORM)
        optimizer.step()
        schedule.step()
        if step % _LOG_STEPS == 0:
            values = " ".join(f"{part.name} {part.value.item():.4f}" for part in parts)
            logger.info("%s %d/%d %s", stage.name, step, steps, values)
    stage.module.eval()


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate."""
    warmup = max(1, steps // 20)
    return min((step + 1) / warmup, 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps))) + 0.01)


def _batches(
    n_samples: int, steps: int, batch_size: int, rng: torch.Generator
) -> Iterator[torch.Tensor]:
    """Indices of each step's samples; each sample once, in random order, before any comes again."""
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch_size:
            order = torch.cat([order, torch.randperm(n_samples, generator=rng)])
        rows, order = order[:batch_size], order[batch_size:]
        yield rows


def half_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where it is safe; twice as fast on CPUs that multiply it in hardware (with eager
    attention)."""
    return torch.autocast(device.type, torch.bfloat16)
