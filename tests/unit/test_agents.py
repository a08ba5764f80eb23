import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import PPO

from rls3.agents.environment import N_CELLS, SceneEnv, Weakness
from rls3.agents.ppo import PPOAgent, make_agent
from rls3.agents.random import RandomAgent
from rls3.agents.rollout import Rollout, collect, load_rollout, save_rollout
from rls3.errors import DataError, ParamsError
from rls3.language.relation import CELLS, relation
from rls3.placing.container import surveys_of
from rls3.placing.solver import ANY_CELL, Goal, solve, spots_of
from rls3.placing.validity import problems
from rls3.scene.records import Kind
from tests.conftest import make_params
from tests.unit.geometric_simulator import GeometricSimulator, make_survey

PARAMS = make_params(sampling__steps_per_episode=12)
MUG, VASE, POT = Kind("Mug", "red"), Kind("Vase", "blue"), Kind("Pot", "green")


def make_env(**overrides):
    params = make_params(sampling__steps_per_episode=12, **overrides)
    return SceneEnv(GeometricSimulator(), ("Room1", "Room2"), params.sampling, params.agent)


def test_the_solver_shows_nearly_every_relation():
    survey, simulator, rng = make_survey(), GeometricSimulator(), np.random.default_rng(0)
    spots, found = spots_of(survey), 0
    for cell in range(N_CELLS):
        for attempt in range(3):
            spec = solve(
                Goal(MUG, VASE, cell, attempt % 2, attempt),
                survey,
                spots,
                rng,
                PARAMS.sampling,
                [POT],
            )
            if spec is None:
                continue
            scene = simulator.measure(spec)
            subject, reference = scene.objects[:2]
            assert (
                relation(subject.box.center, reference.box.center, scene.camera.yaw_deg)
                == CELLS[cell]
            )
            assert problems(scene, survey, PARAMS.sampling) == ()
            found += 1
    assert found > 0.8 * 3 * N_CELLS


def test_the_solver_refuses_what_cannot_be():
    survey = make_survey()
    spots, rng = spots_of(survey), np.random.default_rng(0)
    assert solve(Goal(MUG, MUG, 0, 0, 0), survey, spots, rng, PARAMS.sampling) is None
    assert solve(Goal(Kind("Sofa"), MUG, 0, 0, 0), survey, spots, rng, PARAMS.sampling) is None


def test_left_and_right_are_equally_common_by_nature():
    survey, rng = make_survey(), np.random.default_rng(1)
    spots, counts = spots_of(survey), {"left": 0, "right": 0}
    for _ in range(300):
        spec = solve(Goal(MUG, VASE, ANY_CELL, 0, 1), survey, spots, rng, PARAMS.sampling)
        scene = GeometricSimulator().measure(spec)
        for term in relation(
            scene.objects[0].box.center, scene.objects[1].box.center, scene.camera.yaw_deg
        ).terms:
            counts[str(term)] = counts.get(str(term), 0) + 1
    assert abs(counts["left"] - counts["right"]) < 4 * np.sqrt(counts["left"] + counts["right"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("collide", "collision"),
        ("leave", "outside"),
        ("float", "unsupported"),
        ("turn away", "out of view"),
    ],
)
def test_what_makes_a_scene_invalid(change, reason):
    from dataclasses import replace

    survey, rng = make_survey(), np.random.default_rng(0)
    spec = solve(Goal(MUG, VASE, 0, 0, 1), survey, spots_of(survey), rng, PARAMS.sampling)
    first, second = spec.placements
    x, y, z = first.position
    spoiled = {
        "collide": replace(spec, placements=(replace(first, position=second.position), second)),
        "leave": replace(spec, placements=(replace(first, position=(3.0, y, z)), second)),
        "float": replace(spec, placements=(replace(first, position=(x, y + 0.3, z)), second)),
        "turn away": replace(
            spec, viewpoint=replace(spec.viewpoint, yaw_deg=spec.viewpoint.yaw_deg + 180)
        ),
    }[change]
    assert reason in problems(GeometricSimulator().measure(spoiled), survey, PARAMS.sampling)


@pytest.mark.parametrize("action", ["goal", "raw"])
def test_gymnasium_accepts_the_environment(action):
    check_env(make_env(agent__action=action), skip_render_check=True)


def test_episodes_cycle_over_rooms_and_observations_tell_the_weakness():
    env = make_env()
    first, _ = env.reset(options={"episode": 0})
    second, _ = env.reset(options={"episode": 1})
    assert first[:2].tolist() == [1, 0] and second[:2].tolist() == [0, 1]
    env.describe(Weakness(np.linspace(0, 1, 26), np.full(6, 0.25)))
    told, _ = env.reset(options={"episode": 0})
    assert np.allclose(told[2:28], np.linspace(0, 1, 26)) and np.allclose(told[28:34], 0.25)


