"""PostgreSQL, S3, MLflow and Prefect, started once; and a campaign of a round on them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.backends.servers import BUCKET, backends, postgres_programs
from tests.flow.conftest import project as project
from tests.flow.conftest import rls3


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine; as root: sh .ci/postgres")
    with backends(programs, tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.fixture(scope="module")
def campaign(project, servers):
    """Through Prefect, with its data pushed; what it printed, beside the project it left."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in servers.environment().items():
            patch.setenv(name, value)
        dvc(project, "init", "--no-scm", "-q")
        dvc(project, "remote", "add", "-d", "store", f"s3://{BUCKET}/dvc")
        set_publish(project)
        yield rls3(project, "run", "-S", "campaign.name=remote", "-S", "campaign.rounds=1")


def set_publish(root: Path) -> None:
    file = root / "params.yaml"
    raw = yaml.safe_load(file.read_text())
    raw["campaign"]["publish"] = "push"
    file.write_text(yaml.safe_dump(raw))


def dvc(folder: Path, *arguments: str) -> None:
    """`dvc ...` as a person types it."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
