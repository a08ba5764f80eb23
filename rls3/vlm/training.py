"""The steps of fine-tuning: by one process, or by several that share each batch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.dataset.sample import Sample
from rls3.errors import ModelError
from rls3.params import FinetuneParams
from rls3.vlm.features import Shard
from rls3.vlm.interface import VLM, Captions, LossWeights
from rls3.vlm.team import Team


@dataclass(frozen=True)
class Course:
    """What is gone through.

    Attributes:
        samples, images: all that may be presented, in one order.
        batches: of each step, the indices of its samples.
        rng: draws the negatives.
    """

    samples: Sequence[Sample]
    images: Shard
    batches: Sequence[np.ndarray]
    params: FinetuneParams
    rng: np.random.Generator


def train(
    vlm: VLM,
    course: Course,
    on_step: Callable[[int, int], None] | None = None,
    team: Team | None = None,
) -> list[float]:
    """Fine-tune in place. Returns: the loss of each step.

    Args:
        team: the processes that do so together; each sees all draws, and works on its share.
    Raises: ModelError if training diverges.
    """
    params, steps = course.params, len(course.batches)
    trainable = vlm.family.trainable(vlm, params.lock_vision)
    optimizer, schedule = _optimizer(trainable, steps, params)
    losses: list[float] = []
    vlm.model.train()
    try:
        for step, batch in enumerate(course.batches):
            captions = [
                _captions(course.samples[int(i)], params.negatives, course.rng) for i in batch
            ]
            optimizer.zero_grad()
            losses.append(_gradients(vlm, course, batch, captions, trainable, team))
            _check_finite(math.isfinite(losses[-1]), step + 1, steps, params)
            torch.nn.utils.clip_grad_norm_(trainable, params.clip_norm)
            optimizer.step()
            schedule.step()
            if on_step is not None:
                on_step(step + 1, steps)
    finally:
        vlm.model.eval()
    # the last step's weights have met no loss
    finite = all(bool(weight.isfinite().all()) for weight in trainable)
    _check_finite(finite, steps, steps, params)
    return losses


def _gradients(
    vlm: VLM,
    course: Course,
    batch: np.ndarray,
    captions: Captions,
    trainable: Sequence[torch.nn.Parameter],
    team: Team | None,
) -> float:
    """Of the batch's loss, which is returned, in the weights' `grad`."""
    weights = LossWeights.of(course.params)
    if team is None:
        loss = vlm.family.loss(vlm, course.images[batch], captions, weights)
        loss.backward()
        return float(loss.detach())
    share = team.share_of(len(batch), vlm.device)
    images = course.images[batch[share.rows]]
    loss = vlm.family.shared_loss(vlm, images, captions, weights, share)
    loss.backward()
    team.average([weight.grad for weight in trainable if weight.grad is not None])
    return float(team.mean(loss.detach()))


def _optimizer(
    trainable: Sequence[torch.nn.Parameter], steps: int, params: FinetuneParams
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """With a learning rate that rises in a line, then stays."""
    optimizer = torch.optim.AdamW(
        trainable, lr=params.learning_rate, weight_decay=params.weight_decay
    )
    warmup = max(1, round(params.warmup_share * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warmup)
    )
    return optimizer, schedule


def _check_finite(finite: bool, step: int, steps: int, params: FinetuneParams) -> None:
    if not finite:
        raise ModelError(
            f"fine-tuning diverged in step {step} of {steps} (its loss or weights are not finite) "
            f"with finetune.learning_rate = {params.learning_rate}; lower it, or raise "
            "finetune.warmup_share"
        )


def _captions(sample: Sample, n_negatives: int, rng: np.random.Generator) -> list[str]:
    return [sample.caption, *_training_negatives(sample, n_negatives, rng)]


def _training_negatives(sample: Sample, limit: int, rng: np.random.Generator) -> list[str]:
    """Relation negatives first (each flip, all flipped, exchanged), filled up with replaced
    objects, `limit` at most."""
    relation = sample.negatives_of("flip", "flip_all", "swap")
    objects = sample.negatives_of("object")
    rng.shuffle(relation)
    keep_object = 1 if objects and limit > 1 else 0
    chosen = relation[: limit - keep_object]
    objects = [objects[int(i)] for i in rng.permutation(len(objects))]
    return [*chosen, *objects[: limit - len(chosen)]]
