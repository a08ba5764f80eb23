"""The one fine-tuning loop, for all families (paper: VLM fine-tuning, step 4 of the loop)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.dataset.sample import Sample
from rls3.errors import ModelError
from rls3.params import FinetuneParams
from rls3.vlm.device import seeded
from rls3.vlm.features import ImageFeatures, Shard, joined
from rls3.vlm.interface import VLM, LossWeights


@dataclass(frozen=True)
class TrainingReport:
    """losses: one for each optimiser step. samples: presentations, replayed ones included."""

    losses: tuple[float, ...]
    samples: int


def finetune(
    vlm: VLM,
    new: Sequence[Sample],
    earlier: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    seed: int,
    on_step: Callable[[int, int], None] | None = None,
    features: ImageFeatures | None = None,
) -> TrainingReport:
    """Fine-tune in place on a round's samples, a share of each batch replayed from earlier rounds.

    AdamW, linear warm-up then constant rate, gradient clipping. Deterministic by seed (to the last
    digit on a CPU with the same number of threads): it draws from its own generator and seeds torch
    within a forked random state, so the caller's streams are untouched.

    Args:
        earlier: the samples of each earlier round, from which the replayed ones are drawn.
        on_step: called with (steps done, steps in all).
        features: remembers encoded images from call to call.
    Raises: ModelError if training diverges; the model is spoiled then.
    """
    if not new:
        return TrainingReport((), 0)
    rng = np.random.default_rng(seed)
    shards = [new, *(shard for shard in earlier if shard)]
    samples = [sample for shard in shards for sample in shard]
    batches = _batches(len(new), len(samples) - len(new), params, rng)
    with seeded(seed, vlm.device):
        of_shard = features or ImageFeatures()
        images = joined([of_shard(vlm, shard, params.lock_vision) for shard in shards])
        losses = _train(vlm, samples, images, batches, params, rng, on_step)
    return TrainingReport(tuple(losses), sum(len(batch) for batch in batches))


def _batches(
    n_new: int, n_earlier: int, params: FinetuneParams, rng: np.random.Generator
) -> list[np.ndarray]:
    """Of each step, the indices of its samples: first the new ones, each once an epoch, then the
    replayed ones. The earlier samples are numbered after the new ones."""
    n_replayed = round(params.batch_size * params.replay_share) if n_earlier else 0
    n_replayed = min(n_replayed, params.batch_size - 1)
    n_fresh = params.batch_size - n_replayed
    batches = []
    for _ in range(params.epochs):
        order = rng.permutation(n_new)
        for start in range(0, n_new, n_fresh):
            batch = order[start : start + n_fresh]
            if n_replayed:
                replayed = rng.choice(n_earlier, n_replayed, replace=n_earlier < n_replayed)
                batch = np.concatenate([batch, n_new + replayed])
            batches.append(batch)
    return batches


def _train(
    vlm: VLM,
    samples: Sequence[Sample],
    images: Shard,
    batches: Sequence[np.ndarray],
    params: FinetuneParams,
    rng: np.random.Generator,
    on_step: Callable[[int, int], None] | None,
) -> list[float]:
    trainable = vlm.family.trainable(vlm, params.lock_vision)
    optimizer, schedule = _optimizer(trainable, len(batches), params)
    weights, losses = LossWeights.of(params), []
    vlm.model.train()
    try:
        for step, batch in enumerate(batches):
            captions = [_captions(samples[int(i)], params.negatives, rng) for i in batch]
            loss = vlm.family.loss(vlm, images[batch], captions, weights)
            losses.append(float(loss.detach()))
            _check_finite(math.isfinite(losses[-1]), step + 1, len(batches), params)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, params.clip_norm)
            optimizer.step()
            schedule.step()
            if on_step is not None:
                on_step(step + 1, len(batches))
    finally:
        vlm.model.eval()
    # the last step's weights have met no loss
    finite = all(bool(weight.isfinite().all()) for weight in trainable)
    _check_finite(finite, len(batches), len(batches), params)
    return losses


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
