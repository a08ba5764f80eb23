"""Metrics. Main one: two-way accuracy per term (the true caption against the same caption with that one term flipped),
macro-averaged over the six terms. Chance is 50 %; for four-way object accuracy 25 %. A tie is not a success."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.dataset.sample import Sample
from rls3.language.relation import Term
from rls3.params import EvaluationParams
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import VLM

TERMS = tuple(map(str, Term))
_ROOM_TYPES = {0: "kitchen", 2: "living room", 3: "bedroom", 4: "bathroom"}


def room_type(floor_plan: str) -> str:
    """By iTHOR's numbering: FloorPlan1-30 are kitchens, 201-230 living rooms, 301-330 bedrooms, 401-430 bathrooms; another
    scene stands for itself."""
    match = re.fullmatch(r"FloorPlan(\d+)", floor_plan)
    return _ROOM_TYPES.get(int(match[1]) // 100, floor_plan) if match else floor_plan


@dataclass(frozen=True)
class Slice:
    """Accuracy (0..1) over `count` decisions, with a 95 % bootstrap interval."""

    accuracy: float
    count: int
    low: float
    high: float


@dataclass(frozen=True)
class Verdicts:
    """What a model decided on each sample; the raw material of every metric.

    Attributes:
        term_right: (N, 6) 1.0 right, 0.0 wrong, nan where the caption lacks the term.
        strict: (N,) true caption above every relation negative (flips, all flipped, exchanged).
        object_right: (N,) true caption above the captions with a replaced object.
        failure: (N,) mean over the sample's terms of sigmoid(score of the flipped caption - score of the true one).
    """

    term_right: np.ndarray
    strict: np.ndarray
    object_right: np.ndarray
    failure: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """A model on a benchmark, by every slice that we report."""

    accuracy: Slice
    by_term: dict[str, Slice]
    by_complexity: dict[str, Slice]
    by_room_type: dict[str, Slice]
    strict: Slice
    object_accuracy: Slice
    n_samples: int


@torch.no_grad()
def judge(
    vlm: VLM,
    samples: Sequence[Sample],
    batch_size: int,
    on_done: Callable[[int], None] | None = None,
    image_features: ImageFeatures | None = None,
) -> Verdicts:
    """Score each sample's true and false captions; the model is left as it was.

    Args:
        on_done: called with the number of samples judged.
        image_features: remembers features from call to call.
    """
    features = (image_features or ImageFeatures())(vlm, samples) if samples else None
    rows: list[tuple[np.ndarray, bool, bool, float]] = []
    for start in range(0, len(samples), batch_size):
        batch = samples[start : start + batch_size]
        captions = [[s.caption, *(n.text for n in s.negatives)] for s in batch]
        scores = vlm.scores(features[start : start + batch_size], captions).double().numpy()
        rows += [_judged(sample, row) for sample, row in zip(batch, scores)]
        if on_done is not None:
            on_done(len(rows))
    if not rows:
        return Verdicts(np.empty((0, len(TERMS))), *(np.empty(0) for _ in range(3)))
    terms, strict, objects, failure = zip(*rows)
    return Verdicts(
        np.stack(terms), np.array(strict, float), np.array(objects, float), np.array(failure)
    )


def _judged(sample: Sample, scores: np.ndarray) -> tuple[np.ndarray, bool, bool, float]:
    margins = scores[0] - scores[1 : 1 + len(sample.negatives)]
    by_term, failures = np.full(len(TERMS), np.nan), []
    relation, objects = [], []
    for negative, margin in zip(sample.negatives, margins):
        (objects if negative.kind == "object" else relation).append(margin)
        if negative.kind == "flip":
            by_term[TERMS.index(negative.term)] = margin > 0
            failures.append(1 / (1 + np.exp(np.clip(margin, -50, 50))))
    return by_term, min(relation) > 0, min(objects, default=1.0) > 0, float(np.mean(failures))


def macro_accuracy(term_right: np.ndarray) -> float:
    """Mean over the terms that occur of the accuracy on each; (N, 6) -> scalar, nan if there is none."""
    counts = np.isfinite(term_right).sum(axis=0)
    if not counts.any():
        return float("nan")
    return float((np.nansum(term_right, axis=0)[counts > 0] / counts[counts > 0]).mean())


def _resamples(n: int, draws: int, seed: int) -> np.ndarray:
    """(draws, n) how often each sample occurs in each bootstrap resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)


def _macro_resampled(term_right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    present = np.isfinite(term_right)
    right = weights @ np.nan_to_num(term_right)
    total = weights @ present
    return np.nanmean(np.where(total > 0, right / np.maximum(total, 1), np.nan), axis=1)


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def _slice_macro(term_right: np.ndarray, params: EvaluationParams, seed: int) -> Slice:
    count = int(np.isfinite(term_right).sum())
    if not count:
        return Slice(float("nan"), 0, float("nan"), float("nan"))
    return Slice(
        macro_accuracy(term_right),
        count,
        *_interval(
            _macro_resampled(term_right, _resamples(len(term_right), params.bootstrap, seed))
        ),
    )


def _slice_mean(right: np.ndarray, params: EvaluationParams, seed: int) -> Slice:
    right = right[np.isfinite(right)]
    if not len(right):
        return Slice(float("nan"), 0, float("nan"), float("nan"))
    means = _resamples(len(right), params.bootstrap, seed) @ right / len(right)
    return Slice(float(right.mean()), len(right), *_interval(means))


def summarize(
    verdicts: Verdicts, samples: Sequence[Sample], params: EvaluationParams, seed: int
) -> Evaluation:
    """Accuracy by term, complexity and room type, each with its interval."""
    terms = verdicts.term_right
    complexity = np.array([s.complexity for s in samples])
    rooms = np.array([room_type(s.floor_plan) for s in samples])
    return Evaluation(
        accuracy=_slice_macro(terms, params, seed),
        by_term={term: _slice_mean(terms[:, i], params, seed) for i, term in enumerate(TERMS)},
        by_complexity={
            str(c): _slice_macro(terms[complexity == c], params, seed) for c in (1, 2, 3)
        },
        by_room_type={
            room: _slice_macro(terms[rooms == room], params, seed) for room in sorted(set(rooms))
        },
        strict=_slice_mean(verdicts.strict, params, seed),
        object_accuracy=_slice_mean(verdicts.object_right, params, seed),
        n_samples=len(samples),
    )


def paired_gain(before: Verdicts, after: Verdicts, params: EvaluationParams, seed: int) -> Slice:
    """Gain in macro accuracy on the same samples; both models see the same resamples (paired bootstrap)."""
    weights = _resamples(len(before.strict), params.bootstrap, seed)
    gains = _macro_resampled(after.term_right, weights) - _macro_resampled(
        before.term_right, weights
    )
    gain = macro_accuracy(after.term_right) - macro_accuracy(before.term_right)
    return Slice(gain, len(before.strict), *_interval(gains))
