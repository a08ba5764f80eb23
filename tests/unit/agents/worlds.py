"""What the tests of agents share: two rooms of pure geometry, contexts, known weaknesses."""

from collections import Counter

import numpy as np

from rls3.agents.episodes import collect
from rls3.agents.interface import Context, Scored, Weakness
from rls3.agents.make import make_agent
from rls3.language.relation import CELLS
from rls3.placing.axes import axes_of_goal
from rls3.placing.goal import GoalSpace
from rls3.placing.rooms import rooms_of, space_of
from tests.conftest import make_params
from tests.unit.geometric_simulator import KINDS, GeometricSimulator

KIND_LIST = tuple(sorted(KINDS))
ROOM_NAMES = ("FloorPlan1", "FloorPlan401")
SPACE = GoalSpace(("Bowl", "Mug", "Pot", "Vase"), ("blue", "green", "red"))


def params_of(**overrides):
    """Params of a campaign in the geometric simulator's rooms, with short episodes."""
    ours = {
        "sampling__types": [],
        "sampling__held_out_types": [],
        "sampling__steps_per_episode": 12,
    }
    return make_params(**ours | overrides)


def agent_of(seed=3, rooms=ROOM_NAMES, **overrides):
    """(agent, rooms, sampling parameters) as a campaign would make them."""
    params = params_of(**overrides)
    found = rooms_of(GeometricSimulator(), rooms, params.sampling)
    space = space_of(found, params.agent.action, params.sampling.objects)
    return make_agent(params.agent, space, rooms, seed), found, params.sampling


def rollout_of(agent, rooms, sampling, seed=11, weakness=None, episodes=range(2)):
    weakness = weakness or Weakness.unknown()
    rng = np.random.default_rng(seed)
    return collect(
        agent, GeometricSimulator(), rooms, episodes, weakness, sampling, rng, 100 * seed
    )


def context_of(weakness=None, floor_plan="FloorPlan1", kinds=KIND_LIST):
    """At the start of an episode."""
    weakness = weakness or Weakness.unknown()
    return Context(floor_plan, kinds, weakness, np.zeros(len(CELLS)), True, 1.0)


def failing_where(axis, value, n=600):
    """The weakness of a VLM that fails at one value of one axis, and always there alone."""
    rng, scored = np.random.default_rng(0), []
    for indices in rng.integers(list(SPACE.parts.values()), size=(n, 7)):
        axes = axes_of_goal(SPACE.decode(indices), "FloorPlan1")
        scored.append(Scored(axes, float(axes[axis] == value)))
    return Weakness(np.full(len(CELLS), 0.5), np.full(6, 0.5), tuple(scored))


def asked(agent, n, weakness=None, seed=0):
    """How often n goals have each value, by axis."""
    context, rng = context_of(weakness), np.random.default_rng(seed)
    counts = {}
    for _ in range(n):
        for axis, value in axes_of_goal(agent.propose(context, rng), "FloorPlan1").items():
            counts.setdefault(axis, Counter())[value] += 1
    return counts
