"""Metrics. Main one: two-way accuracy per term (the true caption against the same caption with that
one term flipped), macro-averaged over the six terms. Chance is 50 %; for four-way object accuracy
25 %.

A set whose false captions are not known as flips of a term has one accuracy, the share of items
whose true caption scores above every other. A tie is never right, and neither is a score of nan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ConfigDict

from rls3.evaluation.item import OBJECT_KIND, RELATION_KINDS, TERMS
from rls3.evaluation.predictions import Prediction, Predictions, check_same_items
from rls3.params import EvaluationParams

_NAN = float("nan")
_JSON = ConfigDict(ser_json_inf_nan="constants")  # an empty slice is NaN in JSON too, not null


@dataclass(frozen=True)
class Slice:
    """Accuracy (0..1) over `count` decisions, with a 95 % bootstrap interval; nan if count is 0."""

    accuracy: float
    count: int
    low: float
    high: float
    __pydantic_config__ = _JSON


_EMPTY = Slice(_NAN, 0, _NAN, _NAN)


@dataclass(frozen=True)
class Verdicts:
    """What a model decided on each item; nan where the item does not ask for it.

    Attributes:
        term_right: (N, 6) 1.0 right, 0.0 wrong, for each term that a false caption flips.
        strict: (N,) true caption above every relation negative (flips, all flipped, exchanged).
        object_right: (N,) true caption above the captions with a replaced object.
        failure: (N,) 0..1, mean over the item's flips (over all its false captions if none is a
            flip) of sigmoid(score of the false caption - score of the true one).
    """

    term_right: np.ndarray
    strict: np.ndarray
    object_right: np.ndarray
    failure: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """A model on a benchmark.

    Attributes:
        accuracy: macro over terms; plain where the set has no flips.
        by_term: of each of the six terms; empty where the set has no flips.
        slices: by axis ("complexity", "room type") and value.
        strict, object_accuracy: means of `Verdicts.strict` and `Verdicts.object_right`.
    """

    accuracy: Slice
    by_term: dict[str, Slice]
    slices: dict[str, dict[str, Slice]]
    strict: Slice
    object_accuracy: Slice
    n_items: int
    __pydantic_config__ = _JSON


def verdicts(predictions: Predictions) -> Verdicts:
    """What was decided on each item, from its scores alone."""
    rows = predictions.rows
    return Verdicts(
        term_right=np.array([_term_right(row) for row in rows]).reshape(-1, len(TERMS)),
        strict=np.array([_above(row, RELATION_KINDS) for row in rows], float),
        object_right=np.array([_above(row, (OBJECT_KIND,)) for row in rows], float),
        failure=np.array([_failure(row) for row in rows], float),
    )


def _margins(row: Prediction, kinds: Sequence[str]) -> list[float]:
    """By how much the true caption is above each false one of these kinds."""
    return [row.margin(i) for i in row.others if row.contrasts[i].partition(":")[0] in kinds]


def _term_right(row: Prediction) -> np.ndarray:
    right = np.full(len(TERMS), np.nan)
    for other in row.others:
        kind, _, term = row.contrasts[other].partition(":")
        if kind == "flip" and term in TERMS:
            index = TERMS.index(term)
            right[index] = np.fmin(right[index], row.margin(other) > 0)  # fmin: nan gives way
    return right


def _above(row: Prediction, kinds: Sequence[str]) -> float:
    margins = _margins(row, kinds)
    return float(all(margin > 0 for margin in margins)) if margins else _NAN


def _failure(row: Prediction) -> float:
    margins = _margins(row, ("flip",)) or [row.margin(other) for other in row.others]
    if not margins:
        return _NAN
    failures = 1 / (1 + np.exp(np.clip(margins, -50, 50)))
    return float(np.mean(np.nan_to_num(failures, nan=1.0)))


def _decisions(predictions: Predictions) -> np.ndarray:
    """(N, K) 1.0, 0.0 or nan: what accuracy averages over, each column weighing the same: the six
    terms; or the items' answers alone (K = 1) if no false caption is a flip."""
    term_right = verdicts(predictions).term_right
    if np.isfinite(term_right).any():
        return term_right
    return predictions.right.astype(float)[:, None]


