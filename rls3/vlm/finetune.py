"""The one fine-tuning loop, for both families (paper: VLM fine-tuning, step 4 of the loop)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.dataset.sample import Sample
from rls3.params import FinetuneParams
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import VLM


@dataclass(frozen=True)
class TrainingReport:
    """losses: one for each optimiser step. samples: presentations, replayed ones included."""

    losses: tuple[float, ...]
    samples: int
    seconds: float


def finetune(
    vlm: VLM,
    new: Sequence[Sample],
    earlier: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    seed: int,
    on_step: Callable[[int, int], None] | None = None,
    image_features: ImageFeatures | None = None,
) -> TrainingReport:
    """Fine-tune in place on a round's samples, a share of each batch replayed from earlier rounds.

    AdamW, linear warm-up then constant rate, gradient clipping. Deterministic by seed: it draws from its own generator
    and seeds torch within a forked random state, so the caller's streams are untouched.

    Args:
        earlier: the samples of each earlier round, from which the replayed ones are drawn.
        on_step: called with (steps done, steps in all).
        image_features: remembers features from call to call.
    """
    started = time.perf_counter()
    if not new:
        return TrainingReport((), 0, 0.0)
    rng = np.random.default_rng(seed)
    replay = [sample for shard in earlier for sample in shard]
    n_replay = round(params.batch_size * params.replay_share) if replay else 0
    n_new = params.batch_size - n_replay
    batches = [
        np.concatenate(
            [
                order[start : start + n_new],
                len(new) + rng.choice(len(replay), n_replay, replace=len(replay) < n_replay),
            ]
            if n_replay
            else [order[start : start + n_new]]
        )
        for order in (rng.permutation(len(new)) for _ in range(params.epochs))
        for start in range(0, len(new), n_new)
    ]
    samples = [*new, *replay]
    losses = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        of_shard = image_features or ImageFeatures()
        features = torch.cat(
            [of_shard(vlm, shard, params.lock_vision) for shard in (new, *earlier)]
        )
        trainable = vlm.set_trainable(params.lock_vision)
        optimizer = torch.optim.AdamW(
            trainable, lr=params.learning_rate, weight_decay=params.weight_decay
        )
        warmup = max(1, round(params.warmup_share * len(batches)))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / warmup)
        )
        vlm.model.train()
        try:
            for step, batch in enumerate(batches):
                chosen = [samples[int(i)] for i in batch]
                false = [_training_negatives(sample, params.negatives, rng) for sample in chosen]
                loss = vlm.loss(
                    features[torch.from_numpy(batch)], [s.caption for s in chosen], false, params
                )
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trainable, params.clip_norm)
                optimizer.step()
                schedule.step()
                losses.append(float(loss.detach()))
                if on_step is not None:
                    on_step(step + 1, len(batches))
        finally:
            vlm.model.eval()
    return TrainingReport(tuple(losses), sum(map(len, batches)), time.perf_counter() - started)


def _training_negatives(sample: Sample, limit: int, rng: np.random.Generator) -> list[str]:
    """Relation negatives first (each flip, all flipped, exchanged), filled up with replaced objects, `limit` at most."""
    relation = sample.negatives_of("flip", "flip_all", "swap")
    objects = sample.negatives_of("object")
    rng.shuffle(relation)
    keep_object = 1 if objects and limit > 1 else 0
    chosen = relation[: limit - keep_object]
    objects = [objects[int(i)] for i in rng.permutation(len(objects))]
    return [*chosen, *objects[: limit - len(chosen)]]
