"""Agents by name."""

from typing import get_args

import pytest

from rls3.agents.make import make_agent
from rls3.errors import ParamsError
from rls3.params import AgentParams
from rls3.placing.goal import MoveSpace
from tests.unit.agents.worlds import SPACE, params_of

NAMES = get_args(AgentParams.model_fields["name"].annotation)
MOVES = MoveSpace(SPACE.types, SPACE.colors, 3)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_an_agent_that_can_be_saved_and_loaded(name, tmp_path):
    params = params_of(agent__name=name).agent
    agent, other = (make_agent(params, SPACE, ["Room1"], seed) for seed in (0, 1))
    assert agent.space == SPACE
    agent.save(tmp_path)
    other.load(tmp_path)


@pytest.mark.parametrize("name", ["stratified", "failure"])
def test_agents_that_ask_for_goals_refuse_to_move(name):
    params = params_of(agent__name=name, agent__action="raw").agent
    with pytest.raises(ParamsError, match=f"'raw' is not possible with agent.name = '{name}'"):
        make_agent(params, MOVES, ["Room1"], 0)


@pytest.mark.parametrize("name", ["ppo", "random"])
def test_the_others_move(name):
    params = params_of(agent__name=name, agent__action="raw").agent
    assert make_agent(params, MOVES, ["Room1"], 0).space == MOVES
