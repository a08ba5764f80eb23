import re
from dataclasses import replace

import pytest

from rls3.loop.records import RewardRecord, Spread, TermReward
from rls3.report.cards.teaching import chain, distribution, following, steps, verdict
from tests.unit.report.campaigns import make_round, make_state


def make_rewards(by_cell: dict[str, tuple[float, float]], mean: float = 0.2) -> RewardRecord:
    """by_cell: (share, reward)."""
    earned = {name: TermReward(share, 0.5, reward) for name, (share, reward) in by_cell.items()}
    spread = {"total": Spread(mean, 0.0, 0.1, mean, 0.3, 0.4)}
    return RewardRecord(mean={"total": mean}, spread=spread, by_term=earned, by_cell=earned)


def state_of(*rewards: RewardRecord):
    """A campaign of these rewards alone."""
    rounds = []
    for number, record in enumerate(rewards, 1):
        stage = replace(make_round(number).stages[6], record=record)
        rounds.append(replace(make_round(number, 0), stages=(stage,)))
    return replace(make_state(0), rounds=tuple(rounds))


def test_a_step_is_what_was_earned_and_how_the_share_moved():
    first = make_rewards({"left": (0.6, 0.3), "above": (0.4, 0.05)})
    second = make_rewards({"left": (0.7, 0.1), "behind": (0.3, 0.4)})
    left, above = steps({1: first, 2: second})
    assert (left.relation, left.round, left.share) == ("left", 1, 0.6)
    assert (left.advantage, left.change) == pytest.approx((0.1, 0.1))
    assert (above.advantage, above.change) == pytest.approx((-0.15, -0.4))  # not sampled again


def test_rounds_that_do_not_follow_each_other_are_no_step():
    record = make_rewards({"left": (1.0, 0.2)})
    assert steps({1: record, 3: record}) == []


@pytest.mark.parametrize("sign, along, r", [(1, "2 of 2", "+1.00"), (-1, "0 of 2", "-1.00")])
def test_the_verdict_tells_a_policy_that_follows_from_one_that_flees(sign, along, r):
    first = make_rewards({"left": (0.5, 0.4), "right": (0.5, 0.0)})
    second = make_rewards({"left": (0.5 + 0.1 * sign, 0), "right": (0.5 - 0.1 * sign, 0)})
    sentence = verdict(steps({1: first, 2: second}))
    assert sentence.startswith(f"{along} changes") and f"r = {r}" in sentence


def test_a_verdict_on_equal_rewards_claims_no_correlation():
    record = make_rewards({"left": (0.5, 0.2), "right": (0.5, 0.2)})
    assert "r =" not in verdict(steps({1: record, 2: record}))


def test_what_every_sample_earns_alike_is_said_and_not_drawn():
    card = distribution(make_state(3))
    assert "Each earns the same for being feasible (intrinsic): 0.2." in card
    assert card.count("<svg") == 3 and "reward: intrinsic" not in card
    assert re.search(r"round 2: median [+-]\d", card)


def test_the_chain_shows_failure_reward_and_share_of_each_term():
    first = make_rewards({"left": (0.5, 0.35), "above": (0.5, 0.05)})
    second = make_rewards({"left": (0.8, 0.2), "above": (0.2, 0.2)})
    card = chain(state_of(first, second)).replace("&#x27;", "'")
    assert "'left', round 1: reward +0.350, +0.150 against the mean" in card
    assert "'left', round 2: 80.0 % of samples, 50.0 % at first" in card
    assert "'above', round 1: failure 50 %" in card
    assert card.count('class="unknown"') == 2 * 4 * 2  # of four terms neither failure nor reward
    assert re.search(r'class="more"[^>]*><title>.left., round 2: 80.0 %', card)
    assert re.search(r'class="less"[^>]*><title>.above., round 2: 20.0 %', card)


def test_a_round_without_rewards_is_said():
    for card in (chain, distribution):
        assert "No round has been rewarded yet." in card(make_state(0, stages=2))
    assert "two rewarded rounds" in following(make_state(1))
