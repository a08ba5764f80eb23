"""How far a campaign has come, and its main figure."""

from rls3.evaluation.metrics import Slice
from rls3.loop.records import CampaignEvaluation, EvaluateRecord, ValidateRecord
from rls3.markup import (
    Markup,
    counted,
    duration,
    hundredths,
    join,
    missing,
    percent,
    points,
    tag,
)
from rls3.report.state import CampaignState, Comparison, RoundState


def standing(state: CampaignState) -> Markup:
    """A sentence, and the stages of the round that has begun."""
    sentence = tag("p", " ".join(_sentences(state)), class_="standing")
    return join([sentence, _stages(state.current) if state.current else Markup()])


def _sentences(state: CampaignState) -> list[str]:
    done, summary = len(state.done), state.summary
    if summary and summary.rounds == done and state.current is None:
        stop = f" of {state.planned} (stopped early)" if done < state.planned else ""
        result = f"the result is the model after round {summary.result_round}"
        return [f"Finished after {counted(done, 'round')}{stop}; {result}."]
    return [_progress(state, done), *_tested(state, done)]


def _progress(state: CampaignState, done: int) -> str:
    rounds = f"{done} of {state.planned} rounds" if state.planned > done else counted(done, "round")
    finished = f"{rounds} finished" if done else "No round is finished yet"
    if state.current is None:
        return f"{finished}."
    at = state.current.stands_at or "handing over (all its stages are finished)"
    return f"{finished}; round {state.current.number} is at: {at}."


def _tested(state: CampaignState, done: int) -> list[str]:
    if state.evaluation is None:
        return ["Not tested yet: test is read once, when the rounds are done."] if done else []
    if state.summary is None:
        return [f"Tested: the model after round {state.evaluation.round}; not handed over yet."]
    since = done - state.summary.rounds
    first = f"the first {counted(state.summary.rounds, 'round')}"
    return [f"The test below is of {first}; {counted(since, 'round')} came after it."]


def _stages(round_: RoundState) -> Markup:
    """All stages of a round: finished, at work, to come."""
    parts = []
    for stage in round_.stages:
        if stage.record is not None:
            text, kind = f"✓ {stage.title} {duration(stage.record.seconds)}", "over"
        else:
            text, kind = stage.title, "now" if stage.title == round_.stands_at else "later"
        parts.append(tag("li", text, class_=kind))
    return tag("ol", *parts, class_="stages")


# -- the main figure ------------------------------------------------------------------------------


def headline(state: CampaignState) -> Markup:
    """Accuracy before and after: on test, or on val as far as the campaign has come."""
    comparison = state.comparison
    if comparison is None:
        return _base_alone(state.base_on_val.accuracy if state.base_on_val else None)
    before, after = comparison.before.accuracy.accuracy, comparison.after.accuracy.accuracy
    unit = "two-way accuracy" if comparison.split == "test" else "on val so far"
    big = tag(
        "div",
        f"{hundredths(before)} → {hundredths(after)} ",
        tag("small", f"% {unit}"),
        class_="big",
    )
    tested = state.evaluation
    facts = _test_facts(state, tested) if tested else _val_facts(state, comparison)
    return tag("div", big, _facts(facts), class_="hero")


def _base_alone(base: Slice | None) -> Markup:
    if base is None:
        return missing("The starting model has not been judged yet.")
    small = tag("small", "% on val: the starting model")
    return tag(
        "div", tag("div", f"{hundredths(base.accuracy)} ", small, class_="big"), class_="hero"
    )


def _facts(facts: dict[str, str]) -> Markup:
    return tag(
        "div",
        *(
            tag("div", tag("b", value), tag("span", name, class_="soft"))
            for name, value in facts.items()
        ),
        class_="facts",
    )


def _samples(state: CampaignState) -> str:
    return f"{sum(record.kept for record in state.noted(ValidateRecord).values()):,}"


def _interval(found: Slice, sign: str = "") -> str:
    return f"{hundredths(found.low, sign)} to {hundredths(found.high, sign)}"


def _test_facts(state: CampaignState, tested: CampaignEvaluation) -> dict[str, str]:
    gain, before, after = (by["test"] for by in (tested.gain, tested.base, tested.final))
    objects = (before.object_accuracy.accuracy, after.object_accuracy.accuracy)
    facts = {
        "gain on test": points(gain.accuracy),
        "95 % interval": _interval(gain, "+"),
        "object accuracy": " → ".join(map(percent, objects)),
        "samples": _samples(state),
        "rounds": str(len(state.done)),
    }
    if state.gate:
        facts["gate"] = "passed" if state.gate.decision.passed else "not passed"
    if state.summary:
        facts["time"] = duration(state.summary.seconds_total)
    return facts


def _val_facts(state: CampaignState, comparison: Comparison) -> dict[str, str]:
    best, number = max(
        (record.val.accuracy.accuracy, number)
        for number, record in state.noted(EvaluateRecord).items()
    )
    return {
        "latest": f"round {comparison.round}",
        "its 95 % interval": _interval(comparison.after.accuracy),
        "best so far": f"{percent(best)}, round {number}",
        "samples": _samples(state),
        "time in stages": duration(sum(round_.seconds for round_ in state.rounds)),
    }
