"""What a stage wrote is what the next one reads, or one sentence says what must go."""

from dataclasses import replace

import numpy as np
import pytest

from rls3.errors import CampaignError, DataError
from rls3.files import file_digest, write_text
from rls3.loop.integrity import check_inputs, checked, digests
from rls3.loop.records import FinetuneRecord, write_record
from rls3.loop.store import Campaign, Project
from tests.conftest import make_params
from tests.unit.report.campaigns import make_manifest


@pytest.fixture
def round_(tmp_path):
    """A round whose fine-tuning is finished."""
    made = Campaign(Project(tmp_path), make_params()).round(1)
    vlm = made.path("vlm")
    write_text(vlm / "config.json", "{}")
    (vlm / "model.safetensors").write_bytes(np.arange(4096, dtype=np.uint8).tobytes())
    record = FinetuneRecord(losses=(1.0,), presentations=8)
    made.finish(replace(record, sha256=digests(made.campaign.project, [vlm])))
    return made


def zero(path, offset=1000):
    """64 bytes, in place: neither the size nor the end changes."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(64))


def test_what_is_whole_is_read(round_):
    assert checked(round_, "vlm") == round_.path("vlm")
    assert set(round_.record(FinetuneRecord).sha256) == {
        "runs/default/rounds/0001/vlm/config.json",
        "runs/default/rounds/0001/vlm/model.safetensors",
    }


def test_zeroed_bytes_are_seen_and_the_sentence_names_what_must_go(round_):
    model = round_.path("vlm") / "model.safetensors"
    checked(round_, "vlm")  # known as whole in this process
    zero(model)
    only = rf"^{model} is damaged \(.*\); delete {round_.marker('finetune')} and run again"
    with pytest.raises(DataError, match=only):
        checked(round_, "vlm")
    write_record(make_manifest(1), round_.manifest)
    both = rf"; delete {round_.manifest} and {round_.marker('finetune')} and run again"
    with pytest.raises(DataError, match=both):
        checked(round_, "vlm")


def test_a_file_that_is_gone_or_that_no_stage_wrote_is_seen(round_):
    stray = round_.path("vlm") / "pytorch_model.bin"
    stray.write_bytes(b"x")
    with pytest.raises(DataError, match=f"{stray} was not written by its stage; delete {stray}"):
        checked(round_, "vlm")
    stray.unlink()
    (round_.path("vlm") / "config.json").unlink()
    with pytest.raises(DataError, match="config.json is missing; delete .*finetune.json and run"):
        checked(round_, "vlm")


def test_records_of_earlier_versions_still_count(round_):
    round_.finish(FinetuneRecord(losses=(1.0,), presentations=8))
    zero(round_.path("vlm") / "model.safetensors")
    assert checked(round_, "vlm") == round_.path("vlm")


def test_a_file_is_read_once_a_process(round_, monkeypatch):
    model = round_.path("vlm") / "model.safetensors"
    digest = file_digest(model)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert file_digest(model) == digest


def test_a_campaign_goes_on_only_with_what_it_began_with(tmp_path):
    base, val = tmp_path / "base/clip/model.safetensors", tmp_path / "benchmark/val.parquet"
    for path in (base, val):
        write_text(path, "x" * 2000)
    campaign = Campaign(Project(tmp_path), make_params())
    check_inputs(campaign)
    check_inputs(campaign)
    for path in (base, val):
        zero(path)
        with pytest.raises(CampaignError, match=f"{path} is not as it was when campaign 'default'"):
            check_inputs(campaign)
        write_text(path, "x" * 2000)
    check_inputs(campaign)
