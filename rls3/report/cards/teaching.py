"""What the policy is taught, and whether it follows.

The extrinsic parts of the reward are centred over a round (`rls3.loop.reward`), so their mean is
zero by construction and says nothing. What tells is how they spread, which terms earn them, and
whether what earned more in a round is sampled more in the next.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation

from rls3.language.relation import Term
from rls3.loop.records import RewardRecord, Spread, TermReward
from rls3.markup import Markup, card, legend, missing, note, percent, tag
from rls3.report.charts.axes import color
from rls3.report.charts.boxes import boxes, common_ticks
from rls3.report.charts.heat import TERMS, Shade, heat
from rls3.report.charts.scatter import Dot, scatter
from rls3.report.state import CampaignState

Rewards = Mapping[int, RewardRecord]
"""By round."""

_NOTHING = "No round has been rewarded yet."
_PARTS = {
    "total": "total",
    "extrinsic": "for the VLM's failure (extrinsic)",
    "progress": "for the VLM's progress",
    "intrinsic": "for being feasible (intrinsic)",
}
_MORE, _LESS = "var(--c2)", "var(--c1)"


# -- how rewards spread ---------------------------------------------------------------------------


def distribution(state: CampaignState) -> Markup:
    """The reward of accepted samples, by part and round."""
    title = "What a sample earns"
    spreads = {n: r.spread for n, r in state.noted(RewardRecord).items() if r.spread}
    if not spreads:
        return card(title, missing(_NOTHING), wide=True)
    parts = dict.fromkeys(part for by_part in spreads.values() for part in by_part)
    known = [part for part in _PARTS if part in parts]
    by_part = {
        part: {n: s[part] for n, s in spreads.items() if part in s}
        for part in (*known, *(part for part in parts if part not in _PARTS))
    }
    same = {part for part, by_round in by_part.items() if _is_flat(by_round)}
    varied = {part: by_round for part, by_round in by_part.items() if part not in same}
    ticks = common_ticks(
        [s for by_round in varied.values() for s in by_round.values()]
        or [s for by_round in by_part.values() for s in by_round.values()]
    )
    panels = [
        _panel(_PARTS.get(part, part), boxes(by_round, ticks, f"reward: {part}", color(i)))
        for i, (part, by_round) in enumerate(varied.items())
    ]
    small = (
        "Reward of the samples that are trained on. Line: nine in ten of them; box: the middle "
        "half; bar: the median. A wide box tells samples apart; a flat one teaches nothing. "
    )
    return card(title, _panels(panels), note(small + _flat_parts(same, by_part)), wide=True)


def _is_flat(by_round: Mapping[int, Spread]) -> bool:
    return all(s.p95 - s.p5 < 1e-9 for s in by_round.values())


def _flat_parts(same: set[str], by_part: Mapping[str, Mapping[int, Spread]]) -> str:
    """What is said of parts that every sample earns alike, instead of a chart."""
    sentences = []
    for part in sorted(same):
        values = sorted({round(s.p50, 3) for s in by_part[part].values()})
        amount = " to ".join(f"{v:g}" for v in dict.fromkeys((values[0], values[-1])))
        sentences.append(f"Each earns the same {_PARTS.get(part, part)}: {amount}.")
    return " ".join(sentences)


def _panel(title: str, *body: str) -> Markup:
    return tag("div", tag("h3", title), *body)


def _panels(panels: Sequence[str]) -> Markup:
    return tag("div", *panels, class_="panels")


# -- from failure to reward to samples ------------------------------------------------------------


def chain(state: CampaignState) -> Markup:
    """By term and round: how the VLM fails, what that earns, what is sampled."""
    title = "What earns reward, and what is sampled"
    rewards = state.noted(RewardRecord)
    if not rewards:
        return card(title, missing(_NOTHING), wide=True)
    panels = [
        _term_panel("1. The VLM fails", rewards, _failure),
        _term_panel("2. That earns reward", rewards, _advantage, _swatches("the round's mean")),
        _term_panel("3. Is it sampled more?", rewards, _share, _swatches("in the first round")),
    ]
    small = (
        "Read a row from left to right. 1: the VLM's failure on a term before the round's "
        "fine-tuning. 2: mean reward of the samples with the term, against the round's mean. "
        "3: share of samples with the term, coloured by its change since the first round. A policy "
        "that follows turns a row of 3 orange where 2 was orange."
    )
    return card(title, _panels(panels), note(small), wide=True)


Look = Callable[[Rewards, int, str], Shade | None]
"""Of a term in a round."""


def _term_panel(title: str, rewards: Rewards, look: Look, *below: str) -> Markup:
    terms = [str(term) for term in Term]
    cells = [[look(rewards, n, term) for n in rewards] for term in terms]
    strongest = max((abs(c.strength) for row in cells for c in row if c), default=0.0) or 1.0
    shades = [[c and Shade(c.strength / strongest, c.text, c.title) for c in row] for row in cells]
    chart = heat(terms, list(map(str, rewards)), shades, f"{title}, by term and round", TERMS)
    return _panel(title, chart, *below)


def _swatches(than: str) -> Markup:
    return legend([(f"more than {than}", _MORE), ("less", _LESS)])


def _failure(rewards: Rewards, number: int, term: str) -> Shade | None:
    earned = rewards[number].by_term.get(term)
    if earned is None:
        return None
    value = percent(earned.failure, 0)
    return Shade(earned.failure, value, f"'{term}', round {number}: failure {value}")


def _advantage(rewards: Rewards, number: int, term: str) -> Shade | None:
    record = rewards[number]
    earned = record.by_term.get(term)
    if earned is None:
        return None
    more = earned.reward - mean_reward(record)
    told = f"'{term}', round {number}: reward {earned.reward:+.3f}, {more:+.3f} against the mean"
    return Shade(more, f"{more:+.2f}".replace("0.", "."), told)


def _share(rewards: Rewards, number: int, term: str) -> Shade | None:
    first = next(iter(rewards.values())).by_term.get(term)
    earned = rewards[number].by_term.get(term)
    share, before = (e.share if e else 0.0 for e in (earned, first))
    told = f"'{term}', round {number}: {percent(share)} of samples, {percent(before)} at first"
    return Shade(share - before, percent(share, 0), told)


def mean_reward(record: RewardRecord) -> float:
    """Of the accepted samples."""
    return record.spread["total"].mean


# -- does the policy follow? ----------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A relation from one round to the next.

    Attributes:
        advantage: its mean reward in the round, less the mean of all samples.
        share: of the round's samples. change: of that share in the next round.
    """

    relation: str
    round: int
    advantage: float
    share: float
    change: float


