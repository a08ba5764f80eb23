"""How the work went: loss, time, and where it all came from."""

from rls3.loop.records import FinetuneRecord, GateRecord
from rls3.loop.store import flat
from rls3.markup import Markup, card, missing, note, percent, points, table, tag
from rls3.report.charts.bars import stacked_bars
from rls3.report.charts.lines import Points, lines
from rls3.report.state import CampaignState, RoundState

_MOST_POINTS = 160


def loss(state: CampaignState) -> Markup:
    """Of fine-tuning, over all rounds."""
    title = "Fine-tuning loss"
    losses = [v for record in state.noted(FinetuneRecord).values() for v in record.losses]
    if not losses:
        return card(title, missing("Nothing has been fine-tuned yet."))
    chart = lines({"loss": averaged(losses)}, "loss", "optimiser step over all rounds")
    return card(title, chart)


def averaged(values: list[float], most: int = _MOST_POINTS) -> Points:
    """(middle step, mean) of at most `most` equal stretches."""
    width = -(-len(values) // most)
    stretches = [(i, values[i : i + width]) for i in range(0, len(values), width)]
    return [(i + (len(part) + 1) / 2, sum(part) / len(part)) for i, part in stretches]


def seconds(state: CampaignState) -> Markup:
    """By stage and round."""
    title = "Seconds by stage"
    begun = [r for r in state.rounds if r.seconds]
    if not begun:
        return card(title, missing("No stage is finished yet."))
    titles = [stage.title for stage in begun[0].stages]
    parts = {name: [_seconds(r, name) for r in begun] for name in titles}
    numbers = [str(r.number) for r in begun]
    chart = stacked_bars(numbers, parts, "seconds by stage", "round", " s")
    share = state.summary.orchestration_share if state.summary else None
    if share is None:
        return card(title, chart)
    small = (
        f"{percent(share, 0)} of the time went to orchestration, tracking, validation, start-up."
    )
    return card(title, chart, note(small))


def _seconds(round_: RoundState, title: str) -> float:
    return sum(s.record.seconds for s in round_.stages if s.title == title and s.record)


# -- where it came from ---------------------------------------------------------------------------


def origin(state: CampaignState) -> Markup:
    """Settings and lineage, and every parameter on demand."""
    rows = {**_settings(state), **_handed_over(state), **_lineage(state)}
    every = flat(state.params.model_dump(mode="json"))
    parameters = table(["parameter", "value"], [(k, _text(v)) for k, v in every.items()], (0, 1))
    return card(
        "Where it came from",
        table([], list(rows.items()), (0, 1)),
        tag("details", tag("summary", "All parameters"), parameters),
        wide=True,
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _settings(state: CampaignState) -> dict[str, str]:
    vlm, simulator, agent = state.params.vlm, state.params.simulator, state.params.agent
    rooms = simulator.floor_plans
    named = ", ".join(rooms) if len(rooms) <= 8 else f"{len(rooms)} rooms"
    size = f"{simulator.width_px}×{simulator.height_px} px"
    return {
        "vision-language model": f"{vlm.family}, from {vlm.checkpoint}",
        "agent": agent.name,
        "simulator": f"{simulator.backend}, {size}, {named}",
        "seed": str(state.params.campaign.seed),
    }


def _handed_over(state: CampaignState) -> dict[str, str]:
    model, gate = state.registration, state.gate
    return {
        "model": f"{model.uri}, version {model.version} (round {model.round}), {model.alias}"
        if model
        else "not registered yet",
        "gate": _gate(gate) if gate else "not decided yet",
    }


def _gate(gate: GateRecord) -> str:
    decision = gate.decision
    if not decision.passed:
        return "not passed: " + "; ".join(decision.reasons)
    interval = f"{points(decision.low)} to {points(decision.high)}"
    return f"passed: {points(decision.gain)} on val over {gate.against} ({interval})"


def _lineage(state: CampaignState) -> dict[str, str]:
    """Of the result's round, or of the latest that is finished."""
    manifests = {r.number: r.manifest for r in state.rounds if r.manifest is not None}
    if not manifests:
        return {"lineage": "written when a round is finished"}
    manifest = manifests[state.evaluation.round if state.evaluation else max(manifests)]
    return {
        "lineage of": f"round {manifest.round}",
        "MLflow run": manifest.mlflow_run_id,
        "data version": (state.summary or manifest).data_version,
        "code": manifest.code_commit,
        "machine": f"{manifest.machine}, Python {manifest.python}",
    }
