"""A campaign: rounds until the budget or an early stop, then test, gate, promotion and report."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow

from flows.round import one_round, plainly, round_flow
from rls3 import campaign as rules
from rls3.params import check_params, load_params
from rls3.round import Campaign, Round, read_json
from rls3.stages import STAGES, Workshop
from tasks import tracking, versioning

Announce = Callable[[str], None]


def run_campaign(
    workshop: Workshop, prefect: bool, announce: Announce, process_started: float
) -> dict[str, Any]:
    """Continue the campaign where it stands, to its end. Returns `summary.json`.

    Args:
        process_started: `time.time()` at which the process began: start-up counts as orchestration.
    """
    campaign = workshop.campaign
    with campaign.locked():
        parts = {"start": time.time() - process_started}
        fetched = versioning.fetch_published(campaign.root)
        if fetched:
            announce(f"fetched {', '.join(fetched)} from the DVC remote")
        before = len(campaign.rounds_done())
        with _timed(parts, "rounds"):
            for number in range(before + 1, workshop.params.campaign.rounds + 1):
                if rules.should_stop(campaign, campaign.rounds_done()):
                    announce(
                        f"stopped early: no better accuracy on val for {workshop.params.campaign.patience_rounds} rounds"
                    )
                    break
                if prefect:
                    round_flow(workshop, campaign.round(number))
                else:
                    one_round(workshop, campaign.round(number), plainly)
                announce(round_line(campaign.round(number)))
        return finish_campaign(workshop, before, parts, process_started)


def finish_campaign(
    workshop: Workshop, before: int, parts: dict[str, float], process_started: float
) -> dict[str, Any]:
    """Test, gate, promote, report, summarise; nothing is done twice for the same result."""
    campaign, done = workshop.campaign, workshop.campaign.rounds_done()
    result = rules.best_round(done)
    with _timed(parts, "final_evaluation"):
        evaluation = rules.evaluate_campaign(workshop, result)
        decision = gate(workshop, result)
    with _timed(parts, "registry"):
        rules.write_recipe(campaign, done)
        version = versioning.version_data(campaign.root)
        alias = "champion" if decision.passed else "challenger"
        tags = {
            "campaign": campaign.name,
            "round": str(result.number),
            "data_version": version,
            "gate": "; ".join(decision.reasons) or "passed",
        }
        uri, model_version = tracking.register(campaign, result, alias, tags)
        tracking.finish_run(campaign, evaluation)
    own = sum(
        result_.record(stage.__name__)["seconds"] for result_ in done[:before] for stage in STAGES
    )
    parts["total"] = (
        time.time() - process_started + own
    )  # rounds of earlier calls count with their stages
    extra = {
        "mlflow_run_id": tracking.open_run(campaign),
        "model_uri": uri,
        "model_version": model_version,
        "data_version": version,
        "gate": asdict(decision),
        "report": str(campaign.report),
    }
    parts.pop("rounds", None)
    summary = rules.summarize_campaign(campaign, done, evaluation, parts, extra)
    from rls3.report.collect import report_campaign

    report_campaign(campaign, summary, evaluation)
    return summary


def gate(workshop: Workshop, result: Round) -> rules.Decision:
    """Against the present champion on val (the base model where there is none); the champion itself passes again."""
    from rls3.evaluation.metrics import judge
    from rls3.vlm.loading import load_vlm

    campaign = workshop.campaign
    path = campaign.folder / "gate.json"
    if path.exists() and read_json(path)["round"] == result.number:
        return rules.Decision(**read_json(path)["decision"])
    champion = tracking.champion_folder(workshop.params, campaign.root)
    if champion is None:
        before = rules.base_val_verdicts(workshop)
    else:
        import json

        family = json.loads((champion / "config.json").read_text())["model_type"]
        before = judge(
            load_vlm(family, str(champion)),
            workshop.benchmark("val"),
            workshop.params.evaluation.batch_size,
        )
    from rls3.round import write_json
    from rls3.stages import load_verdicts

    decision = rules.decide(
        before, load_verdicts(result.verdicts), workshop.params, workshop.seed(0, "bootstrap")
    )
    write_json(
        path,
        {
            "round": result.number,
            "against": "base" if champion is None else "champion",
            "decision": asdict(decision),
        },
    )
    return decision


class _timed:
    """Add the seconds of a block to `parts[name]`."""

    def __init__(self, parts: dict[str, float], name: str) -> None:
        self._parts, self._name = parts, name

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._parts[self._name] = time.perf_counter() - self._started


def round_line(round_: Round) -> str:
    """What a person sees of a finished round."""
    val, validation, reward = (
        round_.record("evaluate")["val"],
        round_.record("validate"),
        round_.record("reward")["mean"],
    )
    terms = " ".join(f"{term} {s['accuracy'] * 100:.0f}" for term, s in val["by_term"].items())
    seconds = " ".join(
        f"{stage.__name__} {round_.record(stage.__name__)['seconds']:.0f}" for stage in STAGES
    )
    proposed = round_.record("sample")["proposed"]
    return (
        f"round {round_.number}: {validation['kept']} valid of {proposed} | val accuracy {val['accuracy']['accuracy'] * 100:.1f} % ({terms}) "
        f"| reward {reward['total']:+.3f} | seconds: {seconds}"
    )


@flow(name="campaign", flow_run_name="campaign", validate_parameters=False)
def campaign_flow(workshop: Workshop, announce: Announce, process_started: float) -> dict[str, Any]:
    """The campaign as a Prefect flow; each round is a sub-flow."""
    return run_campaign(workshop, True, announce, process_started)


@flow(name="nightly campaign", log_prints=True)
def nightly(
    params_file: str = "params.yaml",
    overrides: list[str] | None = None,
    keep_adding_rounds: bool = True,
) -> dict[str, Any]:
    """What the scheduled deployment runs: the campaign of params.yaml, each night by `campaign.rounds` further rounds.

    Args:
        keep_adding_rounds: False only completes what is unfinished.
    """
    started = time.time()
    params = load_params(Path(params_file), overrides or [])
    campaign = Campaign(Path.cwd(), params)
    done = len(campaign.rounds_done())
    if keep_adding_rounds and done and done % params.campaign.rounds == 0:
        raw = params.model_dump()
        raw["campaign"]["rounds"] += done
        campaign = Campaign(Path.cwd(), check_params(raw))
    elif done > params.campaign.rounds:
        raw = params.model_dump()
        raw["campaign"]["rounds"] = -(-done // params.campaign.rounds) * params.campaign.rounds
        campaign = Campaign(Path.cwd(), check_params(raw))
    with Workshop(campaign) as workshop:
        return run_campaign(workshop, True, print, started)
