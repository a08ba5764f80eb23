"""What a person reads of a round and of a campaign, in lines of text."""

from rls3.dataset.data_docs import quality_rows
from rls3.dataset.drift import MEASURES
from rls3.loop.records import (
    EvaluateRecord,
    RewardRecord,
    SampleRecord,
    Summary,
    ValidateRecord,
)
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Round


def round_line(round_: Round) -> str:
    """A finished round: samples, accuracy by term, reward, seconds by stage."""
    val = round_.record(EvaluateRecord).val
    validated = round_.record(ValidateRecord)
    proposed = round_.record(SampleRecord).proposed
    reward = round_.record(RewardRecord).mean["total"]
    terms = " ".join(f"{term} {100 * s.accuracy:.0f}" for term, s in val.by_term.items())
    seconds = " ".join(f"{s.name} {round_.record(s.record).seconds:.0f}" for s in STAGES)
    return (
        f"round {round_.number}: {validated.kept} valid of {proposed} "
        f"| val accuracy {100 * val.accuracy.accuracy:.1f} % ({terms}) "
        f"| reward {reward:+.3f} | seconds: {seconds}{_set_apart(validated)}"
    )


def _set_apart(validated: ValidateRecord) -> str:
    """What the quality gate says of a round; nothing if there is nothing to say."""
    said = ""
    if validated.rejected:
        said += f" | rejected: {len(validated.rejected)}"
    if validated.drifted:
        moved = (f"{MEASURES[m]} {100 * validated.drift[m]:.0f} %" for m in validated.drifted)
        said += f" | drifted from the campaign so far: {', '.join(moved)}"
    return said


def quality_table(campaign: Campaign) -> list[dict[str, object]]:
    """What the quality gate found, for a table: round, accepted, expectation (in words), rejected
    (by it), drift; a row for each expectation that failed, or one for a round where all hold."""
    return quality_rows(campaign.docs)


def outcome_line(summary: Summary) -> str:
    """A finished campaign in one line: accuracy on test, and what the gate decided."""
    gate = summary.gate
    verdict = "passed" if gate.passed else f"not passed ({'; '.join(gate.reasons)})"
    return (
        f"accuracy on test {100 * summary.base_accuracy:.1f} % -> "
        f"{100 * summary.final_accuracy:.1f} %; gate {verdict}: "
        f"gain on val {100 * gate.gain:+.1f} points [{100 * gate.low:+.1f}, {100 * gate.high:+.1f}]"
    )


def closing_lines(summary: Summary) -> list[str]:
    """A finished campaign: accuracies, and where its page, run, model and data are."""
    low, high = (100 * v for v in summary.interval)
    lines = [
        f"accuracy on test: {100 * summary.base_accuracy:.1f} % -> "
        f"{100 * summary.final_accuracy:.1f} % ({100 * summary.gain:+.1f} points, "
        f"95 % interval {low:+.1f} to {high:+.1f}) "
        f"with {summary.samples_valid} samples in {summary.rounds} rounds"
    ]
    if summary.unseen_types:
        before, after = (100 * v for v in summary.unseen_types)
        lines.append(f"with types held out: {before:.1f} % -> {after:.1f} %")
    model = f"{summary.model_uri} (version {summary.model_version})"
    if not summary.gate.passed:
        model += f"; not champion: {'; '.join(summary.gate.reasons)}"
    elif summary.gate.passed:
        model += "; champion: it passed the gate"
    time = f"{summary.seconds_total:.0f} s"
    if summary.orchestration_share is not None:
        time += f", {100 * summary.orchestration_share:.0f} % of it orchestration"
    return [
        *lines,
        f"report:        {summary.report}",
        f"MLflow run:    {summary.mlflow_run_id}",
        f"model:         {model}",
        f"data/ version: {summary.data_version}",
        f"time:          {time}",
    ]
