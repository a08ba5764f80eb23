"""What the agent proposes, and what becomes of it."""

from collections import Counter

from rls3.language.relation import CELLS
from rls3.loop.records import Counts, RenderRecord, SampleRecord, ValidateRecord
from rls3.markup import Markup, card, missing, note, percent, table
from rls3.report.charts.heat import RELATIONS, Shade, heat
from rls3.report.state import CampaignState, RoundState


def relations(state: CampaignState) -> Markup:
    """Share of each of the 26 relations among the samples of each round."""
    title = "What the agent sampled"
    validated = state.noted(ValidateRecord)
    if not validated:
        return card(title, missing("No samples have been accepted yet."))
    names = [str(cell) for cell in CELLS]
    shares = {n: _shares(record.balance["cell"]) for n, record in validated.items()}
    most = max(max(by_name.values(), default=0.0) for by_name in shares.values()) or 1.0
    cells = [[_shade(name, n, by_name, most) for n, by_name in shares.items()] for name in names]
    rows = [name.replace(" + ", ", ") for name in names]
    chart = heat(rows, list(map(str, shares)), cells, "share of each relation by round", RELATIONS)
    small = f"Share of the 26 relations in each round's samples; the strongest is {percent(most)}."
    return card(title, chart, note(small))


def _shade(name: str, number: int, shares: dict[str, float], most: float) -> Shade:
    share = shares.get(name, 0.0)
    return Shade(share / most, "", f"{name}, round {number}: {percent(share)}")


def _shares(counts: Counts) -> dict[str, float]:
    total = max(1, sum(counts.values()))
    return {name: count / total for name, count in counts.items()}


def funnel(state: CampaignState) -> Markup:
    """From proposals to what is trained on, round by round."""
    title = "From proposals to samples"
    if not state.noted(SampleRecord):
        return card(title, missing("The agent has not proposed anything yet."))
    head = ["round", "proposed", "feasible", "visible", "accepted", "trained on"]
    rows = [_funnel_row(r) for r in state.rounds if r.record(SampleRecord)]
    lost = ", ".join(f"{reason} {n:,}" for reason, n in _lost(state).most_common())
    return card(title, table(head, rows), note(f"Lost to: {lost}." if lost else "None was lost."))


def _funnel_row(round_: RoundState) -> list[str]:
    """A dash for what has not come yet."""
    sampled, rendered = round_.record(SampleRecord), round_.record(RenderRecord)
    validated = round_.record(ValidateRecord)
    counts = (
        sampled and sampled.proposed,
        sampled and sampled.feasible,
        rendered and rendered.valid,
        validated and validated.accepted,
        validated and validated.kept,
    )
    return [str(round_.number), *("–" if n is None else f"{n:,}" for n in counts)]


def _lost(state: CampaignState) -> Counter[str]:
    """By reason; a proposal may have several."""
    lost: Counter[str] = Counter()
    for sampled in state.noted(SampleRecord).values():
        lost.update(sampled.infeasible_by_reason)
    for rendered in state.noted(RenderRecord).values():
        lost.update(rendered.discarded_by_reason)
    for validated in state.noted(ValidateRecord).values():
        lost["validation"] += len(validated.rejected)
    return +lost
