"""`rls3 report` on campaigns that stand where they may stand."""

import pytest

from rls3.commands.report import main
from rls3.errors import CampaignError
from tests.conftest import make_params
from tests.unit.report.campaigns import add_round, begin, conclude


def test_the_page_of_a_campaign_that_runs_and_of_one_that_is_done(tmp_path):
    campaign = begin(tmp_path)
    for number, stages in ((1, 8), (2, 3)):
        add_round(campaign, number, stages)
        assert main(tmp_path, campaign.params).lines == (str(campaign.report),)
    running = campaign.report.read_text()
    add_round(campaign, 2)
    conclude(campaign, 2, 2)
    main(tmp_path, campaign.params)
    assert campaign.report.read_text() != running


def test_a_campaign_that_was_never_begun_is_one_sentence(tmp_path):
    with pytest.raises(CampaignError, match="there is no campaign 'default' in .*runs; begin it"):
        main(tmp_path, make_params())
    assert not list(tmp_path.iterdir())
