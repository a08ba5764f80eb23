"""A whole small campaign on the embedded simulator: through Prefect, killed and resumed, and as
plain Python."""

import json
import os
import shutil
import signal
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rls3.dataset.sample import read_samples, write_samples
from rls3.errors import CampaignError
from rls3.loop.reproduce.replay import replay
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.params import load_params
from tests.flow.conftest import rls3, session_of, start, wait_for


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


def test_a_campaign_says_and_leaves_what_it_promises(project, undisturbed):
    lines = undisturbed.stdout.splitlines()
    assert any(line.startswith("round 2: ") and "val accuracy" in line for line in lines)
    for begins in ("accuracy on test:", "report:", "MLflow run:", "model:", "data/ version:"):
        assert any(line.startswith(begins) for line in lines)
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
    assert states_of(project, "killed") == ["COMPLETED", "CRASHED"], "the killed run is reaped"
    assert states_of(project, "killed/round-2") == ["COMPLETED", "CRASHED"]


def states_of(root: Path, run: str) -> list[str]:
    """Of the flow runs of that name, in Prefect's database."""
    with sqlite3.connect(root / ".rls3/prefect/prefect.db") as database:
        rows = database.execute("SELECT state_type FROM flow_run WHERE name = ?", (run,))
        return sorted(state for (state,) in rows)


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
    assert "not: caption matches" in (round_.docs / "index.html").read_text()


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
