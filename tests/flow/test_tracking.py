"""What is recorded in MLflow is there once, wherever the process was killed; what MLflow lacks is
said in one sentence before the work begins; a project that was copied keeps to itself."""

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import time

import mlflow
import pytest

from rls3.errors import ParamsError, TrackingError
from rls3.files import read_json, write_json, write_text
from rls3.loop.store import Campaign, Project
from rls3.params import check_params
from tasks import tracking
from tests.conftest import ROOT, make_params
from tests.unit.report.campaigns import add_round, make_manifest, write_record


class Killed(BaseException):
    """In the place of SIGKILL: nothing may catch it."""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """An empty one of MLflow's, whose tables take seconds to make."""
    project = Project(tmp_path_factory.mktemp("empty"))
    with tracking.server(make_params(), project):
        pass
    return project.tracking_database


def begun(root, database, name="c") -> Campaign:
    campaign = Campaign(Project(root), make_params(campaign__name=name))
    campaign.project.runs.mkdir(parents=True, exist_ok=True)
    if not campaign.project.tracking_database.exists():
        shutil.copy(database, campaign.project.tracking_database)
    add_round(campaign, 1)
    campaign.round(1).manifest.unlink()
    write_text(campaign.round(1).docs / "index.html", "<p>docs</p>")
    write_text(campaign.round(1).path("train"), "data")
    return campaign


def recorded(campaign: Campaign) -> list[tuple]:
    """All runs: what identifies each, its status, its points, its inputs."""
    with tracking.server(campaign.params, campaign.project) as client:
        experiment = client.get_experiment_by_name("rls3").experiment_id
        rows = []
        for run in client.search_runs([experiment]):
            points = {
                key: [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, key)]
                for key in run.data.metrics
            }
            inputs = [i.dataset.name for i in run.inputs.dataset_inputs]
            docs = [f.path for f in client.list_artifacts(run.info.run_id, "data-docs")]
            name, number = run.info.run_name, run.data.tags.get("rls3.round")
            rows.append((name, number, run.info.status, points, inputs, docs))
        return sorted(rows, key=lambda row: row[0])


FIRST_USE = """
import resource, signal, sys
from pathlib import Path
from rls3.loop.store import Project
from rls3.params import load_params
from tasks import tracking
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
with tracking.server(load_params(Path("params.yaml")), Project(Path(sys.argv[2]))):
    pass
"""


def test_a_disk_that_is_full_while_the_tables_are_made_leaves_no_half_of_them(tmp_path):
    def first_use(most_bytes: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-W", "ignore", "-c", FIRST_USE, str(most_bytes), str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/.mlflow.db.999999999.tmp").write_text("of a process that was killed")
    refused = first_use(300_000)
    assert refused.returncode == 1 and "nothing that was finished is lost" in refused.stderr
    assert list((tmp_path / "runs").iterdir()) == []
    assert first_use(10_000_000).returncode == 0
    assert {entry.name for entry in (tmp_path / "runs").iterdir()} == {"mlflow.db"}


CALLS = (
    "create_run",
    "log_batch",
    "set_terminated",
    "create_run",
    "log_batch",
    "log_inputs",
    "log_artifacts",
    "set_terminated",
    "log_batch",
)
"""Of the client, while the first round is recorded (see the test)."""


def test_recording_a_round_calls_what_is_interrupted_below(tmp_path, database, monkeypatch):
    made = calls_made(monkeypatch, killed_after=None)
    tracking.log_round(begun(tmp_path, database).round(1), "v1")
    assert tuple(made) == CALLS


def calls_made(monkeypatch, killed_after: int | None) -> list[str]:
    """The client's calls from now on; dies when the one of that number has done its work."""
    made: list[str] = []

    def noted(name, call):
        def do(*arguments, **named):
            answer = call(*arguments, **named)
            made.append(name)
            if len(made) - 1 == killed_after:
                raise Killed
            return answer

        return do

    for name in set(CALLS):
        monkeypatch.setattr(
            mlflow.MlflowClient, name, noted(name, getattr(mlflow.MlflowClient, name))
        )
    return made


def test_a_round_is_recorded_once_wherever_it_was_killed(tmp_path, database, monkeypatch):
    whole = begun(tmp_path / "whole", database)
    tracking.log_round(whole.round(1), "v1")
    tracking.log_round(whole.round(1), "v1")
    wanted = recorded(whole)
    assert [(name, status) for name, _, status, *_ in wanted] == [
        ("c", "FINISHED"),
        ("c/round-0001", "FINISHED"),
    ]
    assert wanted[0][3]["val_accuracy"] == [(1, 0.5)] and wanted[1][3]["samples"] == [(0, 520)]
    assert wanted[1][4:] == (["c-0001"], ["data-docs/index.html"])
    for number in range(len(CALLS)):
        campaign = begun(tmp_path / str(number), database)
        with monkeypatch.context() as patched:
            calls_made(patched, number)
            with pytest.raises(Killed):
                tracking.log_round(campaign.round(1), "v1")
        tracking.log_round(campaign.round(1), "v1")
        assert recorded(campaign) == wanted, CALLS[number]


