"""A campaign: rounds until the budget or an early stop, then test, gate, registry and report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Completed

from flows.round import one_round, round_flow
from rls3.loop.conclude import (
    accuracies,
    evaluate_campaign,
    judge_base,
    result_of,
    stage_seconds,
    summarize_campaign,
    write_metrics,
    write_recipe,
)
from rls3.loop.describe import outcome_line, round_line
from rls3.loop.integrity import check_inputs
from rls3.loop.records import Summary
from rls3.loop.resources import Resources
from rls3.loop.run import Progress
from rls3.loop.store import Campaign, Round
from rls3.loop.verdict import should_stop
from rls3.report.collect import report_campaign
from tasks import artifacts, handoff, publishing, tracking, versioning, watch

Announce = Callable[[str], None]
_NO_HEARTBEAT = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
"""Whether a run is alive is asked of its process (`tasks.watch`); stopping a heartbeat costs a
second."""


@dataclass(frozen=True, eq=False)
class Begun:
    """A campaign that this process holds.

    Attributes:
        announce: is told what a person wants to read, a line at a time.
        process_started: `time.time()` at which the process began: start-up counts as orchestration.
        seconds: by part, so far.
    """

    campaign: Campaign
    resources: Resources
    announce: Announce
    process_started: float
    seconds: dict[str, float]


@contextmanager
def begin(
    campaign: Campaign, resources: Resources, announce: Announce, process_started: float
) -> Iterator[Begun]:
    """Hold a campaign, with all that its rounds need: its inputs, the base model judged. Prefect is
    not needed: its server may start meanwhile."""
    with campaign.locked():
        tracking.check(campaign)
        seconds = {"start": time.time() - process_started}
        fetched = versioning.fetch_published(campaign.project)
        if fetched:
            announce(f"fetched {', '.join(fetched)} from the DVC remote")
        if not campaign.inputs.exists() and (
            changed := versioning.changed_published(campaign.project)
        ):
            announce(
                f"{', '.join(changed)}: not what dvc.lock records; if you did not make it anew, it "
                f"is damaged: `dvc checkout --force {' '.join(changed)}` restores it"
            )
        check_inputs(campaign)
        returned = versioning.bring_back(campaign)
        if returned:
            announce(f"brought back {', '.join(returned)} from DVC's cache")
        if len(campaign.rounds_done()) < campaign.params.campaign.rounds:
            resources.start_ahead()
        with _timed(seconds, "base_evaluation"):
            judge_base(campaign, resources)
        tracking.open_ahead(campaign)
        yield Begun(campaign, resources, announce, process_started, seconds)


def continue_campaign(begun: Begun, progress: Progress, through_prefect: bool = False) -> Summary:
    """From where the campaign stands to its end."""
    campaign = begun.campaign
    earlier = sum(stage_seconds(campaign.rounds_done()).values())
    run_rounds(begun, progress, through_prefect)
    summary = finish_campaign(
        campaign, begun.resources, begun.seconds, begun.process_started - earlier
    )
    if through_prefect:
        artifacts.publish(campaign, summary)
    return summary


def run_rounds(begun: Begun, progress: Progress, through_prefect: bool) -> None:
    """All rounds that are not finished."""
    if through_prefect:
        # The campaign's heartbeat is its rounds', which live in its process.
        with temporary_settings(_NO_HEARTBEAT):
            _run_rounds(begun, progress, round_flow)
    else:
        _run_rounds(begun, progress, partial(one_round, through_prefect=False))


def _run_rounds(
    begun: Begun, progress: Progress, do: Callable[[Round, Resources, Progress], object]
) -> None:
    campaign, resources, announce = begun.campaign, begun.resources, begun.announce
    params = campaign.params.campaign
    for number in range(len(campaign.rounds_done()) + 1, params.rounds + 1):
        if should_stop(accuracies(campaign.rounds_done()), params.patience_rounds):
            announce(
                f"stopped early: no better accuracy on val for {params.patience_rounds} rounds"
            )
            return
        round_ = campaign.round(number)
        do(round_, resources, progress)
        announce(round_line(round_))


def finish_campaign(
    campaign: Campaign, resources: Resources, seconds: dict[str, float], started: float
) -> Summary:
    """Test, gate, registry, report, summary; nothing is done twice for the same result.

    Args:
        seconds: by part, to be added to.
        started: when the campaign would have begun had it run in one go.
    """
    result = result_of(campaign)
    with _timed(seconds, "final_evaluation"):
        evaluation = evaluate_campaign(campaign, resources, result)
        handoff.gate(result, resources)
    with _timed(seconds, "registry"):
        write_recipe(campaign)
        version = versioning.version_data(campaign)
        gate, registration = handoff.hand_over(result, resources, evaluation, version)
        tracking.finish_run(campaign, evaluation)
    seconds["total"] = time.time() - started
    handed_over = {
        "mlflow_run_id": tracking.open_run(campaign),
        "model_uri": registration.uri,
        "model_version": registration.version,
        "data_version": version,
        "gate": gate.decision,
        "report": str(campaign.report),
    }
    summary = summarize_campaign(campaign, evaluation, seconds, handed_over)
    write_metrics(campaign, summary)
    report_campaign(campaign)
    publishing.publish_campaign(campaign, version)
    return summary


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started


@flow(
    name="campaign",
    flow_run_name="{begun.campaign.name}",
    validate_parameters=False,
    persist_result=False,
)
def campaign_flow(begun: Begun, progress: Progress) -> State[Summary]:
    """`continue_campaign` as a Prefect flow that a person starts; each round is a sub-flow."""
    watch.begin_by_hand(flow_run.id)
    summary = continue_campaign(begun, progress, through_prefect=True)
    return Completed(message=outcome_line(summary), data=summary)


def run_through_prefect(begun: Begun, progress: Progress) -> Summary:
    """`campaign_flow`, whose caller gets the Summary."""
    with temporary_settings(_NO_HEARTBEAT):
        return campaign_flow(begun, progress)
