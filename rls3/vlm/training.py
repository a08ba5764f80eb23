"""The steps of fine-tuning: by one process, or by several that share each batch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.errors import ModelError
from rls3.params import FinetuneParams
from rls3.vlm.features import Shard
from rls3.vlm.interface import VLM, Captions, LossWeights
from rls3.vlm.lessons import Lesson, captions_of
from rls3.vlm.optimizers import Optimizers
from rls3.vlm.team import Team


@dataclass(frozen=True)
class Course:
    """What is gone through.

    Attributes:
        lessons: all that may be presented. images: the pictures that they number.
        batches: of each step, the indices of its lessons.
        rates: of each step, the learning rate (AdamW's).
        rng: draws the negatives.
    """

    lessons: Sequence[Lesson]
    images: Shard
    batches: Sequence[np.ndarray]
    rates: Sequence[float]
    params: FinetuneParams
    rng: np.random.Generator


def learning_rates(params: FinetuneParams, number: int) -> list[float]:
    """Of each step of a round of that number: over the first `decay_rounds` rounds of a campaign
    one rise and one fall, which no round begins anew.

    A line up over `warmup_share` of them, times half a cosine down to `final_rate_share`, which
    stays. It depends on the round's number alone, so that a round can be made again.
    """
    steps = np.arange(1, params.steps + 1)
    place = np.minimum(1.0, (number - 1 + steps / params.steps) / params.decay_rounds)
    rise = np.minimum(1.0, place / params.warmup_share) if params.warmup_share else 1.0
    fall = (1 + np.cos(math.pi * place)) / 2
    share = params.final_rate_share + (1 - params.final_rate_share) * fall
    return [float(rate) for rate in params.learning_rate * rise * share]


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
    optimizers = Optimizers(vlm.model, trainable, params.weight_decay, params.muon_rate)
    losses: list[float] = []
    vlm.model.train()
    try:
        for step, (batch, rate) in enumerate(zip(course.batches, course.rates, strict=True)):
            lessons = [course.lessons[int(i)] for i in batch]
            optimizers.zero_grad()
            losses.append(_gradients(vlm, course, lessons, trainable, team))
            _check_finite(math.isfinite(losses[-1]), step + 1, steps, params)
            torch.nn.utils.clip_grad_norm_(trainable, params.clip_norm)
            optimizers.step(rate)
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
    lessons: Sequence[Lesson],
    trainable: Sequence[torch.nn.Parameter],
    team: Team | None,
) -> float:
    """Of the batch's loss, which is returned, in the weights' `grad`."""
    weights, negatives = LossWeights.of(course.params), course.params.negatives
    captions: Captions = [captions_of(lesson, negatives, course.rng) for lesson in lessons]
    rows = np.array([lesson.image for lesson in lessons])
    if team is None:
        loss = vlm.family.loss(vlm, course.images[rows], captions, weights)
        loss.backward()
        return float(loss.detach())
    share = team.share_of(len(lessons), vlm.device)
    images = course.images[rows[share.rows]]
    loss = vlm.family.shared_loss(vlm, images, captions, weights, share)
    loss.backward()
    team.average([weight.grad for weight in trainable if weight.grad is not None])
    return float(team.mean(loss.detach()))


def _check_finite(finite: bool, step: int, steps: int, params: FinetuneParams) -> None:
    if not finite:
        raise ModelError(
            f"fine-tuning diverged in step {step} of {steps} (its loss or weights are not finite) "
            f"with finetune.learning_rate = {params.learning_rate}; lower it, or raise "
            "finetune.warmup_share"
        )
