"""The one fine-tuning loop, for all families (paper: VLM fine-tuning, step 4 of the loop)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.dataset.sample import Sample
from rls3.params import FinetuneParams
from rls3.vlm.device import seeded
from rls3.vlm.features import ImageFeatures, joined
from rls3.vlm.interface import VLM
from rls3.vlm.processes import train_in_processes
from rls3.vlm.team import launched, team_of_launch
from rls3.vlm.training import Course, train


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
    processes: int = 1,
) -> TrainingReport:
    """Fine-tune in place on a round's samples, a share of each batch replayed from earlier rounds.

    AdamW, linear warm-up then constant rate, gradient clipping. Deterministic by seed (to the last
    digit on a CPU with the same number of threads): it draws from its own generator and seeds torch
    within a forked random state, so the caller's streams are untouched.

    Args:
        earlier: the samples of each earlier round, from which the replayed ones are drawn.
        on_step: called with (steps done, steps in all).
        features: remembers encoded images from call to call.
        processes: that share each batch, started for it; the model is trained alike within
            rounding. Whoever is one of several processes of `accelerate launch` shares with those.
    Raises: ModelError if training diverges (the model is spoiled then), or if the family cannot
        be shared. ExecutionError if a process is lost.
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
        course = Course(samples, images, batches, params, rng)
        if processes > 1 and not launched():
            losses = train_in_processes(vlm, course, seed, processes)
            if on_step is not None:
                on_step(len(batches), len(batches))
        else:
            losses = train(vlm, course, on_step, team_of_launch(vlm.device))
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
