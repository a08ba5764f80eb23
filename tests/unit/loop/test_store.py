import os
import subprocess
import sys
from pathlib import Path

import pytest

from rls3.errors import CampaignError, DataError
from rls3.files import write_json
from rls3.loop.records import FinetuneRecord, write_record
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project, flat
from tests.conftest import ROOT, make_params
from tests.unit.report.campaigns import make_manifest

HOLD = """
import sys, time
from pathlib import Path
from rls3.loop.store import Campaign, Project
from tests.conftest import make_params
with Campaign(Project(Path(sys.argv[1])), make_params()).locked():
    print("held", flush=True)
    time.sleep(60)
"""


def campaign_in(folder: Path, **overrides) -> Campaign:
    return Campaign(Project(folder), make_params(**overrides))


def test_a_second_process_is_refused_and_a_dead_one_does_not_matter(tmp_path):
    campaign = campaign_in(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout.readline() == "held\n"
    refused = f"'default' is already running .process {holder.pid}.*another name"
    with pytest.raises(CampaignError, match=refused), campaign.locked():
        pass
    holder.kill()
    holder.wait()
    with campaign.locked():
        assert campaign.lock.read_text() == str(os.getpid())


def test_other_parameters_are_refused_but_more_rounds_and_another_device_are_not(tmp_path):
    with campaign_in(tmp_path).locked():
        pass
    free = {"campaign__rounds": 99, "simulator__workers": 5, "vlm__device": "cpu"}
    with campaign_in(tmp_path, **free).locked():
        pass
    message = (
        "was begun with campaign.seed = 7, not 8; "
        "give that value, choose another campaign.name, or delete"
    )
    other = campaign_in(tmp_path, campaign__seed=8)
    with pytest.raises(CampaignError, match=message), other.locked():
        pass


def test_a_campaign_of_another_version_says_which_parameter_it_knows(tmp_path):
    campaign = campaign_in(tmp_path)
    old = campaign.params.model_dump(mode="json")
    old["agent"]["learning_rate"] = 0.001
    write_json(campaign.begun_with, old)
    with (
        pytest.raises(
            CampaignError, match="begun with agent.learning_rate = 0.001, not None; choose"
        ),
        campaign.locked(),
    ):
        pass


def test_rounds_done_counts_manifests_without_gaps(tmp_path):
    campaign = campaign_in(tmp_path)
    for n in (1, 2, 4):
        write_record(make_manifest(n), campaign.round(n).manifest)
    assert [r.number for r in campaign.rounds_done()] == [1, 2]
    assert [r.number for r in campaign.round(3).earlier] == [1, 2]
    manifest = campaign.round(2).manifest
    whole = manifest.read_text()
    for damaged in (whole[: len(whole) // 2], "", "{}"):
        manifest.write_text(damaged)
        with pytest.raises(
            DataError, match="0002/manifest.json .*; delete .*manifest.json and run"
        ):
            campaign.rounds_done()


def test_every_artefact_of_the_stage_table_has_a_place_of_its_own(tmp_path):
    round_ = campaign_in(tmp_path).round(1)
    places = [round_.path(name) for stage in STAGES for name in stage.writes]
    places += [round_.marker(stage.name) for stage in STAGES] + [round_.manifest]
    assert len(set(places)) == len(places)
    assert all(tmp_path in place.parents for place in places)


def test_nested_groups_are_flattened():
    assert flat({"a": {"b": {"c": 1}, "d": (2,)}, "e": 3}) == {"a.b.c": 1, "a.d": (2,), "e": 3}


def test_a_damaged_record_names_what_must_go(tmp_path):
    """In a finished round the manifest too: while it stands, nothing is done again."""
    round_ = campaign_in(tmp_path).round(1)
    round_.finish(FinetuneRecord(losses=(1.0, 0.5), presentations=8))
    assert round_.record(FinetuneRecord).losses == (1.0, 0.5)
    marker = round_.marker("finetune")
    marker.write_text("{")
    only = r"finetune.json is damaged .*; delete [^ ]*finetune.json and run again"
    with pytest.raises(DataError, match=only):
        round_.record(FinetuneRecord)
    write_json(round_.manifest, {})
    both = r"; delete .*manifest.json( and .*finetune.json)? and run again"
    with pytest.raises(DataError, match="finetune.json is damaged .*" + both):
        round_.record(FinetuneRecord)
    marker.write_text('{"losses": "many"}')
    with pytest.raises(DataError, match="is no FinetuneRecord .*" + both):
        round_.record(FinetuneRecord)
    marker.unlink()
    with pytest.raises(DataError, match="of a finished round is missing" + both):
        round_.record(FinetuneRecord)


def test_a_campaign_stays_with_its_tracking_server(tmp_path):
    with campaign_in(tmp_path).locked():
        pass
    other = campaign_in(tmp_path, tracking__uri="http://127.0.0.1:1")
    with pytest.raises(CampaignError, match="was begun with tracking.uri = ''"), other.locked():
        pass
