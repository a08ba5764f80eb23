"""The stage table as Prefect tasks. Only what reaches outside (the simulator) is tried again."""

import time

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from rls3.errors import SimulatorError
from rls3.loop.lineage import manifest
from rls3.loop.records import write_record
from rls3.loop.resources import Resources
from rls3.loop.run import Progress, run_stage
from rls3.loop.stages import STAGES, Stage
from rls3.loop.store import Round
from tasks import publishing, tracking, versioning


def _simulator_failed(_task: Task, _run: TaskRun, state: State) -> bool:
    """Try again after a simulator that died; never after data or a campaign that is wrong."""
    try:
        state.result()
    except SimulatorError:
        return True
    except Exception:
        return False
    return False


def _as_task(stage: Stage) -> Task:
    def run(round_: Round, resources: Resources, progress: Progress) -> None:
        run_stage(stage, round_, resources, progress)

    return task(
        run,
        name=stage.title,
        description=stage.function.__doc__,
        task_run_name=stage.title + " of round {round_.number}",
        # Markers in the campaign's folder say what is finished, not Prefect's cache.
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=2 if stage.outside else 0,
        retry_delay_seconds=1,
        retry_condition_fn=_simulator_failed,
    )


STAGE_TASKS = tuple(_as_task(stage) for stage in STAGES)
"""In the order of the loop."""


@task(
    name="record round",
    task_run_name="record round {round_.number}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def record_round(round_: Round) -> None:
    """Version the data (DVC), log the metrics (MLflow), write the manifest that says that the round
    is done; then publish the data, if that is asked for."""
    if round_.done:
        return
    started = time.perf_counter()
    version = versioning.version_data(round_.campaign)
    versioned = time.perf_counter()
    run_id = tracking.log_round(round_, version)
    tracked = time.perf_counter()
    seconds = {"dvc": round(versioned - started, 2), "mlflow": round(tracked - versioned, 2)}
    write_record(manifest(round_, version, run_id, seconds), round_.manifest)
    publishing.publish_round(round_.campaign, version)
