"""A whole small campaign on the embedded simulator: through Prefect, killed and resumed, and as
plain Python."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml

from rls3.dataset.sample import read_samples, write_samples
from rls3.errors import CampaignError
from rls3.loop.reproduce.replay import replay
from rls3.loop.reproduce.scenes import freeze_benchmarks
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.params import load_params
from tests.conftest import ROOT, make_params

pytestmark = pytest.mark.xdist_group("campaign")
SMALL = {
    "campaign": {"rounds": 2, "episodes_per_round": 2, "threads": 1},
    "sampling": {"steps_per_episode": 10, "min_visible_px": 12},
    "simulator": {
        "floor_plans": ["FloorPlan1", "FloorPlan201"],
        "width_px": 64,
        "height_px": 64,
        "quality": "observation",
        "workers": 1,
    },
    "finetune": {"batch_size": 16, "epochs": 1},
    "evaluation": {
        "bootstrap": 50,
        "val_per_cell": 1,
        "test_per_cell": 1,
        "unseen_per_cell": 1,
        "val_floor_plans": ["FloorPlan21", "FloorPlan221"],
        "test_floor_plans": ["FloorPlan26", "FloorPlan226"],
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_clip):
    """A project folder with tiny base models and small benchmarks, not under git."""
    root = tmp_path_factory.mktemp("a project") / "with spaces"
    root.mkdir()
    (root / "base").mkdir()
    (root / "base" / "clip").symlink_to(tiny_clip)
    raw = make_params().model_dump(mode="json")
    for group, values in SMALL.items():
        raw[group] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    freeze_benchmarks(load_params(root / "params.yaml"), Project(root), root / "benchmark")
    return root


def start(root: Path, *arguments: str) -> subprocess.Popen:
    """`rls3 ...` in a session of its own, so that nothing it starts can outlive the test; it writes
    to files, not pipes."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "rls3.cli", *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        stdout=(root / "stdout.txt").open("w"),
        stderr=(root / "stderr.txt").open("w"),
        env=os.environ | {"HOME": str(root / "home"), "OMP_NUM_THREADS": "1"},
    )


