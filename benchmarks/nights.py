"""A week of nights on a schedule of seconds: `python -m benchmarks.nights [NIGHTS] [EVERY_S]`.

In a temporary project with this one's base models and benchmarks: `rls3 serve`, a small round a
night, every other night killed (its process, or its worker with it). Prints a line a night, what
was told of, and the memory of the servers at the beginning and at the end.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from rls3.loop.store import Campaign, Project
from rls3.params import load_params

_ROOT = Path(__file__).resolve().parents[1]
_PORTS = {"serve.prefect_port": 24200, "serve.mlflow_port": 25000, "serve.pages_port": 24201}
_SMALL = {
    "campaign": {"name": "night", "rounds": 1, "episodes_per_round": 2},
    "sampling": {"steps_per_episode": 40},
    "simulator": {"floor_plans": ["FloorPlan1", "FloorPlan201"], "workers": 1},
    "finetune": {"steps": 20},
    "serve": {"watch_s": 2.0},
}
_KILL = "PREFECT__FLOW_RUN_ID"


def main() -> None:
    """Print the table."""
    given = [int(argument) for argument in sys.argv[1:]]
    nights, every_s = given + [7, 60][len(given) :]
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder) / "project", every_s)
        with _served(project) as client:
            before = _memory_mb(project)
            done = _nights(client, nights, project)
            for run in done:
                print(
                    f"{run.name:24} {run.state.name:10} try {run.run_count}, "
                    f"{run.total_run_time.total_seconds():5.1f} s: {run.state.message}"
                )
            rounds = len(_campaign(project).rounds_done())
            print(f"{len(done)} nights, {rounds} rounds; servers {before} -> {_memory_mb(project)}")
            told = json.loads(project.told_states.read_text())
            print(f"told of: {len(told)} ({', '.join(sorted({t.split()[-1] for t in told}))})")


def _project(root: Path, every_s: int) -> Project:
    root.mkdir()
    for name in ("base", "benchmark"):
        (root / name).symlink_to(_ROOT / name)
    raw = yaml.safe_load((_ROOT / "params.yaml").read_text())
    for group, values in _SMALL.items():
        raw[group] |= values
    for key, port in _PORTS.items():
        group, name = key.split(".")
        raw[group][name] = port
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    deployments = yaml.safe_load((_ROOT / "prefect.yaml").read_text())
    nightly = deployments["deployments"][0]
    nightly["schedules"] = [{"interval": every_s}]
    deployments["deployments"] = [nightly]
    (root / "prefect.yaml").write_text(yaml.safe_dump(deployments))
    return Project(root)


def _campaign(project: Project) -> Campaign:
    return Campaign(project, load_params(project.root / "params.yaml"))


@contextlib.contextmanager
def _served(project: Project) -> Iterator[SyncPrefectClient]:
    rls3 = [sys.executable, "-W", "ignore", "-m", "rls3.cli"]
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    subprocess.run([*rls3, "serve"], cwd=project.root, env=environment, check=True)
    try:
        with SyncPrefectClient(f"http://127.0.0.1:{_PORTS['serve.prefect_port']}/api") as client:
            yield client
    finally:
        subprocess.run([*rls3, "stop"], cwd=project.root, env=environment, check=True)


def _nights(client: SyncPrefectClient, wanted: int, project: Project) -> list[FlowRun]:
    """Wait until so many nights are completed; kill every other one once, while it renders."""
    killed: list[str] = []
    while True:
        runs = _runs(client)
        done = [run for run in runs if run.state.is_completed()]
        if len(done) >= wanted:
            return done
        for number, run in enumerate(run for run in runs if run.run_count):
            if number % 2 and run.state.is_running() and str(run.id) not in killed:
                time.sleep(8)
                _kill(str(run.id), with_worker=number % 4 == 3)
                killed.append(str(run.id))
        time.sleep(1)


def _runs(client: SyncPrefectClient) -> list[FlowRun]:
    nights = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(is_null_=False))
    return client.read_flow_runs(flow_run_filter=nights, sort=FlowRunSort.EXPECTED_START_TIME_ASC)


def _kill(run: str, with_worker: bool) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_KILL) != run:
                continue
            above = process.parent()
            process.kill()
            if with_worker and above is not None and "worker" in above.cmdline():
                above.kill()


def _memory_mb(project: Project) -> str:
    """Of everything that `rls3 serve` started, runs aside."""
    serving = psutil.Process(int(project.serving_lock.read_text()))
    total = serving.memory_info().rss
    for child in serving.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if not child.environ().get(_KILL):
                total += child.memory_info().rss
    return f"{total / 2**20:.0f} MB"


if __name__ == "__main__":
    main()
