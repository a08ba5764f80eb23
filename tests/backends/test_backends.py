"""A campaign on PostgreSQL and S3 by configuration alone, and no password anywhere that it
writes."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from rls3.errors import TrackingError
from rls3.loop.store import Campaign, Project
from tasks import tracking
from tests.backends.conftest import dvc
from tests.backends.servers import SECRETS, free_ports
from tests.conftest import make_params
from tests.flow.conftest import rls3


def test_a_campaign_is_recorded_in_postgresql_and_on_s3(campaign, project, servers):
    assert campaign.returncode == 0, campaign.stderr[-3000:]
    runs = servers.rows("mlflow", "SELECT name, status FROM runs ORDER BY name")
    assert runs == [("remote", "FINISHED"), ("remote/round-0001", "FINISHED")]
    flows = servers.rows("prefect", "SELECT name, state_type FROM flow_run WHERE name = 'remote'")
    assert [tuple(map(str, row)) for row in flows] == [("remote", "COMPLETED")]
    kept = servers.objects("mlflow/")
    assert any(key.endswith("artifacts/vlm/model.safetensors") for key in kept)
    summary = json.loads((project / "runs/remote/summary.json").read_text())
    version = summary["data_version"]
    assert f"dvc/files/md5/{version[:2]}/{version[2:]}" in servers.objects("dvc/")
    here = Project(project)
    assert not here.tracking_database.exists() and not list(here.prefect.glob("*.db*"))


def test_the_model_is_fetched_from_there(campaign, project):
    gate = json.loads((project / "runs/remote/gate.json").read_text())
    assert gate["against"] == "base"
    promoted = rls3(project, "promote", "models:/rls3-vlm/1")
    assert promoted.returncode == 0, promoted.stderr
    picture = project / "picture.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    answer = rls3(
        project,
        *("predict", str(picture), "a red Mug", "a blue Bowl"),
        *("--model", "models:/rls3-vlm@champion", "--json"),
    )
    assert answer.returncode == 0, answer.stderr
    assert len(json.loads(answer.stdout)["captions"]) == 2


def test_the_data_are_pulled_into_another_folder(campaign, project, tmp_path):
    (tmp_path / ".dvc").mkdir()
    for name in (".dvc/config", "data.dvc"):
        shutil.copy(project / name, tmp_path / name)
    dvc(tmp_path, "pull", "-q")
    wanted, there = (_files(root / "data") for root in (project, tmp_path))
    assert wanted == there and "remote/round-0001/train.parquet" in there


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_no_secret_is_written_or_said(campaign, project, servers):
    """In the project, in what servers log, in PostgreSQL's own files, on the screen; nor when the
    S3 server refuses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        failed = rls3(
            project,
            *("run", "--no-prefect", "-S", "campaign.name=remote", "-S", "campaign.rounds=1"),
        )
    assert failed.returncode == 1 and "cannot be pushed to the DVC remote" in failed.stderr
    words = [value.rpartition(":")[2].encode() for value in SECRETS.values()]
    said = "".join((campaign.stdout, campaign.stderr, failed.stdout, failed.stderr)).encode()
    assert not [word for word in words if word in said]
    for root in (project, servers.logs, servers.database):
        files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
        assert files
        for path in files:
            content = path.read_bytes()
            assert not [word for word in words if word in content], path


def test_a_database_that_is_down_is_said_at_once_without_its_password(tmp_path, monkeypatch):
    (port,) = free_ports(1)
    uri = f"postgresql+psycopg://rls3:{SECRETS['PGPASSWORD']}@127.0.0.1:{port}/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    began = time.monotonic()
    with pytest.raises(TrackingError, match=r"//\*\*\*@127.0.0.1.* does not .*refused") as caught:
        tracking.check(Campaign(Project(tmp_path), make_params()))
    assert time.monotonic() - began < 2 and SECRETS["PGPASSWORD"] not in str(caught.value)
    assert os.environ["MLFLOW_TRACKING_URI"] == uri


def test_whom_a_database_does_not_let_in_is_told_at_once(servers, tmp_path, monkeypatch):
    at = f"127.0.0.1:{servers.postgres_port}/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql+psycopg://rls3:not-the-word@{at}")
    began = time.monotonic()
    with pytest.raises(TrackingError, match="password authentication failed") as caught:
        tracking.check(Campaign(Project(tmp_path), make_params()))
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value) and "not-the-word" not in str(caught.value)


def test_a_database_without_a_server_keeps_artifacts_in_the_project(servers, tmp_path, monkeypatch):
    at = f"127.0.0.1:{servers.postgres_port}/mlflow"
    uri = f"postgresql+psycopg://rls3:{SECRETS['PGPASSWORD']}@{at}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    project = Project(tmp_path)
    with tracking.server(make_params(tracking__experiment="direct"), project) as client:
        location = client.get_experiment_by_name("direct").artifact_location
    assert location == project.tracking_artifacts.as_uri()