def session_of(leader: int) -> list[psutil.Process]:
    """The processes alive in a session, its leader aside."""
    alive = []
    for process in psutil.process_iter():
        try:
            if (
                os.getsid(process.pid) == leader != process.pid
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                alive.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive


def rls3(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run it to its end, which leaves no process behind."""
    child = start(root, *arguments)
    try:
        code = child.wait(300)
    except subprocess.TimeoutExpired:
        code = None
    gone_by = time.monotonic() + 5
    while (left := session_of(child.pid)) and time.monotonic() < gone_by:
        time.sleep(0.1)
    said = [" ".join(p.cmdline()) for p in left]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    done = subprocess.CompletedProcess(
        child.args, code, (root / "stdout.txt").read_text(), (root / "stderr.txt").read_text()
    )
    assert code is not None, f"{arguments} did not end: {done.stdout[-1000:]} {done.stderr[-1000:]}"
    assert not said, f"{arguments} left behind: {said}"
    return done


def wait_for(path: Path, child: subprocess.Popen) -> None:
    ends = time.monotonic() + 300
    while not path.exists():
        assert child.poll() is None and time.monotonic() < ends, f"{path.name} was not written"
        time.sleep(0.05)


def table(root: Path, name: str) -> list:
    """What must be equal between runs: specs, captions, images, accuracies."""
    rows = []
    for n in (1, 2):
        samples = read_samples(root / "data" / name / f"round-{n:04d}" / "train.parquet")
        record = json.loads(
            (root / "runs" / name / "rounds" / f"{n:04d}" / "evaluate.json").read_text()
        )
        rows.append(
            (
                [(s.sample_id, s.caption, s.image) for s in samples],
                record["val"],
                record["failure_after"],
            )
        )
    summary = json.loads((root / "runs" / name / "summary.json").read_text())
    return [*rows, summary["final_accuracy"], summary["base_accuracy"], summary["by_term"]]


@pytest.fixture(scope="module")
def undisturbed(project):
    done = rls3(project, "run", "--no-prefect", "-S", "campaign.name=plain")
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_a_campaign_says_and_leaves_what_it_promises(project, undisturbed):
    lines = undisturbed.stdout.splitlines()
    assert any(line.startswith("round 2: ") and "val accuracy" in line for line in lines)
    for start in ("accuracy on test:", "report:", "MLflow run:", "model:", "data/ version:"):
        assert any(line.startswith(start) for line in lines)
    summary = json.loads((project / "runs/plain/summary.json").read_text())
    wanted = (
        "base_accuracy final_accuracy gain interval samples_valid samples_invalid rounds "
        "seconds_total seconds_by_stage orchestration_share mlflow_run_id model_uri data_version"
    )
    assert set(wanted.split()) <= set(summary) and summary["rounds"] == 2
    assert (project / "runs/plain/report.html").exists() and (project / "data.dvc").exists()
    assert summary["data_version"] in (project / "data.dvc").read_text()
    manifest = json.loads((project / "runs/plain/rounds/0002/manifest.json").read_text())
    assert {
        "seed",
        "params",
        "code_commit",
        "sha256",
        "vlm_before",
        "mlflow_run_id",
        "libraries",
        "data_version",
    } <= set(manifest)
    assert not (project / "home").exists() or not list((project / "home").iterdir())


def test_run_again_continues_where_it_stood(project, undisturbed):
    before = (project / "runs/plain/rounds/0002/manifest.json").read_bytes()
    again = rls3(project, "run", "--no-prefect", "-S", "campaign.name=plain")
    assert (
        again.returncode == 0
        and "2 of 2 rounds done" in again.stdout
        and "round 1:" not in again.stdout
    )
    assert (project / "runs/plain/rounds/0002/manifest.json").read_bytes() == before


def test_the_registered_model_predicts(project, undisturbed, tmp_path):
    sample = read_samples(project / "benchmark" / "val.parquet")[0]
    (tmp_path / "x.png").write_bytes(sample.image)
    alias = json.loads((project / "runs/plain/registered.json").read_text())["uri"]
    by_alias = rls3(
        project,
        "predict",
        str(tmp_path / "x.png"),
        sample.caption,
        sample.negatives[0].text,
        "--model",
        alias,
    )
    by_folder = rls3(
        project,
        "predict",
        str(tmp_path / "x.png"),
        sample.caption,
        sample.negatives[0].text,
        "--model",
        str(
            project
            / "runs/plain/rounds"
            / f"{json.loads((project / 'runs/plain/summary.json').read_text())['result_round']:04d}"
            / "vlm"
        ),
    )
    assert (
        by_alias.returncode == 0
        and len(by_alias.stdout.splitlines()) == 2
        and by_alias.stdout == by_folder.stdout
    )


def test_the_data_alone_replays_to_the_recorded_accuracy(project, undisturbed):
    assert replay(Project(project), load_params(project / "params.yaml"), "plain")[0].identical


def test_prefect_killed_in_a_stage_and_run_again_gives_the_same(project, undisturbed):
    """SIGKILL in the middle of round 2's rendering; the continuation equals the undisturbed plain
    run but for the name."""
    child = start(project, "run", "-S", "campaign.name=killed")
    second = project / "runs/killed/rounds/0002"
    wait_for(second / "sample.json", child)
    os.killpg(
        child.pid, signal.SIGKILL
    )  # Prefect's temporary server too, which the killed process could not stop
    child.wait()
    assert not (second / "manifest.json").exists()
    page = rls3(project, "report", "-S", "campaign.name=killed")
    assert page.returncode == 0 and "round 2 is at: " in Path(page.stdout.strip()).read_text()
    resumed = rls3(project, "run", "-S", "campaign.name=killed")
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    assert "1 of 2 rounds done" in resumed.stdout
    assert table(project, "killed") == table(project, "plain")


def test_ctrl_c_ends_everything_in_one_sentence_and_keeps_what_is_finished(project, undisturbed):
    child = start(project, "run", "-S", "campaign.name=stopped")
    first = project / "runs/stopped/rounds/0001/sample.json"
    wait_for(first, child)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the whole group
    try:
        assert child.wait(30) == 130
    finally:  # it may not write into other tests' output
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    time.sleep(3)
    assert [p.cmdline() for p in session_of(child.pid)] == []
    stderr = (project / "stderr.txt").read_text()
    assert (
        stderr.strip().splitlines()[-1].startswith("rls3: interrupted; what was finished is kept")
        and "Traceback" not in stderr
    )
    assert first.exists()


def test_the_nightly_deployment_runs_under_a_server_and_a_worker(project, undisturbed):
    """What the README says about scheduling, on loopback; the second night adds rounds to the same
    campaign."""
    for name in ("flows", "prefect.yaml"):
        (project / name).symlink_to(ROOT / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "HOME": str(project / "home"),
        "RLS3_HOME": str(project),
        "PREFECT_HOME": str(project / "prefect"),
        "OMP_NUM_THREADS": "1",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "NO_COLOR": "1",
    }
    prefect = [sys.executable, "-W", "ignore", "-m", "prefect", "--no-prompt"]

    def background(*arguments: str) -> subprocess.Popen:
        log = (project / f"{arguments[0]}.log").open("w")
        return subprocess.Popen(
            [*prefect, *arguments],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def command(*arguments: str) -> str:
        done = subprocess.run(
            [*prefect, *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
        return done.stdout

    running = [background("server", "start", "--host", "127.0.0.1", "--port", str(port))]
    try:
        ends = time.monotonic() + 90
        while not answers(f"http://127.0.0.1:{port}/api/health"):
            assert time.monotonic() < ends and running[0].poll() is None, (
                project / "server.log"
            ).read_text()[-1500:]
            time.sleep(0.3)
        command("work-pool", "create", "rls3", "--type", "process")
        command("deploy", "--all")
        assert "0 2 * * *" in command("deployment", "inspect", "nightly campaign/nightly")
        running.append(background("worker", "start", "--pool", "rls3"))
        overrides = json.dumps(["campaign.name=night", "campaign.rounds=1"])
        for night in (1, 2):
            command(
                "deployment",
                "run",
                "nightly campaign/nightly",
                "--param",
                f"overrides={overrides}",
                "--watch",
            )
            summary = json.loads((project / "runs/night/summary.json").read_text())
            assert summary["rounds"] == night and summary["mlflow_run_id"]
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGINT)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    import urllib.request

    try:
        return urllib.request.urlopen(url, timeout=1).status == 200
    except OSError:
        return False


def test_bad_input_is_one_sentence_and_nothing_is_lost(project, undisturbed):
    cases = {
        ("run", "-S", "campaign.round=3"): (2, "unknown key 'campaign.round'"),
        ("run", "-S", "campaign.name=plain", "-S", "campaign.seed=8"): (
            1,
            "was begun with campaign.seed",
        ),
        ("run", "--no-prefect", "-S", "campaign.name=n1", "-S", "vlm.checkpoint=./nothing"): (
            1,
            "vlm.checkpoint = './nothing' is not a folder",
        ),
        (
            "run",
            "--no-prefect",
            "-S",
            "campaign.name=n2",
            "-S",
            "simulator.embedded_command=/no/thor",
        ): (
            1,
            "'/no/thor'",
        ),
        ("predict", "params.yaml", "a", "b", "--model", "base"): (
            1,
            "params.yaml is not a picture that can be read",
        ),
        ("evaluate", "base", "--split", "exam"): (
            2,
            "--split 'exam' is unknown; choose from val, test",
        ),
        ("evaluate", "models:/none@champion"): (1, "there is no model models:/none@champion"),
        ("report", "-S", "campaign.name=unknown"): (1, "there is no campaign 'unknown'"),
    }
    for arguments, (code, message) in cases.items():
        done = rls3(project, *arguments)
        last = done.stderr.strip().splitlines()[-1]
        assert done.returncode == code and message in last and last.startswith("rls3: "), (
            arguments,
            done.stderr[-1500:],
        )
        assert "Traceback" not in done.stderr


def test_a_corrupt_shard_stops_the_campaign_with_its_name(project, undisturbed):
    shard = project / "data/plain/round-0001/train.parquet"
    whole = shard.read_bytes()
    shard.unlink()  # DVC may have linked it
    shard.write_bytes(whole[:500])
    try:
        done = rls3(
            project, "run", "--no-prefect", "-S", "campaign.name=plain", "-S", "campaign.rounds=3"
        )
        assert (
            done.returncode == 1
            and "round-0001/train.parquet is damaged" in done.stderr.strip().splitlines()[-1]
        )
    finally:
        shard.write_bytes(whole)


def test_too_many_rejected_rows_stop_before_fine_tuning(project, undisturbed):
    params = load_params(project / "params.yaml", ["campaign.name=spoiled"])
    round_ = Campaign(Project(project), params).round(1)
    samples = read_samples(project / "data/plain/round-0001/train.parquet")
    spoiled = [replace(s, caption=s.flip(s.terms[0])) for s in samples]
    write_samples(spoiled, round_.path("rendered"))
    (validate,) = (stage for stage in STAGES if stage.name == "validate")
    refused = r"of \d+ samples fail validation .*max_rejected_share = 0.2"
    with Resources(params, project / "x") as resources, pytest.raises(CampaignError, match=refused):
        run_stage(validate, round_, resources)
    assert not round_.path("train").exists() and not round_.finished("validate")
    assert len(read_samples(round_.path("rejected"))) == len(samples)


def test_a_downloaded_archive_without_git_goes_on(project, undisturbed, tmp_path):
    """Its .dvc folder knows git, but there is none; the path has spaces."""
    copy = tmp_path / "rls3 main (1)"
    shutil.copytree(project, copy, symlinks=True, ignore=shutil.ignore_patterns("home", "prefect"))
    (copy / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    more = rls3(copy, "run", "--no-prefect", "-S", "campaign.name=plain", "-S", "campaign.rounds=3")
    assert more.returncode == 0, more.stderr[-2000:]
    assert "2 of 3 rounds done" in more.stdout
    judged = rls3(copy, "evaluate", "base", "--split", "val")
    assert judged.returncode == 0 and "on val" in judged.stdout


def test_agents_are_compared_at_equal_data(project, undisturbed):
    """The table agents through the whole loop; their weakness comes from the round before."""
    arguments = ("compare", "--agents", "stratified,failure", "--seeds", "1", "--json")
    done = rls3(project, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert [cell["agent"] for cell in told["cells"]] == ["stratified", "failure"]
    for cell, curve in zip(told["cells"], told["curves"]):
        assert curve["mean"] == cell["val_accuracy"] and len(cell["samples"]) == 2
    shards = [project / f"data/{c['campaign']}/round-0001/train.parquet" for c in told["cells"]]
    specs = [{s.sample_id for s in read_samples(shard)} for shard in shards]
    assert specs[0] == specs[1], "with nothing known, failure asks for what stratified asks for"