def test_a_round_that_is_recorded_while_the_run_is_opened_has_one_run(tmp_path, database):
    campaign = begun(tmp_path, database)
    tracking.open_ahead(campaign)
    tracking.log_round(campaign.round(1), "v1")
    assert [row[0] for row in recorded(campaign)] == ["c", "c/round-0001"]


def refused(campaign: Campaign, message: str, seconds: float = 7) -> None:
    began = time.monotonic()
    with pytest.raises(TrackingError, match=message) as caught:
        tracking.check(campaign)
    assert time.monotonic() - began < seconds and "\n" not in str(caught.value)


def test_a_server_that_is_dead_is_said_at_once(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
    campaign = Campaign(Project(tmp_path), make_params())
    refused(campaign, rf"MLflow at http://\*\*\*@127.0.0.1:{port} does not .*refused", 2)


def test_a_database_that_cannot_be_used_is_said_before_the_work(tmp_path, database):
    campaign = begun(tmp_path, database)
    path = campaign.project.tracking_database
    tracking.log_round(campaign.round(1), "v1")
    tracking.check(campaign)
    with sqlite3.connect(path) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        refused(campaign, "database is locked")
    whole = path.read_bytes()
    path.write_bytes(b"garbage" * 1000)
    refused(campaign, "not a database")
    path.write_bytes(whole)
    tracking.check(campaign)


def test_a_lost_database_is_said_and_the_way_out_records_all_anew(tmp_path, database):
    campaign = begun(tmp_path / "whole", database)
    tracking.log_round(campaign.round(1), "v1")
    before = recorded(campaign)
    write_record(make_manifest(1), campaign.round(1).manifest)
    left = shutil.copytree(
        campaign.project.root, tmp_path / "left", ignore=shutil.ignore_patterns("mlflow.db")
    )
    campaign = Campaign(Project(left), campaign.params)
    refused(campaign, rf"its run is not at .*; bring that back, or delete {campaign.tracked} to")
    assert not campaign.project.tracking_database.exists()
    shutil.copy(database, campaign.project.tracking_database)
    write_json(campaign.tracked, {"uid": "x", "run_id": "0" * 32})
    refused(campaign, "its run is not at")  # another database is no better
    campaign.tracked.unlink()
    tracking.open_run(campaign)
    assert [row[:4] for row in recorded(campaign)] == [row[:4] for row in before]


def test_a_campaign_of_before_keeps_its_run(tmp_path, database):
    """Its mlflow.json holds a run's id alone."""
    campaign = begun(tmp_path, database)
    run_id = tracking.open_run(campaign)
    write_json(campaign.tracked, {"run_id": run_id})
    tracking.log_round(campaign.round(1), "v1")
    tracking.log_round(campaign.round(1), "v1")
    assert tracking.open_run(campaign) == run_id and len(recorded(campaign)) == 2


def test_passwords_are_refused_where_they_would_be_recorded(tmp_path, database, monkeypatch):
    for uri in (
        "http://me:secret@host:5000",
        "https://secret@host",
        "postgresql://me:secret@host/db",
        "mysql://host/db?password=secret",
    ):
        raw = make_params().model_dump()
        raw["tracking"]["uri"] = uri
        with pytest.raises(ParamsError, match="tracking.uri holds .*MLFLOW_TRACKING_PASSWORD") as e:
            check_params(raw)
        assert "secret" not in str(e.value)
    make_params(tracking__uri="http://host:5000/a@b")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}?user=secret")
    assert tracking.without_secret("see http://me:secret@host") == "see http://***@host"


def test_the_environment_names_the_server_that_parameters_do_not(tmp_path, database, monkeypatch):
    elsewhere = tmp_path / "elsewhere.db"
    shutil.copy(database, elsewhere)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    campaign = begun(tmp_path / "p", database)
    tracking.open_run(campaign)
    with sqlite3.connect(elsewhere) as rows:
        assert rows.execute("SELECT name FROM runs").fetchall() == [("c",)]
    assert os.environ["MLFLOW_TRACKING_URI"].endswith("elsewhere.db")
    with tracking.server(make_params(tracking__experiment="new"), campaign.project) as client:
        kept = client.get_experiment_by_name("new").artifact_location
    assert kept == campaign.project.tracking_artifacts.as_uri(), "else MLflow takes ./mlruns"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with tracking.server(campaign.params, campaign.project):
        assert "MLFLOW_TRACKING_URI" not in os.environ
    assert read_json(campaign.tracked)["run_id"]


def test_files_may_be_read_by_whom_the_umask_allows(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask()


def umask() -> int:
    present = os.umask(0o022)
    os.umask(present)
    return present
