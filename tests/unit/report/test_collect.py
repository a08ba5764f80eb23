import pytest

from rls3.errors import DataError
from rls3.loop.records import EvaluateRecord, SampleRecord, write_record
from rls3.loop.stages import STAGES
from rls3.report.collect import read_state, report_campaign
from tests.unit.report.campaigns import (
    TITLES,
    add_round,
    begin,
    conclude,
    make_conclusion,
    make_predictions,
    round_records,
)


def test_builders_follow_the_stage_table():
    assert [stage.title for stage in STAGES] == list(TITLES)
    assert [stage.record for stage in STAGES] == [type(r) for r in round_records(1)]


def test_a_campaign_that_never_began_is_an_error(tmp_path):
    campaign = begin(tmp_path)
    campaign.begun_with.unlink()
    with pytest.raises(DataError, match="is missing; run `rls3 run`"):
        report_campaign(campaign)
    assert not campaign.report.exists()


def test_begun_with_nothing_done(tmp_path):
    state = read_state(begin(tmp_path))
    assert state.rounds == () and state.current is None and state.comparison is None
    assert state.base_on_val is None and state.gallery is None


def test_a_round_under_way_shows_the_stages_that_are_finished(tmp_path):
    campaign = begin(tmp_path)
    make_predictions().save(campaign.base_predictions)
    add_round(campaign, 1)
    add_round(campaign, 2, stages=4)
    state = read_state(campaign)
    assert [r.number for r in state.rounds] == [1, 2] and len(state.done) == 1
    assert state.current.stands_at == "fine-tune VLM"
    assert state.noted(SampleRecord).keys() == {1, 2}
    assert state.noted(EvaluateRecord).keys() == {1}
    assert (state.gallery.split, state.gallery.round) == ("val", 1)
    assert state.base_on_val.accuracy.accuracy == pytest.approx(0.5)
    assert (state.comparison.split, state.comparison.later) == ("val", "round 1")


def test_records_come_back_as_they_were_written(tmp_path):
    campaign = begin(tmp_path)
    add_round(campaign, 1)
    assert [stage.record for stage in read_state(campaign).rounds[0].stages] == round_records(1)


def test_a_finished_campaign(tmp_path):
    campaign = begin(tmp_path)
    for number in (1, 2, 3):
        add_round(campaign, number)
    conclude(campaign, result=2, rounds=3)
    state = read_state(campaign)
    made = make_conclusion(2, 3)
    assert (state.evaluation, state.gate, state.registration, state.summary) == tuple(made.values())
    assert (state.gallery.split, state.gallery.round) == ("test", 2)
    assert state.base_on_val == made["evaluation"].base["val"]
    path = report_campaign(campaign)
    assert path == campaign.report and path.read_text().endswith("</html>\n")
    assert not [p for p in path.parent.iterdir() if p.name.startswith(".report")]


def test_the_page_is_the_same_each_time(tmp_path):
    campaign = begin(tmp_path)
    make_predictions().save(campaign.base_predictions)
    add_round(campaign, 1)
    assert report_campaign(campaign).read_bytes() == report_campaign(campaign).read_bytes()


def test_what_was_handed_over_for_another_result_is_left_out(tmp_path):
    campaign = begin(tmp_path)
    for number in (1, 2):
        add_round(campaign, number)
    conclude(campaign, result=2, rounds=2)
    write_record(make_conclusion(1, 2)["gate"], campaign.gate)
    state = read_state(campaign)
    assert state.gate is None and state.registration is not None


def test_a_damaged_record_is_named(tmp_path):
    campaign = begin(tmp_path)
    add_round(campaign, 1)
    marker = campaign.round(1).marker("reward")
    marker.write_text('{"mean": ')
    with pytest.raises(DataError, match="reward.json is damaged"):
        report_campaign(campaign)


def test_the_gallery_of_a_result_that_is_lost_is_not_made_up(tmp_path):
    campaign = begin(tmp_path)
    add_round(campaign, 1)
    campaign.round(1).path("gallery").unlink()
    assert "No pictures have been saved yet." in report_campaign(campaign).read_text()
