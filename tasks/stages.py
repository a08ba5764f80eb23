"""The stages of a round as Prefect tasks. Only those that reach outside (the simulator) are tried again."""

import time
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from rls3 import stages
from rls3.errors import SimulatorError
from rls3.lineage import lineage
from rls3.round import Round, write_json
from rls3.stages import Workshop
from tasks import tracking, versioning


def _simulator_failed(_task: Any, _run: Any, state: Any) -> bool:
    """Retry after a simulator that died; never after data or a campaign that is wrong."""
    try:
        state.result()
    except SimulatorError:
        return True
    except Exception:
        return False
    return False


def _as_task(stage: Any, name: str, outside: bool = False) -> Any:
    retrying = (
        {"retries": 2, "retry_delay_seconds": 1, "retry_condition_fn": _simulator_failed}
        if outside
        else {}
    )
    return task(
        stage,
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        task_run_name=name + " of round {round_.number}",
        **retrying,
    )


sample_scenes = _as_task(stages.sample, "sample scenes", outside=True)
render_scenes = _as_task(stages.render, "render scenes", outside=True)
validate_samples = _as_task(stages.validate, "validate samples")
score_vlm = _as_task(stages.score, "score VLM")
finetune_vlm = _as_task(stages.finetune, "fine-tune VLM")
evaluate_vlm = _as_task(stages.evaluate, "evaluate VLM")
compute_rewards = _as_task(stages.reward, "compute rewards")
update_policy = _as_task(stages.update, "update policy", outside=True)


@task(
    name="record round",
    cache_policy=NO_CACHE,
    persist_result=False,
    task_run_name="record round {round_.number}",
)
def record_round(workshop: Workshop, round_: Round) -> None:
    """Version the data (DVC), log the metrics (MLflow), write the manifest that says that the round is done."""
    if round_.manifest.exists():
        return
    started = time.perf_counter()
    version = versioning.version_data(workshop.campaign.root)
    versioned = time.perf_counter()
    run_id = tracking.log_round(round_, version)
    write_json(
        round_.manifest,
        lineage(round_)
        | {
            "data_version": version,
            "mlflow_run_id": run_id,
            "seconds": {
                "dvc": round(versioned - started, 2),
                "mlflow": round(time.perf_counter() - versioned, 2),
            },
        },
    )