def macro_accuracy(decisions: np.ndarray) -> float:
    """Mean over columns of the accuracy in each: (N, K) with nan for no decision -> scalar.

    A column without a decision does not count; nan if there is none at all.
    """
    counts = np.isfinite(decisions).sum(axis=0)
    if not counts.any():
        return _NAN
    return float((np.nansum(decisions, axis=0)[counts > 0] / counts[counts > 0]).mean())


def accuracy(predictions: Predictions) -> float:
    """`Evaluation.accuracy` without its interval."""
    return macro_accuracy(_decisions(predictions))


def summarize(predictions: Predictions, params: EvaluationParams, seed: int) -> Evaluation:
    """Accuracy by term and by slice, each with its interval.

    Args:
        seed: of the bootstrap; every slice draws from a stream of its own that starts with it.
    """
    found, decisions = verdicts(predictions), _decisions(predictions)
    by_term = zip(TERMS, found.term_right.T) if decisions.shape[1] == len(TERMS) else ()
    return Evaluation(
        accuracy=_macro(decisions, params, seed),
        by_term={term: _mean(right, params, seed) for term, right in by_term},
        slices=_by_slice(predictions, decisions, params, seed),
        strict=_mean(found.strict, params, seed),
        object_accuracy=_mean(found.object_right, params, seed),
        n_items=len(predictions),
    )


def _by_slice(
    predictions: Predictions, decisions: np.ndarray, params: EvaluationParams, seed: int
) -> dict[str, dict[str, Slice]]:
    axes = dict.fromkeys(axis for row in predictions.rows for axis in row.slices)
    slices: dict[str, dict[str, Slice]] = {}
    for axis in axes:
        values = np.array([row.slices.get(axis) for row in predictions.rows], object)
        slices[axis] = {
            value: _macro(decisions[values == value], params, seed)
            for value in sorted({value for value in values if value is not None})
        }
    return slices


def paired_gain(
    before: Predictions, after: Predictions, params: EvaluationParams, seed: int
) -> Slice:
    """Gain in accuracy; both models see the same resamples of the items (paired bootstrap).

    Raises: DataError if the two were not made on the same items.
    """
    check_same_items(before, after)
    if not len(before):
        return _EMPTY
    old, new = _decisions(before), _decisions(after)
    weights = _resamples(len(before), params.bootstrap, seed)
    gains = _macro_resampled(new, weights) - _macro_resampled(old, weights)
    return Slice(macro_accuracy(new) - macro_accuracy(old), len(before), *_interval(gains))


def _resamples(n: int, draws: int, seed: int) -> np.ndarray:
    """(draws, n) how often each item occurs in each bootstrap resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)


def _macro_resampled(decisions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(draws,) `macro_accuracy` of each resample."""
    present = np.isfinite(decisions)
    right = weights @ np.nan_to_num(decisions)
    total = weights @ present
    shares = np.where(total > 0, right / np.maximum(total, 1), 0.0)
    columns = (total > 0).sum(
        axis=1
    )  # 0 in a resample without a decision: nan, which counts nowhere
    return np.where(columns > 0, shares.sum(axis=1) / np.maximum(columns, 1), np.nan)


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def _macro(decisions: np.ndarray, params: EvaluationParams, seed: int) -> Slice:
    count = int(np.isfinite(decisions).sum())
    if not count:
        return _EMPTY
    weights = _resamples(len(decisions), params.bootstrap, seed)
    return Slice(macro_accuracy(decisions), count, *_interval(_macro_resampled(decisions, weights)))


def _mean(right: np.ndarray, params: EvaluationParams, seed: int) -> Slice:
    right = right[np.isfinite(right)]
    if not len(right):
        return _EMPTY
    means = _resamples(len(right), params.bootstrap, seed) @ right / len(right)
    return Slice(float(right.mean()), len(right), *_interval(means))
