"""The gate fails shut: against a real registry (SQLite or HTTP on loopback) that is there, lost,
locked or down."""

import shutil
import sqlite3
import tempfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import mlflow
import numpy as np
import pytest
import yaml

from rls3.dataset.sample import write_samples
from rls3.errors import DataError, TrackingError
from rls3.evaluation.benchmarks import benchmark_path, read_benchmark
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import summarize
from rls3.evaluation.predictions import Predictions
from rls3.files import write_json
from rls3.loop.records import CampaignEvaluation, Decision, GateRecord
from rls3.loop.resources import Resources
from rls3.loop.run import vlm_after
from rls3.loop.store import Campaign, Project, Round
from rls3.loop.verdict import best_round, decide, should_stop
from rls3.params import load_params
from tasks import handoff, registry
from tests.conftest import make_params, many_samples

PASSED = Decision(True, 0.2, 0.1, 0.3, ())


def scored(predictions, sure: float):
    """The same items, where the true caption is ahead by `sure` in that share of them."""
    rows = []
    for index, row in enumerate(predictions.rows):
        ahead = 1.0 if (index + 0.5) / len(predictions.rows) < sure else -1.0
        values = [ahead if i == row.answer else 0.0 for i in range(len(row.scores))]
        rows.append(replace(row, scores=tuple(values)))
    return replace(predictions, rows=tuple(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_clip):
    """A project with a base model and a benchmark; no simulator is needed."""
    root = tmp_path_factory.mktemp("gate")
    (root / "base").mkdir()
    (root / "base" / "clip").symlink_to(tiny_clip)
    params = make_params(evaluation__bootstrap=200)
    (root / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    write_samples(many_samples(60), benchmark_path(root / "benchmark", "val"))
    return root


@pytest.fixture
def project(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "p", symlinks=True)
    return Project(tmp_path / "p")


def finished_round(project: Project, name: str, sure: float, *overrides: str) -> Round:
    """A campaign whose first round's VLM is the base model's copy, with predictions as told."""
    path = project.root / "params.yaml"
    campaign = Campaign(project, load_params(path, [f"campaign.name={name}", *overrides]))
    round_ = campaign.round(1)
    shutil.copytree(project.base / "clip", round_.path("vlm"))
    val = read_benchmark(project.benchmark, "val")
    base = judge(vlm_after(campaign, None), val, 64)
    base.save(campaign.base_predictions)
    scored(base, sure).save(round_.path("predictions"))
    return round_


def gate(round_: Round) -> GateRecord:
    params, project = round_.campaign.params, round_.campaign.project
    with Resources(params, project.simulators) as resources:
        return handoff.gate(round_, resources)


def test_without_a_registry_the_base_model_is_to_be_beaten(project):
    better = gate(finished_round(project, "better", 1.0))
    assert better.against == "base" and better.decision.passed
    worse = gate(finished_round(project, "worse", 0.0))
    assert worse.against == "base" and not worse.decision.passed
    assert "is not above zero" in worse.decision.reasons[0]


def register(round_: Round, decision: Decision = PASSED, against: str = "base"):
    record = GateRecord(round_.number, against, decision)
    return handoff.register(round_, record, evaluation_of(round_), "v1")


def evaluation_of(round_: Round) -> CampaignEvaluation:
    """`val` stands in for the other benchmarks."""
    campaign = round_.campaign
    before, after = (
        summarize(Predictions.load(path), campaign.params.evaluation, 0)
        for path in (campaign.base_predictions, round_.path("predictions"))
    )
    splits = ("val", "test")
    return CampaignEvaluation(
        round_.number,
        dict.fromkeys(splits, before),
        dict.fromkeys(splits, after),
        {"test": after.accuracy},
    )


def test_a_worse_challenger_leaves_the_champion_where_it_is(project):
    first = register(finished_round(project, "first", 1.0))
    assert first.uri.endswith("@champion")
    second = finished_round(project, "second", 0.0)
    record = gate(second)
    assert record.against == f"version {first.version}" and not record.decision.passed
    later = register(second, record.decision)
    assert later.uri.endswith("@challenger")
    champion = registry.champion(second.campaign.params, project)
    assert champion.version == first.version and (champion.folder / "config.json").is_file()


def refused(round_: Round, message: str) -> None:
    with pytest.raises(TrackingError, match=message) as caught:
        gate(round_)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)
    assert not round_.campaign.gate.exists() and not round_.campaign.registered.exists()


def test_a_lost_artifact_store_is_no_missing_champion(project):
    register(finished_round(project, "first", 1.0))
    second = finished_round(project, "second", 1.0)
    project.tracking_artifacts.rename(project.root / "elsewhere")
    refused(second, "does not do its part .*run again")
    (project.root / "elsewhere").rename(project.tracking_artifacts)
    assert gate(second).against == "version 1"


def test_a_locked_database_is_no_missing_champion(project):
    register(finished_round(project, "first", 1.0))
    second = finished_round(project, "second", 1.0)
    with sqlite3.connect(project.tracking_database) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        refused(second, "locked")
    assert gate(second).against == "version 1"


def test_a_database_that_is_none_is_no_missing_champion(project):
    second = finished_round(project, "second", 1.0)
    project.runs.mkdir(exist_ok=True)
    project.tracking_database.write_bytes(b"garbage" * 1000)
    refused(second, "not a database")


class Unavailable(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    do_POST = do_GET

    def log_message(self, *_): ...


def test_a_server_that_is_down_is_no_missing_champion(project, monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Unavailable)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        secret = address.replace("//", "//me:secret@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", secret)
        round_ = finished_round(project, "third", 1.0)
        began = time.monotonic()
        refused(round_, r"MLflow at http://\*\*\*@127.0.0.1.*it answers 503")
        assert time.monotonic() - began < 5
    finally:
        server.shutdown()
        server.server_close()


def test_another_version_of_the_benchmark_is_not_comparable(project):
    round_ = finished_round(project, "x", 1.0)
    campaign = round_.campaign
    path = benchmark_path(project.benchmark, "val")
    write_samples(many_samples(61)[1:], path)
    judge(vlm_after(campaign, None), read_benchmark(project.benchmark, "val"), 64).save(
        campaign.base_predictions
    )
    with pytest.raises(DataError, match="two versions of the benchmark"):
        gate(round_)


def test_the_decision_is_kept_for_a_result(project):
    round_ = finished_round(project, "x", 1.0)
    record = gate(round_)
    round_.path("predictions").unlink()
    assert gate(round_) == record
    write_json(round_.campaign.gate, {"round": 1})
    with pytest.raises(DataError, match="gate.json is no GateRecord .*delete it and run again"):
        gate(round_)


def test_a_term_that_falls_is_named(folder):
    items = read_benchmark(folder / "benchmark", "val")
    params = make_params(evaluation__bootstrap=200)
    vlm = vlm_after(Campaign(Project(folder), params), None)
    before = scored(judge(vlm, items, 64), 0.5)
    rows = []
    for row in before.rows:
        behind = [c == "flip:left" for c in row.contrasts]
        values = [0.0 if i == row.answer else (1.0 if b else -1.0) for i, b in enumerate(behind)]
        rows.append(replace(row, scores=tuple(values)))
    after = replace(before, rows=tuple(rows))
    decision = decide(before, after, params.evaluation, params.gate, 0)
    assert not decision.passed and [r for r in decision.reasons if r.startswith("'left' falls by")]
    same = decide(before, before, params.evaluation, params.gate, 0)
    assert same.gain == 0 and not same.passed


def test_when_to_stop_and_which_round_is_the_result():
    assert not should_stop([], 2) and not should_stop([0.5, 0.4, 0.3], 0)
    assert not should_stop([0.5, 0.6], 2)
    assert should_stop([0.6, 0.5, 0.6], 2)  # no better is no gain
    assert not should_stop([0.6, 0.5, 0.61], 2)
    assert best_round([0.5, 0.7, 0.7, 0.6]) == 3
    assert best_round([np.float64(0.5)]) == 1


def test_a_champion_that_came_since_is_asked(project):
    """Killed between gate and registry: the old decision does not count against a new champion."""
    early = finished_round(project, "early", 1.0)
    assert gate(early).decision.passed
    register(finished_round(project, "first", 1.0))
    again = gate(early)
    assert again.against == "version 1"
    register(early, again.decision, again.against)
    assert gate(early) == again


def test_a_champion_of_another_project_that_came_meanwhile_is_met(project, tmp_path, monkeypatch):
    """Between this one's gate and its alias, another project hands over to the same registry."""
    shutil.copytree(project.root, tmp_path / "other", symlinks=True)
    ours = finished_round(project, "ours", 1.0)
    theirs = finished_round(Project(tmp_path / "other"), "theirs", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.tracking_database}")
    project.runs.mkdir(exist_ok=True)
    put, packed_in = registry._put, []

    def interrupted(*arguments):
        if len(packed_in) == 0:
            packed_in.append("theirs")
            register(theirs)
        return put(*arguments)

    monkeypatch.setattr(registry, "_put", interrupted)
    params = ours.campaign.params
    with Resources(params, project.simulators) as resources:
        decided, registered = handoff.hand_over(ours, resources, evaluation_of(ours), "v1")
    assert decided.against == "version 1" and registered.version == "2"
    assert registry.champion(params, project).version == ("2" if decided.decision.passed else "1")
    assert registry.lineage_of("models:/rls3-vlm/2", params, project)["against"] == "version 1"


def test_what_a_killed_process_left_of_packing_is_swept(project, monkeypatch):
    """MLflow packs in a folder of the campaign's, not in TMPDIR."""
    round_, packing = finished_round(project, "x", 1.0), []
    pack = mlflow.pyfunc.log_model

    def noted(**arguments):
        packing.append(Path(tempfile.mkdtemp()))
        return pack(**arguments)

    monkeypatch.setattr(mlflow.pyfunc, "log_model", noted)
    register(round_)
    campaign = round_.campaign
    assert packing[0].is_relative_to(campaign.folder) and not packing[0].parent.exists()
    packing[0].mkdir(parents=True)
    with campaign.locked():
        assert not packing[0].parent.exists()
    assert not Path(tempfile.gettempdir()).is_relative_to(campaign.folder)


def test_a_lost_decision_is_made_again_against_the_same_rival(project):
    """By then the result is the champion itself, which no model beats."""
    for name, against in (("first", "base"), ("second", "version 1")):
        round_ = finished_round(project, name, 1.0)
        record = gate(round_)
        assert record.against == against
        passed = replace(record, decision=PASSED)
        handed = handoff.register(round_, passed, evaluation_of(round_), "v1")
        round_.campaign.gate.write_text("{")
        with pytest.raises(DataError, match="gate.json is damaged .*; delete it and run again"):
            gate(round_)
        round_.campaign.gate.unlink()
        assert gate(round_).against == against
        round_.campaign.registered.unlink()
        assert gate(round_).against == against
        assert handoff.register(round_, passed, evaluation_of(round_), "v1") == handed
