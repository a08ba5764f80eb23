"""The random agent (the paper's baseline): uniform over everything, nothing learned.

Of goals it asks for no relation, so relations come as they come when objects are dropped at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rls3.agents.interface import Context, FixedAgent
from rls3.params import AgentParams
from rls3.placing.goal import ANY_CELL, Goal, Proposal, Space


@dataclass
class RandomAgent(FixedAgent):
    """See `rls3.agents.interface.Agent`."""

    space: Space

    def propose(self, context: Context, rng: np.random.Generator) -> Proposal:
        proposal = self.space.decode(rng.integers(list(self.space.parts.values())))
        return replace(proposal, cell=ANY_CELL) if isinstance(proposal, Goal) else proposal


def make(params: AgentParams, space: Space, floor_plans: Sequence[str], seed: int) -> RandomAgent:
    """Without parameters; its draws follow from the generator that it is given."""
    return RandomAgent(space)
