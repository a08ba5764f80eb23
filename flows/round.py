"""One round: the stages in the order of the figure."""

from collections.abc import Callable
from typing import Any

from prefect import flow

from rls3.round import Round
from rls3.stages import Workshop
from tasks import stages as do


def one_round(workshop: Workshop, round_: Round, call: Callable[..., Any]) -> None:
    """`call(task, *arguments)` runs a task: through Prefect, or as the plain function that it wraps."""
    call(do.sample_scenes, workshop, round_)
    call(do.render_scenes, workshop, round_)
    call(do.validate_samples, workshop, round_)
    call(do.score_vlm, workshop, round_)
    call(do.finetune_vlm, workshop, round_)
    call(do.evaluate_vlm, workshop, round_)
    call(do.compute_rewards, workshop, round_)
    call(do.update_policy, workshop, round_)
    call(do.record_round, workshop, round_)


def through_prefect(task: Any, *arguments: Any) -> Any:
    return task(*arguments)


def plainly(task: Any, *arguments: Any) -> Any:
    return task.fn(*arguments)


@flow(
    name="round",
    flow_run_name="{round_.campaign.name}/round-{round_.number}",
    validate_parameters=False,
    log_prints=False,
)
def round_flow(workshop: Workshop, round_: Round) -> None:
    """One pass of the loop as a Prefect flow."""
    one_round(workshop, round_, through_prefect)
