"""The deployments of prefect.yaml as a person meets them: typed, described, one run at a time."""

import json

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter, ValidationError

from flows import scheduled
from flows.scheduled import _next_goal
from rls3.loop.records import write_record
from rls3.loop.store import Campaign, Project
from tests.conftest import ROOT, make_params
from tests.unit.report.campaigns import make_conclusion, make_manifest

FILE = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS = {deployment["name"]: deployment for deployment in FILE["deployments"]}


def flow_of(name: str):
    module, _, function = DEPLOYMENTS[name]["entrypoint"].rpartition(".")
    assert module == "flows.scheduled"
    return getattr(scheduled, function)


def test_there_are_three_and_each_runs_once_at_a_time():
    assert set(DEPLOYMENTS) == {"nightly", "weekly-compare", "on-demand-campaign"}
    for deployment in DEPLOYMENTS.values():
        assert deployment["description"] and deployment["tags"]
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
        assert deployment["work_pool"]["name"] == "rls3"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_each_parameter_says_what_it_is(name):
    schema = parameter_schema(flow_of(name)).model_dump()
    for key, parameter in schema["properties"].items():
        assert parameter.get("description"), key
        assert "default" in parameter or key in schema["required"], key
        json.dumps(parameter)


def test_agents_are_chosen_from_a_list_and_nonsense_is_refused():
    schema = parameter_schema(flow_of("on-demand-campaign")).model_dump()
    assert schema["properties"]["agent"]["enum"] == ["ppo", "random", "stratified", "failure"]
    assert schema["required"] == ["campaign"]
    for wrong in (
        {"campaign": "../x"},
        {"campaign": "a", "rounds": 0},
        {"campaign": "a", "agent": "x"},
    ):
        with pytest.raises(Exception, match="campaign|rounds|agent"):
            flow_of("on-demand-campaign").validate_parameters(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(scheduled.Agent).validate_python("sac")


def campaign_with(root, done: int, finished: bool) -> Campaign:
    campaign = Campaign(Project(root), make_params())
    for number in range(1, done + 1):
        write_record(make_manifest(number), campaign.round(number).manifest)
    if finished:
        write_record(make_conclusion(1, done)["summary"], campaign.summary)
    return campaign


@pytest.mark.parametrize(
    ("done", "finished", "keep_adding", "goal"),
    [
        (0, False, True, 2),  # the first night
        (1, False, True, 2),  # killed between its rounds
        (2, False, True, 2),  # killed before gate and registry: they come first
        (2, True, True, 4),
        (2, True, False, 2),
        (3, True, True, 4),  # somebody added a round by hand
    ],
)
def test_what_is_unfinished_comes_first(tmp_path, done, finished, keep_adding, goal):
    assert _next_goal(campaign_with(tmp_path, done, finished), 2, keep_adding) == goal
