"""Threads, processes and a Dask cluster do the same tasks alike, and leave nothing behind."""

import sys

import psutil
import pytest

from rls3.errors import ExecutionError, ModelError
from rls3.execution.workers import make_workers
from tests.conftest import make_params
from tests.unit.execution import mapped_tasks as tasks


def workers_of(runner, folder, address=""):
    params = make_params(execution__runner=runner, execution__dask_address=address).execution
    return make_workers(params, 2, folder)


@pytest.fixture(params=["thread", "process", "dask"])
def workers(request, tmp_path):
    with workers_of(request.param, tmp_path / "cluster") as made:
        yield made


def test_all_runners_do_tasks_alike(workers, tmp_path):
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    assert dict(workers.map(tasks.times, 3, range(50))) == {i: 3 * i for i in range(50)}
    assert list(workers.map(tasks.times, 3, [])) == []
    with pytest.raises(ModelError, match="^task 4 is spoiled; choose another$"):
        list(workers.map(tasks.fail_at, 4, range(50)))
    assert dict(workers.map(tasks.times, 2, range(5))) == {i: 2 * i for i in range(5)}
    assert len(dict(workers.map(tasks.keep, tmp_path, range(20)))) == 20
    workers.close()
    assert 1 <= len(list(tmp_path.glob("closed-*"))) <= 2, "what workers keep is closed"
    assert {p.pid for p in psutil.Process().children(recursive=True)} - before <= _trackers()


def _trackers():
    """Python's own, one a process, which stays for its life."""
    children = psutil.Process().children(recursive=True)
    return {p.pid for p in children if "resource_tracker" in " ".join(p.cmdline())}


def test_a_task_that_meets_a_bug_is_no_hang(tmp_path):
    with (
        workers_of("process", tmp_path) as workers,
        pytest.raises(ExecutionError, match="a task failed in a worker process .ZeroDivisionError"),
    ):
        list(workers.map(tasks.stumble, 1, [1, 0]))


def test_processes_that_lose_one_say_so(tmp_path):
    with workers_of("process", tmp_path) as workers:
        with pytest.raises(ExecutionError, match="a worker process died; run again to continue"):
            list(workers.map(tasks.die_once, tmp_path, range(8)))
        assert len(dict(workers.map(tasks.die_once, tmp_path, range(8)))) == 8


def test_a_cluster_that_loses_a_worker_goes_on(tmp_path):
    with workers_of("dask", tmp_path / "cluster") as workers:
        done = dict(workers.map(tasks.die_once, tmp_path, range(30)))
    assert done == {i: i for i in range(30)} and (tmp_path / "died").exists()


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    from rls3.execution import cluster

    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with (
        workers_of("dask", tmp_path, "tcp://127.0.0.1:9") as workers,
        pytest.raises(ExecutionError, match="Dask cluster at tcp://127.0.0.1:9 cannot be used"),
    ):
        list(workers.map(tasks.times, 1, [1]))


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "rls3.execution.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutionError, match="run `pip install 'rls3.dask.'`"):
        workers_of("dask", tmp_path)
