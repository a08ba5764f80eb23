"""What stands in the README on reproduction, on a small campaign: a clone rebuilds the model
without network, experiments and comparisons say something, a registered model is verified."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file, save_file

from tests.conftest import ROOT
from tests.flow.conftest import rls3

OFFLINE = ["unshare", "-rn"]
MODEL = "model.safetensors"


def command(root: Path, *arguments: str) -> str:
    """It finds this Python first, as in an activated environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DVC_STUDIO_OFFLINE": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "me", f"GIT_{who}_EMAIL": "me@example.org"}
    done = subprocess.run(
        arguments, cwd=root, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, (arguments, done.stdout[-1500:], done.stderr[-1500:])
    return done.stdout


def dvc(root: Path, *arguments: str) -> str:
    return command(root, sys.executable, "-m", "dvc", *arguments)


def shown(root: Path, *arguments: str) -> dict:
    return json.loads(dvc(root, *arguments, "--json"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def clone(project, undisturbed, tmp_path_factory):
    """A clone of a repository with the code and the small campaign as what it publishes."""
    top = tmp_path_factory.mktemp("published")
    origin = top / "origin"
    for name in ("rls3", "embedded_thor"):
        shutil.copytree(ROOT / name, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "requirements.lock"):
        shutil.copy(ROOT / name, origin / name)
    for name in ("benchmark", "data/plain", "base/clip", "metrics", "curves"):
        shutil.copytree(project / name, origin / name)
    (origin / "base/vilt").mkdir()
    (origin / "base/vilt/config.json").write_text("{}")
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["replay"]["campaign"] = "plain"
    (origin / "params.yaml").write_text(yaml.safe_dump(raw))
    (origin / ".gitignore").write_text("/build/\n__pycache__/\n")
    for name in ("replay.json", "replay-curve.json", "build/replay/config.json"):
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        (origin / name).write_text('{"made": "elsewhere"}')
    command(origin, "git", "init", "-q")
    dvc(origin, "init", "-q")
    dvc(origin, "remote", "add", "-q", "-d", "store", str(top / "remote"))
    dvc(origin, "add", "-q", "data")
    dvc(origin, "commit", "-q", "-f")
    dvc(origin, "push", "-q")
    command(origin, "git", "add", ".")
    command(origin, "git", "commit", "-q", "-m", "Published")
    command(top, "git", "clone", "-q", origin.as_uri(), "clone")
    dvc(top / "clone", "pull", "-q")
    return top / "clone"


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*OFFLINE, "true"]).returncode != 0,
    reason="the network cannot be taken away here",
)
def test_a_clone_rebuilds_the_model_and_its_figures_without_network(project, clone):
    command(clone, *OFFLINE, sys.executable, "-m", "dvc", "repro", "-s", "replay")
    told = json.loads((clone / "replay.json").read_text())
    summary = json.loads((project / "runs/plain/summary.json").read_text())
    result = summary["result_round"]
    assert told["identical"] and told["result_round"] == result and told["experiment"] == {}
    trained = project / f"runs/plain/rounds/{result:04d}/vlm" / MODEL
    assert sha256(clone / "build/replay" / MODEL) == sha256(trained)
    again = dvc(clone, "repro", "-s", "replay")
    assert "didn't change, skipping" in again

    metrics = shown(clone, "metrics", "show")[""]["data"]
    assert metrics["replay.json"]["data"]["val_accuracy"] == told["val_accuracy"]
    assert metrics["metrics/plain.json"]["data"]["test_accuracy"] == summary["final_accuracy"]
    command(clone, "git", "commit", "-q", "-a", "-m", "Replayed")


def test_an_experiment_reports_and_can_be_compared(clone):
    dvc(clone, "exp", "run", "-s", "-q", "-S", "finetune.steps=3", "replay")
    told = json.loads((clone / "replay.json").read_text())
    assert told["experiment"] == {"finetune.steps": 3} and not told["identical"]
    changed = shown(clone, "params", "diff")["params.yaml"]
    assert changed == {"finetune.steps": {"old": 2, "new": 3, "diff": 1}}
    moved = shown(clone, "metrics", "diff")["replay.json"]
    assert "experiment.finetune.steps" in moved
    drawn = shown(clone, "plots", "show", "-o", str(clone.parent / "plots"))["data"]
    for name in ("replay-curve.json", "curves/plain.json"):
        assert any(name in title for title in drawn), list(drawn)


def test_a_registered_model_is_verified(project, undisturbed):
    registered = json.loads((project / "runs/plain/registered.json").read_text())["uri"]
    yes = rls3(project, "verify", registered, "--json")
    assert yes.returncode == 0, yes.stderr[-2000:]
    told = json.loads(yes.stdout)
    assert told["verified"] and told["identical"] and not told["reasons"]
    assert told["replayed"] == told["registered"] == told["recorded"]
    assert told["agreement"] == 1.0


def test_a_model_that_its_data_do_not_make_is_not_verified(project, undisturbed):
    registered = json.loads((project / "runs/plain/registered.json").read_text())["uri"]
    (weights,) = (project / "runs/mlartifacts").rglob(MODEL)
    whole = weights.read_bytes()
    other = {name: values.flip(0) for name, values in load_file(weights).items()}
    save_file(other, weights, metadata={"format": "pt"})
    try:
        no = rls3(project, "verify", registered)
        assert no.returncode == 1 and "Traceback" not in no.stderr
        assert "registered" in no.stdout + no.stderr and "yes" not in no.stdout
    finally:
        weights.write_bytes(whole)


def test_data_that_a_checkout_took_away_is_back_before_any_work(project, undisturbed):
    """It was in no commit; the next round trains on it again."""
    version = (project / "data.dvc").read_text()
    shutil.rmtree(project / "data" / "plain" / "round-0001")
    more = ("run", "--no-prefect", "-S", "campaign.name=plain", "-S", "campaign.publish=push")
    done = rls3(project, *more)
    assert "brought back data/plain/round-0001 from DVC's cache" in done.stdout
    assert (project / "data/plain/round-0001/train.parquet").exists()
    assert (project / "data.dvc").read_text() == version
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and "cannot be pushed to the DVC remote" in last
