"""The failure agent: asks for what the VLM fails at, by a table over named axes of a scene.

The probability of a goal is that of the stratified agent, times the weight of the goal's values on
the axes `agent.failure.axes`:

    weight = max(floor, (sum of failures + prior_count * prior) / (samples + prior_count))

over the samples of the last round with these values. Where no sample is known the weight is that of
the prior; if none is known at all, every weight is, and the agent is the stratified agent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.agents.interface import Context, FixedAgent, Weakness, goals_only
from rls3.agents.stratified import StratifiedAgent
from rls3.params import AgentParams, Axis, FailureParams
from rls3.placing.axes import axes_of_goal
from rls3.placing.goal import Goal, GoalSpace, Space


@dataclass(frozen=True)
class Weights:
    """Of each combination of values on some axes; `unseen` where no sample had it."""

    axes: tuple[Axis, ...]
    by_values: Mapping[tuple[str, ...], float]
    unseen: float

    @property
    def highest(self) -> float:
        return max([self.unseen, *self.by_values.values()])

    def of(self, axes: Mapping[Axis, str]) -> float:
        """The weight of a goal with these values."""
        return self.by_values.get(tuple(axes[axis] for axis in self.axes), self.unseen)


def weights_of(weakness: Weakness, params: FailureParams) -> Weights:
    """The table; see the equation above."""
    failures: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for scored in weakness.scored:
        failures[tuple(scored.axes[axis] for axis in params.axes)].append(scored.failure)
    by_values = {values: _weight(found, params) for values, found in failures.items()}
    return Weights(params.axes, by_values, _weight([], params))


def _weight(failures: Sequence[float], params: FailureParams) -> float:
    total = sum(failures) + params.prior_count * params.prior
    return max(params.floor, total / (len(failures) + params.prior_count))


class FailureAgent(FixedAgent):
    """See `rls3.agents.interface.Agent`."""

    def __init__(self, space: GoalSpace, params: FailureParams) -> None:
        self.space: Space = space
        self._params = params
        self._stratified = StratifiedAgent(space)
        self._weakness = Weakness.unknown()
        self._weights = weights_of(self._weakness, params)

    def propose(self, context: Context, rng: np.random.Generator) -> Goal:
        """Rejection sampling: takes no more than highest / lowest weight tries in the mean, so at
        most 1 / floor."""
        weights = self._weights_for(context.weakness)
        while True:
            goal = self._stratified.propose(context, rng)
            accepted = weights.of(axes_of_goal(goal, context.floor_plan)) / weights.highest
            if accepted >= 1 or rng.random() < accepted:
                return goal

    def _weights_for(self, weakness: Weakness) -> Weights:
        if weakness is not self._weakness:
            self._weakness, self._weights = weakness, weights_of(weakness, self._params)
        return self._weights


def make(params: AgentParams, space: Space, floor_plans: Sequence[str], seed: int) -> FailureAgent:
    """Its parameters are `agent.failure`. Raises: ParamsError for `agent.action = raw`."""
    return FailureAgent(goals_only(space, "failure"), params.failure)
