"""What the policy is taught (paper: intrinsic reward r(s, a) per step; extrinsic reward J2 from the
VLM's performance).

For step t with feasibility r_t in {0, 1}, failure f_t of the VLM on its sample before fine-tuning
(0..1, see `rls3.evaluation.metrics.Verdicts`), and the sample's cell c:

    R_t = w_intrinsic * r_t  +  v_t * ( w_extrinsic * (f_t - mean f)  +  w_progress * (p_c - mean p)
    )

- v_t is 1 if the sample was accepted (rendered, visible, validated), else 0.
- The extrinsic part is the paper's "VLM performance down = reward up", paid per sample rather than
  once per episode, so that credit goes to the action that earned it; centred over the round, so
  that a weak VLM does not reward everything. Its mean says nothing, therefore: the record tells its
  spread and where it goes.
- p_c = f before - f after fine-tuning, averaged over the round's samples of cell c (learning
  progress): it turns away from what cannot be learned. Also centred.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rls3.files import read_errors, whole_file
from rls3.language.relation import CELLS, Term
from rls3.loop.records import RewardRecord, Spread, TermReward
from rls3.params import RewardParams


@dataclass(frozen=True)
class Rewards:
    """Of a rollout, (T,) float64 each: the total and its already weighted parts."""

    total: np.ndarray
    intrinsic: np.ndarray
    extrinsic: np.ndarray
    progress: np.ndarray

    def save(self, path: Path) -> None:
        with whole_file(path) as temporary:
            save_file(asdict(self), temporary)

    @staticmethod
    def load(path: Path) -> "Rewards":
        """Raises: DataError if the file is missing or damaged."""
        with read_errors(path, SafetensorError):
            return Rewards(**load_file(path))


def rewards_of(
    intrinsic: np.ndarray,
    failure: Mapping[int, float],
    failure_after: Mapping[int, float],
    cell: Mapping[int, int],
    params: RewardParams,
) -> Rewards:
    """Rewards of a rollout.

    Args:
        intrinsic: (T,) feasibility of each step.
        failure, failure_after, cell: by step, for accepted samples only.
    """
    feasible = params.intrinsic_weight * np.asarray(intrinsic, float)
    extrinsic, learned = np.zeros(len(feasible)), np.zeros(len(feasible))
    if failure:
        steps = np.array(sorted(failure))
        before = np.array([failure[s] for s in steps])
        after = np.array([failure_after[s] for s in steps])
        cells = np.array([cell[s] for s in steps])
        progress = np.zeros(len(steps))
        for c in np.unique(cells):
            progress[cells == c] = (before - after)[cells == c].mean()
        extrinsic[steps] = params.extrinsic_weight * (before - before.mean())
        learned[steps] = params.progress_weight * (progress - progress.mean())
    # in this order: sums are equal to the digit between versions
    total = sum((feasible, extrinsic, learned))
    return Rewards(total, feasible, extrinsic, learned)


def reward_record(
    rewards: Rewards, failure: Mapping[int, float], cell: Mapping[int, int]
) -> RewardRecord:
    """What a person can see of a round's rewards: how they spread, and which terms and cells earn
    them."""
    parts = asdict(rewards)
    steps = np.array(sorted(failure), int)
    return RewardRecord(
        mean={name: float(values.mean()) for name, values in parts.items()},
        spread={name: _spread(values[steps]) for name, values in parts.items()} if failure else {},
        by_term=_earned(
            {
                str(term): [step for step in failure if term in CELLS[cell[step]].terms]
                for term in Term
            },
            rewards.total,
            failure,
        ),
        by_cell=_earned(
            {str(c): [step for step in failure if cell[step] == c.index] for c in CELLS},
            rewards.total,
            failure,
        ),
    )


def _spread(values: np.ndarray) -> Spread:
    return Spread(float(values.mean()), *map(float, np.percentile(values, [5, 25, 50, 75, 95])))


def _earned(
    steps_of: Mapping[str, list[int]], total: np.ndarray, failure: Mapping[int, float]
) -> dict[str, TermReward]:
    """By each group of accepted steps that is not empty."""
    return {
        name: TermReward(
            share=len(steps) / len(failure),
            failure=float(np.mean([failure[step] for step in steps])),
            reward=float(total[steps].mean()),
        )
        for name, steps in steps_of.items()
        if steps
    }
