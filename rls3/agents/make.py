"""The agent that `agent.name` names."""

import importlib
from collections.abc import Sequence
from types import ModuleType

from rls3.agents.interface import Agent
from rls3.params import AgentParams
from rls3.placing.goal import Space


def make_agent(params: AgentParams, space: Space, floor_plans: Sequence[str], seed: int) -> Agent:
    """An agent that has not learned anything yet, made by `make` of the module of its name.

    Args:
        space: `rls3.placing.rooms.space_of` the campaign's rooms.
        floor_plans: of the campaign, in the order of the episodes.
    Raises: ParamsError if the agent cannot do `agent.action`.
    """
    return agent_module(params.name).make(params, space, floor_plans, seed)


def agent_module(name: str) -> ModuleType:
    """By name, so that a new agent is a module and nothing else, and a run imports only its own."""
    return importlib.import_module(f"rls3.agents.{name}")
