"""What a campaign comes to: when to stop, which round is its result, whether that may become
champion.

All of it is decided on `val`; nothing here sees `test` or `unseen`.
"""

from collections.abc import Sequence

import numpy as np

from rls3.evaluation.item import TERMS
from rls3.evaluation.metrics import paired_gain, verdicts
from rls3.evaluation.predictions import Predictions
from rls3.loop.records import Decision
from rls3.params import EvaluationParams, GateParams


def should_stop(accuracies: Sequence[float], patience_rounds: int) -> bool:
    """Early stopping (paper: on a validation set): the last `patience_rounds` rounds brought
    nothing better than the best before them. 0 never stops.

    Args:
        accuracies: on val, after each round.
    """
    if not patience_rounds or len(accuracies) <= patience_rounds:
        return False
    return max(accuracies[-patience_rounds:]) <= max(accuracies[:-patience_rounds])


def best_round(accuracies: Sequence[float]) -> int:
    """Number (from 1) of the round with the best accuracy on val; the latest of equals."""
    return max(range(1, len(accuracies) + 1), key=lambda number: (accuracies[number - 1], number))


def decide(
    before: Predictions,
    after: Predictions,
    evaluation: EvaluationParams,
    gate: GateParams,
    seed: int,
) -> Decision:
    """The gate: the paired bootstrap interval of the gain is above zero, and no term falls by more
    than `gate.term_tolerance`.

    Args:
        before, after: of the present champion (or the base model) and of the candidate, whatever
            their families.
    Raises: DataError if they were not judged on the same items.
    """
    gain = paired_gain(before, after, evaluation, seed)
    reasons = []
    if not gain.low > 0:  # nan is not above zero either
        reasons.append(
            f"gain {gain.accuracy:+.3f} is not above zero "
            f"(95 % interval {gain.low:+.3f} to {gain.high:+.3f})"
        )
    drops = _by_term(before) - _by_term(after)
    reasons += [
        f"'{term}' falls by {drop:.3f}"
        for term, drop in zip(TERMS, drops)
        if drop > gate.term_tolerance
    ]
    return Decision(not reasons, gain.accuracy, gain.low, gain.high, tuple(reasons))


def _by_term(predictions: Predictions) -> np.ndarray:
    """(6,) accuracy; nan for a term that does not occur."""
    right = verdicts(predictions).term_right
    counts = np.isfinite(right).sum(axis=0)
    return np.where(counts, np.nansum(right, axis=0) / np.maximum(counts, 1), np.nan)
