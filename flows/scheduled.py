"""What the deployments of prefect.yaml run: flows whose parameters a person fills in on a page."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from flows.campaign import begin, continue_campaign
from flows.compare import campaigns, compare, curve_of
from rls3.errors import CampaignBusy
from rls3.files import read_json, write_json
from rls3.loop.describe import closing_lines, outcome_line
from rls3.loop.records import Summary, read_record
from rls3.loop.resources import Resources
from rls3.loop.run import silent
from rls3.loop.store import Campaign, Project
from rls3.params import Params, load_params, with_overrides
from tasks import artifacts

Agent = Literal["ppo", "random", "stratified", "failure"]
Family = Literal["clip", "vilt"]
Name = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]{0,62})?$")]
Seed = Annotated[int, Field(ge=0)]
Overrides = Annotated[tuple[str, ...], Field(examples=[["finetune.steps=20"]])]
_LOOKS_EVERY_S = 2.0


@flow(name="nightly campaign", log_prints=True)
def nightly(
    campaign: Name = "",
    rounds_a_night: Annotated[int, Field(ge=0, le=1000)] = 0,
    keep_adding_rounds: bool = True,
    overrides: Overrides = (),
    params_file: str = "params.yaml",
) -> State:
    """Continue the campaign, each night by some further rounds, then gate, registry and report.

    Args:
        campaign: Its name; empty is campaign.name of the parameters file.
        rounds_a_night: How many rounds a night adds; 0 is campaign.rounds of the parameters file.
        keep_adding_rounds: Switched off, a night only completes what is unfinished.
        overrides: Further parameters as group.key=value.
        params_file: The parameters file, in the project's folder.
    """
    project, params = _opened(params_file, overrides, _given("campaign.name", campaign))
    a_night = rounds_a_night or params.campaign.rounds
    begun = Campaign(project, params)
    _wait_until_free(begun)
    rounds = _goal(begun, a_night, keep_adding_rounds)
    return _run(Campaign(project, with_overrides(params, {"campaign.rounds": rounds})))


@flow(name="campaign on demand", log_prints=True)
def on_demand(
    campaign: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")],
    rounds: Annotated[int, Field(ge=1, le=1000)] = 3,
    agent: Agent = "ppo",
    family: Family = "clip",
    seed: Seed = 7,
    overrides: Overrides = (),
    params_file: str = "params.yaml",
) -> State:
    """Run a campaign of that name to that many rounds, or continue it.

    Args:
        campaign: Its name: small letters, digits, - and _. A campaign keeps its agent, its family
            and its seed.
        rounds: Rounds that it has in the end.
        agent: Who proposes the scenes.
        family: The kind of VLM.
        seed: Of all that is random in it.
        overrides: Further parameters as group.key=value.
        params_file: The parameters file, in the project's folder.
    """
    given = {"campaign.name": campaign, "campaign.rounds": rounds, "campaign.seed": seed}
    given |= {"agent.name": agent, "vlm.family": family}
    project, params = _opened(params_file, overrides, given)
    asked = Campaign(project, params)
    _wait_until_free(asked)
    return _run(asked)


@flow(name="weekly comparison", log_prints=True)
def weekly_compare(
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")] = "weekly",
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)] = ("ppo", "random"),
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1, 2, 3),
    rounds: Annotated[int, Field(ge=0, le=1000)] = 0,
    overrides: Overrides = (),
    params_file: str = "params.yaml",
) -> State:
    """Compare agents at equal data: a campaign for each agent and seed, named after the week.

    Args:
        name: How the campaigns' names begin; year, week, agent and seed follow.
        agents: Whom to compare.
        seeds: One campaign for each agent and seed.
        rounds: Of each campaign; 0 is campaign.rounds of the parameters file.
        overrides: Further parameters as group.key=value.
        params_file: The parameters file, in the project's folder.
    """
    year, week, _ = flow_run.scheduled_start_time.isocalendar()
    given = {"campaign.name": f"{name}-{year}w{week:02d}"} | _given("campaign.rounds", rounds)
    project, params = _opened(params_file, overrides, given)
    results = []
    for result in compare(campaigns(Campaign(project, params), agents, seeds)):
        results.append(result)
        print(f"{result.cell.agent}, seed {result.cell.seed}: {outcome_line(result.summary)}")
    curves = [curve_of(agent, results) for agent in agents]
    artifacts.publish_comparison(
        [
            {
                "agent": curve.agent,
                "samples": round(curve.samples[-1]),
                "val accuracy, %": round(100 * curve.mean[-1], 1),
                "spread over seeds": round(100 * curve.spread[-1], 1),
            }
            for curve in curves
        ]
    )
    said = ", ".join(f"{c.agent} {100 * c.mean[-1]:.1f} %" for c in curves)
    return Completed(message=f"accuracy on val: {said}")


def _given(key: str, value: object) -> dict[str, object]:
    """A form's field that was filled in."""
    return {key: value} if value else {}


def _opened(
    params_file: str, overrides: Sequence[str], given: dict[str, object]
) -> tuple[Project, Params]:
    path = Path(params_file)
    # The folder is resolved, the file is not, as on the command line: it may be a link.
    return Project(path.parent.resolve()), with_overrides(load_params(path, overrides), given)


def _wait_until_free(campaign: Campaign) -> None:
    """One run per campaign at a time, whoever started the other. Raises: CampaignError."""
    said = False
    while True:
        try:
            with campaign.locked():
                return
        except CampaignBusy as busy:
            if not said:
                print(f"{busy}; this run waits for it")
            said = True
            time.sleep(_LOOKS_EVERY_S)


def _goal(campaign: Campaign, a_night: int, keep_adding: bool) -> int:
    """The rounds that the campaign has when this night is done; the same for each try of it."""
    goals = read_json(campaign.nights) if campaign.nights.exists() else {}
    night = str(flow_run.id)
    if night not in goals:
        goals[night] = _next_goal(campaign, a_night, keep_adding)
        write_json(campaign.nights, goals)
    return goals[night]


def _next_goal(campaign: Campaign, a_night: int, keep_adding: bool) -> int:
    """What is unfinished first; else a night's rounds more."""
    done = len(campaign.rounds_done())
    nights = max(1, -(-done // a_night))
    if keep_adding and done == nights * a_night and _is_finished(campaign, done):
        nights += 1
    return nights * a_night


def _is_finished(campaign: Campaign, done: int) -> bool:
    return campaign.summary.exists() and read_record(campaign.summary, Summary).rounds == done


def _run(campaign: Campaign) -> State:
    started = time.time()
    with (
        Resources(campaign.params, campaign.project.simulators) as resources,
        begin(campaign, resources, print, started) as begun,
    ):
        summary = continue_campaign(begun, silent, through_prefect=True)
    for line in closing_lines(summary):
        print(line)
    return Completed(message=outcome_line(summary))
