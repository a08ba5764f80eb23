"""A round on a real Dask cluster of two workers, one of which is killed in mid-render: the same
bytes as from one process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from distributed import Client

from rls3.loop.conclude import judge_base
from rls3.loop.records import ScoreRecord
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.params import load_params

SCENES = ("sampling.steps_per_episode=24", "execution.scenes_per_task=2")


@contextmanager
def cluster(folder):
    """A scheduler's address, and its two workers (without nannies, so that a lost one stays
    lost)."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = []

    def start(program, *arguments):
        log = (folder / f"{program}-{len(started)}.txt").open("w")
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
        started.append(
            subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        )
        return started[-1]

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--no-show", "--scheduler-file", str(folder / "scheduler.json"))  # fmt: skip
        for _ in range(2):
            start("worker", "--scheduler-file", str(folder / "scheduler.json"), "--no-nanny",
                  "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard",
                  "--local-directory", str(folder / "dask"))  # fmt: skip
        with Client(scheduler_file=str(folder / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def first_stages(root, progress, *overrides):
    """A round's shard, what was scored in it and the base model's predictions."""
    params = load_params(root / "params.yaml", [*SCENES, *overrides])
    campaign = Campaign(Project(root), params)
    with Resources(params, campaign.project.simulators) as resources:
        base = judge_base(campaign, resources)
        for stage in STAGES[:4]:
            run_stage(stage, campaign.round(1), resources, progress)
    round_ = campaign.round(1)
    return round_.path("train").read_bytes(), round_.record(ScoreRecord).failure, base


def silent(*_):
    pass


def copy_of(project, folder):
    folder.mkdir()
    shutil.copy(project / "params.yaml", folder)
    for name in ("base", "benchmark"):
        (folder / name).symlink_to(project / name)
    return folder


@pytest.fixture(scope="module")
def one(project, tmp_path_factory):
    """What one process that draws, and scores nothing elsewhere, makes."""
    root = copy_of(project, tmp_path_factory.mktemp("scale") / "one")
    return first_stages(root, silent, "execution.runner=process", "simulator.workers=1")


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_one_process(project, one, tmp_path):
    killed, simulators = [], []
    with cluster(tmp_path) as (address, workers):

        def kill_a_worker(title, done, total, unit):
            if title != "render scenes" or killed or not 0 < done < total / 2:
                return
            simulators.extend(
                child.pid for w in workers for child in psutil.Process(w.pid).children(True)
            )
            workers[0].send_signal(signal.SIGKILL)
            killed.append((done, total))

        started = time.monotonic()
        many = first_stages(
            copy_of(project, tmp_path / "many"), kill_a_worker,
            "execution.runner=dask", f"execution.dask_address={address}",
            "execution.map_score=true", "execution.items_per_task=1",
        )  # fmt: skip
        assert killed and workers[1].poll() is None and time.monotonic() - started < 60
        gone_by = time.monotonic() + 10
        while any(map(alive, simulators)) and time.monotonic() < gone_by:
            time.sleep(0.1)
        assert len(simulators) >= 2 and not any(map(alive, simulators)), "ended with the campaign"
    assert many == one


@pytest.mark.parametrize("runner", ["thread", "process"])
def test_two_workers_here_give_the_bytes_of_one(project, one, tmp_path, runner):
    two = first_stages(
        copy_of(project, tmp_path / "two"), silent,
        f"execution.runner={runner}", "simulator.workers=2", "execution.map_score=true",
    )  # fmt: skip
    assert one == two
