"""The one fine-tuning loop, for all families (paper: VLM fine-tuning, step 4 of the loop)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.dataset.sample import Pictured, Sample
from rls3.params import FinetuneParams, SamplingParams
from rls3.vlm.device import seeded
from rls3.vlm.features import ImageFeatures, Mirrored, Shard, joined
from rls3.vlm.interface import VLM
from rls3.vlm.lessons import Lesson, lessons_of, with_mirrored
from rls3.vlm.processes import train_in_processes
from rls3.vlm.team import launched, team_of_launch
from rls3.vlm.training import Course, learning_rates, train


@dataclass(frozen=True)
class TrainingReport:
    """losses: one for each optimiser step. captions: presented, earlier rounds' included."""

    losses: tuple[float, ...]
    captions: int


def finetune(
    vlm: VLM,
    new: Sequence[Sample],
    earlier: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    sampling: SamplingParams,
    seed: int,
    on_step: Callable[[int, int], None] | None = None,
    features: ImageFeatures | None = None,
    processes: int = 1,
) -> TrainingReport:
    """Fine-tune in place on the true captions of a round's samples and of all earlier rounds'.

    Muon and AdamW (`rls3.vlm.optimizers`), begun anew each round, with a rate that rises and falls
    once in a campaign, and gradient clipping. Deterministic by seed (to the last digit on a CPU
    with the same number of threads): it draws from its own generator and seeds torch within a
    forked random state, so the caller's streams are untouched.

    Args:
        earlier: the samples of each earlier round; their number says which round this is.
        sampling: what makes a pair of objects one to caption.
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
    lessons, batches = _lessons(shards, params, sampling, rng)
    rates = learning_rates(params, len(earlier) + 1)
    with seeded(seed, vlm.device):
        images = _images(vlm, shards, params, features or ImageFeatures())
        course = Course(lessons, images, batches, rates, params, rng)
        if processes > 1 and not launched():
            losses = train_in_processes(vlm, course, seed, processes)
            if on_step is not None:
                on_step(len(batches), len(batches))
        else:
            losses = train(vlm, course, on_step, team_of_launch(vlm.device))
    return TrainingReport(tuple(losses), sum(len(batch) for batch in batches))


def _lessons(
    shards: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    sampling: SamplingParams,
    rng: np.random.Generator,
) -> tuple[list[Lesson], list[np.ndarray]]:
    """All that may be presented, and of each step the indices of what is. What is mirrored comes
    in the same step as what it mirrors: so each is a rival of the other (`rls3.vlm.rivals`)."""
    new, *earlier = lessons_of(shards, params, sampling)
    lessons = [*new, *(lesson for of_one in earlier for lesson in of_one)]
    n_mirrored = params.batch_size // 2 if params.mirrored else 0
    n_step = max(1, params.batch_size - n_mirrored)
    batches = _batches(len(new), len(lessons) - len(new), n_step, params, rng)
    if not params.mirrored:
        return lessons, batches
    n_images = sum(map(len, shards))
    plain, turned = zip(*(with_mirrored(lesson, n_images) for lesson in lessons), strict=True)
    return [*plain, *turned], [
        np.concatenate([batch, len(lessons) + batch[:n_mirrored]]) for batch in batches
    ]


def _images(
    vlm: VLM,
    shards: Sequence[Sequence[Sample]],
    params: FinetuneParams,
    of_shard: ImageFeatures,
) -> Shard:
    """The pictures of the shards; then, if they are asked for, all of them mirrored."""
    pictures: list[Sequence[Pictured]] = list(shards)
    if params.mirrored:
        pictures += [[Mirrored(sample) for sample in shard] for shard in shards]
    return joined([of_shard(vlm, shard, params.lock_vision) for shard in pictures])


def _batches(
    n_new: int, n_earlier: int, n_step: int, params: FinetuneParams, rng: np.random.Generator
) -> list[np.ndarray]:
    """Of each step, the indices of `n_step` lessons, first those of new samples. The earlier ones
    are numbered after them."""
    n_replayed = min(round(n_step * params.replay_share), n_step - 1) if n_earlier else 0
    new = _stream(n_new, n_step - n_replayed, params.steps, rng)
    replayed = _stream(n_earlier, n_replayed, params.steps, rng)
    return list(np.hstack([new, n_new + replayed]))


def _stream(n: int, n_step: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(steps, n_step) indices below n: one shuffled pass after the other, so that all come equally
    often. Of fewer than a step has room for, all are in each step."""
    n_step = min(n, n_step)
    passes = -(-steps * n_step // n) if n_step else 0
    order = [rng.permutation(n) for _ in range(passes)] or [np.empty(0, int)]
    return np.concatenate(order)[: steps * n_step].reshape(steps, n_step)