def steps(rewards: Rewards) -> list[Step]:
    """Of every relation in every pair of rounds that follow each other."""
    return [
        Step(
            relation,
            number,
            earned.reward - mean_reward(record),
            earned.share,
            _share_of(rewards[number + 1].by_cell.get(relation)) - earned.share,
        )
        for number, record in rewards.items()
        if number + 1 in rewards
        for relation, earned in record.by_cell.items()
    ]


def _share_of(earned: TermReward | None) -> float:
    return earned.share if earned else 0.0


def following(state: CampaignState) -> Markup:
    """Is what earns reward sampled more in the next round?"""
    title = "Does the policy follow its reward?"
    found = steps(state.noted(RewardRecord))
    if not found:
        return card(title, missing("It takes two rewarded rounds to tell."))
    dots = [
        Dot(
            s.advantage,
            100 * s.change,
            2.0 + 30 * s.share,
            f"{s.relation}, round {s.round}: reward {s.advantage:+.3f} against the mean, "
            f"then {100 * s.change:+.1f} points of share",
        )
        for s in found
    ]
    chart = scatter(
        dots,
        "change of share in the next round against reward",
        "reward against the round's mean",
        " p.",
        ("earned more, sampled more", "earned less, sampled less"),
    )
    small = (
        "A dot is one of the 26 relations in a round: what its samples earned, and by how many "
        "points its share of the samples changed in the next round. Line: best fit."
    )
    return card(title, tag("p", verdict(found)), chart, note(small))


def verdict(found: Sequence[Step]) -> str:
    """In a sentence, whether shares move with rewards."""
    moved = [s for s in found if s.advantage and s.change]
    along = sum(s.advantage * s.change > 0 for s in moved)
    try:
        r = correlation([s.advantage for s in found], [s.change for s in found])
    except StatisticsError:
        r = math.nan
    strength = "" if math.isnan(r) else f" r = {r:+.2f}; a policy that ignores it gives about 0."
    return (
        f"{along} of {len(moved)} changes of share go with the reward; chance would give half."
        + strength
    )
