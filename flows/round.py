"""One round: the stages in the order of the figure, then the record of it."""

from prefect import Task, flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from rls3.loop.records import EvaluateRecord
from rls3.loop.resources import Resources
from rls3.loop.run import Progress
from rls3.loop.store import Round
from tasks.stages import STAGE_TASKS, record_round


def one_round(
    round_: Round, resources: Resources, progress: Progress, through_prefect: bool
) -> None:
    """Do what of the round is not finished; through Prefect, or as the plain functions that its
    tasks wrap."""

    def do(step: Task) -> object:
        return step if through_prefect else step.fn

    for stage in STAGE_TASKS:
        do(stage)(round_, resources, progress)
    do(record_round)(round_)


@flow(
    name="round",
    flow_run_name="{round_.campaign.name}/round-{round_.number}",
    validate_parameters=False,
    persist_result=False,
)
def round_flow(round_: Round, resources: Resources, progress: Progress) -> State:
    """One pass of the loop as a Prefect flow."""
    one_round(round_, resources, progress, through_prefect=True)
    accuracy = round_.record(EvaluateRecord).val.accuracy.accuracy
    return Completed(message=f"accuracy on val {100 * accuracy:.1f} %")
