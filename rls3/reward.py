"""What the policy is taught (paper: intrinsic reward r(s, a) per step; extrinsic reward J2 from the VLM's performance).

For step t with feasibility r_t in {0, 1}, failure f_t of the VLM on its sample before fine-tuning (0..1, see
`rls3.evaluation.metrics.Verdicts`), and the sample's cell c:

    R_t = w_intrinsic * r_t  +  v_t * ( w_extrinsic * (f_t - mean f)  +  w_progress * (p_c - mean p) )

- v_t is 1 if the sample was accepted (rendered, visible, validated), else 0.
- The extrinsic part is the paper's "VLM performance down = reward up", paid per sample rather than once per episode, so
  that credit goes to the action that earned it; centred over the round, so that a weak VLM does not reward everything.
- p_c = f before - f after fine-tuning, averaged over the round's samples of cell c (learning progress): it turns away
  from what cannot be learned. Also centred.
"""

from collections.abc import Mapping

import numpy as np

from rls3.params import RewardParams


def rewards(
    intrinsic: np.ndarray,
    failure: Mapping[int, float],
    failure_after: Mapping[int, float],
    cell: Mapping[int, int],
    params: RewardParams,
) -> dict[str, np.ndarray]:
    """Rewards of a rollout, in all and by part.

    Args:
        intrinsic: (T,) feasibility of each step.
        failure, failure_after, cell: by step, for accepted samples only.
    Returns: "total", "intrinsic", "extrinsic", "progress": each (T,) float64, already weighted.
    """
    n = len(intrinsic)
    parts = {
        "intrinsic": params.intrinsic_weight * np.asarray(intrinsic, float),
        "extrinsic": np.zeros(n),
        "progress": np.zeros(n),
    }
    if failure:
        steps = np.array(sorted(failure))
        before = np.array([failure[s] for s in steps])
        after = np.array([failure_after[s] for s in steps])
        cells = np.array([cell[s] for s in steps])
        progress = np.zeros(len(steps))
        for c in np.unique(cells):
            progress[cells == c] = (before - after)[cells == c].mean()
        parts["extrinsic"][steps] = params.extrinsic_weight * (before - before.mean())
        parts["progress"][steps] = params.progress_weight * (progress - progress.mean())
    return {"total": sum(parts.values()), **parts}