@pytest.mark.parametrize("name", ["ppo", "random"])
def test_same_seed_same_rollout_and_round_trip(name, tmp_path):
    def once():
        env = make_env(agent__name=name)
        return collect(make_agent(make_params(agent__name=name).agent, env, 3), env, range(2), 11)

    a, b = once(), once()
    assert a.specs == b.specs and np.array_equal(a.actions, b.actions) and len(a) == 24
    save_rollout(a, tmp_path)
    c = load_rollout(tmp_path)
    assert (
        c.specs == a.specs and c.problems == a.problems and np.array_equal(c.log_probs, a.log_probs)
    )
    (tmp_path / "steps.json").write_text("[")
    with pytest.raises(DataError, match="is damaged"):
        load_rollout(tmp_path)


def test_ppo_starts_near_the_random_agent():
    env = make_env()
    agent = PPOAgent(env, PARAMS.agent, 0)
    observation, _ = env.reset(seed=0)
    asked = np.array([agent.act(observation)[0][4] for _ in range(300)])
    assert 0.4 < np.mean(asked == ANY_CELL) < 0.6
    assert {RandomAgent(env, 0).act(observation)[0][4]} == {ANY_CELL}


class Bandit(gymnasium.Env):
    """Contextual: the right action is the index of the context; reward 1 if hit."""

    observation_space = gymnasium.spaces.Box(0, 1, (3,), np.float32)
    action_space = gymnasium.spaces.MultiDiscrete([3])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._context = int(self.np_random.integers(3))
        return np.eye(3, dtype=np.float32)[self._context], {}

    def step(self, action):
        reward = float(int(np.asarray(action).reshape(-1)[0]) == self._context)
        return self.reset()[0], reward, True, False, {}


def _success(model) -> float:
    context = np.eye(3, dtype=np.float32)
    return float(
        np.mean(
            [
                int(np.asarray(model.predict(c, deterministic=True)[0]).reshape(-1)[0]) == i
                for i, c in enumerate(context)
            ]
        )
    )


def test_deferred_ppo_learns_as_well_as_learn():
    params = make_params(
        agent__hidden_units=(32,),
        agent__batch_size=64,
        agent__learning_rate=0.003,
        agent__epochs=6,
        agent__target_kl=0.2,
    ).agent
    env = Bandit()
    agent = PPOAgent(env, params, 0)
    for round_number in range(15):
        agent.reseed(round_number)
        columns = {name: [] for name in ("o", "a", "v", "l", "r")}
        observation, _ = env.reset(seed=round_number)
        for _ in range(128):
            action, value, log_prob = agent.act(observation)
            following, reward, *_ = env.step(action)
            for name, entry in zip(columns, (observation, action, value, log_prob, reward)):
                columns[name].append(entry)
            observation = following
        n = len(columns["r"])
        rollout = Rollout(
            np.array(columns["o"]),
            np.array(columns["a"]),
            np.array(columns["v"], np.float32),
            np.array(columns["l"], np.float32),
            np.zeros(n, np.float32),
            np.ones(n, bool),
            (None,) * n,
            ((),) * n,
        )
        agent.learn(rollout, np.array(columns["r"]))
    reference = PPO(
        "MlpPolicy",
        Bandit(),
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
    assert _success(agent.model) >= _success(reference) == 1.0


def test_policy_file_continues_bit_for_bit(tmp_path):
    env = make_env()
    a, b = PPOAgent(env, PARAMS.agent, 1), PPOAgent(env, PARAMS.agent, 2)
    rollout = collect(a, env, range(2), 0)
    rewards = np.random.default_rng(0).normal(size=len(rollout))
    a.learn(rollout, rewards)
    a.save(tmp_path)
    b.load(tmp_path)
    for agent in (a, b):
        agent.reseed(9)
    assert a.learn(rollout, rewards) == b.learn(rollout, rewards)
    observation, _ = env.reset(seed=0)
    assert [a.act(observation)[0].tolist() for _ in range(5)] == [
        b.act(observation)[0].tolist() for _ in range(5)
    ]
    (tmp_path / "policy.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match="cannot be used"):
        b.load(tmp_path)


def test_only_the_types_of_the_campaign_are_in_the_container():
    sampling = make_params(
        sampling__types=["Mug", "Bowl"], sampling__held_out_types=["Vase"]
    ).sampling
    seen = [
        surveys_of(GeometricSimulator(), ["Room1"], sampling, held_out)["Room1"].kinds
        for held_out in (False, True)
    ]
    assert [{kind.type for kind in kinds} for kinds in seen] == [
        {"Mug", "Bowl"},
        {"Mug", "Bowl", "Vase"},
    ]
    everything = make_params(sampling__types=[], sampling__held_out_types=["Vase"]).sampling
    kinds = surveys_of(GeometricSimulator(), ["Room1"], everything)["Room1"].kinds
    assert {kind.type for kind in kinds} == {"Mug", "Bowl", "Pot"}
    with pytest.raises(
        ParamsError,
        match="Room1 has 0 kinds of sampling.types, and a scene needs 3; it has Bowl, Mug",
    ):
        surveys_of(GeometricSimulator(), ["Room1"], make_params(sampling__types=["Piano"]).sampling)
