"""The stratified agent: every relation equally often, and everything else evenly over what the room
has. It learns nothing; it is the baseline that an agent which adapts has to beat."""

from collections.abc import Sequence

import numpy as np

from rls3.agents.interface import Context, FixedAgent, goals_only
from rls3.language.relation import CELLS
from rls3.params import AgentParams
from rls3.placing.goal import DISTANCES, VIEWS, Goal, GoalSpace, Space


class StratifiedAgent(FixedAgent):
    """See `rls3.agents.interface.Agent`. Goes through the 26 cells in a shuffled order, then in
    another, so that no cell is ever ahead of another by more than one."""

    def __init__(self, space: GoalSpace) -> None:
        self.space: Space = space
        self._rng: np.random.Generator | None = None
        self._cells: list[int] = []

    def propose(self, context: Context, rng: np.random.Generator) -> Goal:
        if rng is not self._rng or not self._cells:
            self._rng, self._cells = rng, rng.permutation(len(CELLS)).tolist()
        subject, reference = rng.choice(len(context.kinds), 2, replace=False)
        return Goal(
            context.kinds[subject],
            context.kinds[reference],
            self._cells.pop(),
            int(rng.integers(len(VIEWS))),
            int(rng.integers(len(DISTANCES))),
        )


def make(
    params: AgentParams, space: Space, floor_plans: Sequence[str], seed: int
) -> StratifiedAgent:
    """Without parameters. Raises: ParamsError for `agent.action = raw`."""
    return StratifiedAgent(goals_only(space, "stratified"))
