"""PPO whose rewards arrive later."""

import random

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from rls3.agents.episodes import load_rollout, save_rollout
from rls3.agents.interface import Outcome, Rollout, Weakness
from rls3.agents.ppo import PPOAgent
from rls3.errors import DataError
from rls3.placing.goal import ANY_CELL, GoalSpace, MoveSpace
from tests.unit.agents.worlds import (
    ROOM_NAMES,
    SPACE,
    agent_of,
    context_of,
    params_of,
    rollout_of,
)

PARAMS = params_of().agent.ppo


def ppo(seed=0, space=SPACE, rooms=ROOM_NAMES, params=PARAMS):
    return PPOAgent(params, space, rooms, seed)


def propose(agent, n, seed=0, context=None):
    context, rng = context or context_of(), np.random.default_rng(seed)
    return [agent.propose(context, rng) for _ in range(n)]


@pytest.mark.parametrize("n_types", [4, 27])
def test_it_starts_near_the_random_agent(n_types):
    """Whatever the sizes of the parts: 27 types are as many as there are relations to ask for."""
    space = GoalSpace(tuple(f"Type{i:02d}" for i in range(n_types)), ("blue", "red"))
    goals = propose(ppo(space=space), 400)
    assert 0.4 < np.mean([goal.cell == ANY_CELL for goal in goals]) < 0.6
    types = [goal.subject.type for goal in goals]
    assert max(types.count(name) for name in space.types) < 3 * 400 / n_types


def test_moves_start_even():
    moves = MoveSpace(tuple(f"Type{i:02d}" for i in range(27)), ("blue", "red"), 3)
    types = [move.kind.type for move in propose(ppo(space=moves), 400)]
    assert max(types.count(name) for name in moves.types) < 45


def test_the_observation_tells_room_weakness_and_episode():
    weakness = Weakness(np.linspace(0, 1, 26), np.full(6, 0.25))
    seen = ppo().observe(context_of(weakness, "FloorPlan401"))
    assert seen.shape == (1, 2 + 26 + 6 + 26 + 2) and seen.dtype == torch.float32
    assert seen[0, :2].tolist() == [0, 1] and np.allclose(seen[0, 2:28], np.linspace(0, 1, 26))
    assert np.allclose(seen[0, 28:34], 0.25) and seen[0, 34:].tolist() == [0] * 26 + [1, 1]


def test_a_generator_names_a_sequence():
    agent = ppo()
    first = propose(agent, 8, seed=5)
    assert propose(agent, 8, seed=5) == first != propose(agent, 8, seed=6)
    children = np.random.SeedSequence(5).spawn(2)
    spawned = [
        [agent.propose(context_of(), rng) for _ in range(8)]
        for rng in map(np.random.default_rng, (*children, np.random.SeedSequence(2**100)))
    ]
    assert first not in spawned and spawned[0] != spawned[1]


def test_the_process_keeps_its_own_random_streams():
    def draws():
        return random.random(), np.random.random(), float(torch.rand(1))

    def seed():
        random.seed(1), np.random.seed(1), torch.manual_seed(1)

    seed()
    untouched = draws()
    seed()
    agent, rooms, sampling = agent_of(agent__name="ppo")
    rollout = rollout_of(agent, rooms, sampling)
    agent.learn(Outcome(rollout, np.ones(len(rollout)), 2))
    assert draws() == untouched


def test_values_and_log_probabilities_are_those_of_acting():
    """Two routes: as the policy gives them with the action, and as they are computed to learn."""
    agent, context = ppo(), context_of()
    rng, torch_rng = np.random.default_rng(7), torch.random.fork_rng()
    proposals = [agent.propose(context, rng) for _ in range(20)]
    with torch_rng, torch.no_grad():
        torch.manual_seed(7)
        acted = [agent.model.policy(agent.observe(context)) for _ in range(20)]
    rollout = told(proposals, [context] * 20)
    buffer = agent.buffer(Outcome(rollout, np.zeros(20), 0))
    assert [agent.space.encode(p).tolist() for p in proposals] == [
        a[0].tolist() for a, _, _ in acted
    ]
    assert buffer.values[:, 0].tolist() == [float(value) for _, value, _ in acted]
    assert buffer.log_probs[:, 0].tolist() == [float(log_prob) for _, _, log_prob in acted]


