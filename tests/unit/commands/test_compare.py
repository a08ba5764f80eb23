"""What is said of a comparison before any campaign of it runs, and what it comes to."""

import pytest

from flows.compare import Cell, Result, campaigns, curve_of
from rls3.commands.compare import main
from rls3.errors import CampaignError, ParamsError
from rls3.loop.store import Campaign, Project
from tests.conftest import make_params


@pytest.mark.parametrize(
    "agents, seeds, said",
    [
        ("ppo,random", "a", "--seeds 'a' is not a whole number .*--seeds 1,2,3"),
        ("ppo,random", "1,,2", "--seeds '1,,2' has an empty place.*--seeds 1,2,3"),
        ("ppo,random", "1,2,1", "--seeds names 1 2 times; name it once"),
        ("ppo,random", "1,01", "--seeds names 1 2 times; name it once"),
        ("ppo,random", "-1", "--seeds '-1' is not a whole number"),
        ("ppo,random", "1.5", "--seeds '1.5' is not a whole number"),
        ("ppo,random", "9" * 19, "--seeds '9{19}' is not a whole number of at most 18 digits"),
        ("ppo,sac", "1", "--agents sac: agent.name = 'sac' is not allowed: .*'ppo'"),
        ("ppo,ppo", "1", "--agents names ppo 2 times; name it once"),
        ("", "1", "--agents '' has an empty place.*--agents ppo,random"),
    ],
)
def test_every_name_and_seed_is_checked_before_anything_runs(tmp_path, agents, seeds, said):
    with pytest.raises(ParamsError, match=said):
        main(tmp_path, make_params(), agents, seeds, lambda: None)
    assert not list(tmp_path.iterdir())


def test_a_name_that_gets_too_long_names_the_campaign(tmp_path):
    params = make_params(campaign__name="a" * 60)
    with pytest.raises(ParamsError, match="--agents ppo --seeds 1: campaign.name = 'a{60}-ppo-1'"):
        main(tmp_path, params, "ppo", "1", lambda: None)


def test_a_campaign_begun_with_other_parameters_is_told_before_anything_runs(tmp_path):
    project = Project(tmp_path)
    (_, second) = campaigns(Campaign(project, make_params()), ["ppo", "random"], [1])
    with second.campaign.locked():
        pass
    changed = Campaign(project, make_params(sampling__share=0.5))
    with pytest.raises(CampaignError, match="'default-random-1' was begun with sampling.share"):
        campaigns(changed, ["ppo", "random"], [1])
    assert [path.name for path in project.runs.iterdir()] == ["default-random-1"]


def test_cells_differ_in_agent_seed_and_name_alone(tmp_path):
    params = make_params(campaign__name="paper", campaign__rounds=3)
    cells = campaigns(Campaign(Project(tmp_path), params), ["ppo", "random"], [1, 2])
    assert [cell.campaign.name for cell in cells] == [
        "paper-ppo-1",
        "paper-random-1",
        "paper-ppo-2",
        "paper-random-2",
    ]
    for cell in cells:
        own = make_params(
            campaign__name=cell.campaign.name,
            campaign__rounds=3,
            campaign__seed=cell.seed,
            agent__name=cell.agent,
        )
        assert cell.campaign.params == own


def test_a_curve_is_the_mean_over_seeds_for_as_many_rounds_as_all_have():
    def result(agent: str, seed: int, samples: list[int], accuracy: list[float]) -> Result:
        return Result(Cell(agent, seed, None), tuple(samples), tuple(accuracy), None)

    results = [
        result("ppo", 1, [100, 200], [0.5, 0.7]),
        result("random", 1, [90], [0.1]),
        result("ppo", 2, [120, 260, 300], [0.7, 0.9, 1.0]),
    ]
    curve = curve_of("ppo", results)
    assert curve.samples == (110, 230)
    assert curve.mean == pytest.approx((0.6, 0.8)) and curve.spread == pytest.approx((0.1, 0.1))
