"""`rls3 quarantine`: what was rejected and why, in lines, as JSON, as pictures."""

import pytest

from rls3.commands.quarantine import main
from rls3.dataset.quarantine import write_quarantine
from rls3.errors import CampaignError
from tests.conftest import make_params, many_samples
from tests.unit.report.campaigns import add_round, begin


def test_what_was_rejected_and_why(tmp_path):
    campaign = begin(tmp_path)
    add_round(campaign, 1)
    samples = many_samples(3)
    write_quarantine([(samples[0], "too few visible pixels")], campaign.round(1).path("rejected"))
    refused = [(sample, "not: negatives are false") for sample in samples[1:]]
    write_quarantine(refused, campaign.round(2).path("rejected"))
    answer = main(tmp_path, campaign.params, tmp_path / "seen")
    assert [row["round"] for row in answer.document] == [1, 2, 2]
    assert f"round 1  {samples[0].sample_id}  too few visible pixels" in answer.lines[0]
    assert answer.lines[-1].startswith("3 rejected in 2 rounds; page: ")
    pictures = {path.stem: path.read_bytes() for path in (tmp_path / "seen").iterdir()}
    assert pictures == {sample.sample_id: sample.image for sample in samples}


def test_a_campaign_that_was_never_begun_is_one_sentence(tmp_path):
    with pytest.raises(CampaignError, match="there is no campaign 'default'"):
        main(tmp_path, make_params(), None)
