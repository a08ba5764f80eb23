"""Agents without a policy: random, stratified, and by the VLM's failure."""

import numpy as np
import pytest

from rls3.agents.failure import FailureAgent, weights_of
from rls3.agents.interface import Scored, Weakness
from rls3.agents.random import RandomAgent
from rls3.agents.stratified import StratifiedAgent
from rls3.language.relation import CELLS
from rls3.placing.goal import MoveSpace
from rls3.scene.records import Kind
from tests.unit.agents.worlds import SPACE, asked, context_of, failing_where, params_of

N = 2600
ALL_CELLS = {str(cell) for cell in CELLS}


def failure_agent(*axes, **settings):
    overrides = {f"agent__failure__{key}": value for key, value in settings.items()}
    params = params_of(agent__failure__axes=axes, **overrides).agent.failure
    return FailureAgent(SPACE, params)


def even(counts, n_values):
    """Whether counts of N draws are as even as chance has them (four standard deviations)."""
    expected = N / n_values
    spread = 4 * np.sqrt(expected * (1 - 1 / n_values))
    return len(counts) == n_values and all(abs(c - expected) < spread for c in counts.values())


def test_random_asks_for_no_relation():
    assert set(asked(RandomAgent(SPACE), 200)["cell"]) == {"any"}
    rng, moves = np.random.default_rng(0), MoveSpace(SPACE.types, SPACE.colors, 3)
    moved = [RandomAgent(moves).propose(context_of(), rng) for _ in range(300)]
    assert {move.item for move in moved} == {0, 1, 2} and len({m.offset_m for m in moved}) > 80


def test_stratified_is_balanced_over_cells_and_even_over_the_rest():
    counts = asked(StratifiedAgent(SPACE), N)
    assert set(counts["cell"]) == ALL_CELLS and set(counts["cell"].values()) == {N // 26}
    assert even(counts["view"], 2) and even(counts["distance"], 3)
    assert even(counts["subject"], 4) and even(counts["reference"], 4)
    partial = asked(StratifiedAgent(SPACE), 30)["cell"].values()
    assert max(partial) - min(partial) <= 1


def test_stratified_goes_through_the_cells_in_an_order_of_its_own_each_time():
    agent, context, rng = StratifiedAgent(SPACE), context_of(), np.random.default_rng(0)
    first, second = ([agent.propose(context, rng).cell for _ in CELLS] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(26)) and first != second


def test_only_what_the_room_has_is_asked_for():
    kinds = (Kind("Bowl", "red"), Kind("Mug", "blue"))
    for agent in (StratifiedAgent(SPACE), failure_agent("cell")):
        rng = np.random.default_rng(0)
        goals = [agent.propose(context_of(kinds=kinds), rng) for _ in range(40)]
        assert all({goal.subject, goal.reference} == set(kinds) for goal in goals)


@pytest.mark.parametrize("agent", [StratifiedAgent(SPACE), failure_agent("cell", "view")])
def test_a_new_generator_begins_again(agent):
    context = context_of(failing_where("view", "crouched"))

    def ten():
        rng = np.random.default_rng(4)
        return [agent.propose(context, rng) for _ in range(10)]

    assert ten() == ten()


def test_nothing_known_nothing_preferred():
    """The failure agent asks for the very goals that the stratified one asks for."""
    plain, context = StratifiedAgent(SPACE), context_of()
    for axes in (("cell",), ("pair", "view"), ("colors",)):
        rngs = np.random.default_rng(1), np.random.default_rng(1)
        agent = failure_agent(*axes)
        for _ in range(60):
            assert agent.propose(context, rngs[0]) == plain.propose(context, rngs[1])


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("cell", "above + left"),
        ("subject", "Mug"),
        ("reference", "Vase"),
        ("pair", "Mug, Bowl"),
        ("colors", "same"),
        ("view", "crouched"),
        ("distance", "far"),
    ],
)
def test_what_fails_is_asked_for_more_often(axis, value):
    """As much more often as its weight says: one failing value, each axis alone."""
    weakness = failing_where(axis, value)
    agent = failure_agent(axis)
    before = asked(StratifiedAgent(SPACE), N)[axis][value] / N
    after = asked(agent, N, weakness)[axis][value] / N
    weights = weights_of(weakness, params_of(agent__failure__axes=[axis]).agent.failure)
    failing = weights.of({axis: value})
    others = [w for values, w in weights.by_values.items() if values != (value,)]
    assert failing > 3 * max(others)
    lowest, highest = (
        before * failing / (before * failing + (1 - before) * w) for w in (max(others), min(others))
    )
    noise = 4 * np.sqrt(after * (1 - after) / N)
    assert before < after and lowest - noise < after < highest + noise


def test_a_combination_fails_and_its_parts_do_not():
    scored = tuple(
        Scored({"view": view, "distance": distance}, float((view, distance) == ("crouched", "far")))
        for view in ("standing", "crouched")
        for distance in ("near", "middle", "far")
        for _ in range(50)
    )
    weakness = Weakness(np.full(26, 0.5), np.full(6, 0.5), scored)
    context, rng = context_of(weakness), np.random.default_rng(0)
    agent = failure_agent("view", "distance")
    goals = [agent.propose(context, rng) for _ in range(600)]
    share = np.mean([goal.view == 1 and goal.distance == 2 for goal in goals])
    assert abs(share - 0.982 / (0.982 + 5 * 0.1)) < 0.08  # (50 + 4 * .5) / 54 against the floor


def test_the_table_is_what_the_equation_says():
    scored = tuple(Scored({"view": "standing"}, failure) for failure in (0.0, 0.4, 0.8))
    weakness = Weakness(np.full(26, 0.5), np.full(6, 0.5), scored)
    params = params_of(
        agent__failure__axes=["view"],
        agent__failure__prior=0.6,
        agent__failure__prior_count=2,
        agent__failure__floor=0.2,
    ).agent.failure
    weights = weights_of(weakness, params)
    assert np.isclose(weights.of({"view": "standing"}), (1.2 + 2 * 0.6) / 5)
    assert np.isclose(weights.of({"view": "crouched"}), 0.6)
    never = tuple(Scored({"view": "standing"}, 0.0) for _ in range(100))
    known = Weakness(np.zeros(26), np.ones(6), never)
    assert weights_of(known, params).of({"view": "standing"}) == 0.2