def told(proposals, contexts):
    """A rollout of episodes of one step, in which nothing was placed."""
    n = len(proposals)
    return Rollout(tuple(contexts), tuple(proposals), (None,) * n, ((),) * n, np.ones(n, bool))


def test_a_policy_file_continues_bit_for_bit(tmp_path):
    agent, rooms, sampling = agent_of(seed=1, agent__name="ppo")
    other, _, _ = agent_of(seed=2, agent__name="ppo")
    rollout = rollout_of(agent, rooms, sampling)
    outcome = Outcome(rollout, np.random.default_rng(0).normal(size=len(rollout)), 9)
    agent.learn(outcome)
    agent.save(tmp_path)
    other.load(tmp_path)
    save_rollout(rollout, tmp_path / "rollout")
    elsewhere = Outcome(load_rollout(tmp_path / "rollout"), outcome.rewards, outcome.seed)
    assert agent.learn(outcome) == other.learn(elsewhere)
    assert propose(agent, 5) == propose(other, 5)


def test_an_unusable_policy_is_named(tmp_path):
    agent = ppo()
    agent.save(tmp_path)
    with pytest.raises(DataError, match="is of other rooms, types of objects or agent.ppo"):
        ppo(rooms=("FloorPlan1",)).load(tmp_path)
    (tmp_path / "policy.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match="policy.safetensors is damaged"):
        agent.load(tmp_path)
    with pytest.raises(DataError, match="policy.safetensors is missing"):
        agent.load(tmp_path / "elsewhere")


# -- learning --------------------------------------------------------------------------------------

ROOMS = ("FloorPlan1", "FloorPlan201", "FloorPlan301")
LEARNING = params_of(
    agent__ppo__hidden_units=(32,),
    agent__ppo__learning_rate=0.003,
    agent__ppo__epochs=6,
    agent__ppo__target_kl=0.2,
).agent.ppo
CONTEXTS = [context_of(floor_plan=name) for name in ROOMS]


class Bandit(gymnasium.Env):
    """Contextual: in the i-th room the i-th distance is right; reward 1 if hit."""

    def __init__(self, agent):
        self.observation_space = agent.model.observation_space
        self.action_space = agent.model.action_space
        self.seen = [agent.observe(context)[0].numpy() for context in CONTEXTS]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.room = int(self.np_random.integers(3))
        return self.seen[self.room], {}

    def step(self, action):
        return self.seen[0], float(action[-1] == self.room), True, False, {}


def success(model, bandit):
    """Share of the rooms in which the most likely action is right."""
    actions = [model.predict(seen, deterministic=True)[0] for seen in bandit.seen]
    return np.mean([action[-1] == room for room, action in enumerate(actions)])


def test_deferred_learning_is_as_good_as_learning_at_once():
    agent = ppo(space=SPACE, rooms=ROOMS, params=LEARNING)
    bandit, rooms_rng = Bandit(agent), np.random.default_rng(0)
    for number in range(15):
        rooms, rng = rooms_rng.integers(3, size=128), np.random.default_rng(number)
        contexts = [CONTEXTS[room] for room in rooms]
        goals = [agent.propose(context, rng) for context in contexts]
        rewards = np.array([goal.distance == room for goal, room in zip(goals, rooms)], float)
        agent.learn(Outcome(told(goals, contexts), rewards, number))
    reference = PPO(
        "MlpPolicy",
        bandit,
        n_steps=128,
        batch_size=64,
        n_epochs=6,
        learning_rate=0.003,
        gamma=0.0,
        policy_kwargs={"net_arch": [32]},
        seed=0,
        device="cpu",
    )
    reference.learn(15 * 128)
    assert success(agent.model, bandit) >= success(reference, bandit) == 1.0
