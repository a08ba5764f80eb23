"""Collecting a rollout, and keeping it."""

import numpy as np
import pytest

from rls3.agents.episodes import collect, load_rollout, save_rollout
from rls3.agents.interface import FixedAgent, Scored, Weakness
from rls3.errors import DataError, RefusedAction, SimulatorError
from rls3.language.relation import CELLS, relation
from rls3.placing.goal import ANY_CELL, Goal, Move
from tests.unit.agents.worlds import SPACE, agent_of, rollout_of
from tests.unit.geometric_simulator import GeometricSimulator

MODES = [
    ("ppo", "goal"),
    ("ppo", "raw"),
    ("random", "goal"),
    ("random", "raw"),
    ("stratified", "goal"),
    ("failure", "goal"),
]
SCORED = (Scored({"cell": "left", "view": "standing"}, 0.25),)


def contents(rollout):
    """All that a rollout holds, as plain values."""
    contexts = [
        (c.floor_plan, c.kinds, c.share.tolist(), c.feasible, c.left) for c in rollout.contexts
    ]
    weakness = rollout.contexts[-1].weakness
    told = weakness.failure_by_cell.tolist(), weakness.accuracy_by_term.tolist(), weakness.scored
    starts = rollout.episode_starts.tolist()
    return contexts, told, rollout.proposals, rollout.specs, rollout.problems, starts


@pytest.mark.parametrize(("name", "action"), MODES)
def test_same_seed_same_rollout_and_round_trip(name, action, tmp_path):
    weakness = Weakness(np.linspace(0, 1, 26), np.full(6, 0.25), ())

    def once(seed):
        made = agent_of(agent__name=name, agent__action=action)
        return rollout_of(*made, seed=seed, weakness=weakness)

    first, second = once(11), once(11)
    assert len(first) == 24 and contents(first) == contents(second) != contents(once(12))
    assert {type(p) for p in first.proposals} == {Move if action == "raw" else Goal}
    save_rollout(first, tmp_path)
    loaded = load_rollout(tmp_path)
    assert contents(loaded) == contents(first)
    assert loaded.intrinsic.tolist() == first.intrinsic.tolist()


def test_what_was_scored_is_kept_with_the_rollout(tmp_path):
    weakness = Weakness(np.zeros(26), np.ones(6), SCORED)
    save_rollout(rollout_of(*agent_of(agent__name="random"), weakness=weakness), tmp_path)
    assert load_rollout(tmp_path).contexts[0].weakness.scored == SCORED


@pytest.mark.parametrize("file", ["steps.json", "rollout.safetensors"])
def test_a_damaged_or_missing_rollout_is_named(file, tmp_path):
    save_rollout(rollout_of(*agent_of(agent__name="random")), tmp_path)
    (tmp_path / file).write_text('{"steps": [')
    with pytest.raises(DataError, match=f"{file} is damaged"):
        load_rollout(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=f"{file} is missing"):
        load_rollout(tmp_path)


def test_episodes_cycle_over_rooms_and_do_not_depend_on_each_other():
    agent, rooms, sampling = agent_of(agent__name="random")
    rollout = rollout_of(agent, rooms, sampling, episodes=range(3, 6))
    names = [context.floor_plan for context in rollout.contexts]
    assert names == ["FloorPlan401"] * 12 + ["FloorPlan1"] * 12 + ["FloorPlan401"] * 12
    assert np.flatnonzero(rollout.episode_starts).tolist() == [0, 12, 24]
    alone = rollout_of(agent, rooms, sampling, episodes=range(3, 4))
    assert alone.specs == rollout.specs[:12]


def test_contexts_tell_what_happened_so_far():
    rollout = rollout_of(*agent_of(agent__name="stratified"), episodes=range(1))
    simulator, counts = GeometricSimulator(), np.zeros(len(CELLS))
    for i, context in enumerate(rollout.contexts):
        assert context.left == 1 - i / 12
        assert context.feasible == (i == 0 or not rollout.problems[i - 1])
        assert np.allclose(context.share, counts / max(1, counts.sum()))
        if not rollout.problems[i]:
            scene = simulator.measure(rollout.specs[i])
            subject, reference = (item.box.center for item in scene.objects[:2])
            counts[relation(subject, reference, scene.camera.yaw_deg).index] += 1
    assert counts.sum() == len(rollout.feasible) == rollout.intrinsic.sum() > 6


def test_an_infeasible_move_is_undone():
    rollout = rollout_of(
        *agent_of(agent__name="random", agent__action="raw", sampling__steps_per_episode=60),
        episodes=range(1),
    )
    before = None
    for spec, found in zip(rollout.specs, rollout.problems):
        if spec is not None and before is not None:
            changed = [a != b for a, b in zip(spec.placements, before.placements)]
            assert sum(changed) <= 1 and spec.viewpoint == before.viewpoint
        before = spec if not found else before
    assert before is not None and 0 < len(rollout.feasible) < 60


class Wishing(FixedAgent):
    """Asks for one goal again and again."""

    space = SPACE

    def propose(self, context, rng):
        return Goal(context.kinds[0], context.kinds[1], ANY_CELL, 0, 1)


class Unwilling(GeometricSimulator):
    def __init__(self, error):
        self.error = error

    def measure(self, spec):
        raise self.error


def test_a_refused_scene_is_a_problem_and_a_failing_simulator_an_error():
    _, rooms, sampling = agent_of(agent__name="random")

    def collected(error):
        rng = np.random.default_rng(0)
        unknown, simulator = Weakness.unknown(), Unwilling(error)
        return collect(Wishing(), simulator, rooms, range(1), unknown, sampling, rng, 0)

    assert set(collected(RefusedAction("no")).problems) == {("refused",)}
    with pytest.raises(SimulatorError, match="gone"):
        collected(SimulatorError("gone"))


def test_progress_is_told():
    agent, rooms, sampling = agent_of(agent__name="random")
    told = []
    collect(
        agent,
        GeometricSimulator(),
        rooms,
        range(2),
        Weakness.unknown(),
        sampling,
        np.random.default_rng(0),
        0,
        told.append,
    )
    assert told == list(range(1, 25))


def test_a_weakness_of_the_wrong_size_is_refused_and_none_can_be_changed():
    with pytest.raises(ValueError, match="size"):
        Weakness(np.zeros(25), np.zeros(6))
    with pytest.raises(ValueError, match="read-only"):
        Weakness.unknown().failure_by_cell[0] = 1
