import os
import subprocess
import sys

import pytest

from rls3.errors import CampaignError, DataError
from rls3.round import Campaign, read_json, whole_folder, write_json
from tests.conftest import ROOT, make_params


def test_a_second_process_is_refused_and_a_dead_one_does_not_matter(tmp_path):
    campaign = Campaign(tmp_path, make_params())
    code = f"import sys,time; sys.path.insert(0,{str(ROOT)!r})\nfrom pathlib import Path\nfrom tests.conftest import make_params\nfrom rls3.round import Campaign\nwith Campaign(Path({str(tmp_path)!r}), make_params()).locked():\n print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(
            CampaignError, match=f"'default' is already running .process {holder.pid}.*another name"
        ),
        campaign.locked(),
    ):
        pass
    holder.kill()
    holder.wait()
    with campaign.locked():
        assert (campaign.folder / "lock").read_text() == str(os.getpid())


def test_other_parameters_are_refused_but_more_rounds_are_not(tmp_path):
    with Campaign(tmp_path, make_params()).locked():
        pass
    with Campaign(tmp_path, make_params(campaign__rounds=99, simulator__workers=5)).locked():
        pass
    with (
        pytest.raises(
            CampaignError,
            match="was begun with campaign.seed = 7, not 8; give that value, choose another campaign.name, or delete",
        ),
        Campaign(tmp_path, make_params(campaign__seed=8)).locked(),
    ):
        pass


def test_a_folder_appears_only_when_complete(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "x") as folder:
        (folder / "half").write_text("1")
        raise RuntimeError
    assert not (tmp_path / "x").exists()
    with whole_folder(tmp_path / "x") as folder:
        (folder / "all").write_text("1")
    with whole_folder(tmp_path / "x") as folder:
        (folder / "new").write_text("2")
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["new"]


def test_json_is_atomic_and_damage_is_one_sentence(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="a.json is damaged; delete"):
        read_json(tmp_path / "a.json")


def test_rounds_done_counts_manifests_without_gaps(tmp_path):
    campaign = Campaign(tmp_path, make_params())
    for n in (1, 2, 4):
        write_json(campaign.round(n).manifest, {})
    assert [r.number for r in campaign.rounds_done()] == [1, 2]
